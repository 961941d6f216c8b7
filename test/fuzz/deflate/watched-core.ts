// A watched instance of the core. It checks that a call changes only its own memory.

import {
  DEFLATE_BASE,
  DEFLATE_BUCKET_SIZE,
  DEFLATE_SLOT_SIZE,
  DEFLATE_STATE_SIZE,
  DEFLATE_TABLE,
  DEFLATE_TABLE_BITS,
  DEFLATE_TABLES,
  INFLATE_BASE,
  INFLATE_IN,
  INFLATE_OUT,
  INFLATE_OUT_END,
  INFLATE_SLOT_SIZE,
  INFLATE_STATE_SIZE,
  INPUT,
  INPUT_MARGIN,
  OUTPUT,
  OUTPUT_SIZE,
} from "../../../assembly/deflate/memory.ts";
import type { DeflateCore } from "../../../src/deflate/core/core.ts";
import { deflateModule } from "../../../src/deflate/core/module.ts";
import { checkedInstance, type Range } from "./checked.ts";

type Exports = Omit<DeflateCore, "bytes" | "u32"> & { readonly memory: WebAssembly.Memory };

/** The number of bytes next to the writable ranges that are compared after each call. */
const NEIGHBOURHOOD = 256;
/** All memory is compared after this many calls. */
const WHOLE_EVERY = 2048;
/** A call may read this many bytes beyond its input, whatever they contain. */
const INFLATE_MARGIN = 8;
const DEFLATE_MARGIN = 12;

/** Thrown if the core writes where it must not, or leaves an invalid state. */
export class Stray extends Error {
  override name = "Stray";
}

export class WatchedCore {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly #exports: Exports;
  readonly #allow: ((reads: readonly Range[], writes: readonly Range[]) => void) | undefined;
  readonly #before: Uint8Array;
  #calls = 0;

  /** @param checked whether to check each load and store */
  constructor({ checked }: { readonly checked: boolean }) {
    if (checked) {
      const { exports, allow } = checkedInstance();
      this.#exports = exports as unknown as Exports;
      this.#allow = allow;
    } else {
      this.#exports = new WebAssembly.Instance(deflateModule()).exports as unknown as Exports;
    }
    const buffer = this.#exports.memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.#before = new Uint8Array(buffer.byteLength);
    // Zeros would hide a store of zeros.
    for (let at = INPUT; at < this.bytes.length; at++) this.bytes[at] = (at * 167) ^ (at >> 8);
  }

  getU32(at: number): number {
    return this.u32[at >> 2]!;
  }

  setU32(at: number, value: number): void {
    this.u32[at >> 2] = value;
  }

  inflate(slot: number, inEnd: number, last: number): number {
    const from = this.getU32(slot + INFLATE_IN);
    const out = this.getU32(slot + INFLATE_OUT);
    const outEnd = this.getU32(slot + INFLATE_OUT_END);
    const tables: Range = [0, DEFLATE_TABLES];
    const state: Range = [slot, slot + INFLATE_STATE_SIZE];
    const result = this.#watch(
      "inflate()",
      [
        tables,
        state,
        [from, inEnd + (last ? INPUT_MARGIN : INFLATE_MARGIN)],
        [this.getU32(slot + INFLATE_BASE), outEnd],
      ],
      [tables, state, [out, outEnd]],
      [slot, slot + INFLATE_SLOT_SIZE],
      () => this.#exports.inflate(slot, inEnd, last),
    );
    const end = this.getU32(slot + INFLATE_OUT);
    const used = this.getU32(slot + INFLATE_IN);
    if (end < out || end > outEnd)
      throw new Stray(`inflate() moved INFLATE_OUT from ${out} to ${end}, not up to ${outEnd}`);
    if (used < from || used > inEnd)
      throw new Stray(`inflate() moved INFLATE_IN from ${from} to ${used}, not up to ${inEnd}`);
    return result;
  }

  /** Returns the output as a view. */
  deflate(slot: number, end: number, flush: number): Uint8Array {
    const outputEnd = this.#inSlot("deflate()", slot, end, () => this.#exports.deflate(slot, end, flush));
    if (outputEnd < OUTPUT || outputEnd > OUTPUT + OUTPUT_SIZE) throw new Stray(`deflate() returned ${outputEnd}`);
    return this.bytes.subarray(OUTPUT, outputEnd);
  }

  append(slot: number, end: number): void {
    this.#inSlot("append()", slot, end, () => this.#exports.append(slot, end));
  }

  clear(slot: number): void {
    this.#inSlot("clear()", slot, this.getU32(slot + DEFLATE_BASE), () => this.#exports.clear(slot));
  }

  reindex(slot: number, at: number): void {
    this.#inSlot("reindex()", slot, at, () => this.#exports.reindex(slot));
  }

  #inSlot<T>(what: string, slot: number, end: number, call: () => T): T {
    const table = slot + DEFLATE_TABLE;
    const own: Range[] = [
      [DEFLATE_TABLES, INPUT],
      [slot, slot + DEFLATE_STATE_SIZE],
      [table, table + (DEFLATE_BUCKET_SIZE << this.getU32(slot + DEFLATE_TABLE_BITS))],
      [OUTPUT, OUTPUT + OUTPUT_SIZE],
    ];
    const window: Range = [this.getU32(slot + DEFLATE_BASE), end + DEFLATE_MARGIN];
    return this.#watch(what, [...own, window], own, [slot, slot + DEFLATE_SLOT_SIZE], call);
  }

  /** @param place the slot, whose surroundings are compared too */
  #watch<T>(what: string, reads: readonly Range[], writes: readonly Range[], place: Range, call: () => T): T {
    this.#allow?.(reads, writes);
    const guards =
      ++this.#calls % WHOLE_EVERY === 0 ? [[0, this.bytes.length] as const] : this.#besides([...writes, place]);
    for (const [from, to] of guards) this.#before.set(this.bytes.subarray(from, to), from);
    const result = call();
    // The call may have changed its own ranges.
    for (const guard of guards) {
      for (const [from, to] of without(guard, writes)) {
        if (Buffer.compare(this.bytes.subarray(from, to), this.#before.subarray(from, to)) === 0) continue;
        let at = from;
        while (this.bytes[at] === this.#before[at]) at++;
        throw new Stray(`${what} wrote ${this.bytes[at]} at ${at}, which is not its own`);
      }
    }
    return result;
  }

  #besides(ranges: readonly Range[]): Range[] {
    const besides: Range[] = [];
    for (const [from, to] of ranges) {
      if (from > 0) besides.push([Math.max(0, from - NEIGHBOURHOOD), from]);
      besides.push([to, Math.min(this.bytes.length, to + NEIGHBOURHOOD)]);
    }
    return besides;
  }
}

/** The parts of a range that are outside all the others. */
function without(range: Range, others: readonly Range[]): readonly Range[] {
  let parts: readonly Range[] = [range];
  for (const [from, to] of others) {
    if (parts.every((part) => part[1] <= from || part[0] >= to)) continue;
    parts = parts.flatMap((part): Range[] =>
      part[1] <= from || part[0] >= to ? [part] : [...before(part[0], from), ...before(to, part[1])],
    );
  }
  return parts;
}

function before(from: number, to: number): Range[] {
  return from < to ? [[from, to]] : [];
}
