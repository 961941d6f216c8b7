// Errors in a message that an extension decodes.

import { WebSocketError } from "./errors.ts";
import { CloseCode } from "./opcodes.ts";

/** @internal */
export function messageTooLong(byteOffset: number): WebSocketError {
  const rule = "maxMessage";
  const message = `The limit ${rule} is exceeded (byte ${byteOffset})`;
  const details = { closeCode: CloseCode.MessageTooBig, byteOffset, rule };
  return new WebSocketError("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", message, details);
}

/** @internal */
export function invalidUtf8(byteOffset: number): WebSocketError {
  const rule = "RFC 6455 §8.1";
  const message = `Text must be valid UTF-8 (${rule}, in the message that ends at byte ${byteOffset})`;
  return new WebSocketError("WS_ERR_INVALID_UTF8", message, { closeCode: CloseCode.InvalidPayload, byteOffset, rule });
}
