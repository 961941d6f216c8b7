/** The budget of one call for inflating messages, and whether work is left. @internal */
export class Slices {
  /** Whether a call stopped because the budget was used up. */
  unfinished = false;
  /** Whether the caller has paused the connection. */
  paused = false;
  readonly #size: number;
  #left: number;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  refill(): void {
    this.#left = this.#size;
  }

  /** The caller wants the next slice. */
  begin(): void {
    this.unfinished = false;
    this.paused = false;
    this.refill();
  }

  /** Counts inflated bytes. Returns whether to stop. */
  uses(length: number): boolean {
    this.#left -= length;
    if (this.#left <= 0) this.unfinished = true;
    return this.unfinished;
  }
}
