// The portable core: the same as assembly/, in plain TypeScript on plain memory, for places that refuse to compile
// WebAssembly. It is written for clarity, byte by byte. Differential tests compare both cores.

import {
  BIT_CONTROL,
  BIT_FIN,
  BIT_MASK,
  BIT_RSV1,
  BITS_OPCODE,
  BITS_RSV,
  CONFIG_ALLOW_INVALID_CLOSE,
  CONFIG_ALLOW_INVALID_UTF8,
  CONFIG_ALLOW_MASKED,
  CONFIG_ALLOW_NON_MINIMAL_LENGTH,
  CONFIG_ALLOW_UNMASKED,
  CONFIG_COMPACT,
  CONFIG_RSV,
  CONFIG_SERVER,
  CONFIG_STRINGS,
  ENCODE_FIRST_BYTE_SHIFT,
  ENCODE_LENGTH,
  ENCODE_UNITS,
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
  FLAG_END,
  FLAG_HEADER_SHIFT,
  FLAG_MASKED,
  FLAG_START,
  FLAG_TEXT,
  FLAG_WIDE,
  KEYS,
  MAX_RECORDS,
  MAX_UNITS,
  MEMORY_SIZE,
  MESSAGE_CLOSED,
  MESSAGE_OPEN,
  MESSAGE_TEXT,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PONG,
  OPCODE_TEXT,
  OUTPUT,
  RECORD_FLAGS,
  RECORD_FROM,
  RECORD_LENGTH,
  RECORD_PAYLOAD,
  RECORD_SIZE,
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
  WINDOW,
} from "../../assembly/memory.ts";
import type { Core } from "./core.ts";

/** A rule that was broken, and the byte at fault. */
interface Failure {
  readonly error: number;
  readonly at: number;
}

/** The header at an address. `length` is 0 if it is incomplete. */
interface Header {
  readonly length: number;
  readonly payloadLength: number;
}

function isValidCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}

/** The length of a UTF-8 sequence with this first byte, and the range of its second byte (RFC 3629 §4). */
function utf8Sequence(first: number): { length: number; least: number; greatest: number } | undefined {
  if (first < 0x80) return { length: 1, least: 0, greatest: 0 };
  if (first < 0xc2) return undefined;
  if (first < 0xe0) return { length: 2, least: 0x80, greatest: 0xbf };
  if (first < 0xf0) {
    return { length: 3, least: first === 0xe0 ? 0xa0 : 0x80, greatest: first === 0xed ? 0x9f : 0xbf };
  }
  if (first < 0xf5) {
    return { length: 4, least: first === 0xf0 ? 0x90 : 0x80, greatest: first === 0xf4 ? 0x8f : 0xbf };
  }
  return undefined;
}

class PortableCore implements Core {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly #view: DataView;

  constructor(size: number) {
    const buffer = new ArrayBuffer(size);
    this.bytes = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.#view = new DataView(buffer);
  }

  mask(address: number, length: number, key: number): void {
    this.#transform(address, address, length, key);
  }

