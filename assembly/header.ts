// The header of a frame, 2 to 14 bytes, with the checks of RFC 6455 §5.2, §5.4 and §5.5.
//
//    0                   1                   2                   3
//   |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
//   |I|S|S|S|  (4)  |A|     (7)     |          (16 / 64)            |
//   |N|V|V|V|       |S|             |   (if payload len==126/127)   |
//   | |1|2|3|       |K|             |                               |
//   |  ...                          | Masking-key, if MASK set to 1 |

import {
  BIT_CONTROL,
  BIT_FIN,
  BIT_MASK,
  BIT_RSV1,
  BITS_OPCODE,
  BITS_RSV,
  CONFIG_ALLOW_INVALID_CLOSE,
  CONFIG_ALLOW_MASKED,
  CONFIG_ALLOW_NON_MINIMAL_LENGTH,
  CONFIG_ALLOW_UNMASKED,
  CONFIG_RSV,
  CONFIG_SERVER,
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
  MESSAGE_OPEN,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PONG,
  STATE_MAX_PAYLOAD,
} from "./memory";

// The results of parse(), valid when it returned 0. They are globals, because a function can return only one value.
/** Length of the whole header, or 0 if it is incomplete. */
export let headerLength: i32 = 0;
export let payloadLength: u64 = 0;
/** After an error, the offset of the faulty byte from the start of the frame. */
export let errorOffset: i32 = 0;

/** Checks the opcode, the RSV bits and FIN, which are the fields of the first byte. */
function checkFirstByte(first: u32, config: u32, message: u32): i32 {
  const opcode = <i32>(first & BITS_OPCODE);
  const unowned = first & BITS_RSV & ~(config & CONFIG_RSV);
  if (unowned & ~BIT_RSV1) return ERROR_RSV_2_3;
  if (unowned) return ERROR_RSV_1;
  if (opcode == OPCODE_CONTINUATION) {
    // The bits of an extension are only allowed on the first frame of a message.
    if (first & BITS_RSV) return first & BIT_RSV1 ? ERROR_RSV_1 : ERROR_RSV_2_3;
    return message & MESSAGE_OPEN ? 0 : ERROR_CONTINUATION;
  }
  if (opcode <= OPCODE_BINARY) return message & MESSAGE_OPEN ? ERROR_NOT_CONTINUATION : 0;
  if (opcode < BIT_CONTROL || opcode > OPCODE_PONG) return ERROR_OPCODE;
  if (!(first & BIT_FIN)) return ERROR_FIN;
  if (first & BITS_RSV) return first & BIT_RSV1 ? ERROR_RSV_1 : ERROR_RSV_2_3;
  return 0;
}

/** Checks MASK and the 7-bit length. */
function checkSecondByte(first: u32, second: u32, config: u32): i32 {
  if (first & BIT_CONTROL) {
    const length = second & ~BIT_MASK;
    if (length > 125) return ERROR_CONTROL_LENGTH;
    if (length == 1 && (first & BITS_OPCODE) == OPCODE_CLOSE && !(config & CONFIG_ALLOW_INVALID_CLOSE)) {
      return ERROR_CLOSE_LENGTH;
    }
  }
  if (config & CONFIG_SERVER) {
    if (!(second & BIT_MASK) && !(config & CONFIG_ALLOW_UNMASKED)) return ERROR_EXPECTED_MASK;
  } else if (second & BIT_MASK && !(config & CONFIG_ALLOW_MASKED)) {
    return ERROR_UNEXPECTED_MASK;
  }
  return 0;
}

/**
 * Parses the header at `address`, of which `available` bytes (1 or more) have arrived, and checks these bytes. An error
 * is found as soon as the byte that causes it has arrived.
 * @returns 0, or an ERROR_*
 */
// @ts-ignore: decorator
@inline
export function parse(address: usize, available: i32, config: u32, message: u32): i32 {
  const first: u32 = load<u8>(address);
  headerLength = 0;
  errorOffset = 0;
  // The two most common first bytes need no further check.
  if (first - (BIT_FIN | 1) > 1 || message & MESSAGE_OPEN) {
    const error = checkFirstByte(first, config, message);
    if (error) return error;
  }
  if (available < 2) return 0;
  const second: u32 = load<u8>(address, 1);
  if (first & BIT_CONTROL || second >> 7 != (config & CONFIG_SERVER)) {
    const error = checkSecondByte(first, second, config);
    if (error) {
      errorOffset = 1;
      return error;
    }
  }
  const keyLength: i32 = (second >> 7) << 2;
  const short = second & ~BIT_MASK;
  if (short < 126) {
    payloadLength = short;
    errorOffset = 1;
    if (available >= 2 + keyLength) headerLength = 2 + keyLength;
  } else {
    const error = parseExtendedLength(address, available, short, keyLength, config);
    if (error) return error;
  }
  // errorOffset is 0 while the length is incomplete. Control frames have a limit of their own.
  if (errorOffset != 0 && !(first & BIT_CONTROL) && <f64>payloadLength > load<f64>(STATE_MAX_PAYLOAD)) {
    return ERROR_MAX_PAYLOAD;
  }
  return 0;
}

function parseExtendedLength(address: usize, available: i32, short: u32, keyLength: i32, config: u32): i32 {
  const strict = !(config & CONFIG_ALLOW_NON_MINIMAL_LENGTH);
  if (short == 126) {
    if (available < 4) return 0;
    errorOffset = 3;
    payloadLength = bswap<u16>(load<u16>(address, 2));
    if (strict && payloadLength < 126) return ERROR_LENGTH_NOT_MINIMAL;
    if (available >= 4 + keyLength) headerLength = 4 + keyLength;
    return 0;
  }
  if (available < 3) return 0;
  if (load<u8>(address, 2) & 0x80) {
    errorOffset = 2;
    return ERROR_LENGTH_SIGN;
  }
  if (available < 10) return 0;
  errorOffset = 9;
  payloadLength = bswap<u64>(load<u64>(address, 2));
  if (strict && payloadLength < 65536) return ERROR_LENGTH_NOT_MINIMAL;
  // 2^53 - 1 is the largest safe integer in JavaScript.
  if (payloadLength > 0x1fffffffffffff) return ERROR_LENGTH_UNSAFE;
  if (available >= 10 + keyLength) headerLength = 10 + keyLength;
  return 0;
}

/** Writes the header of a payload of less than 64 KiB, without the masking-key. @returns the address after it */
// @ts-ignore: decorator
@inline
export function writeHeader(address: usize, first: u32, length: u32, masked: i32): usize {
  const maskBit: u32 = u32(masked != 0) << 7;
  store<u8>(address, first);
  if (length < 126) {
    store<u8>(address, length | maskBit, 1);
    return address + 2;
  }
  store<u8>(address, 126 | maskBit, 1);
  store<u16>(address, bswap<u16>(<u16>length), 2);
  return address + 4;
}
