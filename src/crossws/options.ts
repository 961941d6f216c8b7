import type { AdapterOptions } from "crossws";
import { perMessageDeflate, type Extension, type PerMessageDeflateOptions } from "../index.ts";
import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { checkUpgradeNames } from "../node/known-options.ts";
import { checkOptions } from "../node/options.ts";
import type { UpgradeOptions } from "../node/index.ts";
import type { Deflate } from "./hooks.ts";

/** Options of wsframeAdapter(): those of every adapter of crossws, and `serverOptions`. */
export interface WsframeAdapterOptions extends AdapterOptions {
  /**
   * Options of upgrade(). The default of `pingInterval` and `pongTimeout` is `idleTimeout` of the adapter, which is in seconds. The
   * default of `binaryType` is `"nodebuffer"`. Instead of `protocols`, use `handleProtocols`. Instead of `headers`, return header
   * fields from the upgrade hook. Default: none.
   */
  readonly serverOptions?: Omit<UpgradeOptions, "headers" | "protocols"> | undefined;
}

const KNOWN: Names<WsframeAdapterOptions> = {
  getNamespace: true,
  handleProtocols: true,
  hooks: true,
  idleTimeout: true,
  onError: true,
  resolve: true,
  serverOptions: true,
  sync: true,
};

/** Options of other adapters, with what to use instead. */
const HINTS: Hints = { wss: "this adapter needs no server: use `serverOptions`" };

/** The default of `idleTimeout`, in seconds, as in all adapters of crossws. */
const IDLE_TIMEOUT = 30;
/** Options of upgrade() that crossws replaces. */
const INSTEAD = [
  ["headers", "return them from the upgrade hook"],
  ["protocols", "use `handleProtocols` or the upgrade hook"],
] as const;

/**
 * Checks the options of an adapter, and returns those of its connections.
 * @throws TypeError, RangeError
 */
export function readOptions(options: WsframeAdapterOptions): UpgradeOptions {
  checkNames("wsframeAdapter()", options, KNOWN, HINTS);
  const { idleTimeout = IDLE_TIMEOUT, serverOptions = {} } = options;
  if (typeof idleTimeout !== "number" || !(idleTimeout >= 0)) {
    throw new RangeError("idleTimeout must be a number of seconds, 0 or more");
  }
  checkUpgradeNames("upgrade()", serverOptions);
  for (const [name, instead] of INSTEAD) {
    if (name in serverOptions) throw new TypeError(`serverOptions has no option \`${name}\`: ${instead}`);
  }
  const time = idleTimeout === 0 ? Infinity : idleTimeout * 1000;
  const { pingInterval = time, pongTimeout = time, binaryType = "nodebuffer" } = serverOptions;
  const read: UpgradeOptions = { ...serverOptions, pingInterval, pongTimeout, binaryType };
  checkOptions("server", read);
  return read;
}

/** The extensions for objects that the upgrade hook returned. They are cached, because hooks often return the same object. */
const deflates: WeakMap<object, Extension> = new WeakMap();
const DEFAULTS: Exclude<Deflate, boolean> = {};
const DEFLATE = "permessage-deflate";

/**
 * The extensions to negotiate, with the compression that the upgrade hook returned.
 * @throws TypeError, RangeError for invalid options of compression
 */
export function extensionsFor(
  deflate: Deflate | undefined,
  configured: readonly Extension[] = [],
): readonly Extension[] {
  if (deflate === undefined) return configured;
  if (deflate === true && configured.some(({ name }) => name === DEFLATE)) return configured;
  const others = configured.filter(({ name }) => name !== DEFLATE);
  return deflate === false ? others : [...others, extensionOf(deflate === true ? DEFAULTS : deflate)];
}

function extensionOf(options: Exclude<Deflate, boolean>): Extension {
  let extension = deflates.get(options);
  if (extension === undefined) deflates.set(options, (extension = perMessageDeflate(translated(options))));
  return extension;
}

/** Converts options in the form of ws. Options of zlib that the peer cannot notice, such as `chunkSize`, are left out. */
function translated({ zlibDeflateOptions = {}, ...options }: Exclude<Deflate, boolean>): PerMessageDeflateOptions {
  const { level, memLevel, strategy } = zlibDeflateOptions;
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = options;
  const negotiated = { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits };
  return { ...negotiated, threshold: options.threshold, level, memLevel, strategy };
}
