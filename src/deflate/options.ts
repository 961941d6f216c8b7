import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { builtinZlib } from "./codec/builtin.ts";
import type { DeflateCodec, DeflateSettings } from "./codec/codec.ts";
import { zlibCodec } from "./codec/zlib.ts";
import { deflateCore } from "./core/core.ts";

/**
 * Options of `perMessageDeflate()`. The negotiated ones have the names of the parameters in RFC 7692 §7.1, and the same
 * meaning on both sides: see below how each role uses them.
 */
export interface PerMessageDeflateOptions {
  /**
   * The compressor. With a codec, each message is compressed and inflated whole, in one call. Use `zlibCodec(zlib)` if you need
   * exactly zlib. Default: the package's own WASM codec. If the runtime refuses to compile WASM, it is the runtime's zlib, if
   * any.
   */
  readonly codec?: DeflateCodec | undefined;
  /**
   * Whether the server forgets its compression context after each message (RFC 7692 §7.1.1.1). That needs no memory between
   * messages, but compresses worse.
   *
   * - `true`: a server forgets it; a client requires that of the server.
   * - `false`: a server declines offers that require it.
   * - Default: a server forgets it if the client requires that.
   */
  readonly serverNoContextTakeover?: boolean | undefined;
  /**
   * Whether the client forgets its compression context after each message (RFC 7692 §7.1.1.2).
   *
   * - `true`: a server requires that of the client; a client forgets it.
   * - `false`: a server ignores the client's hint; a client refuses a server that requires it.
   * - Default: each side does what the other wants.
   */
  readonly clientNoContextTakeover?: boolean | undefined;
  /**
   * The largest window of the server's compressor, as a power of two: 8 (256 bytes) to 15 (32 KiB) (RFC 7692 §7.1.2.1).
   *
   * - A number: a server uses no larger window; a client requires that of the server.
   * - `false`: a server declines offers that require a window.
   * - `true` or default: a server uses the window that the client requires.
   */
  readonly serverMaxWindowBits?: number | boolean | undefined;
  /**
   * The largest window of the client's compressor, as a power of two: 8 to 15 (RFC 7692 §7.1.2.2).
   *
   * - A number: a server requires it of the client, and if it is less than 15, declines offers that do not allow that. A client
   * uses no larger window and says so in its offer.
   * - `false`: a client does not allow the server to choose; a server declines offers that name a window.
   * - `true` or default: a client lets the server choose; a server requires nothing.
   */
  readonly clientMaxWindowBits?: number | boolean | undefined;
  /**
   * Role client: also offer the extension without `serverNoContextTakeover` and `serverMaxWindowBits`. A server that does not
   * support them can then still compress. Default false.
   */
  readonly fallback?: boolean | undefined;
  /**
   * The shortest message to compress, in bytes. A message that is sent in pieces is always compressed, because its length is
   * unknown at the start. `send(data, { compress })` overrides this option. Default 1024.
   *
   * A message that does not get shorter is sent uncompressed, unless you pass `compress: true`.
   */
  readonly threshold?: number | undefined;
  /**
   * The effort to find matches, as in zlib: 1 (fastest) to 9 (smallest), 0 for no compression, -1 for the default 6. Default
   * -1.
   */
  readonly level?: number | undefined;
  /**
   * Only with a codec: the memory that zlib uses while it compresses, from 1 (1 KiB, slow) to 9 (256 KiB). It is freed after
   * each message. Default 8.
   */
  readonly memLevel?: number | undefined;
  /**
   * Only with a codec: the strategy, as in zlib. 0: any data. 1: noise with small values. 2: Huffman codes only. 3: runs of one
   * byte. 4: fixed Huffman codes. Default 0.
   */
  readonly strategy?: number | undefined;
  /**
   * How many bytes of earlier messages a message may refer to, up to the window. While the connection sends, they take three
   * times as much memory. A whole number, 0 or more. Default 32,768.
   *
   * With a codec, each of these bytes costs about 1 ns per message, and the default is 4096. For JSON of 1 KB, that takes less
   * than half the time of 32,768 and makes messages 10 % longer. A message longer than half of `history` may refer back twice
   * its own length.
   */
  readonly history?: number | undefined;
  /**
   * The most times its compressed length that a message may inflate to: 1 or more, or Infinity for no limit
   * (`WS_ERR_INFLATE_RATIO`, 1009). The compressed length counts all frames that have arrived or are announced. DEFLATE itself
   * reaches at most 1032.
   *
   * A number applies to every message. The default is 100, but applies only above 16 MiB, because small messages that repeat
   * earlier ones reach high ratios.
   */
  readonly maxInflateRatio?: number | undefined;
  /**
   * How long a connection may send nothing compressed before its compression context is freed, in milliseconds. The next
   * message is then compressed without context. `wsframe/node` and `wsframe/streams` do this for you; with a Protocol of your
   * own, call its `release()`. Infinity keeps the context. 0 or more. Default 30,000.
   */
  readonly releaseAfter?: number | undefined;
  /**
   * The memory for the compression contexts of all connections of a thread, in bytes. One context takes up to 96 KiB. A
   * connection that would exceed the budget compresses each message without context. Default 256 MiB.
   */
  readonly contextBudget?: number | undefined;
}

/** The options, with defaults filled in. @internal */
export interface PerMessageDeflateSettings {
  /** Undefined for the WASM core. */
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
  /** Messages that inflate to at most this many bytes are not checked against the ratio. */
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

/** Options of ws. */
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

/** The codec to use; undefined for the WASM core. */
function defaultCodec(): DeflateCodec | undefined {
  try {
    deflateCore();
    return undefined;
  } catch (cause) {
    const zlib = builtinZlib();
    if (zlib !== undefined) return zlibCodec(zlib);
    const rule = "This runtime has no zlib and refuses WASM: pass perMessageDeflate() a `codec`";
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
