// How full a pair of streams may get, and what a message counts in its queues: all in bytes.

import { isBytes } from "../frame/bytes.ts";
import { utf8Length } from "../frame/utf8.ts";
import { PreparedMessage } from "../index.ts";

/** 64 KiB: what a socket typically reads at once. */
const DEFAULT_MARK = 65536;
/** The shortest header there is: with it, empty messages count too. */
const SMALLEST_HEADER = 2;

/** How much a pair of streams may hold, in bytes. */
export interface StreamMarks {
  /** The high-water mark of the readable: it takes no more input while this many bytes wait to be read. Default 64 KiB. */
  readonly readableHighWaterMark?: number | undefined;
  /** The high-water mark of the writable: at least 1. Default 64 KiB. */
  readonly writableHighWaterMark?: number | undefined;
}

/** @throws RangeError @internal */
export function readMark(value: number = DEFAULT_MARK, least: number = 0): number {
  if (typeof value !== "number" || !(value >= least)) {
    throw new RangeError(`A high-water mark must be a number, ${least} or more`);
  }
  // Finite, so that how full a queue is can be told from what is left.
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/**
 * What a message counts in a queue, in bytes: its payload, text as UTF-8, and two for its header. 0 for what is not a message.
 * @internal
 */
export function dataSize(data: unknown): number {
  if (typeof data === "string") return SMALLEST_HEADER + utf8Length(data);
  if (data instanceof PreparedMessage) return SMALLEST_HEADER + data.payload.length;
  return isBytes(data) ? SMALLEST_HEADER + data.byteLength : 0;
}
