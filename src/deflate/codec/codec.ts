// The interface between permessage-deflate and a compressor: raw DEFLATE (RFC 1951) in one synchronous call.

/** Settings for `deflate()` of a DeflateCodec. */
export interface DeflateSettings {
  /** The bytes before the data, which matches may refer to; may be empty. Borrowed until the call returns. */
  readonly dictionary: Uint8Array;
  /** 8 to 15. Matches may reach back at most 2 to the power of this many bytes. */
  readonly windowBits: number;
  /** As in zlib: 0 (stored) to 9 (smallest), or -1 for zlib's default, 6. */
  readonly level: number;
  /** As in zlib: 1 (slowest) to 9. */
  readonly memLevel: number;
  /** As in zlib. 0 is its default. */
  readonly strategy: 0 | 1 | 2 | 3 | 4;
}

/** Settings for `inflate()` of a DeflateCodec. */
export interface InflateSettings {
  /** The bytes before the data, which matches may refer to; may be empty. Borrowed until the call returns. */
  readonly dictionary: Uint8Array;
  /** 8 to 15. Matches reach back at most 2 to the power of this many bytes. */
  readonly windowBits: number;
  /** The most bytes of the result, or Infinity for no limit. */
  readonly maxLength: number;
  /**
   * The most bytes to allocate at a time for the result. Set if the stream is probably a short part of the data. A codec may
   * ignore it. Undefined: no preference.
   */
  readonly maxChunk?: number | undefined;
}

/** The result of `inflate()` of a DeflateCodec. */
export interface Inflated {
  /** The inflated data, at most `maxLength` bytes. If it does not fill its buffer, it is copied. */
  readonly data: Uint8Array;
  /** The number of bytes in the stream, up to the end of its last block. */
  readonly bytesRead: number;
}

/**
 * A compressor for `perMessageDeflate({ codec })`. It keeps no state between calls, so one object serves all connections. Its
 * inputs are borrowed until the call returns. The caller owns the results: do not touch them again.
 */
export interface DeflateCodec {
  /**
   * Compresses the data up to a sync flush. The result must end with the bytes 00 00 ff ff, and must not contain a block with
   * BFINAL set (RFC 7692 §7.2.1).
   */
  deflate(data: Uint8Array, settings: DeflateSettings): Uint8Array;
  /**
   * Inflates one whole stream that starts at the first byte of `data`. It does not read the bytes after the last block, the one
   * with BFINAL set (RFC 1951 §3.2.3).
   *
   * @throws RangeError as soon as the result exceeds `maxLength`; do not allocate much more than that
   * @throws Error if the data is not valid DEFLATE or ends before the stream does
   */
  inflate(data: Uint8Array, settings: InflateSettings): Inflated;
}
