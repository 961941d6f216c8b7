// Encodes a table of records into a window of bytes: for each frame, the header, masking-key and payload.

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
 * Serializes the first `count` records of the table. Their payloads are in WINDOW, end to end, up to `end`. The frames
 * go to OUTPUT. If `masked` is not 0, they are masked, with one key each from KEYS. If `ascii` is not 0, every text has
 * as many bytes as code units, so there is no need to search for its end.
 * @returns the address after the last byte written
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
    // This may write past the end of the payload. The next frame overwrites those bytes, or nothing reads them.
    const vector = i32x4.splat(key);
    for (let i: u32 = 0; i < length; i += 16) v128.store(output + i, v128.xor(v128.load(payload + i), vector));
    output += length;
    payload += length;
  }
  return output;
}
