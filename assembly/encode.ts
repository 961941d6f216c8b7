// A table of records -> a window of bytes: headers, masking-keys and payloads, frame after frame.

import { writeHeader } from "./header";
import {
  ENCODE_FIRST_BYTE_SHIFT,
  ENCODE_LENGTH,
  ENCODE_UNITS,
  KEYS,
  OUTPUT,
  TABLE,
  WINDOW,
} from "./memory";
import { skipUtf16 } from "./utf8";

/**
 * Serializes the first `count` records of the table. Their payloads stand end to end in WINDOW, up to
 * `end`; the frames go to OUTPUT, masked, if `masked` is not 0, with the keys at KEYS, one each. With `ascii` not 0
 * all texts have as many bytes as code units, and nobody need look for their ends.
 * @returns the address behind the last byte written
 */
export function encode(count: i32, end: usize, ascii: i32, masked: i32): usize {
  const units: u32 = ascii ? 0 : ENCODE_UNITS;
  let payload: usize = WINDOW;
  let output: usize = OUTPUT;
  let keys: usize = KEYS;
  const table: usize = TABLE + (count << 2);
  for (let record: usize = TABLE; record < table; record += 4) {
    const fields = load<u32>(record);
    let length = fields & ENCODE_LENGTH;
    if (fields & units) length = <u32>(skipUtf16(payload, end, length) - payload);
    let key: u32 = 0;
    output = writeHeader(output, fields >> ENCODE_FIRST_BYTE_SHIFT, length, masked);
    if (masked) {
      key = load<u32>(keys);
      store<u32>(output, key);
      keys += 4;
      output += 4;
    }
    // What is written behind the payload's end the next frame overwrites, or nobody reads.
    const vector = i32x4.splat(key);
    for (let i: u32 = 0; i < length; i += 16) v128.store(output + i, v128.xor(v128.load(payload + i), vector));
    output += length;
    payload += length;
  }
  return output;
}
