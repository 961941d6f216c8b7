import type { AdapterOptions } from "crossws";
import { perMessageDeflate, type Extension, type PerMessageDeflateOptions } from "../index.ts";
import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { checkUpgradeNames } from "../node/known-options.ts";
import { checkOptions } from "../node/options.ts";
import type { UpgradeOptions } from "../node/index.ts";
import type { Deflate } from "./hooks.ts";

/** Options of wsframeAdapter(): those of every adapter of crossws, and what wsframe takes. */
export interface WsframeAdapterOptions extends AdapterOptions {
  /**
   * What upgrade() takes. `idleTimeout` of the adapter is the default of `pingInterval` and `pongTimeout`. Binary messages are
   * Buffers unless `binaryType` says otherwise. `protocols` and `headers` are left to `handleProtocols` and the upgrade hook.
   * Default: none.
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

/** Of other adapters. */
const HINTS: Hints = { wss: "there is no other server; use `serverOptions`" };

/** The default of `idleTimeout`, in seconds: that of every adapter of crossws. */
const IDLE_TIMEOUT = 30;
/** Options of upgrade() for which crossws has a place of its own. */
const INSTEAD = [
  ["headers", "the upgrade hook returns them"],
  ["protocols", "use handleProtocols, or the upgrade hook"],
] as const;

/**
 * What holds for all connections of an adapter.
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
    if (name in serverOptions) throw new TypeError(`serverOptions has no \`${name}\` here: ${instead}`);
  }
  const time = idleTimeout === 0 ? Infinity : idleTimeout * 1000;
  const { pingInterval = time, pongTimeout = time, binaryType = "nodebuffer" } = serverOptions;
  const read: UpgradeOptions = { ...serverOptions, pingInterval, pongTimeout, binaryType };
  checkOptions("server", read);
  return read;
}

/** The extension that an object of the upgrade hook asks for. Hooks tend to return the same object each time. */
const deflates: WeakMap<object, Extension> = new WeakMap();
const DEFAULTS: Exclude<Deflate, boolean> = {};
const DEFLATE = "permessage-deflate";

/**
 * The extensions to negotiate, where the upgrade hook has something to say about compression.
 * @throws TypeError, RangeError for options of it that cannot be
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

/** Options in the form of ws. Those of zlib that the other side cannot notice, such as `chunkSize`, have no equivalent. */
function translated({ zlibDeflateOptions = {}, ...options }: Exclude<Deflate, boolean>): PerMessageDeflateOptions {
  const { level, memLevel, strategy } = zlibDeflateOptions;
  const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits } = options;
  const negotiated = { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits };
  return { ...negotiated, threshold: options.threshold, level, memLevel, strategy };
}
