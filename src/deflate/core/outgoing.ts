// The sending direction of a connection, in the core (RFC 7692 §7.2.1).

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
  OUTPUT,
} from "../../../assembly/deflate/memory.ts";
import { concat } from "../../frame/bytes.ts";
import { encodeUtf8, encodeUtf8Into } from "../../frame/utf8.ts";
import type { OutgoingPart } from "../../frame/extension.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import { type Account, affords, charge, openAccount } from "./budget.ts";
import { grownCapacity } from "./capacity.ts";
import { deflateCore } from "./core.ts";
import { Slots, type SlotUser } from "./slots.ts";

/** A message of at least this length, in bytes, reads most of the table and the window. */
const WORTH_WARMING = 512;
/** The level that -1 means, as in zlib. */
const DEFAULT_LEVEL = 6;
/** The table has one bucket for this many bytes of history. */
const BYTES_PER_BUCKET = 8;
/** The most messages, compressed for several connections at once, that wait to join the context. */
const MOST_OWED = 16;
/** The most UTF-8 bytes of one UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;
const NOTHING: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

// The last slot is for messages without context.
const slots: Slots = /* @__PURE__ */ new Slots(DEFLATE_SLOT_COUNT - 1);
const SCRATCH = DEFLATE_SLOTS + (DEFLATE_SLOT_COUNT - 1) * DEFLATE_SLOT_SIZE;
/** The state of a slot before a message that may be sent uncompressed. */
const before: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(DEFLATE_STATE_SIZE);

/**
 * Compresses the messages of one connection, with earlier ones as context if that was agreed on. The context consists of a
 * window and a table for finding matches. While it is used often, it is in a slot of the core; otherwise in an array of its
 * own. @internal
 */
export class Outgoing implements SlotUser {
  place = -1;
  readonly #settings: PerMessageDeflateSettings;
  readonly #windowSize: number;
  readonly #takeover: boolean;
  /** Whether the connection has a context, in a slot or saved. */
  #hasContext = false;
  /** The context while the connection has no slot: state, table, window. */
  #saved: Uint8Array<ArrayBuffer> | undefined = undefined;
  #savedWindow = 0;
  #account: Account | undefined = undefined;
  /** Sent messages that are not in the window yet. Their bytes are shared with other connections. */
  #owed: Uint8Array[] | undefined = undefined;

  constructor(settings: PerMessageDeflateSettings, { bits, takeover }: Side) {
    this.#settings = settings;
    this.#windowSize = Math.min(settings.history, 2 ** bits);
    this.#takeover = takeover && settings.level !== 0 && this.#windowSize > 0;
  }

  /** The bytes of the context outside the core. */
  get held(): number {
    return this.#saved?.length ?? 0;
  }

  get releaseAfter(): number {
    return this.#takeover ? this.#settings.releaseAfter : Infinity;
  }

