// The records of one call of the core, for a sink that may pause between them.

import {
  FLAG_MASKED,
  FLAG_START,
  FLAG_TEXT,
  OUTPUT,
  RECORD_FLAGS,
  RECORD_FROM,
  RECORD_LENGTH,
  RECORD_PAYLOAD,
  RECORD_SIZE,
  RECORD_UNITS_END,
  STATE_REMAINING,
  TABLE,
  UNITS,
} from "../../assembly/memory.ts";
import type { Core } from "../core/core.ts";
import type { Copies } from "./bytes.ts";
import type { ReadWindow } from "./read-window.ts";

/** How much is copied at once for several messages, in bytes. A message that is kept keeps all of it in memory. */
const MOST_TOGETHER = 16384;

/**
 * Records of decode() with CONFIG_COMPACT, and how many of them a sink has received.
 *
 * A new batch reads the core's own memory, which is valid until the next call of the core. detach() copies the rest.
 * @internal
 */
export class Batch {
  /** The records, and the lengths of texts. */
  i32: Int32Array;
  /** The payloads, end to end. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Add this to an address in the window to get the offset in the stream. */
  readonly toStream: number;
  /** How many payload bytes of the last record's frame have not arrived. */
  readonly remaining: number;
  /** Address of the next record. `end` is after the last one. */
  record: number = TABLE;
  end: number;
  /** Address of the next payload. */
  at: number = OUTPUT;
  /** Index in `i32` of the next text's length. */
  units: number = UNITS >> 2;
  /** The difference between these indexes and those in the records. */
  unitsShift = 0;
  /** The run of texts in which delivery stopped. The next text starts at `cut`. */
  texts: string | undefined = undefined;
  cut = 0;
  /** Whether RECORD_PAYLOAD holds masking-keys, because the window with the keys is gone. */
  detached = false;

  /** The window of the core that holds the payloads; undefined for other cores. */
  shared: ReadWindow | undefined;

  /** A copy of the payloads from `copied` to `copiedEnd`, which is -1 if there is no copy. Messages get parts of it. */
  #copy: Uint8Array<ArrayBuffer> | undefined = undefined;
  #copied = 0;
  #copiedEnd = -1;

  constructor(core: Core, records: number, toStream: number, shared: ReadWindow | undefined) {
    this.shared = shared;
    this.i32 = core.i32;
    this.bytes = core.bytes;
    this.toStream = toStream;
    this.remaining = core.f64[STATE_REMAINING >> 3]!;
    this.end = TABLE + records * RECORD_SIZE;
  }

  /** Memory of a detached batch, in bytes. */
  get size(): number {
    return this.i32.byteLength + this.bytes.length;
  }

  /** Returns a copy of a payload, made together with the next ones: separate copies would take most of the time. */
  own(start: number, end: number, copies: Copies): Uint8Array<ArrayBuffer> {
    if (end > this.#copiedEnd) {
      const last = Math.min(this.#payloadsEnd(), start + MOST_TOGETHER);
      if (end >= last) return copies.copy(this.bytes, start, end);
      this.#copy = copies.copy(this.bytes, start, last);
      this.#copied = start;
      this.#copiedEnd = last;
    }
    return copies.part(this.#copy!, start - this.#copied, end - this.#copied);
  }

  /** Address of the end of the last payload. */
  #payloadsEnd(): number {
    let end = this.at;
    for (let r = this.record; r < this.end; r += RECORD_SIZE) end += this.i32[(r + RECORD_LENGTH) >> 2]!;
    return end;
  }

  /** Copies the rest into memory of its own. */
  detach(): void {
    const { i32, bytes, record, end } = this;
    const records = i32.slice(record >> 2, end >> 2);
    // The run in which delivery stopped is already a string.
    if (this.texts !== undefined) {
      this.at += records[RECORD_LENGTH >> 2]!;
      records[RECORD_LENGTH >> 2] = 0;
    }
    let length = 0;
    let unitsEnd = this.units;
    for (let r = 0; r < records.length; r += RECORD_SIZE >> 2) {
      const flags = records[r + (RECORD_FLAGS >> 2)]!;
      length += records[r + (RECORD_LENGTH >> 2)]!;
      if (flags & FLAG_TEXT) {
        unitsEnd = records[r + (RECORD_UNITS_END >> 2)]! >> 2;
      } else if (flags & FLAG_START) {
        records[r + (RECORD_PAYLOAD >> 2)] = readKey(bytes, records[r + (RECORD_FROM >> 2)]!, flags);
      }
    }
    const copy = new Int32Array(records.length + unitsEnd - this.units);
    copy.set(records);
    copy.set(i32.subarray(this.units, unitsEnd), records.length);
    this.i32 = copy;
    this.bytes = bytes.slice(this.at, this.at + length);
    this.unitsShift = this.units - records.length;
    this.units = records.length;
    this.record = 0;
    this.end = 4 * records.length;
    this.at = 0;
    this.detached = true;
    this.#copiedEnd = -1;
    this.shared = undefined;
  }
}

/** Reads the masking-key before a payload in the window, as the core's number. Returns 0 if there is none. @internal */
export function readKey(bytes: Uint8Array, payload: number, flags: number): number {
  if (!(flags & FLAG_MASKED)) return 0;
  const at = payload - 4;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
