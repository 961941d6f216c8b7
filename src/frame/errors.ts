import {
  BIT_MASK,
  BITS_OPCODE,
  ERROR_CLOSE_CODE,
  ERROR_CLOSE_LENGTH,
  ERROR_CONTINUATION,
  ERROR_CONTROL_LENGTH,
  ERROR_EXPECTED_MASK,
  ERROR_FIN,
  ERROR_LENGTH_NOT_MINIMAL,
  ERROR_LENGTH_SIGN,
  ERROR_LENGTH_UNSAFE,
  ERROR_MAX_PAYLOAD,
  ERROR_NOT_CONTINUATION,
  ERROR_OPCODE,
  ERROR_RSV_1,
  ERROR_RSV_2_3,
  ERROR_UNEXPECTED_MASK,
  ERROR_UTF8,
  RECORD_LENGTH,
  RECORD_PAYLOAD,
  RECORD_SIZE,
  STATE_CLOSE,
  STATE_ERROR_AT,
  TABLE,
} from "../../assembly/memory.ts";
import type { Core } from "../core/core.ts";
import type { Frame } from "./frame.ts";

/**
 * The stable codes of errors in a stream, each with the close code to answer with. Where the `ws` package has a code
 * for the same error, it has the same name.
 */
export type WebSocketErrorCode =
  /** 1002: a control frame is fragmented (RFC 6455 §5.5). */
  | "WS_ERR_EXPECTED_FIN"
  /** 1002, role server: a frame is not masked (RFC 6455 §5.1). */
  | "WS_ERR_EXPECTED_MASK"
  /** 1009: a message inflates to more than `maxInflateRatio` times its length. */
  | "WS_ERR_INFLATE_RATIO"
  /** 1002: a Close has a code that must not be sent (RFC 6455 §7.4). */
  | "WS_ERR_INVALID_CLOSE_CODE"
  /** 1011: an extension or `allocate` threw. The peer did nothing wrong. */
  | "WS_ERR_INTERNAL"
  /** 1007: a compressed message is not valid DEFLATE (RFC 1951). */
  | "WS_ERR_INVALID_COMPRESSED_DATA"
  /** 1002: a control frame has more than 125 bytes of payload, or a Close has exactly one (RFC 6455 §5.5). */
  | "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"
  /**
   * 1002: the opcode is reserved or out of order: a continuation without a message, or a new message before the
   * previous one has ended (RFC 6455 §5.2, §5.4).
   */
  | "WS_ERR_INVALID_OPCODE"
  /** 1007: a text message, or the reason of a Close, is not UTF-8 (RFC 6455 §8.1). */
  | "WS_ERR_INVALID_UTF8"
  /** 1002: a length uses more bytes than necessary (RFC 6455 §5.2). */
  | "WS_ERR_NON_MINIMAL_LENGTH"
  /** 1008: nothing arrived for `pingInterval` and then for `pongTimeout`. */
  | "WS_ERR_PONG_TIMEOUT"
  /** 1008: a message has more than `maxFragments` frames. */
  | "WS_ERR_TOO_MANY_BUFFERED_PARTS"
  /** 1008: more than `maxControlFrames` arrived within `controlPeriod`. */
  | "WS_ERR_TOO_MANY_CONTROL_FRAMES"
  /** 1008: a compressed message has more than 64 blocks with BFINAL set (RFC 7692 §7.2.3.4). */
  | "WS_ERR_TOO_MANY_FINAL_BLOCKS"
  /** 1008: more than `maxPendingPongs` automatic Pongs are waiting to be written. */
  | "WS_ERR_TOO_MANY_PENDING_PONGS"
  /** 1002, role client: a frame is masked (RFC 6455 §5.1). */
  | "WS_ERR_UNEXPECTED_MASK"
  /** 1002: RSV1 is set, but no extension owns it or it is not allowed on this frame (RFC 6455 §5.2). */
  | "WS_ERR_UNEXPECTED_RSV_1"
  /** 1002: the same for RSV2 and RSV3. */
  | "WS_ERR_UNEXPECTED_RSV_2_3"
  /** 1002: a 64-bit length has its top bit set. 1009: a length is more than 2^53 - 1 bytes (RFC 6455 §5.2). */
  | "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH"
  /** 1009: a frame is longer than `maxFrame`, or a message longer than `maxMessage`. */
  | "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

/** The details of a WebSocketError: see its properties. */
export interface WebSocketErrorOptions {
  /** The close code to answer with. */
  readonly closeCode: number;
  /** Offset of the faulty byte in the stream. */
  readonly byteOffset: number;
  /** The broken rule: a section of an RFC, or the option that sets the limit. */
  readonly rule: string;
  /** The complete frames before the error. Default none. */
  readonly frames?: readonly Frame[];
  /** The opcode, length or close code at fault. Default undefined. */
  readonly value?: number | undefined;
  /** The original error, for example from a codec. Default undefined. */
  readonly cause?: unknown;
}

/** The stream breaks a rule of the WebSocket protocol, or a limit. */
export class WebSocketError extends Error {
  /** Identifies the class even if two copies of the package are loaded. */
  override readonly name: string = "WebSocketError";
  /** The stable name of the error. */
  readonly code: WebSocketErrorCode;
  /** The close code to answer with (RFC 6455 §7.4.1): 1002, 1007, 1008, 1009 or 1011. */
  readonly closeCode: number;
  /**
   * Offset of the faulty byte in the stream, in bytes from its start. For a wrong length or close code, it is the last
   * byte of that field. For invalid UTF-8, it is the first byte that is not allowed at its place. For text that ends
   * inside a character, it is the offset of the missing byte.
   */
  readonly byteOffset: number;
  /** The broken rule: a section of an RFC ("RFC 6455 §5.2"), or the option that sets the limit. */
  readonly rule: string;
  /** The complete frames of the same chunk before the error, if `decode()` threw it. Otherwise empty. */
  readonly frames: readonly Frame[];
  /**
   * The number at fault, if there is one: the opcode (`WS_ERR_INVALID_OPCODE`), the seven bits of the length
   * (`WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH`; 126 and 127 mean that more bytes of the length follow), or the close code
   * (`WS_ERR_INVALID_CLOSE_CODE`).
   */
  readonly value: number | undefined;

