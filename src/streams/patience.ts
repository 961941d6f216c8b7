// The time limits of a connection that is closing.

import { LONGEST_DELAY } from "../protocol/times.ts";

/**
 * Waits for one thing at a time, each with a time limit that starts again on progress.
 * @internal
 */
export class Patience<Thing extends string> {
  readonly #expired: (thing: Thing) => void;
  #thing: Thing | undefined = undefined;
  #limit = Infinity;
  /** The time of the last progress. */
  #since = 0;
  /** The time at which the wait expires, even with progress. */
  #latest = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(expired: (thing: Thing) => void) {
    this.#expired = expired;
  }

  /**
   * Waits for `thing` instead of anything else. Does nothing if it already waits for that. Times are in milliseconds.
   */
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

  /** Stops waiting. */
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
    // After a stall of the event loop, the awaited data may wait in the system. It is read before the next timer.
    this.#timer = setTimeout(() => {
      if (this.#left > 0) this.#start();
      else this.#expired(this.#thing!);
    }, 0);
  }
}
