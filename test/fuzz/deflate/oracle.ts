// The interface of a reference zlib, which processes jobs in batches.

/** A stream for zlib to compress, for one connection. */
export interface DeflateJob {
  readonly level: number;
  /** 9 to 15. */
  readonly windowBits: number;
  readonly memLevel: number;
  readonly strategy: number;
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly data: Uint8Array;
  readonly flush: Flush;
  /** Whether the message ends after this segment. */
  readonly ends: boolean;
}

/** Values as in zlib. FINISH sets BFINAL, and the context continues after it. */
export const FLUSH = { NONE: 0, PARTIAL: 1, SYNC: 2, FULL: 3, FINISH: 4, BLOCK: 5 } as const;
export type Flush = (typeof FLUSH)[keyof typeof FLUSH];

/** One connection's messages for zlib to inflate, in the form in which they are sent. */
export interface InflateJob {
  /** 8 to 15. */
  readonly windowBits: number;
  /**
   * The output size that zlib gets at a time, in bytes; 0 for all. zlib may refer to output that has not been
   * requested, however small the window is, so only 1 limits it to the window.
   */
  readonly step: number;
  /** The data before the first message. */
  readonly dictionary: Uint8Array;
  readonly messages: readonly Uint8Array[];
}

/** `skipped`: not processed because an earlier message failed. */
export const OUTCOMES = ["ok", "wrong", "end", "too long", "final blocks", "skipped"] as const;

export interface Inflated {
  readonly outcome: (typeof OUTCOMES)[number];
  /** The output, or the part before the error. */
  readonly data: Uint8Array;
}

export interface Oracle {
  /** Compresses the jobs. Returns the messages of each, up to 00 00 ff ff if they end that way. */
  deflate(jobs: readonly DeflateJob[]): Uint8Array[][];
  /** Inflates the jobs. Returns the messages of each. */
  inflate(jobs: readonly InflateJob[]): Inflated[][];
  /** The kinds of flush that this zlib supports. */
  readonly flushes: readonly Flush[];
  /** Whether this zlib supports `step`. */
  readonly steps: boolean;
}

export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** The message as it is sent, without its tail (RFC 7692 §7.2.1). */
export function withoutTail(bytes: Uint8Array): Uint8Array {
  // zlib does not flush twice, so the output may be empty (RFC 7692 §7.2.3.6).
  if (bytes.length === 0) return Uint8Array.of(0x00);
  const at = bytes.length - TAIL.length;
  return at >= 0 && TAIL.every((byte, i) => bytes[at + i] === byte) ? bytes.subarray(0, at) : bytes;
}
