// One connection's messages through deflate(), called as Outgoing calls it: in segments, in a slot that changes, mixed
// with messages compressed elsewhere and messages that are withdrawn.

import {
  DEFLATE_AT,
  DEFLATE_BASE,
  DEFLATE_BUCKET_SIZE,
  DEFLATE_LEAST_BITS,
  DEFLATE_LEVEL,
  DEFLATE_MOST_BITS,
  DEFLATE_PRIVATE,
  DEFLATE_REACH,
  DEFLATE_SLOT_COUNT,
  DEFLATE_SLOT_SIZE,
  DEFLATE_SLOTS,
  DEFLATE_STATE_SIZE,
  DEFLATE_TABLE,
  DEFLATE_TABLE_BITS,
  DEFLATE_WINDOW,
  DEFLATE_WINDOW_SIZE,
  FLUSH_END,
  FLUSH_NONE,
  FLUSH_SYNC,
  MAX_SEGMENT,
} from "../../../assembly/deflate/memory.ts";
import type { Random } from "../../support/random.ts";
import { makeData, makeLength } from "./data.ts";
import { Places } from "./inflation.ts";
import type { WatchedCore } from "./watched-core.ts";

const WINDOW_OFFSETS = 64;

export const deflatePlaces = (): Places => new Places(DEFLATE_SLOT_COUNT);

export interface DeflationJob {
  readonly level: number;
  /** The longest distance of matches, not always a power of two (`history`). */
  readonly reach: number;
  readonly steps: readonly Step[];
}

interface Step {
  /** `whole`: sent. `prepared`: sent, but compressed elsewhere. `tried`: compressed but not sent. */
  readonly kind: "whole" | "prepared" | "tried";
  readonly pieces: readonly Piece[];
  /** The minimum number of buckets in the table, as a power of two. */
  readonly tableBits: number;
}

interface Piece {
  readonly data: Uint8Array;
  /** Whether a reader can now decode everything that was sent. */
  readonly flushed: boolean;
}

export interface Sent {
  readonly message: Uint8Array;
  readonly encoded: Uint8Array;
}

export function makeDeflationJob(random: Random): DeflationJob {
  const bits = random.chance(0.5) ? 15 : random.integer(8, 15);
  const reach = random.chance(0.8) ? 2 ** bits : random.integer(1, 2 ** bits);
  let before: Uint8Array = new Uint8Array(0);
  const most = random.chance(0.02) ? 70_000 : 3000;
  const steps = Array.from({ length: random.chance(0.05) ? 20 : random.integer(1, 4) }, (): Step => {
    const kind = random.chance(0.8) ? "whole" : random.pick(["prepared", "tried"] as const);
    const pieces = Array.from({ length: random.chance(0.7) ? 1 : random.integer(1, 5) }, (): Piece => {
      let data = makeData(random, makeLength(random, kind === "tried" ? 3000 : most));
      // Repeats earlier data from anywhere in the window.
      if (before.length > 0 && random.chance(0.4)) {
        const back = random.integer(1, Math.min(before.length, 40_000));
        const again = before.subarray(-back).subarray(0, random.integer(1, 400));
        data = Buffer.concat([data, again, data.subarray(0, 10)]);
      }
      if (kind !== "tried") before = Buffer.concat([before, data]).subarray(-40_000);
      return { data, flushed: random.chance(0.3) };
    });
    return { kind, pieces, tableBits: random.integer(DEFLATE_LEAST_BITS, random.chance(0.8) ? 8 : DEFLATE_MOST_BITS) };
  });
  return { level: random.integer(0, 9), reach, steps };
}

export class Deflation {
  readonly sent: Sent[] = [];
  readonly #core: WatchedCore;
  readonly #places: Places;
  /** A separate generator for positions, so that they do not affect the data. */
  readonly #random: Random;
  readonly #job: DeflationJob;
  #place: number;
  #steps = 0;

  constructor(core: WatchedCore, places: Places, random: Random, job: DeflationJob) {
    this.#core = core;
    this.#places = places;
    this.#random = random;
    this.#job = job;
    this.#place = places.take(random);
    this.#begin(this.#slot, DEFLATE_LEAST_BITS);
  }

