// How long something that has to happen may take.

import { LONGEST_DELAY } from "../protocol/times.ts";

/**
 * Waits for one thing at a time. Each may take a time of its own, which starts again whenever there is progress.
 * @internal
 */
export class Patience<Thing extends string> {
  readonly #expired: (thing: Thing) => void;
  #thing: Thing | undefined = undefined;
  #limit = Infinity;
  /** Since when nothing has moved. */
  #since = 0;
  /** When its time is over, whatever moves. */
  #latest = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(expired: (thing: Thing) => void) {
    this.#expired = expired;
  }

  /** Begins to wait for a thing, in place of what it has waited for; or goes on. Times are in milliseconds. */
  waitFor(thing: Thing, limit: number, most: number = limit): void {
    if (this.#thing === thing) return;
    this.stop();
    this.#thing = thing;
    this.#limit = limit;
    this.#since = performance.now();
    this.#latest = this.#since + most;
    this.#start();
  }

  progress(): void {
    this.#since = performance.now();
  }

  /** Waits for nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#thing = undefined;
  }

  get #left(): number {
    return Math.min(this.#since + this.#limit, this.#latest) - performance.now();
  }

  #start(): void {
    const left = this.#left;
    if (left === Infinity) return;
    this.#timer = setTimeout(() => this.#judge(), Math.min(Math.ceil(left), LONGEST_DELAY));
  }

  #judge(): void {
    if (this.#left > 0) {
      this.#start();
      return;
    }
    // After a stall of the event loop, what it waits for may be in the system: that is read before the next timer.
    this.#timer = setTimeout(() => {
      if (this.#left > 0) this.#start();
      else this.#expired(this.#thing!);
    }, 0);
  }
}
