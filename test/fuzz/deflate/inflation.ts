// One connection's messages through inflate(), with input and output cut anywhere, in a slot that changes.

import {
  INFLATE_BASE,
  INFLATE_DONE,
  INFLATE_ERROR_DISTANCE,
  INFLATE_ERROR_END,
  INFLATE_ERROR_FINAL_BLOCKS,
  INFLATE_FULL,
  INFLATE_IN,
  INFLATE_NEEDS_INPUT,
  INFLATE_OUT,
  INFLATE_OUT_END,
  INFLATE_PRIVATE,
  INFLATE_REACH,
  INFLATE_SLOT_COUNT,
  INFLATE_SLOT_SIZE,
  INFLATE_SLOTS,
  INFLATE_STATE_SIZE,
  INFLATE_WINDOW,
  INFLATE_WINDOW_SIZE,
  INPUT,
  INPUT_MARGIN,
} from "../../../assembly/deflate/memory.ts";
import type { Random } from "../../support/random.ts";
import { type Inflated, TAIL } from "./oracle.ts";
import { Stray, type WatchedCore } from "./watched-core.ts";

/** The same limit as in zlib.c. */
const MOST_OUTPUT = 1 << 19;
const WINDOW_OFFSETS = 64;

/** The numbers of free slots. */
export class Places {
  readonly #free: number[];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, (_, i) => i);
  }

  take(random: Random): number {
    const at = random.integer(0, this.#free.length - 1);
    return this.#free.splice(at, 1)[0]!;
  }

  give(place: number): void {
    this.#free.push(place);
  }
}

export interface InflationJob {
  readonly windowBits: number;
  readonly dictionary: Uint8Array;
  readonly messages: readonly Uint8Array[];
}

export interface Outcome extends Inflated {
  /** Whether the message failed because a match reaches too far back. */
  readonly tooFar: boolean;
}

export const inflatePlaces = (): Places => new Places(INFLATE_SLOT_COUNT);

export class Inflation {
  readonly outcomes: Outcome[] = [];
  readonly #core: WatchedCore;
  readonly #places: Places;
  readonly #random: Random;
  readonly #messages: readonly Uint8Array[];
  readonly #reach: number;
  #place: number;
  /** The current message with its tail, and how much of it the core has received. */
  #input: Uint8Array | undefined;
  #at = 0;
  #parts: Uint8Array[] = [];
  #length = 0;
  #cutsInput = false;
  #cutsOutput = false;

  constructor(core: WatchedCore, places: Places, random: Random, { windowBits, dictionary, messages }: InflationJob) {
    this.#core = core;
    this.#places = places;
    this.#random = random;
    this.#messages = messages;
    this.#reach = 2 ** windowBits;
    this.#place = places.take(random);
    const slot = this.#slot;
    core.bytes.fill(0, slot, slot + INFLATE_STATE_SIZE);
    core.setU32(slot + INFLATE_REACH, this.#reach);
    this.#layWindow(slot, dictionary.subarray(-this.#reach));
  }

  get #slot(): number {
    return INFLATE_SLOTS + this.#place * INFLATE_SLOT_SIZE;
  }

