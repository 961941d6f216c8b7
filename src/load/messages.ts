import { encodeFrame, Opcode } from "../index.ts";

/** What one read takes, in bytes. After a period as much of it follows again, so that what is due is in one piece. */
export const READ_SIZE = 65536;

/** How large a period gets, if not by a single message: small enough for the caches. */
const PERIOD_BYTES = 1 << 20;
/** The digits of message numbers: of two digits each message has a number of its own. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MOST_MESSAGES = DIGITS.length ** 2;
/** What payloads are cut from, in bytes, and how much of it a word takes. */
const BLOCK = 65536;
const WORDS = 64;

/** One message. */
interface Message {
  readonly binary: boolean;
  readonly payload: Buffer;
}

/** How far the nearest message of some content lies from another: after it, from 0 on, and before it, from 1 on. */
export interface Place {
  readonly ahead: number;
  readonly back: number;
}

const NOWHERE: Place = { ahead: Infinity, back: Infinity };

/**
 * What is sent over and over, and what comes back of it if each message is answered with the same: all of it is made before
 * anything is timed.
 */
export class Messages {
  /** How many there are before they repeat. */
  readonly count: number;
  readonly payloads: readonly Buffer[];
  /** Whether each has a number in it, so that no two are the same. */
  readonly numbered: boolean;
  /** The length of a server's frame with one of them, if it is the same for all. */
  readonly frame: number | undefined;
  /** If so, the frames of a server that sends each back in one frame, and READ_SIZE bytes of them again. */
  readonly due: Buffer;
  readonly #messages: readonly Message[];
  /** The payload before each message, and after the last, in bytes. */
  readonly #sums: Float64Array;
  readonly #texts: (string | undefined)[];
  #places: Map<string, number[]> | undefined = undefined;

  private constructor(messages: readonly Message[], numbered: boolean) {
    this.#messages = messages;
    this.count = messages.length;
    this.numbered = numbered;
    this.payloads = messages.map(({ payload }) => payload);
    this.#texts = Array.from<undefined>({ length: this.count });
    this.#sums = new Float64Array(this.count + 1);
    for (const [i, { length }] of this.payloads.entries()) this.#sums[i + 1] = this.#sums[i]! + length;
    const { length } = this.payloads[0]!;
    const uniform = this.payloads.every((payload) => payload.length === length);
    const due = uniform ? Buffer.concat(messages.map(serverFrame)) : Buffer.alloc(0);
    this.frame = uniform ? due.length / this.count : undefined;
    this.due = uniform ? repeat(due, READ_SIZE) : due;
  }

  /** Messages of one size, each with other content from two bytes on. */
  static made(size: number, binary: boolean): Messages {
    const count = Math.min(MOST_MESSAGES, Math.max(2, Math.floor(PERIOD_BYTES / (size + 8))));
    const payloads = makePayloads(size, count, binary);
    return new Messages(
      payloads.map((payload) => ({ payload, binary })),
      size >= 2,
    );
  }

  /** Messages of the user's own, all of them as often as fits into a period. Strings are binary, too, if `binary`. */
  static own(list: readonly (string | Uint8Array)[], { binary }: { readonly binary: boolean }): Messages {
    const messages = list.map((data): Message => {
      return { binary: binary || typeof data !== "string", payload: Buffer.from(data) };
    });
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length + 8, 0);
    const times = Math.floor(Math.min(MOST_MESSAGES / messages.length, PERIOD_BYTES / bytes));
    return new Messages(Array.from({ length: Math.max(1, times) }, () => messages).flat(), false);
  }

  /** Message `index` as Protocol takes and delivers it. */
  data(index: number): string | Buffer {
    const { binary, payload } = this.#messages[index]!;
    return binary ? payload : (this.#texts[index] ??= payload.toString());
  }

  /** The payload of `count` messages from `first` on, in bytes. */
  bytes(first: number, count: number): number {
    const end = first + count;
    const periods = Math.floor(end / this.count);
    return periods * this.#sums[this.count]! + this.#sums[end - periods * this.count]! - this.#sums[first]!;
  }

  /** Whether this is message `index`. */
  is(index: number, data: string | Uint8Array): boolean {
    const { binary, payload } = this.#messages[index]!;
    if (typeof data === "string") return !binary && data === this.data(index);
    return binary && payload.equals(data);
  }

  /** Where the nearest messages that are this lie, as seen from message `from`: Infinity for none. */
  locate(data: string | Uint8Array, from: number): Place {
    if (this.numbered) {
      const index = this.#numberOf(data);
      if (index === undefined || !this.is(index, data)) return NOWHERE;
      const ahead = (index - from + this.count) % this.count;
      return { ahead, back: this.count - ahead };
    }
    const places = this.#placesOf(data);
    if (places === undefined) return NOWHERE;
    const found = places.findIndex((place) => place >= from);
    const after = found === -1 ? places[0]! + this.count : places[found]!;
    const before = found === 0 ? places.at(-1)! - this.count : places.at(found === -1 ? -1 : found - 1)!;
    return { ahead: after - from, back: from - before };
  }

  /** The number in a message that may be one of these. */
  #numberOf(data: string | Uint8Array): number | undefined {
    if (data.length < 2) return undefined;
    const [low, high] = typeof data === "string" ? data : String.fromCharCode(data[0]!, data[1]!);
    const index = DIGITS.indexOf(low!) + DIGITS.length * DIGITS.indexOf(high!);
    return index >= 0 && index < this.count ? index : undefined;
  }

  /** The messages that are this, in order. */
  #placesOf(data: string | Uint8Array): readonly number[] | undefined {
    const key = (one: string | Uint8Array): string =>
      typeof one === "string" ? `t${one}` : `b${Buffer.from(one).toString("latin1")}`;
    if (this.#places === undefined) {
      this.#places = new Map();
      for (let i = 0; i < this.count; i++) {
        const name = key(this.data(i));
        const places = this.#places.get(name);
        if (places) places.push(i);
        else this.#places.set(name, [i]);
      }
    }
    return this.#places.get(key(data));
  }
}

function serverFrame({ binary, payload }: Message): Uint8Array {
  return encodeFrame({ opcode: binary ? Opcode.Binary : Opcode.Text, payload }, { role: "server" });
}

/** The same bytes, and `more` of them again from the beginning on. */
function repeat(bytes: Buffer, more: number): Buffer {
  const all = Buffer.allocUnsafeSlow(bytes.length + more);
  for (let at = 0; at < all.length; at += bytes.length) bytes.copy(all, at);
  return all;
}

function makePayloads(size: number, count: number, binary: boolean): Buffer[] {
  // The same words in each run. 1 KB of text takes 43 % of it compressed, 10 KB take 27 %: about what JSON does.
  let state = 0x9e3779b9;
  const random = (below: number) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
  const words = Array.from({ length: WORDS }, () =>
    Buffer.from(
      Array.from({ length: 3 + random(7) }, () => (binary ? random(256) : 0x61 + random(26))).concat(
        binary ? [] : [32],
      ),
    ),
  );
  const block = Buffer.allocUnsafe(2 * BLOCK);
  for (let at = 0; at < BLOCK;) at += words[random(WORDS)]!.copy(block, at);
  block.copy(block, BLOCK, 0, BLOCK);
  return Array.from({ length: count }, (_, i) => {
    const payload = Buffer.allocUnsafeSlow(size);
    const from = random(BLOCK);
    for (let at = 0; at < size;) at += block.copy(payload, at, from, from + BLOCK);
    payload.write(DIGITS[i % DIGITS.length]! + DIGITS[Math.floor(i / DIGITS.length)]!, "latin1");
    return payload;
  });
}
