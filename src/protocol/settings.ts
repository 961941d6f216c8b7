// The options of a connection, read.

import { type Copies, newBytes, type TextMemory } from "../frame/bytes.ts";
import { isServer } from "../frame/options.ts";
import { lastIfSame } from "../frame/shared.ts";
import { type OpenExtension, openExtensions } from "./extensions.ts";
import { type ReadLimits, readLimits } from "./limits.ts";
import { type ProtocolOptions, readFragmentSize, readSliceSize } from "./options.ts";
import { Slices } from "./slices.ts";

/** What does not change while a connection lasts. @internal */
export interface ProtocolSettings {
  readonly server: boolean;
  readonly limits: ReadLimits;
  readonly fragments: boolean;
  readonly allowInvalidUtf8: boolean;
  readonly autoPong: boolean;
  readonly fragmentSize: number;
  /** Whether messages go out as they are: no extensions, no fragments. */
  readonly plain: boolean;
  readonly extensions: readonly OpenExtension[];
  /** The only one, if whole texts may go straight to it. */
  readonly forTexts: OpenExtension | undefined;
  readonly allocate: (length: number) => Uint8Array<ArrayBuffer>;
  readonly texts: TextMemory | undefined;
  readonly textBytes: boolean;
  readonly copies: Copies | undefined;
  /** How much of a message of an extension is decoded in one call; undefined for all of it. */
  readonly slices: Slices | undefined;
}

let lastLimits: ReadLimits | undefined;
let lastSettings: ProtocolSettings | undefined;

/**
 * The settings for these options: the same object as the last time, where they say the same. Connections of a server
 * without extensions share one then.
 * @throws TypeError @throws RangeError @internal
 */
export function readSettings(options: ProtocolOptions): ProtocolSettings {
  if ("maxPayload" in options && options.maxPayload !== undefined) {
    throw new TypeError("Protocol has no option `maxPayload`: use `limits: { maxMessage }`");
  }
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
  // Extensions are of one connection, and hold memory: they are not kept here.
  if (extensions.length > 0) return settings;
  return (lastSettings = lastIfSame(lastSettings, settings));
}
