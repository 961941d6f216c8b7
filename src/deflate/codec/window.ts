// The last bytes of earlier messages, which matches of the next one may refer to (the sliding window of LZ77).

const NOTHING = new Uint8Array(0);
const LEAST_CAPACITY = 512;

/** @internal */
export class HistoryWindow {
  #bytes: Uint8Array = NOTHING;
  #length = 0;

  /** The last bytes in the window, up to `length`. The view is valid until the next change. */
  last(length: number): Uint8Array {
    return this.#bytes.subarray(Math.max(0, this.#length - length), this.#length);
  }

  /** The memory of the window, in bytes. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Adds a copy of the bytes and forgets all but the last `size`. The memory never exceeds `size` bytes. */
  push(bytes: Uint8Array, size: number): void {
    const added = Math.min(bytes.length, size);
    const kept = Math.min(this.#length, size - added);
    const from = this.#length - kept;
    if (kept + added > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(size, capacityFor(kept + added)));
      grown.set(this.#bytes.subarray(from, this.#length));
      this.#bytes = grown;
    } else if (from > 0) {
      this.#bytes.copyWithin(0, from, this.#length);
    }
    this.#bytes.set(added < bytes.length ? bytes.subarray(bytes.length - added) : bytes, kept);
    this.#length = kept + added;
  }

  /** Forgets everything and frees the memory. */
  clear(): void {
    this.#bytes = NOTHING;
    this.#length = 0;
  }
}

function capacityFor(length: number): number {
  let capacity = LEAST_CAPACITY;
  while (capacity < length) capacity *= 2;
  return capacity;
}
