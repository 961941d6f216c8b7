// How much memory is kept for reuse, and in which sizes.

import { beforeAll, expect, test } from "vitest";
import { open, ROLES } from "./support/roles.ts";
import { watchLeftovers } from "./support/watch.ts";
import { turn } from "../support/connections.ts";
import { allocateUnsafe, asBuffer, buffers, giveBack, isLent, lend, texts } from "../../src/node/memory.ts";

watchLeftovers();

const MIB = 1048576;
const MARGIN = 64;

/** How many of these bytes are reused. */
function reused(given: readonly Uint8Array<ArrayBuffer>[]): number {
  const known = new Set(given.map(({ buffer }) => buffer));
  const again = given.map(({ length }) => lend(length));
  return again.filter(({ buffer }) => known.has(buffer)).reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}

// Uses up the memory that earlier tests have given back.
beforeAll(() => {
  for (let length = 4096; length <= 2 * MIB; length *= 2) {
    for (let bytes = 0; bytes <= 4 * MIB; bytes += length) lend(length);
  }
});

test("memory is lent between 4 KiB and 2 MiB", () => {
  expect([0, 4095, 4096, 2 * MIB, 2 * MIB + 1].map((length) => isLent(length))).toEqual([
    false,
    false,
    true,
    true,
    false,
  ]);
});

test("lent memory has the requested length, and room for the header of a frame", () => {
  for (const length of [4096, 4097, 5000, 8192, 65536, 65536 + MARGIN, MIB, 2 * MIB]) {
    const memory = lend(length);
    expect(memory.byteOffset).toBe(0);
    expect(memory).toHaveLength(length);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(length);
    expect(memory.buffer.byteLength).toBeLessThanOrEqual(2 * length + MARGIN);
  }
});

test("memory that was given back is reused for lengths of the same power of two", () => {
  const memory = lend(5000);
  giveBack(memory);
  const again = lend(8192);
  expect(again.buffer).toBe(memory.buffer);
  expect(again).toHaveLength(8192);
  giveBack(again);
  expect(lend(4096).buffer).not.toBe(memory.buffer);
  expect(lend(4097 + MARGIN).buffer).toBe(memory.buffer);
});

test("up to 4 MiB are kept", () => {
  const large = Array.from({ length: 8 }, () => lend(MIB));
  for (const memory of large) giveBack(memory);
  const first = reused(large);
  expect(first).toBeLessThanOrEqual(4 * MIB);
  expect(first).toBeGreaterThan(2 * MIB);
  // All of this memory is in use now, and the next piece will be, too.
  for (const memory of large) giveBack(memory);
  expect(reused(large)).toBe(first);
});

test("memory of other sizes is not kept", () => {
  for (const length of [100, 4095 + MARGIN, 3 * MIB]) {
    const memory = allocateUnsafe(length);
    giveBack(memory);
    expect(lend(Math.min(Math.max(length, 4096), 2 * MIB)).buffer).not.toBe(memory.buffer);
  }
});

test("memory for texts is lent if possible, and any memory may be given back", () => {
  for (const length of [1, 100, 4095, 4096, 100_000, 3 * MIB]) {
    const memory = texts.allocate(length);
    expect(memory).toHaveLength(length);
    expect(memory.buffer.byteLength > length).toBe(isLent(length));
    texts.giveBack(memory);
  }
  expect(texts.decode(Buffer.from("abc"))).toBe("abc");
  expect(texts.decode(Buffer.from("äbc"))).toBe("äbc");
});

test("Buffers are copies of their own, or parts of the same memory", () => {
  const window = Uint8Array.from({ length: 10_000 }, (_, i) => i);
  for (const [start, end] of [
    [0, 0],
    [1, 3],
    [10, 4105],
    [10, 4106],
    [0, 10_000],
  ] as const) {
    const copy = buffers.copy(window, start, end);
    expect(Buffer.isBuffer(copy)).toBe(true);
    expect(copy.equals(window.subarray(start, end))).toBe(true);
    expect(copy.buffer).not.toBe(window.buffer);
    // Short buffers share a pool, as in Node.
    if (end - start >= 4096) expect(copy.buffer.byteLength).toBe(end - start);
    const part = buffers.part(window.subarray(5), 1, 4);
    expect([Buffer.isBuffer(part), part.buffer === window.buffer, [...part]]).toEqual([true, true, [6, 7, 8]]);
  }
  const bytes = window.subarray(3, 9);
  expect(asBuffer(bytes).equals(bytes)).toBe(true);
  expect(asBuffer(bytes).buffer).toBe(window.buffer);
  const buffer = Buffer.from("a");
  expect(asBuffer(buffer)).toBe(buffer);
});

test.each(ROLES)(
  "a %s copies what it sends into reusable memory, and gives it back once the system has it",
  async (role) => {
    const { connection } = await open(role);
    await connection.drained();
    for (const options of [undefined, { fragmentSize: 1_000_000 }]) {
      const memory = lend(262144);
      giveBack(memory);
      connection.send(new Uint8Array(200_000), options);
      // It is in use.
      expect(lend(262144).buffer).not.toBe(memory.buffer);
      await connection.drained();
      await turn();
      expect(lend(262144).buffer).toBe(memory.buffer);
    }
    connection.terminate();
    await connection.closed;
  },
);
