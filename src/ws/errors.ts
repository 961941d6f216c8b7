// Translates errors of a connection to the classes, codes and messages of ws, because programs match on them.

import type { WebSocketError, WebSocketErrorCode } from "../index.ts";

/** An error as ws emits it. @internal */
export interface WsError extends Error {
  /** `WS_ERR_*`, or the code of the cause, such as "Z_DATA_ERROR". */
  readonly code?: string | undefined;
}

const FRAME = "Invalid WebSocket frame: ";

/** The message of ws. Faults that ws does not detect have our message, with the prefix of ws. */
function messageOf(error: WebSocketError): string {
  const { code, value, rule } = error;
  switch (code) {
    case "WS_ERR_EXPECTED_FIN":
      return `${FRAME}FIN must be set`;
    case "WS_ERR_EXPECTED_MASK":
      return `${FRAME}MASK must be set`;
    case "WS_ERR_INVALID_CLOSE_CODE":
      return `${FRAME}invalid status code ${value}`;
    case "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH":
      return `${FRAME}invalid payload length ${value}`;
    case "WS_ERR_INVALID_OPCODE":
      return `${FRAME}invalid opcode ${value}`;
    case "WS_ERR_INVALID_UTF8":
      return `${FRAME}invalid UTF-8 sequence`;
    case "WS_ERR_TOO_MANY_BUFFERED_PARTS":
      return "Too many message fragments";
    case "WS_ERR_UNEXPECTED_MASK":
      return `${FRAME}MASK must be clear`;
    case "WS_ERR_UNEXPECTED_RSV_1":
      return `${FRAME}RSV1 must be clear`;
    case "WS_ERR_UNEXPECTED_RSV_2_3":
      return `${FRAME}RSV2 and RSV3 must be clear`;
    case "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH":
      return "Unsupported WebSocket frame: payload length > 2^53 - 1";
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
      return "Max payload size exceeded";
    default:
      return rule.startsWith("RFC") ? `${FRAME}${error.message}` : error.message;
  }
}

/**
 * The error that ws would emit, with its class, `code` and message. Its `cause` is ours, which has the position in the stream. For
 * invalid DEFLATE data it is zlib's error ("Z_DATA_ERROR").
 *
 * @internal
 */
export function asWsError(error: WebSocketError): WsError {
  const { code, cause } = error;
  if (code === "WS_ERR_INTERNAL" && cause instanceof Error) return cause;
  if (code === "WS_ERR_INVALID_COMPRESSED_DATA" && cause instanceof Error) {
    // Either zlib's own error, or one with its message.
    return "errno" in cause
      ? cause
      : Object.assign(new Error(cause.message, { cause: error }), { errno: -3, code: "Z_DATA_ERROR" });
  }
  const Class = code === "WS_ERR_INVALID_UTF8" || code === "WS_ERR_INTERNAL" ? Error : RangeError;
  return Object.assign(new Class(messageOf(error), { cause: error }), { code });
}

/** Makes an error of ws. @internal */
export function wsError(
  code: WebSocketErrorCode,
  message: string,
  Class: typeof Error | typeof RangeError = RangeError,
): WsError {
  return Object.assign(new Class(message), { code });
}
