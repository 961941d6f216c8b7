/** How much of the compressed messages of a connection a call may still inflate, and whether there is more. @internal */
export class Slices {
  /** Whether a call has stopped because it had made enough. */
  unfinished = false;
  /** Whether the caller has paused the connection. */
  paused = false;
  readonly #size: number;
  #left: number;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  /** A call begins. */
  refill(): void {
    this.#left = this.#size;
  }

  /** The caller wants the next slice. */
  begin(): void {
    this.unfinished = false;
    this.paused = false;
    this.refill();
  }

  /** Takes note of bytes that were made. Returns whether it is time to stop. */
  uses(length: number): boolean {
    this.#left -= length;
    if (this.#left <= 0) this.unfinished = true;
    return this.unfinished;
  }
}
