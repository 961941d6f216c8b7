// Divides work into slices, so that other work gets a turn in between.

/** What Turns needs from the runtime. @internal */
export interface Loop {
  /** The time in milliseconds. */
  readonly now: () => number;
  /** Calls a function in a later turn of the event loop, after pending I/O. */
  readonly soon: (go: () => void) => void;
}

/** The time for all slices of one turn together, in milliseconds. */
const BUDGET = 2;
/** After this much time, it is worth a call of soon() to learn when the next turn begins. */
const NOTED = BUDGET / 4;
/** The most slices in a turn, for clocks that do not advance during a turn. */
const MOST_SLICES = 64;

/**
 * One time budget per turn of the event loop, shared by all connections of a thread. However many of them compress and inflate,
 * other work waits no longer than the budget. If no time is left, a connection waits in a queue and does one slice at its turn.
 * @internal
 */
export class Turns {
  readonly #loop: Loop;
  /** First come, first served. A Set keeps the order and can remove any entry. */
  readonly #waiting: Set<() => void> = new Set();
  /** Time used in this turn, in milliseconds. */
  #spent = 0;
  #slices = 0;
  /** When the running slice began. */
  #begun = 0;
  /** Slices nest: an answer to a message can be compressed while a message is inflated. */
  #depth = 0;
  /** Whether the start of the next turn is scheduled. */
  #scheduled = false;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Whether another slice may begin in this turn. False while others wait. */
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

  /** Ends a slice. Call it even if the slice failed. */
  end(): void {
    if (--this.#depth > 0) return;
    this.#spent += Math.max(0, this.#loop.now() - this.#begun);
    if (this.#spent >= NOTED || this.#slices >= MOST_SLICES) this.#schedule();
  }

  /**
   * Calls `serve` once in a later turn, after those already waiting. It may do one slice. For another one, it must check
   * `hasTime` or wait again. It must not throw.
   */
  wait(serve: () => void): void {
    this.#waiting.add(serve);
    this.#schedule();
  }

  /** Stops waiting. */
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
    // An entry that is added again meanwhile is served after the others, in this turn if there is time.
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
