/** 64 KiB: what a socket typically reads at once. */
const DEFAULT_MARK = 65536;

/** How much a pair of streams may hold, in bytes. */
export interface StreamMarks {
  /** The high-water mark of the readable: it takes no more input while so many bytes wait to be read. Default 64 KiB. */
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
