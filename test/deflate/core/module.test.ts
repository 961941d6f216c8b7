// The compiled DEFLATE core: its exports, memory map and size.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import * as map from "../../../assembly/deflate/memory.ts";
import { DEFLATE_HEX } from "../../../src/deflate/core/embedded.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const wasm = Buffer.from(DEFLATE_HEX, "hex");

test("is the module that the package publishes", () => {
  expect(wasm.equals(readFileSync(`${root}dist/deflate.wasm`))).toBe(true);
});

test("has only the expected exports, and no imports", () => {
  const module = new WebAssembly.Module(wasm);
  expect(WebAssembly.Module.imports(module)).toEqual([]);
  const exports = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
  const functions = ["append", "clear", "deflate", "inflate", "reindex", "warm"].map((name) => `function ${name}`);
  expect(exports.sort()).toEqual([...functions, "memory memory"]);
});

test("has fixed memory, and its regions do not overlap", () => {
  const { memory } = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as { memory: WebAssembly.Memory };
  const size = map.DEFLATE_PAGES * 65536;
  expect(memory.buffer.byteLength).toBe(size);
  expect(() => memory.grow(1)).toThrow(RangeError);
  const ends = [
    [0, map.DEFLATE_TABLES],
    [map.INPUT, map.INPUT + map.INPUT_SIZE + map.TAIL_SIZE + map.INPUT_MARGIN],
    [map.OUTPUT, map.OUTPUT + map.OUTPUT_SIZE],
    [map.INFLATE_SLOTS, map.INFLATE_SLOTS + map.INFLATE_SLOT_COUNT * map.INFLATE_SLOT_SIZE],
    [map.DEFLATE_SLOTS, map.DEFLATE_SLOTS + map.DEFLATE_SLOT_COUNT * map.DEFLATE_SLOT_SIZE],
    [size, size],
  ] as const;
  for (let i = 1; i < ends.length; i++) expect(ends[i]![0]).toBeGreaterThanOrEqual(ends[i - 1]![1]);
});

test("a slot fits its state, its table and its window", () => {
  expect(map.INFLATE_STATE_SIZE).toBeLessThanOrEqual(map.INFLATE_WINDOW);
  expect(map.INFLATE_WINDOW + map.INFLATE_WINDOW_SIZE).toBeLessThanOrEqual(map.INFLATE_SLOT_SIZE);
  expect(map.DEFLATE_STATE_SIZE).toBeLessThanOrEqual(map.DEFLATE_TABLE);
  expect(map.DEFLATE_BUCKET_SIZE << map.DEFLATE_MOST_BITS).toBe(map.DEFLATE_TABLE_SIZE);
  expect(map.DEFLATE_TABLE + map.DEFLATE_TABLE_SIZE).toBeLessThanOrEqual(map.DEFLATE_WINDOW);
  expect(map.DEFLATE_WINDOW + map.DEFLATE_WINDOW_SIZE).toBeLessThanOrEqual(map.DEFLATE_SLOT_SIZE);
});

test("is at most 6 KB gzipped", () => {
  expect(gzipSync(wasm, { level: 9 }).length).toBeLessThanOrEqual(6000);
});
