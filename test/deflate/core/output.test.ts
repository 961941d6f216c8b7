// What deflate() makes of given messages stays the same, byte for byte. Nothing depends on that; but a change that makes it compress
// less, or otherwise, should be one that was meant: then write what the failure shows, and look at `npm run bench`.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { FLUSH_NONE } from "../../../assembly/deflate/memory.ts";
import { Random } from "../../support/random.ts";
import { json, mixed } from "../support/messages.ts";
import { Compressor, Core, FLUSHES } from "./compressor.ts";

const core = new Core();

/** Symbols that are each twice as frequent as the next: codes of all lengths, and more than fit. */
function skewed(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.clz32(random.integer(0, 2 ** 32 - 1)) * 7);
}

/** Few distinct bytes, with matches of all lengths and distances. */
function repeated(random: Random, length: number): Uint8Array {
  const bytes = random.bytes(length);
  for (let at = 300; at < length;) {
    const size = Math.min(random.integer(3, 300), length - at);
    const distance = random.integer(1, Math.min(at, random.pick([4, 300, 33_000])));
    for (let i = 0; i < size; i++, at++) bytes[at] = bytes[at - distance]!;
    at += random.integer(0, 3);
  }
  return bytes;
}

const KINDS = [json, mixed, skewed, repeated, (random: Random, length: number) => random.bytes(length)];
const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 20, 100, 300, 1000, 5000, 20_000, 70_000];

/** By the window and the level. */
const EXPECTED: Readonly<Record<number, readonly string[]>> = {
  8: [
    "cb58384278f8e0ed",
    "964a50c5e525ca31",
    "7aa8c3ed0defa450",
    "4cb5b6e4bae2e7b4",
    "756418b45bc4c2dd",
    "9a4149991d5a5dc0",
    "2f2b9a3380850dbc",
    "8878339a31aa7b52",
    "57c442912181cfe0",
    "2846912d182f3051",
  ],
  11: [
    "cb58384278f8e0ed",
    "b261aa9aece591bc",
    "ccfc8bbe54b2d8e9",
    "a340e60fa8ec98e2",
    "2f4146ca93b7b2ca",
    "875191321cc685ee",
    "94a1aa0cea6e4d8f",
    "f85cad0f54ecd972",
    "fe006ba1a6f38cb6",
    "d287236e5140b2d0",
  ],
  15: [
    "cb58384278f8e0ed",
    "cdcd77b5251dd39f",
    "9aa8902cab11838b",
    "aeb94d515f3d0ac3",
    "ace6ae156f2003bc",
    "4f1e03951f898dd6",
    "b78a4514d8eb0f04",
    "76077de14fc63e29",
    "cfe6c46bff830db3",
    "bf2f0e938b7b63d1",
  ],
};

/** The hash of all that one connection sends. */
function outputOf(seed: number, level: number, window: number): string {
  const random = new Random(seed);
  const compressor = new Compressor(core, { level, window });
  const hash = createHash("sha256");
  for (const size of SIZES) {
    for (const make of KINDS) {
      const message = make(random, size).subarray(0, size);
      const flush = random.chance(0.9) ? FLUSHES[2] : random.pick(FLUSHES);
      hash.update(compressor.message(message, flush));
      if (random.chance(0.05)) compressor.reindex();
    }
  }
  hash.update(compressor.segment(new Uint8Array(), FLUSH_NONE));
  return hash.digest("hex").slice(0, 16);
}

describe.each([15, 11, 8])("a window of 2^%i bytes", (window) => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])("level %i", (level) => {
    expect(outputOf(level, level, window)).toBe(EXPECTED[window]![level]);
  });
});
