// Decodes a window of bytes into a table of records: parses, checks, unmasks and validates in one pass.

import { headerLength, errorOffset, parse, payloadLength } from "./header";
import {
  BIT_CONTROL,
  BIT_FIN,
  BITS_OPCODE,
  BITS_RSV,
  CONFIG_ALLOW_INVALID_CLOSE,
  CONFIG_ALLOW_INVALID_UTF8,
  CONFIG_COMPACT,
  CONFIG_SERVER,
  CONFIG_STRINGS,
  ERROR_CLOSE_CODE,
  ERROR_UTF8,
  FLAG_ASCII,
  FLAG_END,
  FLAG_HEADER_SHIFT,
  FLAG_MASKED,
  FLAG_START,
  FLAG_TEXT,
  FLAG_WIDE,
  MAX_RECORDS,
  MAX_UNITS,
  MESSAGE_CLOSED,
  MESSAGE_OPEN,
  MESSAGE_TEXT,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_TEXT,
  OUTPUT,
  RECORD_FLAGS,
  RECORD_LENGTH,
  RECORD_PAYLOAD,
  RECORD_SIZE,
  RECORD_FROM,
  RECORD_UNITS_END,
  STATE_CLOSE,
  STATE_CONFIG,
  STATE_CONSUMED,
  STATE_ERROR,
  STATE_ERROR_AT,
  STATE_FRAME,
  STATE_KEY,
  STATE_MAX_PAYLOAD,
  STATE_MESSAGE,
  STATE_REMAINING,
  STATE_SLACK,
  STATE_UTF8,
  TABLE,
  UNITS,
} from "./memory";
import { mask, move, moveShort, rotateKey } from "./mask";
import { invalidAt, utf16Length, utf8State, validate } from "./utf8";

