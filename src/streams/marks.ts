// The high-water marks of a pair of streams, and the size of a message in their queues, all in bytes.

import { isBytes } from "../frame/bytes.ts";
import { utf8Length } from "../frame/utf8.ts";
import { PreparedMessage } from "../index.ts";

/** 64 KiB, as much as a socket typically reads at once. */
const DEFAULT_MARK = 65536;
/** The shortest possible header. Counting it means that empty messages count too. */
const SMALLEST_HEADER = 2;

/** How many bytes a pair of streams may hold. */
export interface StreamMarks {
  /**
   * The high-water mark of the readable, in bytes. No more input is read while this many bytes wait to be read. Default
   * 65,536 (64 KiB).
   */
  readonly readableHighWaterMark?: number | undefined;
  /**
   * The high-water mark of the writable, in bytes, 1 or more. `ready` of a writer waits while this many bytes are
   * queued. Default 65,536 (64 KiB).
   */
  readonly writableHighWaterMark?: number | undefined;
}

/** @throws RangeError @internal */
export function readMark(options: StreamMarks, name: keyof StreamMarks): number {
  const { [name]: value = DEFAULT_MARK } = options;
  const least = name === "writableHighWaterMark" ? 1 : 0;
  if (typeof value !== "number" || !(value >= least))
    throw new RangeError(`${name} must be a number, ${least} or more`);
  // Finite, because the number of queued bytes is computed from it.
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

/**
 * The size of a message in a queue, in bytes: its payload, with text as UTF-8, and 2 for its header. 0 if it is not a
 * message.
 * @internal
 */
export function dataSize(data: unknown): number {
  if (typeof data === "string") return SMALLEST_HEADER + utf8Length(data);
  if (data instanceof PreparedMessage) return SMALLEST_HEADER + data.payload.length;
  return isBytes(data) ? SMALLEST_HEADER + data.byteLength : 0;
}
