// Calls deflate() like src/ does: puts segments into the window of a slot, and moves the window when it is full.

import {
  DEFLATE_AT,
  DEFLATE_BASE,
  DEFLATE_LEVEL,
  DEFLATE_MOST_BITS,
  DEFLATE_REACH,
  DEFLATE_SLOT_SIZE,
  DEFLATE_SLOTS,
  DEFLATE_STATE_SIZE,
  DEFLATE_TABLE_BITS,
  DEFLATE_WINDOW,
  DEFLATE_WINDOW_SIZE,
  FLUSH_END,
  FLUSH_NONE,
  FLUSH_SYNC,
  MAX_SEGMENT,
  MAX_WINDOW,
  OUTPUT,
  OUTPUT_SIZE,
} from "../../../assembly/deflate/memory.ts";
import type { DeflateCore } from "../../../src/deflate/core/core.ts";
import { deflateModule } from "../../../src/deflate/core/module.ts";

export const FLUSHES = [FLUSH_NONE, FLUSH_SYNC, FLUSH_END] as const;
export type Flush = (typeof FLUSHES)[number];

/** The bytes that a message omits at its end (RFC 7692 §7.2.1). */
export const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);

type Exports = Pick<DeflateCore, "deflate" | "clear" | "reindex"> & { readonly memory: WebAssembly.Memory };

/** A separate core, so that tests do not change each other's slots. */
export class Core {
  readonly calls: Exports;
  readonly bytes: Uint8Array;
  readonly u32: Uint32Array;

  constructor() {
    this.calls = new WebAssembly.Instance(deflateModule()).exports as unknown as Exports;
    this.bytes = new Uint8Array(this.calls.memory.buffer);
    this.u32 = new Uint32Array(this.calls.memory.buffer);
  }
}

export interface CompressorOptions {
  readonly slot?: number;
  readonly level?: number;
  /** The agreed window, in bits: 8 to 15. */
  readonly window?: number;
  readonly tableBits?: number;
}

/** The stream of one connection, in a slot. */
export class Compressor {
  readonly core: Core;
  readonly reach: number;
  #slot: number;

  constructor(core: Core, { slot = 0, level = 6, window = 15, tableBits = DEFLATE_MOST_BITS }: CompressorOptions = {}) {
    this.core = core;
    this.reach = 1 << window;
    this.#slot = DEFLATE_SLOTS + slot * DEFLATE_SLOT_SIZE;
    core.bytes.fill(0, this.#slot, this.#slot + DEFLATE_STATE_SIZE);
    this.set(DEFLATE_AT, this.window);
    this.set(DEFLATE_BASE, this.window);
    this.set(DEFLATE_REACH, this.reach);
    this.set(DEFLATE_LEVEL, level);
    this.set(DEFLATE_TABLE_BITS, tableBits);
    core.calls.clear(this.#slot);
  }

  /** The address of the slot's window. */
  get window(): number {
    return this.#slot + DEFLATE_WINDOW;
  }

  get(field: number): number {
    return this.core.u32[(this.#slot + field) >> 2]!;
  }

  set(field: number, value: number): void {
    this.core.u32[(this.#slot + field) >> 2] = value;
  }

  /** Moves the history to `offset` of the window, and keeps `kept` bytes of it. */
  move(offset: number, kept = this.reach): void {
    const at = this.get(DEFLATE_AT);
    const from = Math.max(at - kept, this.get(DEFLATE_BASE));
    this.core.bytes.copyWithin(this.window + offset, from, at);
    this.set(DEFLATE_BASE, this.window + offset);
    this.set(DEFLATE_AT, this.window + offset + at - from);
  }

  /** Moves everything to another slot. */
  moveTo(slot: number): void {
    const to = DEFLATE_SLOTS + slot * DEFLATE_SLOT_SIZE;
    const change = to - this.#slot;
    if (change === 0) return;
    this.core.bytes.copyWithin(to, this.#slot, this.#slot + DEFLATE_SLOT_SIZE);
    this.core.bytes.fill(0xee, this.#slot, this.#slot + DEFLATE_SLOT_SIZE);
    this.#slot = to;
    this.set(DEFLATE_AT, this.get(DEFLATE_AT) + change);
    this.set(DEFLATE_BASE, this.get(DEFLATE_BASE) + change);
  }

  clear(): void {
    this.core.calls.clear(this.#slot);
  }

  reindex(): void {
    this.core.calls.reindex(this.#slot);
  }

  /** Forgets the history. */
  reset(): void {
    this.set(DEFLATE_BASE, this.get(DEFLATE_AT));
    this.clear();
  }

  /** Compresses at most MAX_SEGMENT bytes. */
  segment(bytes: Uint8Array, flush: Flush): Uint8Array {
    if (bytes.length > MAX_SEGMENT) throw new RangeError("The segment is too large");
    if (this.get(DEFLATE_AT) + bytes.length > this.window + DEFLATE_WINDOW_SIZE) this.move(0, MAX_WINDOW);
    const at = this.get(DEFLATE_AT);
    this.core.bytes.set(bytes, at);
    const end = this.core.calls.deflate(this.#slot, at + bytes.length, flush);
    if (this.get(DEFLATE_AT) !== at + bytes.length) throw new Error("deflate() did not advance DEFLATE_AT");
    if (end < OUTPUT || end > OUTPUT + OUTPUT_SIZE) throw new Error("The output does not fit");
    return this.core.bytes.slice(OUTPUT, end);
  }

  /** Compresses a message of any size, with `flush` at its end. */
  message(bytes: Uint8Array, flush: Flush = FLUSH_END): Uint8Array {
    const parts: Uint8Array[] = [];
    let at = 0;
    for (; bytes.length - at > MAX_SEGMENT; at += MAX_SEGMENT) {
      parts.push(this.segment(bytes.subarray(at, at + MAX_SEGMENT), FLUSH_NONE));
    }
    parts.push(this.segment(bytes.subarray(at), flush));
    return Buffer.concat(parts);
  }
}