  /** For extensions and tests. The package creates its own errors. */
  constructor(code: WebSocketErrorCode, message: string, options: WebSocketErrorOptions) {
    super(message, options);
    this.code = code;
    this.closeCode = options.closeCode;
    this.byteOffset = options.byteOffset;
    this.rule = options.rule;
    this.frames = options.frames ?? [];
    this.value = options.value;
  }
}

type Rule = readonly [code: WebSocketErrorCode, rule: string, message: string, closeCode?: number];

/** The meaning of the core's ERROR_* numbers. The default close code is 1002. */
const RULES: Readonly<Record<number, Rule>> = {
  [ERROR_RSV_2_3]: ["WS_ERR_UNEXPECTED_RSV_2_3", "RFC 6455 §5.2", "RSV2 and RSV3 must be clear"],
  [ERROR_RSV_1]: ["WS_ERR_UNEXPECTED_RSV_1", "RFC 6455 §5.2", "RSV1 must be clear"],
  [ERROR_OPCODE]: ["WS_ERR_INVALID_OPCODE", "RFC 6455 §5.2", "The opcode is reserved"],
  [ERROR_CONTINUATION]: ["WS_ERR_INVALID_OPCODE", "RFC 6455 §5.4", "No message to continue"],
  [ERROR_NOT_CONTINUATION]: ["WS_ERR_INVALID_OPCODE", "RFC 6455 §5.4", "The previous message has not ended"],
  [ERROR_FIN]: ["WS_ERR_EXPECTED_FIN", "RFC 6455 §5.5", "A control frame must not be fragmented"],
  [ERROR_CONTROL_LENGTH]: [
    "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
    "RFC 6455 §5.5",
    "A control frame has at most 125 payload bytes",
  ],
  [ERROR_CLOSE_LENGTH]: [
    "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
    "RFC 6455 §5.5.1",
    "A Close must not have a payload of 1 byte",
  ],
  [ERROR_EXPECTED_MASK]: ["WS_ERR_EXPECTED_MASK", "RFC 6455 §5.1", "A frame from a client must be masked"],
  [ERROR_UNEXPECTED_MASK]: ["WS_ERR_UNEXPECTED_MASK", "RFC 6455 §5.1", "A frame from a server must not be masked"],
  [ERROR_LENGTH_SIGN]: [
    "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
    "RFC 6455 §5.2",
    "The top bit of a 64-bit length must be 0",
  ],
  [ERROR_LENGTH_UNSAFE]: [
    "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
    "RFC 6455 §5.2",
    "The payload is longer than 2^53 - 1 bytes",
    1009,
  ],
  [ERROR_LENGTH_NOT_MINIMAL]: ["WS_ERR_NON_MINIMAL_LENGTH", "RFC 6455 §5.2", "A length must use the fewest bytes"],
  [ERROR_MAX_PAYLOAD]: ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "maxFrame", "The payload is longer than maxFrame", 1009],
  [ERROR_UTF8]: ["WS_ERR_INVALID_UTF8", "RFC 6455 §8.1", "Text must be valid UTF-8", 1007],
  [ERROR_CLOSE_CODE]: ["WS_ERR_INVALID_CLOSE_CODE", "RFC 6455 §7.4", "The close code must not be sent"],
};

/** @internal */
export function isErrorNumber(error: number): boolean {
  return RULES[error] !== undefined;
}

/** An error that the core found. @internal */
export interface Fault {
  /** One of ERROR_* in assembly/memory.ts. */
  readonly number: number;
  readonly byteOffset: number;
  /** As in WebSocketError. */
  readonly value: number | undefined;
}

/**
 * Returns `WebSocketError.value` for the error that ended the last call of the core, given its number of records.
 * @internal
 */
export function valueAtFault({ bytes, i32 }: Core, error: number, records: number): number | undefined {
  const at = bytes[i32[STATE_ERROR_AT >> 2]!]!;
  switch (error) {
    case ERROR_OPCODE:
    case ERROR_CONTINUATION:
    case ERROR_NOT_CONTINUATION:
      return at & BITS_OPCODE;
    case ERROR_CONTROL_LENGTH:
    case ERROR_CLOSE_LENGTH:
      return at & ~BIT_MASK;
    case ERROR_CLOSE_CODE: {
      // The record ends before the second byte of the code. The first byte may have arrived in an earlier chunk.
      const last = TABLE + (records - 1) * RECORD_SIZE;
      const length = i32[(last + RECORD_LENGTH) >> 2]!;
      const second = i32[(last + RECORD_PAYLOAD) >> 2]! + length;
      const first = length > 0 ? bytes[second - 1]! : (i32[STATE_CLOSE >> 2]! >> 8) & 0xff;
      return (first << 8) | bytes[second]!;
    }
    default:
      return undefined;
  }
}

/** Creates the error for a fault that the core found. @internal */
export function coreError({ number, byteOffset, value }: Fault, frames: readonly Frame[] = []): WebSocketError {
  const [code, section, message, closeCode = 1002] = RULES[number]!;
  return new WebSocketError(code, `${message} (${section}, byte ${byteOffset})`, {
    closeCode,
    byteOffset,
    rule: section,
    value,
    frames,
  });
}