  decode(start: number, end: number): number {
    const state = this.#view;
    const config = this.#get(STATE_CONFIG);
    let flags = this.#get(STATE_FRAME);
    let key = this.#get(STATE_KEY);
    let remaining = state.getFloat64(STATE_REMAINING, true);
    let output = OUTPUT;
    let failure: Failure | undefined;
    let records = 0;
    let p = start;
    // The run of texts in the last record: its start, and how far it may extend. 0 if there is no run.
    let textsStart = 0;
    let textsLimit = 0;
    let unitsEnd = UNITS;

    while (records < MAX_RECORDS && unitsEnd < UNITS + MAX_UNITS * 4) {
      if (flags === 0) {
        if (p >= end || this.#get(STATE_MESSAGE) & MESSAGE_CLOSED) break;
        const header = this.#parseHeader(p, end, config);
        if ("error" in header) {
          failure = header;
          break;
        }
        if (header.length === 0) break;
        const first = this.#byte(p);
        const masked = (this.#byte(p + 1) & BIT_MASK) !== 0;
        flags = first | (header.length << FLAG_HEADER_SHIFT) | FLAG_START | (masked ? FLAG_MASKED : 0);
        key = masked ? state.getUint32(p + header.length - 4, true) : 0;
        remaining = header.payloadLength;
        p += header.length;
        this.#beginFrame(first, config);
      }

      let length = Math.min(end - p, remaining);
      if (length === remaining) flags |= FLAG_END;
      const payload = config & CONFIG_COMPACT ? output : p;
      this.#transform(payload, p, length, key);
      output += length;

      const complete = (flags & FLAG_END) !== 0;
      failure = this.#checkPayload(flags, payload, payload + length, config);
      if (failure) {
        length = failure.at - payload;
        flags &= ~FLAG_END;
        failure = { error: failure.error, at: p + length };
      }
      const isText =
        !failure &&
        complete &&
        config & CONFIG_STRINGS &&
        flags & FLAG_START &&
        (flags & (BIT_FIN | BITS_OPCODE)) === (BIT_FIN | OPCODE_TEXT) &&
        this.#get(STATE_MESSAGE) & MESSAGE_TEXT;
      if (!isText) {
        textsLimit = 0;
      } else {
        const units = this.#utf16Length(payload, payload + length);
        this.#set(unitsEnd, units);
        unitsEnd += 4;
        flags |= FLAG_TEXT | (units < length ? FLAG_WIDE : 0);
        if (payload + length <= textsLimit) {
          records--;
          flags |= this.#get(TABLE + records * RECORD_SIZE + RECORD_FLAGS) & FLAG_WIDE;
        } else {
          textsStart = payload;
          textsLimit = payload + this.#get(STATE_SLACK);
        }
      }
      const record = TABLE + records++ * RECORD_SIZE;
      this.#set(record + RECORD_FLAGS, flags);
      this.#set(record + RECORD_PAYLOAD, isText ? textsStart : payload);
      this.#set(record + RECORD_LENGTH, isText ? payload + length - textsStart : length);
      this.#set(record + RECORD_FROM, isText ? unitsEnd : p);
      p += length;

      if (flags & FLAG_END) {
        this.#endFrame(flags);
        flags = 0;
        remaining = 0;
      } else {
        flags &= ~FLAG_START;
        remaining -= length;
        // Rotate the key, so that its lowest byte is for the next payload byte.
        for (let i = 0; i < length % 4; i++) key = ((key >>> 8) | (key << 24)) >>> 0;
        break;
      }
    }

    this.#set(STATE_FRAME, flags);
    this.#set(STATE_KEY, key);
    state.setFloat64(STATE_REMAINING, remaining, true);
    this.#set(STATE_CONSUMED, p);
    this.#set(STATE_ERROR, failure ? failure.error : 0);
    if (failure) this.#set(STATE_ERROR_AT, failure.at);
    return records;
  }

  encode(count: number, _end: number, ascii: number, masked: number): number {
    let payload = WINDOW;
    let output = OUTPUT;
    let keys = KEYS;
    for (let i = 0; i < count; i++) {
      const fields = this.#get(TABLE + i * 4);
      let length = fields & ENCODE_LENGTH;
      if (fields & ENCODE_UNITS && ascii === 0) length = this.#skipUtf16(payload, length) - payload;
      let key = 0;
      output = this.#writeHeader(output, fields >>> ENCODE_FIRST_BYTE_SHIFT, length, masked);
      if (masked) {
        key = this.#get(keys);
        this.#set(output, key);
        keys += 4;
        output += 4;
      }
      this.#transform(output, payload, length, key);
      output += length;
      payload += length;
    }
    return output;
  }

  #byte(address: number): number {
    return this.#view.getUint8(address);
  }

  #get(address: number): number {
    return this.#view.getUint32(address, true);
  }

