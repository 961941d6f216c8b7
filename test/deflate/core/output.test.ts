// The output of deflate() stays the same, byte for byte. Nothing depends on that, but a change that compresses differently
// should be deliberate: copy the new hashes from the failure, and check `npm run bench`.

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

/** A few distinct bytes, with matches of all lengths and distances. */
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
/** Many short lengths, where one bit decides which kind of block is the shortest. */
const SIZES = [...Array.from({ length: 120 }, (_, size) => size), 300, 1000, 5000, 20_000, 70_000];

/** The expected hashes, by window and level. */
const EXPECTED: Readonly<Record<number, readonly string[]>> = {
  8: [
    "8c35a04845a1b228",
    "171b5543164f4b67",
    "a9bc75e9ce8aba1e",
    "71619677410088a9",
    "08700328b9c615a8",
    "a76c36354f8dbf49",
    "9fd7eb0ba82f92ba",
    "1f1f66d050dc9a1e",
    "68dce4983a314096",
    "8068a09a81c1df8d",
  ],
  11: [
    "8c35a04845a1b228",
    "d01a0925ee0d3c00",
    "283f880b9aec6270",
    "c782222601f6e74b",
    "af40915040cab4c9",
    "9e268547069246ef",
    "ba35a041947ef8df",
    "1e513d810961b955",
    "20db7ac26876070d",
    "bbd1e7f98fdb5503",
  ],
  15: [
    "8c35a04845a1b228",
    "49f4aa3de20fe31c",
    "4131a077a304f056",
    "4ff05456a8075978",
    "31e152bda677e2ae",
    "00498a98379ed47e",
    "4f495d8d4c746005",
    "ca1c7dff07ce9efc",
    "abe9a23742622af9",
    "c0cc25e063c0b623",
  ],
};

/** The hash of everything one connection sends. */
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
