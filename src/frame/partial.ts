import { Frame } from "./frame.ts";

/** The smallest buffer that a frame is collected in, unless it is shorter itself. */
const LEAST_CAPACITY = 1024;
/**
 * How many times larger than what has arrived a buffer may be: a frame of 1 MiB that comes in chunks of 64 KiB, the
 * first of them not whole, is allocated once and never moved, and a header that lies costs little.
 */
const GROWTH = 20;

/**
 * A frame whose payload has not arrived to its end.
 * @internal
 */
export class PartialFrame {
  /** As STATE_FRAME in assembly/memory.ts. */
  readonly flags: number;
  /** The masking-key as the core's number; 0 for none. */
  readonly key: number;
  readonly payloadLength: number;
  /** Where in the stream the payload starts. */
  readonly payloadOffset: number;
  /** Passed on through a sink, not collected. */
  readonly streaming: boolean;
  /** As STATE_KEY, STATE_CLOSE and STATE_REMAINING in assembly/memory.ts. */
  rotatedKey = 0;
  close = 0;
  remaining = 0;
  readonly #allocate: (length: number) => Uint8Array;
  #buffer: Uint8Array | undefined = undefined;
  #filled = 0;

  constructor(
    flags: number,
    key: number,
    payloadLength: number,
    payloadOffset: number,
    streaming: boolean,
    allocate: (length: number) => Uint8Array,
  ) {
    this.flags = flags;
    this.key = key;
    this.payloadLength = payloadLength;
    this.payloadOffset = payloadOffset;
    this.streaming = streaming;
    this.#allocate = allocate;
  }

  get collected(): Uint8Array {
    return this.#buffer?.subarray(0, this.#filled) ?? new Uint8Array(0);
  }

  /** Takes a copy of `bytes[start, start + length)`. */
  append(bytes: Uint8Array, start: number, length: number): void {
    if (length === 0) return;
    const needed = this.#filled + length;
    if (this.#buffer === undefined || needed > this.#buffer.length) {
      const capacity = Math.max(LEAST_CAPACITY, needed * GROWTH);
      const length = Math.min(this.payloadLength, capacity);
      const grown = this.#allocate(length);
      if (grown.length < length) throw new RangeError(`allocate returned ${grown.length} bytes, not ${length}`);
      if (this.#buffer) grown.set(this.collected);
      this.#buffer = grown;
    }
    this.#buffer.set(bytes.subarray(start, start + length), this.#filled);
    this.#filled = needed;
  }

  /** The frame, now that it is complete. It takes over the buffer. */
  toFrame(): Frame {
    const { buffer, byteOffset } = this.#buffer ?? new Uint8Array(0);
    const source = { buffer, byteOffset, streamOffset: this.payloadOffset, key: this.key };
    return new Frame(source, this.flags, 0, this.payloadLength);
  }
}