  get #slot(): number {
    return DEFLATE_SLOTS + this.#place * DEFLATE_SLOT_SIZE;
  }

  #begin(slot: number, tableBits: number): void {
    const core = this.#core;
    const window = slot + DEFLATE_WINDOW + this.#random.integer(0, WINDOW_OFFSETS);
    core.bytes.fill(0, slot + DEFLATE_PRIVATE, slot + DEFLATE_STATE_SIZE);
    core.setU32(slot + DEFLATE_AT, window);
    core.setU32(slot + DEFLATE_BASE, window);
    core.setU32(slot + DEFLATE_REACH, this.#job.reach);
    core.setU32(slot + DEFLATE_LEVEL, this.#job.level);
    core.setU32(slot + DEFLATE_TABLE_BITS, tableBits);
    core.clear(slot);
  }

  /** Moves the window to `window`, and perhaps to another slot. */
  #moveWindow(to: number, window: number): void {
    const core = this.#core;
    const from = this.#slot;
    const at = core.getU32(from + DEFLATE_AT);
    const length = Math.min(at - core.getU32(from + DEFLATE_BASE), this.#job.reach);
    core.bytes.copyWithin(window, at - length, at);
    core.setU32(to + DEFLATE_BASE, window);
    core.setU32(to + DEFLATE_AT, window + length);
  }

  #moveElsewhere(): void {
    const core = this.#core;
    const from = this.#slot;
    const to = this.#places.take(this.#random);
    const target = DEFLATE_SLOTS + to * DEFLATE_SLOT_SIZE;
    const table = DEFLATE_BUCKET_SIZE << core.getU32(from + DEFLATE_TABLE_BITS);
    core.bytes.copyWithin(target, from, from + DEFLATE_STATE_SIZE);
    core.bytes.copyWithin(target + DEFLATE_TABLE, from + DEFLATE_TABLE, from + DEFLATE_TABLE + table);
    this.#moveWindow(target, target + DEFLATE_WINDOW + this.#random.integer(0, WINDOW_OFFSETS));
    this.#places.give(this.#place);
    this.#place = to;
  }

  #makeRoom(slot: number, needed: number): number {
    const core = this.#core;
    const at = core.getU32(slot + DEFLATE_AT);
    const full = at + needed > slot + DEFLATE_WINDOW + DEFLATE_WINDOW_SIZE;
    if (slot === this.#slot && (full || this.#random.chance(0.02))) this.#moveWindow(slot, slot + DEFLATE_WINDOW);
    else if (full) throw new Error("no room");
    return core.getU32(slot + DEFLATE_AT);
  }

  /** Processes one message. @returns whether there is more to do */
  step(): boolean {
    const core = this.#core;
    const step = this.#job.steps[this.#steps++];
    if (step === undefined) {
      this.#places.give(this.#place);
      return false;
    }
    if (this.#random.chance(0.2)) this.#moveElsewhere();
    const slot = this.#slot;
    if (step.tableBits > core.getU32(slot + DEFLATE_TABLE_BITS)) {
      core.setU32(slot + DEFLATE_TABLE_BITS, step.tableBits);
      core.reindex(slot, core.getU32(slot + DEFLATE_AT));
    }
    const message = Buffer.concat(step.pieces.map(({ data }) => data));
    if (step.kind === "whole") {
      this.sent.push({ message, encoded: this.#compress(slot, step.pieces) });
    } else if (step.kind === "tried") {
      this.#makeRoom(slot, message.length);
      if (message.length > MAX_SEGMENT) return true;
      const at = core.getU32(slot + DEFLATE_AT);
      if (at + message.length > slot + DEFLATE_WINDOW + DEFLATE_WINDOW_SIZE) return true;
      const before = core.bytes.slice(slot, slot + DEFLATE_STATE_SIZE);
      core.bytes.set(message, at);
      core.deflate(slot, at + message.length, FLUSH_END);
      core.bytes.set(before, slot);
    } else {
      const place = this.#places.take(this.#random);
      const other = DEFLATE_SLOTS + place * DEFLATE_SLOT_SIZE;
      this.#begin(other, step.tableBits);
      const first = message.subarray(0, MAX_SEGMENT);
      this.sent.push({ message: first, encoded: this.#compress(other, [{ data: first, flushed: true }]) });
      this.#places.give(place);
      const at = this.#makeRoom(slot, first.length);
      core.bytes.set(first, at);
      core.append(slot, at + first.length);
    }
    return true;
  }

  #compress(slot: number, pieces: readonly Piece[]): Uint8Array {
    const core = this.#core;
    const encoded: Uint8Array[] = [];
    for (const [i, { data, flushed }] of pieces.entries()) {
      for (let from = 0; from === 0 || from < data.length; from += MAX_SEGMENT) {
        const part = data.subarray(from, from + MAX_SEGMENT);
        const ends = from + MAX_SEGMENT >= data.length;
        const flush = !ends ? FLUSH_NONE : i === pieces.length - 1 ? FLUSH_END : flushed ? FLUSH_SYNC : FLUSH_NONE;
        const at = this.#makeRoom(slot, part.length);
        core.bytes.set(part, at);
        encoded.push(new Uint8Array(core.deflate(slot, at + part.length, flush)));
      }
    }
    return Buffer.concat(encoded);
  }
}
