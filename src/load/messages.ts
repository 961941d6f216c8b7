import { encodeFrame, Opcode } from "../index.ts";

/** Size of one read, in bytes. The expected bytes are extended by this much, so that any read can be compared in one piece. */
export const READ_SIZE = 65536;

/** The maximum size of a period of several messages in bytes, small enough for the caches. */
const PERIOD_BYTES = 1 << 20;
/** The digits of message numbers. With two digits, each message has its own number. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MOST_MESSAGES = DIGITS.length ** 2;
/** Size in bytes of the block that payloads are cut from, and the number of words to choose from. */
const BLOCK = 65536;
const WORDS = 64;

/** One message. */
interface Message {
  readonly binary: boolean;
  readonly payload: Buffer;
}

/** Distance to the nearest message with a given content: ahead (0 or more) and back (1 or more). */
export interface Place {
  readonly ahead: number;
  readonly back: number;
}

const NOWHERE: Place = { ahead: Infinity, back: Infinity };

/**
 * The messages to send, over and over, and the bytes that an echo server sends back. All of it is made before anything is
 * timed.
 */
export class Messages {
  /** How many messages there are before they repeat. */
  readonly count: number;
  readonly payloads: readonly Buffer[];
  /** Whether each message contains its number, so that no two are the same. */
  readonly numbered: boolean;
  /** Length of a server's frame with one message, if it is the same for all messages. */
  readonly frame: number | undefined;
  /** In that case, the frames of a server that echoes each message in one frame, then their first READ_SIZE bytes again. */
  readonly due: Buffer;
  readonly #messages: readonly Message[];
  /** Sum of the payload sizes before each message, and of all of them, in bytes. */
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

  /** Makes messages of one size. Each has different content if `size` is 2 or more. */
  static made(size: number, binary: boolean): Messages {
    const count = Math.min(MOST_MESSAGES, Math.max(2, Math.floor(PERIOD_BYTES / (size + 8))));
    const payloads = makePayloads(size, count, binary);
    return new Messages(
      payloads.map((payload) => ({ payload, binary })),
      size >= 2,
    );
  }

  /**
   * Uses the user's own messages, repeated as often as they fit into a period. With `binary`, strings are sent as
   * binary, too.
   */
  static own(list: readonly (string | Uint8Array)[], { binary }: { readonly binary: boolean }): Messages {
    const messages = list.map((data): Message => {
      return { binary: binary || typeof data !== "string", payload: Buffer.from(data) };
    });
    const bytes = messages.reduce((sum, { payload }) => sum + payload.length + 8, 0);
    const times = Math.floor(Math.min(MOST_MESSAGES / messages.length, PERIOD_BYTES / bytes));
    return new Messages(Array.from({ length: Math.max(1, times) }, () => messages).flat(), false);
  }

  /** Returns message `index` in the form that Protocol sends and delivers. */
  data(index: number): string | Buffer {
    const { binary, payload } = this.#messages[index]!;
    return binary ? payload : (this.#texts[index] ??= payload.toString());
  }

  /** Returns the payload size of `count` messages from `first` on, in bytes. */
  bytes(first: number, count: number): number {
    const end = first + count;
    const periods = Math.floor(end / this.count);
    return periods * this.#sums[this.count]! + this.#sums[end - periods * this.count]! - this.#sums[first]!;
  }

  /** Whether `data` is message `index`. */
  is(index: number, data: string | Uint8Array): boolean {
    const { binary, payload } = this.#messages[index]!;
    if (typeof data === "string") return !binary && data === this.data(index);
    return binary && payload.equals(data);
  }

  /** Finds the nearest messages equal to `data`, seen from message `from`. Infinity if there is none. */
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

  /** Returns the number in a message, if it may be one of these messages. */
  #numberOf(data: string | Uint8Array): number | undefined {
    if (data.length < 2) return undefined;
    const [low, high] = typeof data === "string" ? data : String.fromCharCode(data[0]!, data[1]!);
    const index = DIGITS.indexOf(low!) + DIGITS.length * DIGITS.indexOf(high!);
    return index >= 0 && index < this.count ? index : undefined;
  }

  /** Returns the indices of the messages equal to `data`, in order. */
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

/** Returns the bytes, followed by their first `more` bytes, repeated as needed. */
function repeat(bytes: Buffer, more: number): Buffer {
  const all = Buffer.allocUnsafeSlow(bytes.length + more);
  for (let at = 0; at < all.length; at += bytes.length) bytes.copy(all, at);
  return all;
}

function makePayloads(size: number, count: number, binary: boolean): Buffer[] {
  // The same words in each run. 1 KB of text compresses to 43 %, 10 KB to 27 %, about the same as JSON.
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
