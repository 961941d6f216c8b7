// A codec out of node:zlib. Its synchronous calls with a dictionary do what a long-lived stream does, cost less, and
// hold nothing between messages.

import type { DeflateCodec, DeflateSettings, InflateSettings, Inflated } from "./codec.ts";
import { inOwnBuffer } from "./own.ts";
import { behindStored } from "./stored.ts";

/** What is used of node:zlib. */
export interface Zlib {
  /** As of node:zlib. */
  readonly constants: { readonly Z_SYNC_FLUSH: number };
  /** As of node:zlib: returns the compressed data. */
  deflateRawSync(
    data: Uint8Array,
    options: {
      readonly dictionary?: Uint8Array;
      readonly windowBits: number;
      readonly level: number;
      readonly memLevel: number;
      readonly strategy: number;
      readonly finishFlush: number;
      readonly chunkSize: number;
    },
  ): Uint8Array;
  /** As of node:zlib: returns the data and, as `info` asks, the engine, whose `bytesWritten` says how much was read. */
  inflateRawSync(
    data: Uint8Array,
    options: {
      readonly dictionary?: Uint8Array;
      readonly windowBits: number;
      readonly maxOutputLength: number;
      readonly chunkSize: number;
      readonly info: true;
    },
  ): unknown;
}

/** What `info: true` returns, which the types of node:zlib leave out. */
interface WithEngine {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** zlib's matches end this many bytes before the start of its window (MIN_LOOKAHEAD in deflate.h). */
const WINDOW_MARGIN = 262;
/**
 * The least that zlib's deflate works with as it should. Its matches reach back 512 - 262 = 250 bytes, so it serves for
 * windows of 256 bytes too.
 */
const LEAST_DEFLATE_BITS = 9;
const LEAST_CHUNK = 1024;
const GREATEST_CHUNK = 1048576;
/** The greatest limit that every 64-bit runtime takes: one above its longest Buffer is refused. */
const GREATEST_OUTPUT = 0x7fffffff;
const NOTHING = new Uint8Array(0);
const HELLO = Uint8Array.of(0x48, 0x65, 0x6c, 0x6c, 0x6f);
/** The same as a final block that takes it from its dictionary: RFC 7692 §7.2.3.2 with BFINAL set. */
const HELLO_AGAIN = Uint8Array.of(0xf3, 0x00, 0x11, 0x00);

/** A codec out of `node:zlib`, or of what has the same two functions: `zlibCodec(zlib)`. */
export function zlibCodec(zlib: Zlib): DeflateCodec {
  const finishFlush = zlib.constants.Z_SYNC_FLUSH;
  let takesDictionary: boolean | undefined;
  return {
    deflate(data: Uint8Array, { dictionary, windowBits, level, memLevel, strategy }: DeflateSettings): Uint8Array {
      return inOwnBuffer(
        zlib.deflateRawSync(data, {
          ...(dictionary.length > 0 && { dictionary }),
          windowBits: deflateBits(dictionary.length + data.length, windowBits),
          level,
          memLevel,
          strategy,
          finishFlush,
          chunkSize: clampChunk(data.length >> 1),
        }),
      );
    },

    inflate(data: Uint8Array, settings: InflateSettings): Inflated {
      const { dictionary } = settings;
      if (dictionary.length === 0) return inflateRaw(zlib, data, settings);
      takesDictionary ??= inflatesWithDictionary(zlib);
      return takesDictionary ? inflateRaw(zlib, data, settings) : inflateBehindStored(zlib, data, settings);
    },
  };
}

function inflateRaw(zlib: Zlib, data: Uint8Array, settings: InflateSettings): Inflated {
  const { dictionary, windowBits, maxLength, maxChunk = GREATEST_CHUNK } = settings;
  // zlib throws a RangeError once a chunk has gone beyond this, and wants it to be 1 at least.
  const maxOutputLength = Math.max(1, Math.min(maxLength, GREATEST_OUTPUT));
  const { buffer, engine } = zlib.inflateRawSync(data, {
    ...(dictionary.length > 0 && { dictionary }),
    windowBits,
    maxOutputLength,
    chunkSize: clampChunk(Math.min(8 * data.length, maxOutputLength, maxChunk)),
    info: true,
  }) as WithEngine;
  return { data: inOwnBuffer(buffer), bytesRead: engine.bytesWritten };
}

/** The dictionary as a stored block in front of the data, for a zlib that leaves it out of account. */
function inflateBehindStored(zlib: Zlib, data: Uint8Array, settings: InflateSettings): Inflated {
  const { dictionary, maxLength, maxChunk } = settings;
  const inflate = (part: Uint8Array): Inflated => {
    const whole = behindStored(dictionary, part);
    const longest = { ...settings, dictionary: NOTHING, maxLength: maxLength + dictionary.length };
    const result = inflateRaw(zlib, whole, longest);
    return {
      data: inOwnBuffer(result.data.subarray(dictionary.length)),
      bytesRead: result.bytesRead - (whole.length - part.length),
    };
  };
  // It copies the data. Where most of that may not belong to the stream, try how much is enough.
  let length = maxChunk ?? data.length;
  for (; length < data.length; length *= 8) {
    try {
      return inflate(data.subarray(0, length));
    } catch (error) {
      // Else the stream may only have been cut.
      if (error instanceof RangeError) throw error;
    }
  }
  return inflate(data);
}

/** Deno's zlib (as of 2.9) leaves the dictionary of raw DEFLATE out of account, in both directions. */
function inflatesWithDictionary(zlib: Zlib): boolean {
  try {
    const settings = { dictionary: HELLO, windowBits: 15, maxLength: HELLO.length };
    return inflateRaw(zlib, HELLO_AGAIN, settings).data.length === HELLO.length;
  } catch {
    return false;
  }
}

/** The smallest window that holds so many bytes: what zlib allocates and clears goes by it. */
function deflateBits(length: number, most: number): number {
  let bits = LEAST_DEFLATE_BITS;
  while (bits < most && 2 ** bits - WINDOW_MARGIN < length) bits++;
  return bits;
}

/** What does not fit one chunk costs another and a copy; a chunk that is too large costs its allocation. */
function clampChunk(length: number): number {
  return Math.max(LEAST_CHUNK, Math.min(length, GREATEST_CHUNK));
}
