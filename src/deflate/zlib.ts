// A codec out of node:zlib. Its synchronous calls with a dictionary do what a long-lived stream does, cost less, and
// hold nothing between messages.

import type { DeflateCodec, DeflateSettings, InflateSettings, Inflated } from "./codec.ts";
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
    deflate(data: Uint8Array, { dictionary, windowBits, level, memLevel }: DeflateSettings): Uint8Array {
      const result = zlib.deflateRawSync(data, {
        ...(dictionary.length > 0 && { dictionary }),
        windowBits: deflateBits(dictionary.length + data.length, windowBits),
        level,
        memLevel,
        finishFlush,
        chunkSize: clampChunk(data.length >> 1),
      });
      return plain(result);
    },

    inflate(data: Uint8Array, settings: InflateSettings): Inflated {
      const { dictionary } = settings;
      if (dictionary.length === 0) return inflateRaw(zlib, data, settings);
      takesDictionary ??= inflatesWithDictionary(zlib);
      if (takesDictionary) return inflateRaw(zlib, data, settings);
      const whole = behindStored(dictionary, data);
      const result = inflateRaw(zlib, whole, {
        ...settings,
        dictionary: NOTHING,
        maxLength: settings.maxLength + dictionary.length,
      });
      const before = whole.length - data.length;
      return { data: result.data.subarray(dictionary.length), bytesRead: result.bytesRead - before };
    },
  };
}

function inflateRaw(zlib: Zlib, data: Uint8Array, { dictionary, windowBits, maxLength }: InflateSettings): Inflated {
  // zlib throws a RangeError once a chunk has gone beyond this, and wants it to be 1 at least.
  const maxOutputLength = Math.max(1, Math.min(maxLength, GREATEST_OUTPUT));
  const { buffer, engine } = zlib.inflateRawSync(data, {
    ...(dictionary.length > 0 && { dictionary }),
    windowBits,
    maxOutputLength,
    chunkSize: clampChunk(Math.min(8 * data.length, maxOutputLength)),
    info: true,
  }) as WithEngine;
  return { data: plain(buffer), bytesRead: engine.bytesWritten };
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

/** A Buffer's methods are not those of a Uint8Array: its slice() is a view. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
