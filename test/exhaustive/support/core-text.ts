// Passes text directly to a core, without a decoder. That is a hundred times faster, which millions of strings need.

import {
  CONFIG_COMPACT,
  CONFIG_SERVER,
  CONFIG_STRINGS,
  ERROR_UTF8,
  STATE_CONFIG,
  STATE_ERROR,
  STATE_ERROR_AT,
  STATE_FRAME,
  STATE_MAX_PAYLOAD,
  STATE_MESSAGE,
  STATE_SLACK,
  STATE_UTF8,
  WINDOW,
} from "../../../assembly/memory.ts";
import type { Core } from "../../../src/core/core.ts";
import { createPortableCore } from "../../../src/core/portable.ts";
import { createWasmCore } from "../../../src/core/wasm.ts";
import { wrongAt } from "./utf8.ts";

const KEY: readonly number[] = [0xa5, 0x5a, 0x0f, 0xf0];
const FIN = 0x80;
const MASKED = 0x80;
/** The close code 1000. */
const CODE: readonly number[] = [0x03, 0xe8];

export class CoreText {
  readonly name: "wasm" | "portable";
  readonly #core: Core;
  readonly #bytes: Uint8Array;
  readonly #i32: Int32Array;
  /** The number of decoded strings; each way to cut one counts. */
  runs = 0;

  constructor(name: "wasm" | "portable") {
    this.name = name;
    this.#core = name === "wasm" ? createWasmCore() : createPortableCore();
    this.#bytes = this.#core.bytes;
    this.#i32 = this.#core.i32;
    this.#core.f64[STATE_MAX_PAYLOAD >> 3] = 1 << 20;
  }

  /** Decodes a string in all ways, cut at all places. Returns what is wrong with the result, or undefined. */
  check(text: Uint8Array): string | undefined {
    const expected = wrongAt(text);
    const splits = text.length === 0 ? 1 : 1 << (text.length - 1);
    for (let cuts = 0; cuts < splits; cuts++) {
      if (
        this.#chunks(text, cuts, expected, 0x81, false) &&
        this.#chunks(text, cuts, expected, 0x88, true) &&
        this.#fragments(text, cuts, expected)
      )
        continue;
      return this.#describe(text, cuts, expected);
    }
    return undefined;
  }

  /**
   * Decodes a string inside a text of `length` bytes, after its first `before` bytes, so that the vector loops read
   * it.
   */
  checkInside(text: Uint8Array, before: number, length: number): string | undefined {
    const bytes = this.#bytes;
    this.#begin(CONFIG_COMPACT);
    bytes[WINDOW] = 0x81;
    bytes[WINDOW + 1] = length;
    const start = WINDOW + 2;
    bytes.fill(0x78, start, start + length);
    bytes.set(text, start + before);
    // The byte after the string reveals that it ended too early.
    const wrong = wrongAt(bytes, start + before, start + length);
    this.#core.decode(WINDOW, start + length);
    if (this.#found(wrong < 0 ? -1 : start + before + wrong)) return undefined;
    return `${this.#describe(text, 0, wrong)}, after ${before} bytes of ${length}`;
  }

  #describe(text: Uint8Array, cuts: number, expected: number): string {
    const error = this.#i32[STATE_ERROR >> 2];
    const at = this.#i32[STATE_ERROR_AT >> 2]! - WINDOW;
    const string = Buffer.from(text).toString("hex");
    return `${this.name}, ${string}, cut at the bits of ${cuts}: expected ${expected}, got error ${error} at ${at}`;
  }

  #begin(config: number): void {
    this.runs++;
    const i32 = this.#i32;
    i32[STATE_CONFIG >> 2] = config;
    i32[STATE_MESSAGE >> 2] = 0;
    i32[STATE_UTF8 >> 2] = 0;
    i32[STATE_FRAME >> 2] = 0;
    i32[STATE_SLACK >> 2] = 1024;
  }

  /** Whether the last call found the error at `address`; -1 means no error. */
  #found(address: number): boolean {
    const error = this.#i32[STATE_ERROR >> 2];
    if (address < 0) return error === 0;
    return error === ERROR_UTF8 && this.#i32[STATE_ERROR_AT >> 2] === address;
  }

  /** A masked frame whose payload arrives in chunks: text, or a Close with the string as its reason. */
  #chunks(text: Uint8Array, cuts: number, expected: number, first: number, close: boolean): boolean {
    const bytes = this.#bytes;
    const { length } = text;
    this.#begin(CONFIG_SERVER | CONFIG_COMPACT | (close ? 0 : CONFIG_STRINGS));
    let p = WINDOW;
    let k = 0;
    bytes[p++] = first;
    bytes[p++] = MASKED | (close ? length + 2 : length);
    for (let i = 0; i < 4; i++) bytes[p++] = KEY[i]!;
    if (close) {
      bytes[p++] = CODE[0]! ^ KEY[k++]!;
      bytes[p++] = CODE[1]! ^ KEY[k++]!;
    }
    const start = p;
    for (let i = 0; i < length; i++) bytes[p++] = text[i]! ^ KEY[k++ & 3]!;
    let from = WINDOW;
    for (let i = 1; i <= length; i++) {
      if (i < length && (cuts & (1 << (i - 1))) === 0) continue;
      this.#core.decode(from, start + i);
      from = start + i;
      // An end inside a character is found with the last byte.
      const isWrong = expected >= 0 && (expected < i || i === length);
      if (!this.#found(isWrong ? start + expected : -1)) return false;
      if (isWrong) return true;
    }
    return true;
  }

  /** A message in unmasked frames that arrive in one chunk. */
  #fragments(text: Uint8Array, cuts: number, expected: number): boolean {
    const bytes = this.#bytes;
    const { length } = text;
    this.#begin(0);
    let p = WINDOW;
    let address = -1;
    let from = 0;
    for (let i = 1; i <= length; i++) {
      if (i < length && (cuts & (1 << (i - 1))) === 0) continue;
      bytes[p++] = (i === length ? FIN : 0) | (from === 0 ? 1 : 0);
      bytes[p++] = i - from;
      for (; from < i; from++) {
        if (from === expected) address = p;
        bytes[p++] = text[from]!;
      }
    }
    if (expected === length) address = p;
    this.#core.decode(WINDOW, p);
    return this.#found(address);
  }
}
