// A table of records -> a window of bytes: headers, masking-keys and payloads, frame after frame.

import { writeHeader } from "./header";
import {
  ENCODE_HEADER,
  ENCODE_MASK,
  ENCODE_RAW,
  ENCODE_UNITS,
  FLAG_FIRST_BYTE,
  KEYS,
  OUTPUT,
  RECORD_FLAGS,
  RECORD_LENGTH,
  RECORD_SIZE,
  TABLE,
  WINDOW,
} from "./memory";
import { move } from "./mask";
import { skipUtf16 } from "./utf8";

/**
 * Serializes the first `count` records of the table. Their payloads stand end to end in WINDOW, up to
 * `end`; the frames go to OUTPUT, masked with the keys at KEYS, one each. With `ascii` not 0 all texts have as many
 * bytes as code units, and nobody need look for their ends.
 * @returns the address behind the last byte written
 */
export function encode(count: i32, end: usize, ascii: i32): usize {
  const units: u32 = ascii ? 0 : ENCODE_UNITS;
  let payload: usize = WINDOW;
  let output: usize = OUTPUT;
  let keys: usize = KEYS;
  const table: usize = TABLE + count * RECORD_SIZE;
  for (let record: usize = TABLE; record < table; record += RECORD_SIZE) {
    const flags = load<u32>(record, RECORD_FLAGS);
    let length = load<u32>(record, RECORD_LENGTH);
    if (flags & units) length = <u32>(skipUtf16(payload, end, length) - payload);
    let key: u32 = 0;
    if (!(flags & ENCODE_RAW)) {
      const masked = (flags & ENCODE_MASK) != 0;
      output = writeHeader(output, flags & FLAG_FIRST_BYTE, length, masked);
      if (masked) {
        key = load<u32>(keys);
        store<u32>(output, key);
        keys += 4;
        output += 4;
      }
      if (flags & ENCODE_HEADER) continue;
    }
    move(output, payload, length, key);
    output += length;
    payload += length;
  }
  return output;
}
