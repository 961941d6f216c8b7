// The errors of compressed messages.

import { MAX_FINAL_BLOCKS } from "../../assembly/deflate/memory.ts";
import { WebSocketError } from "../frame/errors.ts";
import type { PerMessageDeflateSettings } from "./options.ts";

/** The most bytes that this many compressed bytes may inflate to. @internal */
export function maxByRatio(settings: PerMessageDeflateSettings, compressed: number): number {
  const { maxInflateRatio, freeInflation } = settings;
  if (maxInflateRatio === Infinity) return Infinity;
  return Math.max(freeInflation, Math.floor(maxInflateRatio * compressed));
}

/** @param compressed like that of maxByRatio() @internal */
export function tooLong(
  settings: PerMessageDeflateSettings,
  compressed: number,
  { maxLength, byteOffset }: { readonly maxLength: number; readonly byteOffset: number },
): WebSocketError {
  if (maxByRatio(settings, compressed) < maxLength) {
    return new WebSocketError(
      "WS_ERR_INFLATE_RATIO",
      `The message inflates to more than ${settings.maxInflateRatio} times its length (maxInflateRatio, byte ${byteOffset})`,
      { closeCode: 1009, byteOffset, rule: "maxInflateRatio" },
    );
  }
  return new WebSocketError(
    "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
    `The message inflates to more than ${maxLength} bytes (maxMessage, byte ${byteOffset})`,
    { closeCode: 1009, byteOffset, rule: "maxMessage" },
  );
}

/** @param cause the error of the codec @internal */
export function corrupt(byteOffset: number, cause: unknown): WebSocketError {
  const what = cause instanceof Error ? cause.message : String(cause);
  return new WebSocketError(
    "WS_ERR_INVALID_COMPRESSED_DATA",
    `The message is not valid compressed data: ${what} (RFC 7692 §7.2.2, byte ${byteOffset})`,
    { closeCode: 1007, byteOffset, rule: "RFC 7692 §7.2.2", cause },
  );
}

/** @internal */
export function tooManyFinalBlocks(byteOffset: number): WebSocketError {
  const rule = "RFC 7692 §7.2.3.4";
  return new WebSocketError(
    "WS_ERR_TOO_MANY_FINAL_BLOCKS",
    `The message has more than ${MAX_FINAL_BLOCKS} blocks with BFINAL set (${rule}, byte ${byteOffset})`,
    { closeCode: 1008, byteOffset, rule },
  );
}