/** Whether a Close may carry this code (RFC 6455 §7.4). */
function isValidCloseCode(code: u32): bool {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

/**
 * Checks payload bytes of a Close: a code in the first two bytes, then UTF-8.
 * @returns ERROR_* with STATE_ERROR_AT, or 0
 */
function checkClose(address: usize, end: usize, complete: bool): i32 {
  let p = address;
  let close = load<u32>(STATE_CLOSE);
  while ((close & 0xff) < 2 && p < end) {
    const byte: u32 = load<u8>(p);
    if (close & 0xff && !isValidCloseCode((close & 0xff00) | byte)) {
      store<u32>(STATE_ERROR_AT, p);
      return ERROR_CLOSE_CODE;
    }
    close = ((close & 0xff) + 1) | (byte << 8);
    p++;
  }
  store<u32>(STATE_CLOSE, close);
  return checkText(p, end, complete);
}

/** Continues the validation of text. @returns ERROR_UTF8 with STATE_ERROR_AT, or 0 with STATE_UTF8 */
function checkText(address: usize, end: usize, complete: bool): i32 {
  if (!validate(address, end, load<u32>(STATE_UTF8))) {
    store<u32>(STATE_ERROR_AT, invalidAt);
    return ERROR_UTF8;
  }
  if (complete && utf8State) {
    store<u32>(STATE_ERROR_AT, end);
    return ERROR_UTF8;
  }
  store<u32>(STATE_UTF8, utf8State);
  return 0;
}

/** Address in UNITS for the length of the next text. */
let unitsAt: usize = 0;
/** The end of the payloads that walkTexts() wrote, and FLAG_WIDE if some are not ASCII. */
let textsEnd: usize = 0;
let textsWide: u32 = 0;
const UNITS_FULL: usize = UNITS + MAX_UNITS * 4;

/**
 * Decodes as many short text messages as fit one run. Each must be whole, in one frame, and masked as the role
 * requires. Their payloads go to `output`, end to end. A message with any error is left to decode().
 * @returns the address after the last message
 */
function walkTexts(start: usize, end: usize, output: usize, maskBit: u32, shortLimit: u32): usize {
  const header: usize = 2 + (maskBit >> 5);
  const first = unitsAt;
  const limit = output + load<u32>(STATE_SLACK);
  let seen = i32x4.splat(0);
  let units = first;
  let to = output;
  let p = start;
  while (units < UNITS_FULL) {
    // This is the payload length. If the first byte or MASK is not the expected one, it is too large instead. The two
    // bytes may be past the end, but then so is the frame.
    const length = rotr<u32>(<u32>load<u16>(p) ^ (BIT_FIN | OPCODE_TEXT) ^ (maskBit << 8), 8);
    const next = p + header + length;
    if (length > shortLimit || next > end || (to + length > limit && units > first)) break;
    const keys = i32x4.splat(maskBit ? load<u32>(p, 2) : 0);
    seen = v128.or(seen, moveShort(to, p + header, length, keys));
    store<u32>(units, length);
    units += 4;
    to += length;
    p = next;
  }
  textsWide = 0;
  if (i8x16.bitmask(seen)) {
    textsWide = FLAG_WIDE;
    p = start;
    to = output;
    for (let unit = first; unit < units; unit += 4) {
      const length = load<u32>(unit);
      if (!validate(to, to + length, 0) || utf8State) {
        units = unit;
        break;
      }
      store<u32>(unit, utf16Length(to, to + length));
      to += length;
      p += header + length;
    }
  }
  unitsAt = units;
  textsEnd = to;
  return p;
}

/**
 * Adds texts, whose lengths are in UNITS, to the run in the last record, or starts a new run.
 * @returns the address after the last record
 */
function addTexts(record: usize, payload: usize, end: usize, wide: u32): usize {
  let last = record - RECORD_SIZE;
  let start: usize = load<u32>(last, RECORD_PAYLOAD);
  if (record == TABLE || !(load<u32>(last, RECORD_FLAGS) & FLAG_TEXT) || end - start > load<u32>(STATE_SLACK)) {
    last = record;
    start = payload;
    store<u32>(last, FLAG_TEXT | wide, RECORD_FLAGS);
    store<u32>(last, payload, RECORD_PAYLOAD);
  } else if (wide) {
    store<u32>(last, FLAG_TEXT | FLAG_WIDE, RECORD_FLAGS);
  }
  store<u32>(last, end - start, RECORD_LENGTH);
  store<u32>(last, unitsAt, RECORD_UNITS_END);
  return last + RECORD_SIZE;
}

/**
 * Decodes the bytes from `start` to `end`, and leaves a record for each frame or piece of a frame. STATE holds the
 * state before the call, and then the state after it. STATE_CONSUMED is less than `end` if the rest is an incomplete
 * header, if the table or UNITS is full, after a Close, and after an error. The last record before an error has the
 * valid bytes before it.
 * @returns the number of records
 */
export function decode(start: usize, end: usize): i32 {
  const config = load<u32>(STATE_CONFIG);
  let message = load<u32>(STATE_MESSAGE);
  let flags = load<u32>(STATE_FRAME);
  let key = load<u32>(STATE_KEY);
  let remaining = <u64>load<f64>(STATE_REMAINING);
  let record: usize = TABLE;
  let output: usize = OUTPUT;
  let error: i32 = 0;
  let p = start;

  const tableEnd: usize = TABLE + MAX_RECORDS * RECORD_SIZE;
  const maskBit = (config & CONFIG_SERVER) << 7;
  const shortHeader = 2 + (config & CONFIG_SERVER) * 4;
  const shortFlags = (shortHeader << FLAG_HEADER_SHIFT) | FLAG_START | FLAG_END | (maskBit ? FLAG_MASKED : 0);
  const shortLimit: u32 = load<f64>(STATE_MAX_PAYLOAD) < 125 ? <u32>load<f64>(STATE_MAX_PAYLOAD) : 125;
  const checksText = !(config & CONFIG_ALLOW_INVALID_UTF8);
  const strings: u32 = checksText ? config & CONFIG_STRINGS : 0;
  unitsAt = UNITS;

  while (record < tableEnd && unitsAt < UNITS_FULL) {
    if (!flags) {
      // Nearly all frames are short, whole messages, masked as the role requires. They need none of the checks below.
      // This loop halves the time for 32-byte frames.
      while (!message && record < tableEnd) {
        // The two bytes may be past the end, but then so is the frame.
        const head: u32 = load<u16>(p);
        const first = head & 0xff;
        const length = (head >> 8) ^ maskBit;
        const from = p + shortHeader;
        const next = from + length;
        if (first - (BIT_FIN | OPCODE_TEXT) > 1 || length > shortLimit || next > end) break;
        if (strings && first == <u32>(BIT_FIN | OPCODE_TEXT)) {
          const walked = walkTexts(p, end, output, maskBit, shortLimit);
          if (walked == p) break;
          record = addTexts(record, output, textsEnd, textsWide);
          output = textsEnd;
          p = walked;
          continue;
        }
        key = maskBit ? load<u32>(p, 2) : 0;
        const payload = config & CONFIG_COMPACT ? output : from;
        const nonAscii = i8x16.bitmask(moveShort(payload, from, length, i32x4.splat(key)));
        // Mask the invalid text again. The code below unmasks it once more and finds the error.
        if (nonAscii && checksText && first == <u32>(BIT_FIN | OPCODE_TEXT)) {
          if (!validate(payload, payload + length, 0) || utf8State) {
            if (payload == from) mask(from, length, key);
            break;
          }
        }
        store<u32>(record, first | (nonAscii ? shortFlags : shortFlags | FLAG_ASCII), RECORD_FLAGS);
        store<u32>(record, payload, RECORD_PAYLOAD);
        store<u32>(record, length, RECORD_LENGTH);
        store<u32>(record, from, RECORD_FROM);
        record += RECORD_SIZE;
        output += length;
        p = next;
      }
      if (record >= tableEnd || unitsAt >= UNITS_FULL || p >= end || message & MESSAGE_CLOSED) break;
      error = parse(p, <i32>(end - p), config, message);
      if (error) {
        store<u32>(STATE_ERROR_AT, p + errorOffset);
        break;
      }
      if (!headerLength) break;
      flags = load<u8>(p) | (headerLength << FLAG_HEADER_SHIFT) | FLAG_START;
      key = 0;
      remaining = payloadLength;
      if (load<u8>(p, 1) & 0x80) {
        flags |= FLAG_MASKED;
        key = load<u32>(p + headerLength - 4);
      }
      p += headerLength;
      // Update the state of the message to which the frame belongs (§5.4).
      if (flags & BIT_CONTROL) {
        // Nothing follows a Close, so its reason may reuse the state of the open message's text.
        if ((flags & BITS_OPCODE) == OPCODE_CLOSE) {
          store<u32>(STATE_CLOSE, 0);
          store<u32>(STATE_UTF8, 0);
        }
      } else if ((flags & BITS_OPCODE) != OPCODE_CONTINUATION) {
        message = MESSAGE_OPEN;
        // With an RSV bit, the payload belongs to an extension and is not text yet.
        if (checksText && (flags & (BITS_OPCODE | BITS_RSV)) == OPCODE_TEXT) message |= MESSAGE_TEXT;
      }
    }

    let length = <i32>(end - p);
    if (<u64>length >= remaining) {
      length = <i32>remaining;
      flags |= FLAG_END;
    }
    const from = p;
    let payload = p;
    if (config & CONFIG_COMPACT) {
      payload = output;
      output += length;
    }
    const nonAscii = move(payload, from, length, key);

    const opcode = flags & BITS_OPCODE;
    let text = false;
    if (opcode & BIT_CONTROL) {
      if (opcode == OPCODE_CLOSE && !(config & CONFIG_ALLOW_INVALID_CLOSE)) {
        error = checkClose(payload, payload + length, (flags & FLAG_END) != 0);
      }
    } else {
      const ends = (flags & FLAG_END) != 0 && (flags & BIT_FIN) != 0;
      if (message & MESSAGE_TEXT) {
        if (nonAscii || load<u32>(STATE_UTF8)) {
          error = checkText(payload, payload + length, ends);
        }
        text = strings && ends && opcode == OPCODE_TEXT && flags & FLAG_START;
      }
      if (ends) message = 0;
    }
    if (error) {
      // The record holds the valid bytes before the error, but not the end of the frame.
      length = <i32>(load<u32>(STATE_ERROR_AT) - <u32>payload);
      flags &= ~FLAG_END;
      text = false;
      store<u32>(STATE_ERROR_AT, from + length);
    }
    if (text) {
      store<u32>(unitsAt, nonAscii ? utf16Length(payload, payload + length) : length);
      unitsAt += 4;
      record = addTexts(record, payload, payload + length, nonAscii ? <u32>FLAG_WIDE : 0);
    } else {
      store<u32>(record, flags, RECORD_FLAGS);
      store<u32>(record, payload, RECORD_PAYLOAD);
      store<u32>(record, length, RECORD_LENGTH);
      store<u32>(record, from, RECORD_FROM);
      record += RECORD_SIZE;
    }
    p = from + length;
    if (flags & FLAG_END) {
      if (opcode == OPCODE_CLOSE) message = MESSAGE_CLOSED;
      flags = 0;
      remaining = 0;
    } else {
      flags &= ~FLAG_START;
      remaining -= length;
      key = rotateKey(key, length);
      break;
    }
  }

  store<u32>(STATE_MESSAGE, message);
  store<u32>(STATE_FRAME, flags);
  store<u32>(STATE_KEY, key);
  store<f64>(STATE_REMAINING, <f64>remaining);
  store<u32>(STATE_CONSUMED, p);
  store<u32>(STATE_ERROR, error);
  return <i32>((record - TABLE) / RECORD_SIZE);
}
