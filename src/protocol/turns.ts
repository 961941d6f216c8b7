// Work in slices, between which others get a turn.

/** What Turns asks of a runtime. @internal */
export interface Loop {
  /** The time in milliseconds. */
  readonly now: () => number;
  /** Calls a function in a later turn of the event loop, after what has come in meanwhile. */
  readonly soon: (go: () => void) => void;
}

/** How long the slices of one turn may take together, in milliseconds. */
const BUDGET = 2;
/** From here on it is worth a call of soon() to know when the next turn begins. */
const NOTED = BUDGET / 4;
/** The most slices in a turn, for clocks that stand still while a turn lasts. */
const MOST_SLICES = 64;

/**
 * One time budget for each turn of the event loop, shared by all connections of a thread: however many of them compress and
 * inflate, others wait no longer than that. A connection that finds no time left waits in a queue, and does one slice at its turn.
 * @internal
 */
export class Turns {
  readonly #loop: Loop;
  /** First come, first served: a Set keeps that order, and lets go of any. */
  readonly #waiting: Set<() => void> = new Set();
  /** What this turn has taken, in milliseconds. */
  #spent = 0;
  #slices = 0;
  /** When the running slice has begun. */
  #begun = 0;
  /** Slices inside of one another: a message is answered while the next ones wait. */
  #depth = 0;
  /** Whether the next turn will be told. */
  #scheduled = false;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Whether another slice may begin in this turn. Nobody overtakes those that wait. */
  get hasTime(): boolean {
    if (this.#waiting.size > 0 || this.#slices >= MOST_SLICES) return false;
    return this.#taken < BUDGET;
  }

  get #taken(): number {
    return this.#depth === 0 ? this.#spent : this.#spent + this.#loop.now() - this.#begun;
  }

  /** A slice begins. */
  begin(): void {
    if (this.#depth++ === 0) this.#begun = this.#loop.now();
    this.#slices++;
  }

  /** It is over, whether it has failed or not. */
  end(): void {
    if (--this.#depth > 0) return;
    this.#spent += Math.max(0, this.#loop.now() - this.#begun);
    if (this.#spent >= NOTED || this.#slices >= MOST_SLICES) this.#schedule();
  }

  /**
   * Calls `serve` in a later turn, once, after those that wait already. One slice is its share of that turn: for the next, it
   * asks whether there is time, or waits again. It must not throw.
   */
  wait(serve: () => void): void {
    this.#waiting.add(serve);
    this.#schedule();
  }

  /** It does not wait any more. */
  leave(serve: () => void): void {
    this.#waiting.delete(serve);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#loop.soon(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#spent = 0;
    this.#slices = 0;
    // Those that wait again come after the others, in this turn if there is time.
    for (const serve of this.#waiting) {
      this.#waiting.delete(serve);
      this.begin();
      try {
        serve();
      } finally {
        this.end();
        if (this.#waiting.size > 0) this.#schedule();
      }
      if (this.#spent >= BUDGET || this.#slices >= MOST_SLICES) break;
    }
  }
}
