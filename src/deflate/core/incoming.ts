// The receiving direction of a connection, in the core (RFC 7692 §7.2.2).

import {
  INFLATE_BASE,
  INFLATE_DONE,
  INFLATE_ERROR_BLOCK_TYPE,
  INFLATE_ERROR_CODE_LENGTHS,
  INFLATE_ERROR_COUNTS,
  INFLATE_ERROR_DISTANCE,
  INFLATE_ERROR_DISTANCE_CODES,
  INFLATE_ERROR_END,
  INFLATE_ERROR_FINAL_BLOCKS,
  INFLATE_ERROR_LITERAL_CODES,
  INFLATE_ERROR_NO_END,
  INFLATE_ERROR_REPEAT,
  INFLATE_ERROR_STORED_LENGTH,
  INFLATE_ERROR_SYMBOL,
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
  TAIL_SIZE,
} from "../../../assembly/deflate/memory.ts";
import { concat } from "../../frame/bytes.ts";
import type { IncomingMessage } from "../../frame/extension.ts";
import { corrupt, maxByRatio, tooLong, tooManyFinalBlocks } from "../errors.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import { grownCapacity } from "./capacity.ts";
import { deflateCore } from "./core.ts";
import { Slots, type SlotUser } from "./slots.ts";

/** How much input one call gets, in bytes. It bounds the work for block headers. */
const STEP = 16384;
/** With less room for output than this, in bytes, the window is moved first. */
const LEAST_ROOM = 16384;
const NOTHING: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

const slots: Slots = /* @__PURE__ */ new Slots(INFLATE_SLOT_COUNT);

/** zlib's messages, if it has one for the fault, because users search for them. */
const FAULTS: Readonly<Record<number, string>> = {
  [INFLATE_ERROR_BLOCK_TYPE]: "invalid block type",
  [INFLATE_ERROR_STORED_LENGTH]: "invalid stored block lengths",
  [INFLATE_ERROR_COUNTS]: "too many length or distance symbols",
  [INFLATE_ERROR_CODE_LENGTHS]: "invalid code lengths set",
  [INFLATE_ERROR_REPEAT]: "invalid bit length repeat",
  [INFLATE_ERROR_NO_END]: "invalid code -- missing end-of-block",
  [INFLATE_ERROR_LITERAL_CODES]: "invalid literal/lengths set",
  [INFLATE_ERROR_DISTANCE_CODES]: "invalid distances set",
  [INFLATE_ERROR_SYMBOL]: "invalid literal/length or distance code",
  [INFLATE_ERROR_DISTANCE]: "invalid distance too far back",
  [INFLATE_ERROR_END]: "unexpected end of file",
};

/**
 * Inflates the messages of one connection, one after the other.
 *
 * While its window is used often, it is in a slot of the core; otherwise in an array of its own. @internal
 */
export class Incoming implements SlotUser {
  place = -1;
  /** Whether the message is complete and all of it was read. */
  done = true;
  readonly #settings: PerMessageDeflateSettings;
  readonly #reach: number;
  readonly #takeover: boolean;
  /** The window while the connection has no slot: the first `#savedLength` bytes. */
  #saved: Uint8Array<ArrayBuffer> | undefined = undefined;
  #savedLength = 0;
  /** The state of an unfinished message while the connection has no slot. */
  #savedState: Uint8Array<ArrayBuffer> | undefined = undefined;
  #input: Uint8Array = NOTHING;
  /** Whether the input is a copy. */
  #kept = false;
  /** How much of the input is used. Values beyond its length count bytes of the tail. */
  #at = 0;
  #announced = 0;
  #last = false;
  /** Whether there is more output without more input. */
  #full = false;
  /** The result for which the next call of read() throws an error. */
  #fault: number | undefined = undefined;
  #byteOffset = 0;
  #maxLength = 0;
  #total = 0;

  constructor(settings: PerMessageDeflateSettings, { bits, takeover }: Side) {
    this.#settings = settings;
    this.#reach = 2 ** bits;
    this.#takeover = takeover;
  }

