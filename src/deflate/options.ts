import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { builtinZlib } from "./codec/builtin.ts";
import type { DeflateCodec, DeflateSettings } from "./codec/codec.ts";
import { zlibCodec } from "./codec/zlib.ts";
import { deflateCore } from "./core/core.ts";

/**
 * Options of permessage-deflate. Those of the negotiation are the same on both sides and mean what the parameter of that
 * name does (RFC 7692 §7.1); what each role makes of them stands below.
 */
export interface PerMessageDeflateOptions {
  /**
   * What compresses. Default: the package's own codec in WASM; where a runtime refuses to compile WASM, its own zlib, if it
   * has one. `zlibCodec(zlib)` is for those who want exactly zlib. With a codec, each message is compressed and inflated
   * whole, in one call.
   */
  readonly codec?: DeflateCodec | undefined;
  /**
   * Whether the server forgets what it has sent after each message: worse compression, no memory between messages.
   * `true`: a server does so, a client asks for it. `false`: a server declines offers that ask for it. Default: a server
   * does so if asked.
   */
  readonly serverNoContextTakeover?: boolean | undefined;
  /**
   * The same of the client. `true`: a server asks for it, a client does so. `false`: a server does not take a client's hint
   * up, a client refuses a server that asks for it. Default: each does what the other wants.
   */
  readonly clientNoContextTakeover?: boolean | undefined;
  /**
   * The window of what the server sends, as a power of two: 8 (256 bytes) to 15 (32 KiB). A server uses no larger one, a
   * client asks for it. `false`: a server declines offers that ask for one. Default: a server does as it is asked.
   */
  readonly serverMaxWindowBits?: number | boolean | undefined;
  /**
   * The window of what the client sends. A server asks for it, and declines clients that cannot be asked; a client uses no
   * larger one and says so. `false`: a client does not let itself be asked, a server declines offers that say how large
   * it will be. Default: a client offers to be asked, a server asks for nothing.
   */
  readonly clientMaxWindowBits?: number | boolean | undefined;
  /**
   * Role client: offer the extension a second time without what a server may decline (`serverNoContextTakeover`,
   * `serverMaxWindowBits`), so that one which does still compresses. Default false.
   */
  readonly fallback?: boolean | undefined;
  /**
   * The shortest message to compress, in bytes. One that is sent in pieces, whose length is not known when it begins, is
   * compressed. `send(data, { compress })` overrides it. Default 1024.
   *
   * Whatever its length, a message that does not get shorter goes out as it is, unless `compress: true` asked for it.
   */
  readonly threshold?: number | undefined;
  /** How hard to search for matches, as in zlib: 1 (fastest) to 9, 0 to store, -1 for the default, which is 6. Default -1. */
  readonly level?: number | undefined;
  /** With a codec only: zlib's memory while it compresses, 1 (1 KiB, slow) to 9 (256 KiB). Nothing of it is held. Default 8. */
  readonly memLevel?: number | undefined;
  /**
   * With a codec only: what to tune for, as in zlib: 0 for anything, 1 for noise with small values, 2 for Huffman codes alone, 3 for runs of one
   * byte, 4 for fixed Huffman codes. Default 0.
   */
  readonly strategy?: number | undefined;
  /**
   * How many bytes of what was sent before a message may refer to, up to the window. They take three times as much memory while
   * the connection sends. Default 32768.
   *
   * With a codec each of them costs time with each message (about 1 ns), and the default is 4096: for JSON of 1 KB that takes
   * less than half the time of 32768, and makes messages 10 % longer. A message that is longer than half of it may refer to
   * twice its own length.
   */
  readonly history?: number | undefined;
  /**
   * How many times its compressed length a message may be (`WS_ERR_INFLATE_RATIO`, 1009), at each moment as far as its frames have
   * come or are announced. DEFLATE reaches 1032. A number
   * holds for every message, Infinity is no limit. Small messages that repeat earlier ones reach high ratios, so the
   * default is 100 for messages of more than 16 MiB.
   */
  readonly maxInflateRatio?: number | undefined;
  /**
   * After how many milliseconds without a compressed message to send a connection lets go of what it has sent before: the
   * next message is compressed without it. `wsframe/node` and `wsframe/streams` see to that; with a Protocol of your own call
   * `release()`. Infinity keeps it. Default 30,000.
   */
  readonly releaseAfter?: number | undefined;
  /**
   * How many bytes all connections of the thread may hold of what they have sent, tables included: up to 96 KiB each. A
   * connection that would exceed it compresses each message without what was sent before. Default 256 MiB.
   */
  readonly contextBudget?: number | undefined;
}

/** The options that hold. @internal */
export interface PerMessageDeflateSettings {
  /** Undefined for the core. */
  readonly codec: DeflateCodec | undefined;
  readonly serverNoContextTakeover: boolean | undefined;
  readonly clientNoContextTakeover: boolean | undefined;
  readonly serverMaxWindowBits: number | false | undefined;
  readonly clientMaxWindowBits: number | false | undefined;
  readonly fallback: boolean;
  readonly threshold: number;
  readonly level: number;
  readonly memLevel: number;
  readonly strategy: DeflateSettings["strategy"];
  readonly history: number;
  readonly maxInflateRatio: number;
  /** No message that is at most so long has too high a ratio. */
  readonly freeInflation: number;
  readonly releaseAfter: number;
  readonly contextBudget: number;
}

