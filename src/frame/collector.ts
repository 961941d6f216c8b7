/** The smallest buffer that something is collected in, unless it is known to be shorter. */
const LEAST_CAPACITY = 1024;
/**
 * How many times larger than what has arrived a buffer may be: a frame of 1 MiB that comes in chunks of 64 KiB, the
 * first of them not whole, is allocated once and never moved, and a header that lies costs little.
 */
const GROWTH = 20;
/** A message's buffer may be so much larger than the message, in bytes, before the message is moved to its own. */
const SPARE = 1024;

/**
 * Bytes that arrive one after the other, in one buffer that grows with them.
 * @internal
 */
export class Collector {
  readonly #allocate: (length: number) => Uint8Array<ArrayBuffer>;
  #buffer: Uint8Array<ArrayBuffer> | undefined = undefined;
  #length = 0;

  constructor(allocate: (length: number) => Uint8Array<ArrayBuffer>) {
    this.#allocate = allocate;
  }

  get length(): number {
    return this.#length;
  }

  /** What has been collected: a view on the buffer. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer?.subarray(0, this.#length) ?? new Uint8Array(0);
  }

  /** How many bytes the buffer has that nothing has been collected in. */
  get spare(): number {
    return (this.#buffer?.length ?? 0) - this.#length;
  }

  /**
   * Takes a copy of `bytes[start, end)`. `announced` is how many bytes there may be together, at least these.
   * @throws RangeError if allocate returns less than it was asked for
   */
  append(bytes: Uint8Array, start: number, end: number, announced: number): void {
    if (start === end) return;
    const needed = this.#length + end - start;
    if (this.#buffer === undefined || needed > this.#buffer.length) {
      const length = Math.min(announced, Math.max(LEAST_CAPACITY, needed * GROWTH));
      const grown = this.#allocate(length);
      if (grown.length < length) throw new RangeError(`allocate returned ${grown.length} bytes, not ${length}`);
      if (this.#buffer) grown.set(this.bytes);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes.subarray(start, end), this.#length);
    this.#length = needed;
  }
}

/** What has been collected, for the one who gets the message: it keeps little else in memory. @internal */
export function giveAway(collector: Collector): Uint8Array<ArrayBuffer> {
  return collector.spare > SPARE ? new Uint8Array(collector.bytes) : lend(collector);
}

/**
 * What has been collected, with zeros after it: `allocate` need not zero, and the view reaches all of its buffer.
 * @internal
 */
export function lend({ bytes, spare }: Collector): Uint8Array<ArrayBuffer> {
  if (spare > 0) new Uint8Array(bytes.buffer, bytes.byteOffset + bytes.length, spare).fill(0);
  return bytes;
}
