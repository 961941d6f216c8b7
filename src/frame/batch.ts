// What one crossing into the core has found, on its way to a sink that may stop in the middle.

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

/** How much is copied at once for several messages, in bytes: one that is kept keeps all of it. */
const MOST_TOGETHER = 16384;

/**
 * Records of decode() with CONFIG_COMPACT, and how far a sink has got with them.
 *
 * A new one reads the core's own memory, which is good until the next crossing. detach() copies what is left.
 * @internal
 */
export class Batch {
  /** Where the records and the lengths of texts are. */
  i32: Int32Array;
  /** Where the payloads are, end to end. */
  bytes: Uint8Array<ArrayBuffer>;
  /** What turns an address in the window into an offset in the stream. */
  readonly toStream: number;
  /** How many payload bytes of the last record's frame have not arrived. */
  readonly remaining: number;
  /** Address of the next record, and of the end of the last. */
  record: number = TABLE;
  end: number;
  /** Where the next payload is. */
  at: number = OUTPUT;
  /** Where the length of the next text is, as an index of `i32`. */
  units: number = UNITS >> 2;
  /** How far such indexes are from those in the records. */
  unitsShift = 0;
  /** The run of texts that delivery stopped in, and where the next text starts in it. */
  texts: string | undefined = undefined;
  cut = 0;
  /** Masking-keys are in RECORD_PAYLOAD: the window that they came in is gone. */
  detached = false;

  /** What the payloads are in the core of; undefined for other cores. */
  shared: ReadWindow | undefined;

  /** A copy of the payloads from `copied` to `copiedEnd`, for messages that get parts of it. Before there is one, -1. */
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

  /** How much memory a detached batch takes, in bytes. */
  get size(): number {
    return this.i32.byteLength + this.bytes.length;
  }

  /** A copy of a payload, made together with those after it: one for each would take most of the time. */
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

  /** Where the last payload ends. */
  #payloadsEnd(): number {
    let end = this.at;
    for (let r = this.record; r < this.end; r += RECORD_SIZE) end += this.i32[(r + RECORD_LENGTH) >> 2]!;
    return end;
  }

  /** Copies what is left into memory of its own. */
  detach(): void {
    const { i32, bytes, record, end } = this;
    const records = i32.slice(record >> 2, end >> 2);
    // The run that delivery stopped in is a string already.
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

/** The masking-key in front of a payload in the window, as the core's number; 0 for none. @internal */
export function readKey(bytes: Uint8Array, payload: number, flags: number): number {
  if (!(flags & FLAG_MASKED)) return 0;
  const at = payload - 4;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
