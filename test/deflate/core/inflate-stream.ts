// Passes one message through the core's inflate() like src/deflate/ does: with a slot, input and window.

import { deflateCore } from "../../../src/deflate/core/core.ts";
import {
  INFLATE_BASE,
  INFLATE_FULL,
  INFLATE_IN,
  INFLATE_OUT,
  INFLATE_OUT_END,
  INFLATE_PRIVATE,
  INFLATE_REACH,
  INFLATE_SLOT_SIZE,
  INFLATE_SLOTS,
  INFLATE_STATE_SIZE,
  INFLATE_WINDOW,
  INFLATE_WINDOW_SIZE,
  INPUT,
  INPUT_MARGIN,
  INPUT_SIZE,
  MAX_WINDOW,
} from "../../../assembly/deflate/memory.ts";

const { bytes, u32, inflate } = deflateCore();

export const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
/** Bytes around the output and after the input, to check that they are neither changed nor used. */
const GUARD = 48;

export interface InflateStreamOptions {
  readonly slot?: number;
  readonly reach?: number;
  readonly history?: Uint8Array;
  /** The number of output bytes that each call has room for. */
  readonly room?: () => number;
}

export class InflateStream {
  readonly #room: () => number;
  readonly #parts: Uint8Array[] = [];
  #slot: number;

  constructor({
    slot = 0,
    reach = MAX_WINDOW,
    history = new Uint8Array(0),
    room = () => Infinity,
  }: InflateStreamOptions) {
    this.#slot = INFLATE_SLOTS + slot * INFLATE_SLOT_SIZE;
    this.#room = room;
    bytes.fill(0, this.#slot, this.#slot + INFLATE_STATE_SIZE);
    const kept = history.subarray(-MAX_WINDOW);
    bytes.set(kept, this.#window);
    this.#set(INFLATE_REACH, reach);
    this.#set(INFLATE_BASE, this.#window);
    this.#set(INFLATE_OUT, this.#window + kept.length);
  }

  get #window(): number {
    return this.#slot + INFLATE_WINDOW;
  }

  #get(field: number): number {
    return u32[(this.#slot + field) >> 2]!;
  }

  #set(field: number, value: number): void {
    u32[(this.#slot + field) >> 2] = value;
  }

  get output(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  /** Inflates a piece of any length. With `last`, the tail of the message is added. @returns the result of inflate() */
  push(piece: Uint8Array, last: "last" | "more" = "more"): number {
    const input = last === "last" ? Buffer.concat([piece, TAIL]) : piece;
    let result = 0;
    for (let at = 0; at === 0 || (result === 0 && at < input.length); at += INPUT_SIZE - GUARD) {
      const part = input.subarray(at, at + INPUT_SIZE - GUARD);
      result = this.#inflate(part, last === "last" && at + part.length === input.length ? 1 : 0);
    }
    return result;
  }

  #inflate(input: Uint8Array, last: number): number {
    const end = INPUT + input.length;
    bytes.set(input, INPUT);
    bytes.fill(last === 1 ? 0 : 0xa5, end, end + INPUT_MARGIN);
    this.#set(INFLATE_IN, INPUT);
    for (;;) {
      this.#makeRoom();
      const start = this.#get(INFLATE_OUT);
      const stop = Math.min(start + this.#room(), this.#window + INFLATE_WINDOW_SIZE);
      this.#set(INFLATE_OUT_END, stop);
      const before = bytes.slice(start - GUARD, start);
      const after = bytes.slice(stop, stop + GUARD);
      const result = inflate(this.#slot, end, last);
      const reached = this.#get(INFLATE_OUT);
      if (reached < start || reached > stop) throw new Error("INFLATE_OUT is out of bounds");
      if (Buffer.compare(before, bytes.subarray(start - GUARD, start)) !== 0)
        throw new Error("Written before the output");
      if (Buffer.compare(after, bytes.subarray(stop, stop + GUARD)) !== 0) throw new Error("Written after the output");
      if (result === INFLATE_FULL && reached !== stop) throw new Error("Full, but there is room");
      if (result >= 0 && result !== INFLATE_FULL && this.#get(INFLATE_IN) !== end) throw new Error("Input is left");
      this.#parts.push(bytes.slice(start, reached));
      if (result !== INFLATE_FULL) return result;
    }
  }

  /** Moves the history to the start of the window if there is little room after it. */
  #makeRoom(): void {
    const out = this.#get(INFLATE_OUT);
    if (out - this.#window < INFLATE_WINDOW_SIZE - 1000) return;
    bytes.copyWithin(this.#window, out - MAX_WINDOW, out);
    this.#set(INFLATE_OUT, this.#window + MAX_WINDOW);
  }

  /** Keeps only the last `kept` bytes as history. */
  forgetBut(kept: number): void {
    this.#set(INFLATE_BASE, this.#get(INFLATE_OUT) - kept);
  }

  /** Continues with the next message, which may refer to this one. */
  next(): void {
    bytes.fill(0, this.#slot + INFLATE_PRIVATE, this.#slot + INFLATE_STATE_SIZE);
    this.#parts.length = 0;
  }

  /** Continues in another slot, and leaves no useful data in this one. */
  moveTo(slot: number): void {
    const to = INFLATE_SLOTS + slot * INFLATE_SLOT_SIZE;
    const saved = bytes.slice(this.#slot, this.#slot + INFLATE_SLOT_SIZE);
    bytes.fill(0xa5, this.#slot, this.#slot + INFLATE_SLOT_SIZE);
    bytes.set(saved, to);
    const moved = to - this.#slot;
    this.#slot = to;
    this.#set(INFLATE_OUT, this.#get(INFLATE_OUT) + moved);
    this.#set(INFLATE_BASE, this.#get(INFLATE_BASE) + moved);
  }
}

/** Inflates a whole message at once. */
export function inflateMessage(
  payload: Uint8Array,
  options: InflateStreamOptions = {},
): { result: number; output: Uint8Array } {
  const stream = new InflateStream(options);
  const result = stream.push(payload, "last");
  return { result, output: stream.output };
}
