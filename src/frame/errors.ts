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
 * The stable names of what can be wrong with a stream. They are those of the `ws` package where it has one for the same
 * thing. Each with the close code to answer with.
 */
export type WebSocketErrorCode =
  /** 1002: a control frame that is a fragment. */
  | "WS_ERR_EXPECTED_FIN"
  /** 1002, role server: a frame without a mask. */
  | "WS_ERR_EXPECTED_MASK"
  /** 1009: a message that inflates to more than `maxInflateRatio` times its length. */
  | "WS_ERR_INFLATE_RATIO"
  /** 1002: a Close with a code that must not be sent. */
  | "WS_ERR_INVALID_CLOSE_CODE"
  /** 1011: not the peer's fault: an extension, or `allocate`, has thrown. */
  | "WS_ERR_INTERNAL"
  /** 1007: a compressed message that is not DEFLATE. */
  | "WS_ERR_INVALID_COMPRESSED_DATA"
  /** 1002: a control frame of more than 125 bytes, or a Close of one. */
  | "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"
  /** 1002: an opcode that is reserved, or is not due: of messages that begin before the last has ended, or go on with none. */
  | "WS_ERR_INVALID_OPCODE"
  /** 1007: text, or the reason of a Close, that is not UTF-8. */
  | "WS_ERR_INVALID_UTF8"
  /** 1002: a length in more bytes than it needs. */
  | "WS_ERR_NON_MINIMAL_LENGTH"
  /** 1008: nothing has arrived for `pingInterval` and `pongTimeout`. */
  | "WS_ERR_PONG_TIMEOUT"
  /** 1008: a message of more than `maxFragments` frames. */
  | "WS_ERR_TOO_MANY_BUFFERED_PARTS"
  /** 1008: more than `maxControlFrames` in `controlPeriod`. */
  | "WS_ERR_TOO_MANY_CONTROL_FRAMES"
  /** 1008: a compressed message with more than 64 blocks that have BFINAL set (RFC 7692 §7.2.3.4). */
  | "WS_ERR_TOO_MANY_FINAL_BLOCKS"
  /** 1008: more than `maxPendingPongs` automatic Pongs wait to be written. */
  | "WS_ERR_TOO_MANY_PENDING_PONGS"
  /** 1002, role client: a frame with a mask. */
  | "WS_ERR_UNEXPECTED_MASK"
  /** 1002: RSV1 without an extension that owns it, or where that may not set it. */
  | "WS_ERR_UNEXPECTED_RSV_1"
  /** 1002: the same of RSV2 and RSV3. */
  | "WS_ERR_UNEXPECTED_RSV_2_3"
  /** 1002: a 64-bit length with its top bit set. 1009: one of more than 2^53 - 1 bytes. */
  | "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH"
  /** 1009: a frame or a message that is longer than `maxFrame` or `maxMessage`. */
  | "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

/** Where and how a stream broke a rule: see the properties of WebSocketError. */
export interface WebSocketErrorOptions {
  /** The close code to answer with. */
  readonly closeCode: number;
  /** Where in the stream the byte at fault stands. */
  readonly byteOffset: number;
  /** The rule: a place in an RFC, or the option that sets the limit. */
  readonly rule: string;
  /** The frames before the error. Default none. */
  readonly frames?: readonly Frame[];
  /** The opcode, length or close code at fault. Default undefined. */
  readonly value?: number | undefined;
  /** What was thrown first, by a codec for example. Default undefined. */
  readonly cause?: unknown;
}

/** A byte stream that is not WebSocket as it should be. */
export class WebSocketError extends Error {
  /** As of all errors: to tell it from others where there are two copies of the package. */
  override readonly name: string = "WebSocketError";
  /** What is wrong, as a stable name. */
  readonly code: WebSocketErrorCode;
  /** The close code to answer with (RFC 6455 §7.4.1): 1002, 1007, 1008 or 1009. */
  readonly closeCode: number;
  /**
   * Where in the stream, counted in bytes from its start, the byte stands with which the rule was
   * broken: of a wrong length or close code its last byte, of invalid UTF-8 the first byte that cannot
   * stand there, of text that ends inside a character the place where the next byte was to be.
   */
  readonly byteOffset: number;
  /** The rule, as a place in an RFC ("RFC 6455 §5.2") or the option that sets the limit. */
  readonly rule: string;
  /** From `decode()`: the frames that were complete in the same chunk, before the error. Otherwise empty. */
  readonly frames: readonly Frame[];
  /**
   * The number at fault, if a number is: the opcode (`WS_ERR_INVALID_OPCODE`), the seven bits of the length
   * (`WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH`: 126 and 127 say that more bytes of it follow) or the close code
   * (`WS_ERR_INVALID_CLOSE_CODE`).
   */
  readonly value: number | undefined;

  /** For extensions and tests: the package makes its own. */
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

/** What the core's ERROR_* numbers mean. The close code is 1002 where it does not say another. */
const RULES: Readonly<Record<number, Rule>> = {
  [ERROR_RSV_2_3]: ["WS_ERR_UNEXPECTED_RSV_2_3", "RFC 6455 §5.2", "RSV2 and RSV3 must be clear"],
  [ERROR_RSV_1]: ["WS_ERR_UNEXPECTED_RSV_1", "RFC 6455 §5.2", "RSV1 must be clear"],
  [ERROR_OPCODE]: ["WS_ERR_INVALID_OPCODE", "RFC 6455 §5.2", "The opcode is reserved"],
  [ERROR_CONTINUATION]: ["WS_ERR_INVALID_OPCODE", "RFC 6455 §5.4", "There is no message to continue"],
  [ERROR_NOT_CONTINUATION]: ["WS_ERR_INVALID_OPCODE", "RFC 6455 §5.4", "The message before has not ended"],
  [ERROR_FIN]: ["WS_ERR_EXPECTED_FIN", "RFC 6455 §5.5", "A control frame must not be fragmented"],
  [ERROR_CONTROL_LENGTH]: [
    "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
    "RFC 6455 §5.5",
    "A control frame has at most 125 bytes",
  ],
  [ERROR_CLOSE_LENGTH]: [
    "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
    "RFC 6455 §5.5.1",
    "A Close has no payload, or a code of two bytes",
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
  [ERROR_LENGTH_NOT_MINIMAL]: [
    "WS_ERR_NON_MINIMAL_LENGTH",
    "RFC 6455 §5.2",
    "A length must take as few bytes as possible",
  ],
  [ERROR_MAX_PAYLOAD]: ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "maxFrame", "The payload is longer than maxFrame", 1009],
  [ERROR_UTF8]: ["WS_ERR_INVALID_UTF8", "RFC 6455 §8.1", "Text must be valid UTF-8", 1007],
  [ERROR_CLOSE_CODE]: ["WS_ERR_INVALID_CLOSE_CODE", "RFC 6455 §7.4", "The close code must not be sent"],
};

/** @internal */
export function isErrorNumber(error: number): boolean {
  return RULES[error] !== undefined;
}

/** What the core found wrong. @internal */
export interface Fault {
  /** ERROR_* in assembly/memory.ts. */
  readonly number: number;
  readonly byteOffset: number;
  /** As in WebSocketError. */
  readonly value: number | undefined;
}

/** `WebSocketError.value` for the error that the last call of the core ended with, after so many records. @internal */
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
      // The record ends before the code's second byte. Its first may have come with an earlier chunk.
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

/** The error for what the core found. @internal */
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