const FULL_HISTORY = 32768;
const CODEC_HISTORY = 4096;
const STRATEGIES = [0, 1, 2, 3, 4] as const;
const DEFAULT_RATIO = 100;
const DEFAULT_FREE_INFLATION = 16777216;
const DEFAULT_RELEASE_AFTER = 30000;
const DEFAULT_CONTEXT_BUDGET = 268435456;

const KNOWN: Names<PerMessageDeflateOptions> = {
  clientMaxWindowBits: true,
  clientNoContextTakeover: true,
  codec: true,
  contextBudget: true,
  fallback: true,
  history: true,
  level: true,
  maxInflateRatio: true,
  memLevel: true,
  releaseAfter: true,
  serverMaxWindowBits: true,
  serverNoContextTakeover: true,
  strategy: true,
  threshold: true,
};

/** Of ws. */
const HINTS: Hints = {
  concurrencyLimit: "it has no equivalent: nothing runs in threads",
  maxPayload: "use `limits: { maxMessage }` of the connection",
  zlibDeflateOptions: "use `level`; with `codec` also `memLevel` and `strategy`",
  zlibInflateOptions: "it has no equivalent",
};

/** @throws RangeError, TypeError @internal */
export function readDeflateOptions(options: PerMessageDeflateOptions): PerMessageDeflateSettings {
  checkNames("perMessageDeflate()", options, KNOWN, HINTS);
  const { threshold = 1024, level = -1, memLevel = 8, strategy = 0, maxInflateRatio } = options;
  const codec = options.codec ?? defaultCodec();
  const history = options.history ?? (codec === undefined ? FULL_HISTORY : CODEC_HISTORY);
  if (typeof threshold !== "number" || !(threshold >= 0)) {
    throw new RangeError("threshold must be a number of bytes, 0 or more");
  }
  assertInteger("level", level, -1, 9);
  assertInteger("memLevel", memLevel, 1, 9);
  assertInteger("history", history, 0, Number.MAX_SAFE_INTEGER);
  if (maxInflateRatio !== undefined && (typeof maxInflateRatio !== "number" || !(maxInflateRatio >= 1))) {
    throw new RangeError("maxInflateRatio must be a number, 1 or more");
  }
  return {
    codec,
    serverNoContextTakeover: readFlag("serverNoContextTakeover", options.serverNoContextTakeover),
    clientNoContextTakeover: readFlag("clientNoContextTakeover", options.clientNoContextTakeover),
    serverMaxWindowBits: readBits("serverMaxWindowBits", options.serverMaxWindowBits),
    clientMaxWindowBits: readBits("clientMaxWindowBits", options.clientMaxWindowBits),
    fallback: readFlag("fallback", options.fallback) ?? false,
    threshold,
    level,
    memLevel,
    strategy: readStrategy(strategy),
    history,
    maxInflateRatio: maxInflateRatio ?? DEFAULT_RATIO,
    freeInflation: maxInflateRatio === undefined ? DEFAULT_FREE_INFLATION : 0,
    releaseAfter: readNumber("releaseAfter", options.releaseAfter ?? DEFAULT_RELEASE_AFTER),
    contextBudget: readNumber("contextBudget", options.contextBudget ?? DEFAULT_CONTEXT_BUDGET),
  };
}

/** Undefined for the core. */
function defaultCodec(): DeflateCodec | undefined {
  try {
    deflateCore();
    return undefined;
  } catch (cause) {
    const zlib = builtinZlib();
    if (zlib !== undefined) return zlibCodec(zlib);
    const rule =
      "This runtime has no zlib and refuses WASM: perMessageDeflate() needs a codec, made of a library such as pako";
    throw new TypeError(rule, { cause });
  }
}

function readNumber(name: string, value: number): number {
  if (typeof value !== "number" || !(value >= 0)) throw new RangeError(`${name} must be a number, 0 or more`);
  return value;
}

function readFlag(name: string, value: boolean | undefined): boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") throw new TypeError(`${name} must be a boolean`);
  return value;
}

function readBits(name: string, value: number | boolean | undefined): number | false | undefined {
  if (value === undefined || value === true) return undefined;
  if (value !== false) assertInteger(name, value, 8, 15);
  return value;
}

function readStrategy(value: number): DeflateSettings["strategy"] {
  const strategy = STRATEGIES.find((each) => each === value);
  if (strategy === undefined) throw new RangeError("strategy must be a whole number from 0 to 4");
  return strategy;
}

function assertInteger(name: string, value: number, least: number, greatest: number): void {
  if (!Number.isInteger(value) || value < least || value > greatest) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${greatest}`);
  }
}
