// UTF-8 as V8 encodes it: a byte is wrong if no code point continues with it.

import { concat } from "../../reference/serialize.ts";
import { ReferenceDecoder } from "../../reference/decoder.ts";

/** A node without children: no character begins like this. */
const NOTHING = 0;
/** The node between two characters. */
const BOUNDARY = 1;

const PER_NODE = 256;
/** Enough nodes for all ways to begin a character. */
const NODES = 20_000;

/** The tree of all characters: `tree[256 * node + byte]` is the node after that byte. */
const tree: Uint16Array = buildTree();

function buildTree(): Uint16Array {
  const built = new Uint16Array(PER_NODE * NODES);
  let last = BOUNDARY;
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(4);
  for (let point = 0; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const { written } = encoder.encodeInto(String.fromCodePoint(point), bytes);
    let node = BOUNDARY;
    for (let i = 0; i < written; i++) {
      const at = PER_NODE * node + bytes[i]!;
      if (i + 1 === written) built[at] = BOUNDARY;
      else if (built[at] === NOTHING) built[at] = ++last;
      node = built[at]!;
    }
  }
  return built;
}

/**
 * The index, from `start`, of the first wrong byte in `bytes[start, end)`: the length if the bytes end inside a
 * character, -1
 * if they are valid UTF-8.
 */
export function wrongAt(bytes: Uint8Array, start: number = 0, end: number = bytes.length): number {
  let node = BOUNDARY;
  for (let at = start; at < end; at++) {
    node = tree[PER_NODE * node + bytes[at]!]!;
    if (node === NOTHING) return at - start;
  }
  return node === BOUNDARY ? -1 : end - start;
}

/** The index of the first wrong byte, from the reference decoder, which is far too slow for millions of strings. */
export function wrongForReference(bytes: Uint8Array): number {
  const decoder = new ReferenceDecoder({ server: false });
  decoder.push(concat([Uint8Array.of(0x81, bytes.length), bytes]));
  return decoder.error === undefined ? -1 : decoder.error.byteOffset - 2;
}

/** The first and the last byte of each class in RFC 3629 §4. */
export const CLASSES: readonly (readonly [first: number, last: number])[] = [
  [0x00, 0x7f],
  [0x80, 0x8f],
  [0x90, 0x9f],
  [0xa0, 0xbf],
  [0xc0, 0xc1],
  [0xc2, 0xdf],
  [0xe0, 0xe0],
  [0xe1, 0xec],
  [0xed, 0xed],
  [0xee, 0xef],
  [0xf0, 0xf0],
  [0xf1, 0xf3],
  [0xf4, 0xf4],
  [0xf5, 0xff],
];

/** The first and the last byte of each class. */
export const EDGES: readonly number[] = [...new Set(CLASSES.flat())];

/** All strings of `length` bytes of `values`. The buffer is reused for the next string. */
export function* strings(length: number, values: readonly number[]): Generator<Uint8Array, void> {
  const bytes = new Uint8Array(length).fill(values[0]!);
  const digits = new Uint8Array(length);
  for (;;) {
    yield bytes;
    let at = length - 1;
    while (at >= 0 && ++digits[at]! === values.length) {
      digits[at] = 0;
      bytes[at--] = values[0]!;
    }
    if (at < 0) return;
    bytes[at] = values[digits[at]!]!;
  }
}

export const EVERY_BYTE: readonly number[] = Array.from({ length: 256 }, (_, byte) => byte);
