// Makes messages from parts of a text and of bytes that are created once.

import { Random } from "../support/random.ts";

const WORDS = [
  "price",
  "name",
  "größer",
  "€",
  "日本語",
  "𝄞𝄞",
  '{"id":',
  '"}',
  "[1,2,3]",
  " ",
  "lorem ipsum",
  "\n",
  "ß",
  "0",
];

export class Contents {
  readonly #random: Random;
  readonly #text: string;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #size: number;

  /** @param size the length of the longest message, in UTF-16 code units or bytes */
  constructor(seed: number, size: number = 6 << 20) {
    const random = new Random(seed);
    this.#random = random;
    this.#size = size;
    const words: string[] = [];
    for (let length = 0; length < size; length += words.at(-1)!.length) {
      words.push(random.chance(0.2) ? String(random.integer(0, 1e9)) : random.pick(WORDS));
    }
    this.#text = words.join("");
    // Alternates between data that compresses well and data that does not compress.
    this.#bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) this.#bytes[i] = (i >> 16) % 2 === 0 ? random.integer(0, 255) : i % 251;
  }

  /** A message of this size. */
  make(kind: "text" | "binary", size: number): string | Uint8Array<ArrayBuffer> {
    const start = this.#random.integer(0, this.#size - size);
    if (kind === "binary") return this.#bytes.slice(start, start + size);
    return wellFormed(this.#text, start, start + size);
  }
}

/** A part of a text, without halves of a surrogate pair. */
function wellFormed(text: string, start: number, end: number): string {
  return text.slice(halves(text, start) ? start + 1 : start, halves(text, end) ? end - 1 : end);
}

function halves(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit < 0xe000;
}

/** Cuts a message into pieces, one for each frame. */
export function pieces(data: string, count: number): string[];
export function pieces(data: Uint8Array<ArrayBuffer>, count: number): Uint8Array<ArrayBuffer>[];
export function pieces(data: string | Uint8Array<ArrayBuffer>, count: number): string[] | Uint8Array<ArrayBuffer>[];
export function pieces(data: string | Uint8Array<ArrayBuffer>, count: number) {
  const at = (index: number): number => Math.floor((data.length * index) / count);
  if (typeof data !== "string") return Array.from({ length: count }, (_, i) => data.subarray(at(i), at(i + 1)));
  const place = (index: number): number => (halves(data, at(index)) ? at(index) - 1 : at(index));
  return Array.from({ length: count }, (_, i) => data.slice(place(i), place(i + 1)));
}
