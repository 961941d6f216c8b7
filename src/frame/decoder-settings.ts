// Checks and reads the options of a decoder.

import {
  CONFIG_ALLOW_INVALID_CLOSE,
  CONFIG_ALLOW_INVALID_UTF8,
  CONFIG_ALLOW_MASKED,
  CONFIG_ALLOW_NON_MINIMAL_LENGTH,
  CONFIG_ALLOW_UNMASKED,
  CONFIG_SERVER,
  WINDOW_SIZE,
} from "../../assembly/memory.ts";
import { enginesFor, type Engines } from "../core/engines.ts";
import { type Copies, newBytes } from "./bytes.ts";
import { type FrameDecoderOptions, isServer } from "./options.ts";
import { lastIfSame } from "./shared.ts";

/** 100 MiB, as in ws. */
const DEFAULT_MAX_FRAME = 104857600;
const DEFAULT_TEXT_SLACK = 1024;

/** Settings that are fixed for the life of a decoder. @internal */
export interface DecoderSettings {
  readonly engines: Engines;
  /** CONFIG_* bits, except those of a single call. */
  readonly config: number;
  readonly maxFrame: number;
  readonly copy: boolean;
  readonly textSlack: number;
  readonly textBytes: boolean;
  readonly copies: Copies | undefined;
  readonly allocate: (length: number) => Uint8Array<ArrayBuffer>;
}

let last: DecoderSettings | undefined;

/** Returns the previous object if the options are the same. @throws TypeError @throws RangeError @internal */
export function readDecoderSettings(options: Partial<FrameDecoderOptions> = {}): DecoderSettings {
  const {
    role,
    maxFrame = DEFAULT_MAX_FRAME,
    rsv = 0,
    copy = false,
    allocate = newBytes,
    textSlack = DEFAULT_TEXT_SLACK,
    allowUnmasked,
    allowMasked,
    allowNonMinimalLength,
    allowInvalidClose,
    allowInvalidUtf8,
    textBytes = false,
    copies,
    core,
    ...unknown
  } = options;
  for (const name in unknown) {
    if (unknown[name as never] !== undefined) throw new TypeError(`FrameDecoder has no option \`${name}\``);
  }
  if ((rsv & 7) !== rsv) throw new RangeError("rsv must be 0 to 7");
  const config =
    (isServer(role) ? CONFIG_SERVER : 0) |
    (allowUnmasked ? CONFIG_ALLOW_UNMASKED : 0) |
    (allowMasked ? CONFIG_ALLOW_MASKED : 0) |
    (allowNonMinimalLength ? CONFIG_ALLOW_NON_MINIMAL_LENGTH : 0) |
    (allowInvalidUtf8 ? CONFIG_ALLOW_INVALID_UTF8 : 0) |
    (allowInvalidClose ? CONFIG_ALLOW_INVALID_CLOSE : 0) |
    (rsv << 4);
  const most = maxFrame === Infinity ? Number.MAX_SAFE_INTEGER : maxFrame;
  if (!Number.isSafeInteger(most) || most < 0) {
    throw new RangeError("maxFrame must be a whole number, 0 or more, or Infinity");
  }
  if (!Number.isInteger(textSlack) || textSlack < 0) {
    throw new RangeError("textSlack must be a whole number, 0 or more");
  }
  return (last = lastIfSame(last, {
    engines: enginesFor(core),
    config,
    maxFrame: most,
    copy,
    textSlack: Math.min(textSlack, WINDOW_SIZE),
    textBytes,
    copies,
    allocate,
  }));
}
