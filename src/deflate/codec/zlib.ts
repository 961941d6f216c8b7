// A codec made from node:zlib. Its synchronous calls with a dictionary replace a long-lived stream. They cost less, and hold
// nothing between messages.

import type { DeflateCodec, DeflateSettings, InflateSettings, Inflated } from "./codec.ts";
import { inOwnBuffer } from "./own.ts";
import { behindStored } from "./stored.ts";

/** The part of node:zlib that zlibCodec() needs. */
export interface Zlib {
  /** As in node:zlib. */
  readonly constants: { readonly Z_SYNC_FLUSH: number };
  /** As in node:zlib. Returns the compressed data. */
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
  /** As in node:zlib. With `info`, it returns the data and the engine, whose `bytesWritten` is the number of bytes read. */
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

/** The result with `info: true`, which the types of node:zlib omit. */
interface WithEngine {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** zlib's matches reach back this many bytes less than its window (MIN_LOOKAHEAD in deflate.h). */
const WINDOW_MARGIN = 262;
/**
 * The smallest window for which zlib's deflate works correctly. Its matches reach back 512 - 262 = 250 bytes, so it also serves
 * windows of 256 bytes.
 */
const LEAST_DEFLATE_BITS = 9;
const LEAST_CHUNK = 1024;
const GREATEST_CHUNK = 1048576;
/** The largest limit that every 64-bit runtime accepts. A limit above its longest Buffer would be refused. */
const GREATEST_OUTPUT = 0x7fffffff;
const NOTHING = new Uint8Array(0);
const HELLO = Uint8Array.of(0x48, 0x65, 0x6c, 0x6c, 0x6f);
/** The same data as a final block that copies it from its dictionary: RFC 7692 §7.2.3.2 with BFINAL set. */
const HELLO_AGAIN = Uint8Array.of(0xf3, 0x00, 0x11, 0x00);

/**
 * Makes a codec from `node:zlib`, or from a library with the same two functions. Pass it as `perMessageDeflate({ codec:
 * zlibCodec(zlib) })`.
 */
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
  // zlib throws a RangeError when a chunk exceeds this limit, and requires at least 1.
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

/** For a zlib that ignores dictionaries: puts the dictionary in front of the data as a stored block. */
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
  // This copies the data. If most of it may not belong to the stream, try smaller parts first.
  let length = maxChunk ?? data.length;
  for (; length < data.length; length *= 8) {
    try {
      return inflate(data.subarray(0, length));
    } catch (error) {
      // Any other error may only mean that the part was too short.
      if (error instanceof RangeError) throw error;
    }
  }
  return inflate(data);
}

/** Deno's zlib (as of 2.9) ignores dictionaries of raw DEFLATE in both directions. */
function inflatesWithDictionary(zlib: Zlib): boolean {
  try {
    const settings = { dictionary: HELLO, windowBits: 15, maxLength: HELLO.length };
    return inflateRaw(zlib, HELLO_AGAIN, settings).data.length === HELLO.length;
  } catch {
    return false;
  }
}

/** The smallest window for this many bytes. zlib allocates and clears memory in proportion to it. */
function deflateBits(length: number, most: number): number {
  let bits = LEAST_DEFLATE_BITS;
  while (bits < most && 2 ** bits - WINDOW_MARGIN < length) bits++;
  return bits;
}

/** Too small a chunk costs another one and a copy; too large a chunk costs its allocation. */
function clampChunk(length: number): number {
  return Math.max(LEAST_CHUNK, Math.min(length, GREATEST_CHUNK));
}
