// zlib's verdict on a message: the oracle of inflate().

import { constants, inflateRawSync, type InputType, type ZlibOptions } from "node:zlib";
import {
  INFLATE_DONE,
  INFLATE_ERROR_BLOCK_TYPE,
  INFLATE_ERROR_CODE_LENGTHS,
  INFLATE_ERROR_COUNTS,
  INFLATE_ERROR_DISTANCE,
  INFLATE_ERROR_DISTANCE_CODES,
  INFLATE_ERROR_END,
  INFLATE_ERROR_FINAL_BLOCKS,
  INFLATE_ERROR_LITERAL_CODES,
  INFLATE_ERROR_NO_END,
  INFLATE_ERROR_REPEAT,
  INFLATE_ERROR_STORED_LENGTH,
  INFLATE_ERROR_SYMBOL,
  MAX_FINAL_BLOCKS,
  MAX_WINDOW,
} from "../../../assembly/deflate/memory.ts";
import { TAIL } from "./inflate-stream.ts";

const RESULTS: Readonly<Record<string, number>> = {
  "invalid block type": INFLATE_ERROR_BLOCK_TYPE,
  "invalid stored block lengths": INFLATE_ERROR_STORED_LENGTH,
  "too many length or distance symbols": INFLATE_ERROR_COUNTS,
  "invalid code lengths set": INFLATE_ERROR_CODE_LENGTHS,
  "invalid bit length repeat": INFLATE_ERROR_REPEAT,
  "invalid code -- missing end-of-block": INFLATE_ERROR_NO_END,
  "invalid literal/lengths set": INFLATE_ERROR_LITERAL_CODES,
  "invalid distances set": INFLATE_ERROR_DISTANCE_CODES,
  "invalid literal/length code": INFLATE_ERROR_SYMBOL,
  "invalid distance code": INFLATE_ERROR_SYMBOL,
  "invalid distance too far back": INFLATE_ERROR_DISTANCE,
  "unexpected end of file": INFLATE_ERROR_END,
};

/** A final block of four bytes. It is read as a block only between blocks. */
const MARK = Uint8Array.of(0x4d, 0x41, 0x52, 0x4b);
const MARK_BLOCK = Uint8Array.of(0x01, 0x04, 0x00, 0xfb, 0xff, ...MARK);

export interface ZlibResult {
  /** The expected result of inflate(). */
  readonly result: number;
  /** Undefined after any error except INFLATE_ERROR_END, because zlib does not return the data then. */
  readonly data: Uint8Array | undefined;
}

/** The types of node:zlib omit `info`. */
function inflateRaw(input: InputType, options: ZlibOptions): { data: Uint8Array; bytesRead: number } {
  const { buffer, engine } = inflateRawSync(input, { ...options, info: true }) as unknown as {
    buffer: Uint8Array;
    engine: { bytesWritten: number };
  };
  return { data: buffer, bytesRead: engine.bytesWritten };
}

export function zlibInflate(payload: Uint8Array, history: Uint8Array = new Uint8Array(0)): ZlibResult {
  const input = Buffer.concat([payload, TAIL]);
  let data: Uint8Array = new Uint8Array(0);
  let at = 0;
  for (let finalBlocks = 0; ; finalBlocks++) {
    if (finalBlocks > MAX_FINAL_BLOCKS) return { result: INFLATE_ERROR_FINAL_BLOCKS, data: undefined };
    if (finalBlocks > 0 && at === payload.length) return { result: INFLATE_DONE, data };
    const rest = input.subarray(at);
    const before = Buffer.concat([history, data]).subarray(-MAX_WINDOW);
    const options = before.length > 0 ? { dictionary: before } : {};
    try {
      const piece = inflateRaw(rest, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
      data = Buffer.concat([data, piece.data]);
      at += piece.bytesRead;
      if (at < input.length) continue;
    } catch (error) {
      return { result: resultOf(error), data: undefined };
    }
    return { result: isBetweenBlocks(rest, options) ? INFLATE_DONE : INFLATE_ERROR_END, data };
  }
}

/** Whether the input consists only of blocks, all read by zlib. */
function isBetweenBlocks(input: Uint8Array, options: ZlibOptions): boolean {
  try {
    const { data, bytesRead } = inflateRaw(Buffer.concat([input, MARK_BLOCK]), options);
    if (bytesRead === input.length) return true;
    const without = inflateRaw(input, { ...options, finishFlush: constants.Z_SYNC_FLUSH }).data;
    return Buffer.compare(data, Buffer.concat([without, MARK])) === 0;
  } catch {
    return false;
  }
}

function resultOf(error: unknown): number {
  const result = error instanceof Error ? RESULTS[error.message] : undefined;
  if (result === undefined) throw error;
  return result;
}