  #layWindow(slot: number, history: Uint8Array): void {
    const core = this.#core;
    const window = slot + INFLATE_WINDOW + this.#random.integer(0, WINDOW_OFFSETS);
    core.bytes.set(history, window);
    core.setU32(slot + INFLATE_BASE, window);
    core.setU32(slot + INFLATE_OUT, window + history.length);
  }

  /** The data that matches may refer to. */
  #history(): Uint8Array {
    const core = this.#core;
    const out = core.getU32(this.#slot + INFLATE_OUT);
    return core.bytes.slice(Math.max(core.getU32(this.#slot + INFLATE_BASE), out - this.#reach), out);
  }

  #moveElsewhere(): void {
    const core = this.#core;
    const history = this.#history();
    const from = this.#slot;
    const before = this.#place;
    this.#place = this.#places.take(this.#random);
    this.#places.give(before);
    core.bytes.copyWithin(this.#slot, from, from + INFLATE_STATE_SIZE);
    this.#layWindow(this.#slot, history);
  }

  /** Makes one call. @returns whether there is more to do */
  step(): boolean {
    const random = this.#random;
    const core = this.#core;
    if (random.chance(0.05)) this.#moveElsewhere();
    const slot = this.#slot;
    if (this.#input === undefined) {
      const message = this.#messages[this.outcomes.length];
      if (message === undefined) return this.#end();
      this.#input = new Uint8Array(message.length + TAIL.length);
      this.#input.set(message);
      this.#input.set(TAIL, message.length);
      this.#at = 0;
      this.#parts = [];
      this.#length = 0;
      this.#cutsInput = random.chance(0.4);
      this.#cutsOutput = random.chance(0.4);
      core.bytes.fill(0, slot + INFLATE_PRIVATE, slot + INFLATE_STATE_SIZE);
    }
    const input = this.#input;
    const messageEnd = input.length - TAIL.length;
    const piece = this.#cutsInput ? random.integer(0, random.pick([1, 3, 30, 300])) : 65000;
    // The tail is never split, and arrives with the rest of the message.
    const end = this.#at + piece >= messageEnd ? input.length : this.#at + piece;
    const last = end === input.length;
    const from = INPUT + random.integer(0, 9);
    const inEnd = from + end - this.#at;
    core.bytes.set(input.subarray(this.#at, end), from);
    if (last) core.bytes.fill(0, inEnd, inEnd + INPUT_MARGIN);
    core.setU32(slot + INFLATE_IN, from);

    const windowEnd = slot + INFLATE_WINDOW + INFLATE_WINDOW_SIZE;
    if (windowEnd - core.getU32(slot + INFLATE_OUT) < 20_000 || random.chance(0.02))
      this.#layWindow(slot, this.#history());
    const out = core.getU32(slot + INFLATE_OUT);
    const room = this.#cutsOutput
      ? random.integer(0, random.pick([1, 3, 300, 600]))
      : random.chance(0.9)
        ? 2000
        : 65_536;
    core.setU32(slot + INFLATE_OUT_END, Math.min(windowEnd, out + room));

    const result = core.inflate(slot, inEnd, last ? 1 : 0);
    const outEnd = core.getU32(slot + INFLATE_OUT);
    const used = core.getU32(slot + INFLATE_IN);
    this.#at += used - from;
    if (outEnd > out) this.#parts.push(core.bytes.slice(out, outEnd));
    this.#length += outEnd - out;

    if (result === INFLATE_DONE) {
      if (!last || this.#at !== input.length) throw new Stray("inflate() finished before the end");
      this.#finish("ok", false);
    } else if (result === INFLATE_NEEDS_INPUT) {
      if (last || used !== inEnd)
        throw new Stray("inflate() requested more input than there is, or did not use all input");
    } else if (result === INFLATE_FULL) {
      if (outEnd !== core.getU32(slot + INFLATE_OUT_END))
        throw new Stray("inflate() reported full output but had room");
      if (this.#length > MOST_OUTPUT) return this.#fail("too long", false);
    } else if (result === INFLATE_ERROR_FINAL_BLOCKS) {
      return this.#fail("final blocks", false);
    } else if (result < 0 && result >= INFLATE_ERROR_FINAL_BLOCKS) {
      return this.#fail(result === INFLATE_ERROR_END ? "end" : "wrong", result === INFLATE_ERROR_DISTANCE);
    } else {
      throw new Stray(`inflate() returned ${result}`);
    }
    return true;
  }

  #finish(outcome: Inflated["outcome"], tooFar: boolean): void {
    const data = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.outcomes.push({ outcome, data, tooFar });
    this.#input = undefined;
  }

  #fail(outcome: Inflated["outcome"], tooFar: boolean): boolean {
    this.#finish(outcome, tooFar);
    return this.#end();
  }

  #end(): boolean {
    this.#places.give(this.#place);
    return false;
  }
}