  wants(length: number, whole: boolean, compress: boolean | undefined): boolean {
    return compress ?? (!whole || length >= this.#settings.threshold);
  }

  encode({ payload, first, last, compress }: OutgoingPart): Uint8Array<ArrayBuffer> | undefined {
    const whole = first && last;
    const { length } = payload;
    if (first && !this.wants(length, whole, compress)) return undefined;
    // §7.2.3.6: an empty message is the header bits of an empty block. An empty fragment has nothing to flush.
    if (length === 0) {
      if (last && !this.#takeover) this.release();
      if (!last) return NOTHING;
      return whole && compress === undefined ? undefined : Uint8Array.of(0);
    }
    // Context is always kept within a message, and between messages if that was agreed on (§7.2.1).
    const slot = this.#takeover || !last || this.#hasContext ? this.#enter(length) : undefined;
    const mayGoAsItIs = whole && compress === undefined;
    const encoded =
      slot === undefined
        ? this.#alone(payload, last)
        : mayGoAsItIs
          ? this.#unlessLonger(slot, payload)
          : this.#deflate(slot, payload, last);
    if (last && !this.#takeover) this.release();
    return mayGoAsItIs && encoded.length >= length ? undefined : encoded;
  }

  /** Like encode(), for a whole text message. The result is borrowed. */
  encodeText(text: string, compress: boolean | undefined): Uint8Array<ArrayBuffer> | undefined {
    const most = text.length * MAX_BYTES_PER_UNIT;
    if (compress === false || (compress === undefined && most < this.#settings.threshold)) return undefined;
    if (!this.#takeover || most > MAX_SEGMENT || text.length === 0)
      return this.#encodeBytes(encodeUtf8(text), compress);
    const slot = this.#enter(text.length);
    if (slot === undefined) return this.#encodeBytes(encodeUtf8(text), compress);
    const core = deflateCore();
    const { bytes } = core;
    const at = this.#makeRoom(slot, most);
    const length = encodeUtf8Into(text, bytes.subarray(at, at + most));
    if (compress === undefined && length < this.#settings.threshold) return undefined;
    if (compress === undefined) before.set(bytes.subarray(slot, slot + DEFLATE_STATE_SIZE));
    const end = core.deflate(slot, at + length, FLUSH_END);
    if (compress === undefined && end - OUTPUT >= length) {
      bytes.set(before, slot);
      return undefined;
    }
    return bytes.subarray(OUTPUT, end);
  }

  #encodeBytes(payload: Uint8Array, compress: boolean | undefined): Uint8Array<ArrayBuffer> | undefined {
    return this.encode({ payload, text: true, first: true, last: true, compress });
  }

  encodePrepared(payload: Uint8Array, prepared: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined {
    if (!this.wants(payload.length, true, compress)) return undefined;
    const key = `permessage-deflate;${this.#windowSize};${this.#settings.level}`;
    let encoded = prepared.get(key);
    if (encoded === undefined) {
      encoded = payload.length === 0 ? Uint8Array.of(0) : this.#alone(payload, true);
      prepared.set(key, encoded);
    }
    if (compress === undefined && encoded.length >= payload.length) return undefined;
    if (this.#hasContext) this.#owe(payload);
    return encoded;
  }

  /** Forgets the sent data. */
  release(): void {
    slots.free(this);
    this.#hasContext = false;
    this.#saved = undefined;
    this.#savedWindow = 0;
    this.#owed = undefined;
    if (this.#account !== undefined) charge(this.#account, 0);
  }

  leave(): void {
    const { bytes, u32 } = deflateCore();
    const slot = this.#slot();
    const table = tableSize(u32[(slot + DEFLATE_TABLE_BITS) >> 2]!);
    const at = u32[(slot + DEFLATE_AT) >> 2]!;
    const length = Math.min(at - u32[(slot + DEFLATE_BASE) >> 2]!, this.#windowSize);
    const window = DEFLATE_STATE_SIZE + table;
    if (this.#saved === undefined || this.#saved.length < window + length || this.#savedTable() !== table) {
      this.#saved = new Uint8Array(window + grownCapacity(length, this.#windowSize));
    }
    this.#saved.set(bytes.subarray(slot, slot + DEFLATE_STATE_SIZE));
    this.#saved.set(bytes.subarray(slot + DEFLATE_TABLE, slot + DEFLATE_TABLE + table), DEFLATE_STATE_SIZE);
    this.#saved.set(bytes.subarray(at - length, at), window);
    this.#savedWindow = length;
  }

  /** The size of the saved table; 0 if there is none. */
  #savedTable(): number {
    return this.#saved === undefined ? 0 : tableSize(this.#saved[DEFLATE_TABLE_BITS]!);
  }

  #slot(): number {
    return DEFLATE_SLOTS + this.place * DEFLATE_SLOT_SIZE;
  }

  /**
   * The address of its slot, with a table for the history plus `added` bytes. Undefined if the budget does not allow that; the
   * message is then compressed without context.
   */
  #enter(added: number): number | undefined {
    const { u32 } = deflateCore();
    if (this.place >= 0) {
      if (slots.touch(this.place) && added >= WORTH_WARMING) this.#warm(this.#slot());
    } else {
      if (!this.#hasContext && !this.#begins(added)) return undefined;
      slots.give(this);
      if (this.#saved === undefined) this.#prepare(this.#slot(), tableBits(Math.min(added, this.#windowSize)));
      else this.#load(this.#slot());
    }
    const slot = this.#slot();
    const history = u32[(slot + DEFLATE_AT) >> 2]! - u32[(slot + DEFLATE_BASE) >> 2]!;
    const bits = tableBits(Math.min(history + added, this.#windowSize));
    if (bits > u32[(slot + DEFLATE_TABLE_BITS) >> 2]!) {
      if (!this.#pays(bits)) return undefined;
      u32[(slot + DEFLATE_TABLE_BITS) >> 2] = bits;
      deflateCore().reindex(slot);
    }
    if (this.#owed !== undefined) this.#settle(slot, this.#owed);
    return slot;
  }

  /** Loads the state into the processor's cache, from which other connections may have displaced it. */
  #warm(slot: number): void {
    const { u32, warm } = deflateCore();
    warm(slot, slot + DEFLATE_TABLE + tableSize(u32[(slot + DEFLATE_TABLE_BITS) >> 2]!));
    const at = u32[(slot + DEFLATE_AT) >> 2]!;
    warm(Math.max(at - this.#windowSize, u32[(slot + DEFLATE_BASE) >> 2]!), at);
  }

  /** Begins a context if the budget allows it. */
  #begins(added: number): boolean {
    this.#account ??= openAccount(this);
    this.#hasContext = this.#pays(tableBits(Math.min(added, this.#windowSize)));
    return this.#hasContext;
  }

  /** Charges the cost of a context with a table of this size. Gives the context up if the budget does not allow it. */
  #pays(bits: number): boolean {
    const cost = tableSize(bits) + Math.min(BYTES_PER_BUCKET << bits, this.#windowSize);
    if (!affords(this.#account, cost, this.#settings.contextBudget)) {
      this.release();
      return false;
    }
    charge(this.#account!, cost);
    return true;
  }

  /** Writes an empty context into a slot. */
  #prepare(slot: number, bits: number): void {
    const core = deflateCore();
    const { bytes, u32 } = core;
    bytes.fill(0, slot + DEFLATE_PRIVATE, slot + DEFLATE_STATE_SIZE);
    u32[(slot + DEFLATE_AT) >> 2] = slot + DEFLATE_WINDOW;
    u32[(slot + DEFLATE_BASE) >> 2] = slot + DEFLATE_WINDOW;
    u32[(slot + DEFLATE_REACH) >> 2] = Math.max(this.#windowSize, 1);
    u32[(slot + DEFLATE_LEVEL) >> 2] = this.#settings.level < 0 ? DEFAULT_LEVEL : this.#settings.level;
    u32[(slot + DEFLATE_TABLE_BITS) >> 2] = bits;
    core.clear(slot);
  }

  #load(slot: number): void {
    const { bytes, u32 } = deflateCore();
    const saved = this.#saved!;
    const window = DEFLATE_STATE_SIZE + this.#savedTable();
    bytes.set(saved.subarray(0, DEFLATE_STATE_SIZE), slot);
    bytes.set(saved.subarray(DEFLATE_STATE_SIZE, window), slot + DEFLATE_TABLE);
    bytes.set(saved.subarray(window, window + this.#savedWindow), slot + DEFLATE_WINDOW);
    u32[(slot + DEFLATE_BASE) >> 2] = slot + DEFLATE_WINDOW;
    u32[(slot + DEFLATE_AT) >> 2] = slot + DEFLATE_WINDOW + this.#savedWindow;
  }

  /** Compresses without context, and does not add to it. */
  #alone(payload: Uint8Array, last: boolean): Uint8Array<ArrayBuffer> {
    this.#prepare(SCRATCH, tableBits(payload.length));
    return this.#deflate(SCRATCH, payload, last);
  }

  /** Compresses a whole message. If it does not get shorter, the context stays unchanged. */
  #unlessLonger(slot: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
    const { bytes } = deflateCore();
    if (payload.length > MAX_SEGMENT) {
      const encoded = this.#deflate(slot, payload, true);
      if (encoded.length >= payload.length) this.release();
      return encoded;
    }
    this.#makeRoom(slot, payload.length);
    before.set(bytes.subarray(slot, slot + DEFLATE_STATE_SIZE));
    const encoded = this.#deflate(slot, payload, true);
    if (encoded.length >= payload.length) bytes.set(before, slot);
    return encoded;
  }

  #deflate(slot: number, payload: Uint8Array, last: boolean): Uint8Array<ArrayBuffer> {
    const core = deflateCore();
    const { bytes } = core;
    const { length } = payload;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let from = 0; ;) {
      const size = Math.min(length - from, MAX_SEGMENT);
      const at = this.#makeRoom(slot, size);
      bytes.set(size === length ? payload : payload.subarray(from, from + size), at);
      from += size;
      const flush = from < length ? FLUSH_NONE : last ? FLUSH_END : FLUSH_SYNC;
      const piece = new Uint8Array(bytes.subarray(OUTPUT, core.deflate(slot, at + size, flush)));
      if (size === length) return piece;
      pieces.push(piece);
      if (from === length) return concat(pieces);
    }
  }

  /** Moves the window to the front if there is too little room after it. Returns where the next bytes go. */
  #makeRoom(slot: number, needed: number): number {
    const { bytes, u32 } = deflateCore();
    const window = slot + DEFLATE_WINDOW;
    const at = u32[(slot + DEFLATE_AT) >> 2]!;
    if (at + needed <= window + DEFLATE_WINDOW_SIZE) return at;
    const length = Math.min(at - u32[(slot + DEFLATE_BASE) >> 2]!, this.#windowSize);
    bytes.copyWithin(window, at - length, at);
    u32[(slot + DEFLATE_BASE) >> 2] = window;
    return (u32[(slot + DEFLATE_AT) >> 2] = window + length);
  }

  /** Records a sent message that was compressed without the context. */
  #owe(payload: Uint8Array): void {
    const owed = (this.#owed ??= []);
    owed.push(payload);
    // With more, adding them would cost as much as it saves.
    if (owed.length > MOST_OWED) this.release();
  }

  /** Adds the recorded messages to the window. */
  #settle(slot: number, owed: readonly Uint8Array[]): void {
    this.#owed = undefined;
    const core = deflateCore();
    for (const payload of owed) {
      // No match reaches back farther than the window.
      const start = Math.max(0, payload.length - this.#windowSize);
      for (let from = start; from < payload.length; from += MAX_SEGMENT) {
        const part = payload.subarray(from, from + MAX_SEGMENT);
        const at = this.#makeRoom(slot, part.length);
        core.bytes.set(part, at);
        core.append(slot, at + part.length);
      }
    }
  }
}

/** The table size for a history, as a power of two of buckets. */
function tableBits(history: number): number {
  const buckets = Math.max(1, Math.ceil(history / BYTES_PER_BUCKET));
  const bits = 32 - Math.clz32(buckets - 1);
  return Math.max(DEFLATE_LEAST_BITS, Math.min(bits, DEFLATE_MOST_BITS));
}

/** In bytes. */
function tableSize(bits: number): number {
  return DEFLATE_BUCKET_SIZE << bits;
}
