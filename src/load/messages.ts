import { encodeFrame, Opcode } from "../index.ts";

/** What one read takes, in bytes; behind each period so much of it stands once more, so that what is due is in one piece. */
export const READ_SIZE = 65536;

/** How large a period gets, if not by a single message: small enough for the caches. */
const PERIOD_BYTES = 1 << 20;
/** The digits of message numbers: of two digits each message has a number of its own. */
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MOST_MESSAGES = DIGITS.length ** 2;
/** What payloads are cut from, in bytes, and how much of it a word takes. */
const BLOCK = 65536;
const WORDS = 64;

/**
 * Messages of one size, each with other content from two bytes on, and what comes back of them over and over if each is
 * answered with the same: all of it is made before anything is timed.
 */
export class Messages {
  readonly binary: boolean;
  readonly size: number;
  /** How many there are before they repeat. */
  readonly count: number;
  readonly payloads: readonly Buffer[];
  /** The frames of a server that sends each back in one frame, and READ_SIZE bytes of them again. */
  readonly due: Buffer;
  /** The length of one of them. */
  readonly frame: number;
  #texts: string[] | undefined = undefined;

  constructor(size: number, binary: boolean) {
    this.binary = binary;
    this.size = size;
    this.count = Math.min(MOST_MESSAGES, Math.max(2, Math.floor(PERIOD_BYTES / (size + 8))));
    this.payloads = makePayloads(size, this.count, binary);
    const opcode = binary ? Opcode.Binary : Opcode.Text;
    const due = Buffer.concat(this.payloads.map((payload) => encodeFrame({ opcode, payload }, { role: "server" })));
    this.frame = due.length / this.count;
    this.due = repeat(due, READ_SIZE);
  }

  /** Message `index` as Protocol takes and delivers it. */
  data(index: number): string | Buffer {
    if (this.binary) return this.payloads[index]!;
    this.#texts ??= this.payloads.map((payload) => payload.toString("latin1"));
    return this.#texts[index]!;
  }

  /** Which message this may be, by its number; undefined if it is none. */
  find(data: string | Uint8Array): number | undefined {
    if (this.size < 2 || (typeof data === "string") === this.binary || data.length !== this.size) return undefined;
    const [low, high] = typeof data === "string" ? data : String.fromCharCode(data[0]!, data[1]!);
    const index = DIGITS.indexOf(low!) + DIGITS.length * DIGITS.indexOf(high!);
    return index >= 0 && index < this.count && this.is(index, data) ? index : undefined;
  }

  /** Whether this is message `index`. */
  is(index: number, data: string | Uint8Array): boolean {
    if (typeof data === "string") return !this.binary && data === this.data(index);
    return this.binary && this.payloads[index]!.equals(data);
  }
}

/** The same bytes, and so many more that are those of the beginning, however often. */
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
