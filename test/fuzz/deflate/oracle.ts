// What zlib makes of the same data: whoever checks the core against it gives it jobs, in batches.

/** A stream that zlib makes, for one connection. */
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
  /** Whether the message ends after it. */
  readonly ends: boolean;
}

/** As in zlib. FINISH sets BFINAL; the context goes on after it. */
export const FLUSH = { NONE: 0, PARTIAL: 1, SYNC: 2, FULL: 3, FINISH: 4, BLOCK: 5 } as const;
export type Flush = (typeof FLUSH)[keyof typeof FLUSH];

/** One connection's messages for zlib to inflate, as they are on the wire. */
export interface InflateJob {
  /** 8 to 15. */
  readonly windowBits: number;
  /**
   * How many bytes of output zlib gets room for at a time, 0 for all. What it has not been asked for yet it may refer to however
   * small the window is, so only 1 holds it to the window.
   */
  readonly step: number;
  /** What came before the first. */
  readonly dictionary: Uint8Array;
  readonly messages: readonly Uint8Array[];
}

/** `skipped`: not looked at, after a message that was wrong. */
export const OUTCOMES = ["ok", "wrong", "end", "too long", "final blocks", "skipped"] as const;

export interface Inflated {
  readonly outcome: (typeof OUTCOMES)[number];
  /** What came out up to there. */
  readonly data: Uint8Array;
}

export interface Oracle {
  /** Of each job its messages, up to 00 00 ff ff where that is how they end. */
  deflate(jobs: readonly DeflateJob[]): Uint8Array[][];
  /** Of each job its messages. */
  inflate(jobs: readonly InflateJob[]): Inflated[][];
  /** The kinds of flush that it knows. */
  readonly flushes: readonly Flush[];
  /** Whether `step` means anything to it. */
  readonly steps: boolean;
}

export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** As it is on the wire (RFC 7692 §7.2.1). */
export function withoutTail(bytes: Uint8Array): Uint8Array {
  // zlib flushes nothing twice; RFC 7692 §7.2.3.6.
  if (bytes.length === 0) return Uint8Array.of(0x00);
  const at = bytes.length - TAIL.length;
  return at >= 0 && TAIL.every((byte, i) => bytes[at + i] === byte) ? bytes.subarray(0, at) : bytes;
}