  /** The number of bytes it holds outside the core. */
  get held(): number {
    return (this.#saved?.length ?? 0) + (this.#savedState?.length ?? 0) + this.heldBytes;
  }

  /** The number of bytes kept until they are read. */
  get heldBytes(): number {
    const { length } = this.#input;
    if (this.#at >= length) return 0;
    return this.#kept ? length : length - this.#at;
  }

  /** Begins a message that may inflate to `maxLength` bytes. The previous one has ended. */
  begin(maxLength: number): void {
    this.done = false;
    this.#total = 0;
    this.#maxLength = maxLength;
    this.#input = NOTHING;
    this.#at = 0;
    this.#last = false;
    this.#full = false;
    this.#fault = undefined;
    const slot = this.#enter();
    deflateCore().bytes.fill(0, slot + INFLATE_PRIVATE, slot + INFLATE_STATE_SIZE);
  }

  /**
   * Passes the next bytes of the message, after read() has used the earlier ones. They are borrowed until they are used up or
   * keep() is called. Parameters as in Arrival.feed().
   */
  feed(bytes: Uint8Array, announced: number, last: boolean, byteOffset: number): void {
    this.#input = bytes;
    this.#kept = false;
    this.#at = 0;
    this.#announced = announced;
    this.#last = last;
    this.#byteOffset = byteOffset;
  }

  /** Copies the unused input, because its owner takes it back. */
  keep(): void {
    if (this.#at >= this.#input.length) return;
    // Copying the rest for each of many slices would be slow: copy again only when half of it is used.
    if (this.#kept && 2 * this.#at < this.#input.length) return;
    this.#kept = true;
    this.#input = new Uint8Array(this.#input.subarray(this.#at));
    this.#at = 0;
  }

  /**
   * The next inflated bytes, at most 64 KiB. The view is valid until the next call of any session. Undefined if more input is
   * needed or the message is complete.
   *
   * @throws WebSocketError
   */
  read(): Uint8Array<ArrayBuffer> | undefined {
    if (this.done) return undefined;
    if (this.#fault !== undefined) throw this.#failed(this.#fault);
    const core = deflateCore();
    const { bytes, u32 } = core;
    for (;;) {
      const slot = this.#enter();
      const inEnd = this.#layInput(bytes);
      if (inEnd === INPUT && !this.#full) return undefined;
      const limit = Math.min(this.#maxLength, maxByRatio(this.#settings, this.#announced));
      const out = this.#makeRoom(slot);
      const most = limit - this.#total + 1;
      const windowEnd = slot + INFLATE_WINDOW + INFLATE_WINDOW_SIZE;
      u32[(slot + INFLATE_IN) >> 2] = INPUT;
      u32[(slot + INFLATE_OUT_END) >> 2] = Math.min(windowEnd, out + most);
      const endsHere = this.#last && this.#at + inEnd - INPUT === this.#input.length + TAIL_SIZE;
      const result = core.inflate(slot, inEnd, endsHere ? 1 : 0);
      const end = u32[(slot + INFLATE_OUT) >> 2]!;
      this.#full = result === INFLATE_FULL;
      this.#at += u32[(slot + INFLATE_IN) >> 2]! - INPUT;
      this.#total += end - out;
      const excess = Math.max(0, this.#total - limit);
      if (excess > 0 || result < 0) {
        const fault = excess > 0 ? INFLATE_NEEDS_INPUT : result;
        if (end - excess === out) throw this.#failed(fault);
        // Return the valid output first, so the result does not depend on how the message is cut.
        this.#fault = fault;
        return bytes.subarray(out, end - excess);
      }
      if (result === INFLATE_DONE) this.#finish();
      else if (result === INFLATE_NEEDS_INPUT && this.#at >= this.#input.length && !this.#last) this.#input = NOTHING;
      if (end > out) return bytes.subarray(out, end);
      if (this.done) return undefined;
    }
  }

  /** Inflates a whole message at once. */
  decode({ payload, maxLength, byteOffset }: IncomingMessage): Uint8Array<ArrayBuffer> {
    this.begin(maxLength);
    this.feed(payload, payload.length, true, byteOffset);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let piece = this.read(); piece !== undefined; piece = this.read()) pieces.push(new Uint8Array(piece));
    return pieces.length === 1 ? pieces[0]! : concat(pieces);
  }

  /** Ends inflating: the connection is over, or later data could not be understood. */
  end(): void {
    slots.free(this);
    this.done = true;
    this.#saved = undefined;
    this.#savedState = undefined;
    this.#savedLength = 0;
    this.#input = NOTHING;
  }

  leave(): void {
    const { bytes, u32 } = deflateCore();
    const slot = this.#slot();
    if (this.#takeover || !this.done) {
      const out = u32[(slot + INFLATE_OUT) >> 2]!;
      const length = Math.min(out - u32[(slot + INFLATE_BASE) >> 2]!, this.#reach);
      if (this.#saved === undefined || this.#saved.length < length) {
        this.#saved = new Uint8Array(grownCapacity(length, this.#reach));
      }
      this.#saved.set(bytes.subarray(out - length, out));
      this.#savedLength = length;
    }
    this.#savedState = this.done ? undefined : bytes.slice(slot, slot + INFLATE_STATE_SIZE);
  }

  #slot(): number {
    return INFLATE_SLOTS + this.place * INFLATE_SLOT_SIZE;
  }

  /** The address of its slot. */
  #enter(): number {
    if (this.place >= 0) {
      slots.touch(this.place);
      return this.#slot();
    }
    slots.give(this);
    const { bytes, u32 } = deflateCore();
    const slot = this.#slot();
    const window = slot + INFLATE_WINDOW;
    if (this.#savedState !== undefined) bytes.set(this.#savedState, slot);
    const length = this.#savedLength;
    if (length > 0) bytes.set(this.#saved!.subarray(0, length), window);
    u32[(slot + INFLATE_BASE) >> 2] = window;
    u32[(slot + INFLATE_OUT) >> 2] = window + length;
    u32[(slot + INFLATE_REACH) >> 2] = this.#reach;
    this.#savedState = undefined;
    return slot;
  }

  /** Moves the window to the front if there is little room after it. Returns where output goes. */
  #makeRoom(slot: number): number {
    const { bytes, u32 } = deflateCore();
    const window = slot + INFLATE_WINDOW;
    const out = u32[(slot + INFLATE_OUT) >> 2]!;
    if (window + INFLATE_WINDOW_SIZE - out >= LEAST_ROOM) return out;
    const length = Math.min(out - u32[(slot + INFLATE_BASE) >> 2]!, this.#reach);
    bytes.copyWithin(window, out - length, out);
    u32[(slot + INFLATE_BASE) >> 2] = window;
    return (u32[(slot + INFLATE_OUT) >> 2] = window + length);
  }

  /** Copies the next input into the core, with the tail after the last byte. Returns its end. */
  #layInput(bytes: Uint8Array): number {
    const input = this.#input;
    const at = this.#at;
    const { length } = input;
    const size = Math.max(0, Math.min(length - at, STEP));
    if (size > 0) bytes.set(size === length ? input : input.subarray(at, at + size), INPUT);
    let end = INPUT + size;
    if (this.#last && at + size >= length) {
      // 00 00 ff ff, or the unused part of it.
      const used = at - Math.min(at, length);
      bytes.fill(0, end, end + TAIL_SIZE + INPUT_MARGIN);
      for (let i = Math.max(used, 2); i < TAIL_SIZE; i++) bytes[end + i - used] = 0xff;
      end += TAIL_SIZE - used;
    }
    return end;
  }

  #finish(): void {
    this.done = true;
    this.#input = NOTHING;
    if (this.#takeover) return;
    // Views of the slot stay valid until the next call.
    slots.free(this);
    this.#savedLength = 0;
    this.#saved = undefined;
  }

  /** The error for a result of the core. INFLATE_NEEDS_INPUT means that the output is too long. */
  #failed(result: number): Error {
    const byteOffset = this.#byteOffset;
    const maxLength = this.#maxLength;
    this.end();
    if (result === INFLATE_NEEDS_INPUT) return tooLong(this.#settings, this.#announced, { maxLength, byteOffset });
    if (result === INFLATE_ERROR_FINAL_BLOCKS) return tooManyFinalBlocks(byteOffset);
    return corrupt(byteOffset, new Error(FAULTS[result]));
  }
}
