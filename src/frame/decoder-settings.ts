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
export function readDecoderSettings(options: FrameDecoderOptions): DecoderSettings {
  const config = readConfig(options);
  const maxFrame = readMaxFrame(options.maxFrame);
  const textSlack = options.textSlack ?? DEFAULT_TEXT_SLACK;
  if (!Number.isInteger(textSlack) || textSlack < 0) {
    throw new RangeError("textSlack must be a whole number, 0 or more");
  }
  return (last = lastIfSame(last, {
    engines: enginesFor(options.core),
    config,
    maxFrame,
    copy: options.copy === true,
    textSlack: Math.min(textSlack, WINDOW_SIZE),
    textBytes: options.textBytes === true,
    copies: options.copies,
    allocate: options.allocate ?? newBytes,
  }));
}

function readMaxFrame(value: number = DEFAULT_MAX_FRAME): number {
  if (value === Infinity) return Number.MAX_SAFE_INTEGER;
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError("maxFrame must be a whole number, 0 or more, or Infinity");
  }
  return value;
}

function readConfig(options: FrameDecoderOptions): number {
  // The name in ws.
  if ((options as { readonly maxPayload?: unknown }).maxPayload !== undefined)
    throw new TypeError("FrameDecoder has no option `maxPayload`: use `maxFrame`");
  const rsv = options.rsv ?? 0;
  if (!Number.isInteger(rsv) || rsv < 0 || rsv > 7) throw new RangeError("rsv must be 0 to 7");
  return (
    (isServer(options.role) ? CONFIG_SERVER : 0) |
    (options.allowUnmasked ? CONFIG_ALLOW_UNMASKED : 0) |
    (options.allowMasked ? CONFIG_ALLOW_MASKED : 0) |
    (options.allowNonMinimalLength ? CONFIG_ALLOW_NON_MINIMAL_LENGTH : 0) |
    (options.allowInvalidUtf8 ? CONFIG_ALLOW_INVALID_UTF8 : 0) |
    (options.allowInvalidClose ? CONFIG_ALLOW_INVALID_CLOSE : 0) |
    (rsv << 4)
  );
}
