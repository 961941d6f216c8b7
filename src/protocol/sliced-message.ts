/** A message or piece that is sent in slices. @internal */
export class SlicedMessage {
  readonly #data: string | Uint8Array;
  /** The average number of UTF-8 bytes per unit of the data: per byte, or per UTF-16 code unit. */
  readonly #bytesPerUnit: number;
  /** The number of units in a slice. */
  readonly #step: number;
  #at = 0;

  /** @param bytes the length of the data in UTF-8, at least 1 @param size the approximate length of a slice, in bytes */
  constructor(data: string | Uint8Array, bytes: number, size: number) {
    this.#data = data;
    this.#bytesPerUnit = bytes / data.length;
    this.#step = Math.max(1, Math.floor(size / this.#bytesPerUnit));
  }

  /** The approximate number of bytes left. */
  get bytes(): number {
    return Math.ceil((this.#data.length - this.#at) * this.#bytesPerUnit);
  }

  /** Whether next() has returned the last slice. */
  get isDone(): boolean {
    return this.#at === this.#data.length;
  }

  /** The next slice. A string may be cut between surrogates; Protocol.send() joins them again. */
  next(): string | Uint8Array {
    const start = this.#at;
    this.#at = Math.min(start + this.#step, this.#data.length);
    return typeof this.#data === "string" ? this.#data.slice(start, this.#at) : this.#data.subarray(start, this.#at);
  }
}
