// Reads the options of a connection.

import { type Copies, newBytes, type TextMemory } from "../frame/bytes.ts";
import { isServer } from "../frame/options.ts";
import { checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { lastIfSame } from "../frame/shared.ts";
import { type OpenExtension, openExtensions } from "./extensions.ts";
import { type ReadLimits, readLimits } from "./limits.ts";
import { type ProtocolOptions, readFragmentSize, readSliceSize } from "./options.ts";
import { Slices } from "./slices.ts";

/** The settings of a connection, which never change. @internal */
export interface ProtocolSettings {
  readonly server: boolean;
  readonly limits: ReadLimits;
  readonly fragments: boolean;
  readonly allowInvalidUtf8: boolean;
  readonly autoPong: boolean;
  readonly fragmentSize: number;
  /** Whether messages are sent unchanged: no extensions, no fragments. */
  readonly plain: boolean;
  readonly extensions: readonly OpenExtension[];
  /** The only extension, if it can encode whole texts itself. */
  readonly forTexts: OpenExtension | undefined;
  readonly allocate: (length: number) => Uint8Array<ArrayBuffer>;
  readonly texts: TextMemory | undefined;
  readonly textBytes: boolean;
  readonly copies: Copies | undefined;
  /** Limits how much an extension decodes in one call; undefined for no limit. */
  readonly slices: Slices | undefined;
}

const KNOWN: Names<ProtocolOptions> = {
  allocate: true,
  allowInvalidClose: true,
  allowInvalidUtf8: true,
  allowMasked: true,
  allowNonMinimalLength: true,
  allowUnmasked: true,
  autoPong: true,
  checked: true,
  copies: true,
  core: true,
  extensions: true,
  fragmentSize: true,
  fragments: true,
  limits: true,
  maskKey: true,
  role: true,
  sliceSize: true,
  textBytes: true,
  textSlack: true,
  texts: true,
};

const IN_LIMITS = "put it into `limits`";
const HINTS: Hints = {
  controlPeriod: IN_LIMITS,
  maxControlFrames: IN_LIMITS,
  maxFragments: IN_LIMITS,
  maxFrame: IN_LIMITS,
  maxMessage: IN_LIMITS,
  maxPayload: "use `limits: { maxMessage }`",
  maxPendingPongs: IN_LIMITS,
  perMessageDeflate: "use `extensions: [perMessageDeflate()]`",
  pingInterval: "use Keepalive",
  pongTimeout: "use Keepalive",
};

let lastLimits: ReadLimits | undefined;
let lastSettings: ProtocolSettings | undefined;

/**
 * Reads the options. Returns the previous object if the values are the same, so that connections without extensions share one.
 * @throws TypeError @throws RangeError @internal
 */
export function readSettings(options: ProtocolOptions): ProtocolSettings {
  if (options?.checked !== true) checkNames("Protocol", options, KNOWN, HINTS);
  const fragments = options.fragments ?? false;
  lastLimits = lastIfSame(lastLimits, readLimits(options.limits, fragments));
  const extensions = openExtensions(options.extensions ?? [], options.role);
  const fragmentSize = readFragmentSize(options.fragmentSize);
  const sliceSize = readSliceSize(options.sliceSize);
  const settings: ProtocolSettings = {
    server: isServer(options.role),
    limits: lastLimits,
    fragments,
    allowInvalidUtf8: options.allowInvalidUtf8 ?? false,
    autoPong: options.autoPong ?? true,
    fragmentSize,
    plain: extensions.length === 0 && fragmentSize === Infinity,
    extensions,
    forTexts:
      fragmentSize === Infinity && extensions.length === 1 && extensions[0]!.session.encodeText
        ? extensions[0]
        : undefined,
    allocate: options.allocate ?? newBytes,
    texts: options.texts,
    textBytes: options.textBytes === true,
    copies: options.copies,
    slices: extensions.length > 0 && sliceSize < Infinity ? new Slices(sliceSize) : undefined,
  };
  // Extensions belong to one connection and hold memory: do not keep them.
  if (extensions.length > 0) return settings;
  return (lastSettings = lastIfSame(lastSettings, settings));
}
