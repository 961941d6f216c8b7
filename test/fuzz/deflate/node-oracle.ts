// node:zlib, for short runs.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import {
  type DeflateJob,
  FLUSH,
  type Inflated,
  type InflateJob,
  type Oracle,
  type Segment,
  TAIL,
  withoutTail,
} from "./oracle.ts";

const WINDOW = 32768;
const MOST_OUTPUT = 1 << 19;
const MOST_FINAL_BLOCKS = 64;
/** Two empty final blocks. After a message that ends between two blocks, zlib ends at each of them. */
const ENDS = [Buffer.of(0x01, 0x00, 0x00, 0xff, 0xff), Buffer.of(0x03, 0x00)];

interface Engine {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

export const nodeOracle: Oracle = {
  // One call for each segment. A segment that does not end on a byte boundary could not be continued.
  flushes: [FLUSH.SYNC, FLUSH.FULL, FLUSH.FINISH],
  steps: false,
  deflate: (jobs) => jobs.map(deflate),
  inflate: (jobs) => jobs.map(inflate),
};

function deflate({ level, windowBits, memLevel, strategy, segments }: DeflateJob): Uint8Array[] {
  let before: Uint8Array = new Uint8Array(0);
  const messages: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  for (const { data, flush, ends } of segments) {
    const dictionary = flush === FLUSH.FULL ? {} : before.length > 0 ? { dictionary: before } : {};
    const options = { level, windowBits, memLevel, strategy, finishFlush: flush, ...dictionary };
    parts.push(data.length === 0 && flush !== FLUSH.FINISH ? empty(flush) : deflateRawSync(data, options));
    before = Buffer.concat([before, data]).subarray(-WINDOW);
    if (!ends) continue;
    messages.push(withoutTail(Buffer.concat(parts)));
    parts = [];
  }
  return messages;
}

/** Node flushes nothing without input. */
function empty(flush: Segment["flush"]): Uint8Array {
  return flush === FLUSH.FINISH ? ENDS[1]! : Buffer.concat([Buffer.of(0x00), TAIL]);
}

function inflate({ windowBits, dictionary, messages }: InflateJob): Inflated[] {
  let before = dictionary;
  let failed = false;
  return messages.map((message) => {
    if (failed) return { outcome: "skipped", data: new Uint8Array(0) };
    const inflated = inflateMessage(message, before, windowBits);
    before = Buffer.concat([before, inflated.data]).subarray(-WINDOW);
    failed = inflated.outcome !== "ok";
    return inflated;
  });
}

function inflateMessage(message: Uint8Array, before: Uint8Array, windowBits: number): Inflated {
  let input: Uint8Array = Buffer.concat([message, TAIL]);
  let context = before;
  const parts: Uint8Array[] = [];
  const result = (outcome: Inflated["outcome"]): Inflated => ({ outcome, data: Buffer.concat(parts) });
  for (let blocks = 0; ;) {
    const options = {
      windowBits,
      maxOutputLength: MOST_OUTPUT,
      info: true,
      ...(context.length > 0 && { dictionary: context.subarray(-(2 ** windowBits)) }),
    } as const;
    const ended: Engine[] = [];
    try {
      for (const end of ENDS) ended.push(inflateRawSync(Buffer.concat([input, end]), options) as unknown as Engine);
    } catch (error) {
      if (error instanceof RangeError) return result("too long");
      const partial = upToError(input, options);
      parts.push(partial.data);
      return result(partial.outcome);
    }
    const [first, second] = ended as [Engine, Engine];
    parts.push(first.buffer);
    const read = first.engine.bytesWritten;
    // zlib has ended at one of the message's own final blocks.
    if (read <= input.length && read === second.engine.bytesWritten) {
      if (++blocks > MOST_FINAL_BLOCKS) return result("final blocks");
      context = Buffer.concat([context, first.buffer]).subarray(-WINDOW);
      input = input.subarray(read);
      if (input.length === 0 || input.length === TAIL.length) return result("ok");
      continue;
    }
    const ends = ended.every(({ engine }, i) => engine.bytesWritten === input.length + ENDS[i]!.length);
    return ends ? result("ok") : result("end");
  }
}

/** The output of data that is invalid or ends too early. node:zlib does not return the output before an error. */
function upToError(input: Uint8Array, options: object): Inflated {
  try {
    const data = inflateRawSync(input, { ...options, info: false, finishFlush: constants.Z_SYNC_FLUSH });
    return { outcome: "end", data };
  } catch {
    return { outcome: "wrong", data: new Uint8Array(0) };
  }
}
