/** A message, or a piece of one, that is sent in slices. @internal */
export class SlicedMessage {
  readonly #data: string | Uint8Array;
  /** How many bytes each byte or UTF-16 code unit of the data becomes, on average. */
  readonly #bytesPerUnit: number;
  /** How many of these a slice has. */
  readonly #step: number;
  #at = 0;

  /** @param bytes how many the data has, as UTF-8, at least one @param size how many a slice has, about */
  constructor(data: string | Uint8Array, bytes: number, size: number) {
    this.#data = data;
    this.#bytesPerUnit = bytes / data.length;
    this.#step = Math.max(1, Math.floor(size / this.#bytesPerUnit));
  }

  /** How many bytes are left, about. */
  get bytes(): number {
    return Math.ceil((this.#data.length - this.#at) * this.#bytesPerUnit);
  }

  /** Whether next() has returned the last one. */
  get isDone(): boolean {
    return this.#at === this.#data.length;
  }

  /** The next slice. Strings may be cut between surrogates: Protocol.send() puts them together. */
  next(): string | Uint8Array {
    const start = this.#at;
    this.#at = Math.min(start + this.#step, this.#data.length);
    return typeof this.#data === "string" ? this.#data.slice(start, this.#at) : this.#data.subarray(start, this.#at);
  }
}