  #set(address: number, value: number): void {
    this.#view.setUint32(address, value, true);
  }

  #transform(to: number, from: number, length: number, key: number): void {
    for (let i = 0; i < length; i++) {
      this.#view.setUint8(to + i, this.#byte(from + i) ^ ((key >>> ((i % 4) * 8)) & 0xff));
    }
  }

  /** Parses a header (RFC 6455 §5.2), and checks as many of its bytes as have arrived. */
  #parseHeader(p: number, end: number, config: number): Header | Failure {
    const incomplete: Header = { length: 0, payloadLength: 0 };
    const available = end - p;
    const first = this.#byte(p);
    const firstError = this.#checkFirstByte(first, config);
    if (firstError) return { error: firstError, at: p };
    if (available < 2) return incomplete;

    const second = this.#byte(p + 1);
    const secondError = this.#checkSecondByte(first, second, config);
    if (secondError) return { error: secondError, at: p + 1 };
    const keyLength = second & BIT_MASK ? 4 : 0;
    const short = second & ~BIT_MASK;
    let lengthEnd = 2;
    let payloadLength = short;
    if (short === 126) {
      lengthEnd = 4;
      if (available < lengthEnd) return incomplete;
      payloadLength = this.#view.getUint16(p + 2);
      if (payloadLength < 126 && !(config & CONFIG_ALLOW_NON_MINIMAL_LENGTH)) {
        return { error: ERROR_LENGTH_NOT_MINIMAL, at: p + 3 };
      }
    } else if (short === 127) {
      if (available > 2 && this.#byte(p + 2) >= 0x80) return { error: ERROR_LENGTH_SIGN, at: p + 2 };
      lengthEnd = 10;
      if (available < lengthEnd) return incomplete;
      const exact = this.#view.getBigUint64(p + 2);
      if (exact < 65536n && !(config & CONFIG_ALLOW_NON_MINIMAL_LENGTH)) {
        return { error: ERROR_LENGTH_NOT_MINIMAL, at: p + 9 };
      }
      if (exact > BigInt(Number.MAX_SAFE_INTEGER)) return { error: ERROR_LENGTH_UNSAFE, at: p + 9 };
      payloadLength = Number(exact);
    }
    if (!(first & BIT_CONTROL) && payloadLength > this.#view.getFloat64(STATE_MAX_PAYLOAD, true)) {
      return { error: ERROR_MAX_PAYLOAD, at: p + lengthEnd - 1 };
    }
    return available < lengthEnd + keyLength ? incomplete : { length: lengthEnd + keyLength, payloadLength };
  }

  #checkFirstByte(first: number, config: number): number {
    const opcode = first & BITS_OPCODE;
    const rsv = first & BITS_RSV;
    const open = (this.#get(STATE_MESSAGE) & MESSAGE_OPEN) !== 0;
    const unowned = rsv & ~(config & CONFIG_RSV);
    if (unowned & ~BIT_RSV1) return ERROR_RSV_2_3;
    if (unowned) return ERROR_RSV_1;
    const misplacedRsv = rsv === 0 ? 0 : rsv & BIT_RSV1 ? ERROR_RSV_1 : ERROR_RSV_2_3;
    if (opcode === OPCODE_CONTINUATION) return misplacedRsv || (open ? 0 : ERROR_CONTINUATION);
    if (opcode <= OPCODE_BINARY) return open ? ERROR_NOT_CONTINUATION : 0;
    if (opcode < OPCODE_CLOSE || opcode > OPCODE_PONG) return ERROR_OPCODE;
    return first & BIT_FIN ? misplacedRsv : ERROR_FIN;
  }

  #checkSecondByte(first: number, second: number, config: number): number {
    const length = second & ~BIT_MASK;
    const masked = (second & BIT_MASK) !== 0;
    if (first & BIT_CONTROL) {
      if (length > 125) return ERROR_CONTROL_LENGTH;
      const isClose = (first & BITS_OPCODE) === OPCODE_CLOSE;
      if (isClose && length === 1 && !(config & CONFIG_ALLOW_INVALID_CLOSE)) return ERROR_CLOSE_LENGTH;
    }
    if (config & CONFIG_SERVER) return masked || config & CONFIG_ALLOW_UNMASKED ? 0 : ERROR_EXPECTED_MASK;
    return masked && !(config & CONFIG_ALLOW_MASKED) ? ERROR_UNEXPECTED_MASK : 0;
  }

  /** Updates the state of the message to which the new frame belongs (§5.4). */
  #beginFrame(first: number, config: number): void {
    const opcode = first & BITS_OPCODE;
    if (opcode === OPCODE_CLOSE) {
      this.#set(STATE_CLOSE, 0);
      this.#set(STATE_UTF8, 0);
    } else if (opcode === OPCODE_TEXT || opcode === OPCODE_BINARY) {
      const checked = opcode === OPCODE_TEXT && !(first & BITS_RSV) && !(config & CONFIG_ALLOW_INVALID_UTF8);
      this.#set(STATE_MESSAGE, checked ? MESSAGE_OPEN | MESSAGE_TEXT : MESSAGE_OPEN);
    }
  }

  #endFrame(flags: number): void {
    if ((flags & BITS_OPCODE) === OPCODE_CLOSE) this.#set(STATE_MESSAGE, MESSAGE_CLOSED);
    else if (!(flags & BIT_CONTROL) && flags & BIT_FIN) this.#set(STATE_MESSAGE, 0);
  }

  #checkPayload(flags: number, address: number, end: number, config: number): Failure | undefined {
    const complete = (flags & FLAG_END) !== 0;
    if ((flags & BITS_OPCODE) === OPCODE_CLOSE) {
      return config & CONFIG_ALLOW_INVALID_CLOSE ? undefined : this.#checkClose(address, end, complete);
    }
    if (flags & BIT_CONTROL || !(this.#get(STATE_MESSAGE) & MESSAGE_TEXT)) return undefined;
    return this.#checkText(address, end, complete && (flags & BIT_FIN) !== 0);
  }

  /** Checks a Close (RFC 6455 §5.5.1): a code in the first two bytes, then UTF-8. */
  #checkClose(address: number, end: number, complete: boolean): Failure | undefined {
    let p = address;
    for (; p < end; p++) {
      const close = this.#get(STATE_CLOSE);
      const read = close & 0xff;
      if (read === 2) break;
      if (read === 1 && !isValidCloseCode((close & 0xff00) | this.#byte(p))) return { error: ERROR_CLOSE_CODE, at: p };
      this.#set(STATE_CLOSE, (read + 1) | (this.#byte(p) << 8));
    }
    return this.#checkText(p, end, complete);
  }

  /** Checks text. The state between calls is that of assembly/utf8.ts: bytes to come, least and greatest next byte. */
  #checkText(address: number, end: number, complete: boolean): Failure | undefined {
    const state = this.#get(STATE_UTF8);
    let left = state & 3;
    let least = (state >>> 8) & 0xff;
    let greatest = state >>> 16;
    for (let p = address; p < end; p++) {
      const byte = this.#byte(p);
      if (left === 0) {
        const sequence = utf8Sequence(byte);
        if (sequence === undefined) return { error: ERROR_UTF8, at: p };
        left = sequence.length - 1;
        least = sequence.least;
        greatest = sequence.greatest;
      } else {
        if (byte < least || byte > greatest) return { error: ERROR_UTF8, at: p };
        left--;
        least = 0x80;
        greatest = 0xbf;
      }
    }
    if (complete && left !== 0) return { error: ERROR_UTF8, at: end };
    this.#set(STATE_UTF8, left === 0 ? 0 : left | (least << 8) | (greatest << 16));
    return undefined;
  }

  #utf16Length(address: number, end: number): number {
    let units = 0;
    for (let p = address; p < end; p++) units += this.#unitsAt(p);
    return units;
  }

  /** Any bytes may follow the text. */
  #skipUtf16(address: number, units: number): number {
    let p = address;
    let left = units;
    while (left > 0) {
      left -= this.#unitsAt(p);
      p += utf8Sequence(this.#byte(p))!.length;
    }
    return p;
  }

  /** UTF-16 code units of the character that starts with this byte; 0 for a continuation byte. */
  #unitsAt(address: number): number {
    const byte = this.#byte(address);
    if ((byte & 0xc0) === 0x80) return 0;
    return byte >= 0xf0 ? 2 : 1;
  }

  #writeHeader(address: number, first: number, length: number, masked: number): number {
    const maskBit = masked ? BIT_MASK : 0;
    this.#view.setUint8(address, first);
    if (length < 126) {
      this.#view.setUint8(address + 1, length | maskBit);
      return address + 2;
    }
    this.#view.setUint8(address + 1, 126 | maskBit);
    this.#view.setUint16(address + 2, length);
    return address + 4;
  }
}

export function createPortableCore(size: number = MEMORY_SIZE): Core {
  return new PortableCore(size);
}
