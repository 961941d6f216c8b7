// What permessage-deflate asks of a compressor: DEFLATE (RFC 1951) without a header around it, in one synchronous call.

/** How to compress a message, or a part of one. */
export interface DeflateSettings {
  /** What stood before the data, empty if nothing did: matches may refer to it. Borrowed until the call returns. */
  readonly dictionary: Uint8Array;
  /** 8 to 15: no match may reach back farther than 2 to the power of this many bytes. */
  readonly windowBits: number;
  /** As in zlib: -1 (zlib's default, 6), 0 (stored) to 9 (slowest). */
  readonly level: number;
  /** As in zlib: 1 (slowest) to 9. */
  readonly memLevel: number;
  /** As in zlib: 0 for its default. */
  readonly strategy: 0 | 1 | 2 | 3 | 4;
}

/** How to inflate. */
export interface InflateSettings {
  /** What stood before the data, empty if nothing did: matches refer to it. Borrowed until the call returns. */
  readonly dictionary: Uint8Array;
  /** 8 to 15: matches reach back 2 to the power of this many bytes at the most. */
  readonly windowBits: number;
  /** The most bytes that the result may have: Infinity for no limit. */
  readonly maxLength: number;
  /**
   * The most bytes to allocate at a time for the result, given where the stream is probably a short piece of the data. A codec
   * need not mind it. Undefined: as the codec likes.
   */
  readonly maxChunk?: number | undefined;
}

/** What came of inflating. */
export interface Inflated {
  /** The result, at most `maxLength` bytes. What is not alone in its buffer is copied. */
  readonly data: Uint8Array;
  /** How many bytes the stream had, up to the end of the block that says that it is the last. */
  readonly bytesRead: number;
}

/**
 * A compressor. It keeps nothing between calls, so one serves all connections. The bytes that it is given are borrowed
 * until it returns; what it returns it does not touch again.
 */
export interface DeflateCodec {
  /**
   * The data compressed, up to a sync flush: the result ends with the bytes 00 00 ff ff, and no block of it says that it
   * is the last.
   */
  deflate(data: Uint8Array, settings: DeflateSettings): Uint8Array;
  /**
   * Inflates one whole stream, which begins with the first byte of `data`. What follows its last block is not read.
   *
   * @throws RangeError as soon as it shows that the result is longer than maxLength: not much more than that may be
   * allocated
   * @throws Error if the data is not DEFLATE, or is all read before the stream ends
   */
  inflate(data: Uint8Array, settings: InflateSettings): Inflated;
}
