// The compiled core is what assembly/ says: its exports, its memory, its bytes; and the portable core takes over
// where it cannot be compiled.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  LARGE_PAGES,
  LARGE_SIZE,
  MEMORY_PAGES,
  MEMORY_SIZE,
  OUTPUT,
  OUTPUT_SIZE,
  SHARED,
  SHARED_SIZE,
  WINDOW,
  WINDOW_SIZE,
} from "../assembly/memory.ts";
import { CORE_HEX } from "../src/core/embedded.ts";
import { enginesFor } from "../src/core/engines.ts";
import { coreInfo } from "../src/index.ts";
import { Random } from "./support/random.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const wasm = Buffer.from(CORE_HEX, "hex");
const dist = `${root}dist/index.js`;

// That assembly/ compiles to them is checked before the tests: `npm run build:check`.
test("the published core.wasm has the bytes that are embedded", () => {
  expect(wasm.equals(readFileSync(`${root}dist/core.wasm`))).toBe(true);
});

test("it exports these, and imports nothing", () => {
  const module = new WebAssembly.Module(wasm);
  expect(WebAssembly.Module.imports(module)).toEqual([]);
  const exports = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
  expect(exports.sort()).toEqual(["function decode", "function encode", "function mask", "memory memory"]);
});

test("its memory is fixed, and all of it is what the map says", () => {
  const { memory } = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as { memory: WebAssembly.Memory };
  expect(memory.buffer.byteLength).toBe(MEMORY_SIZE);
  expect(MEMORY_SIZE).toBe(MEMORY_PAGES * 65536);
  expect(OUTPUT + OUTPUT_SIZE + 64).toBe(MEMORY_SIZE);
  // No data segments: nothing is there before a call writes it.
  expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  // Only a large one grows, before there is a view of it.
  expect(memory.grow(LARGE_PAGES - MEMORY_PAGES)).toBe(MEMORY_PAGES);
  expect(() => memory.grow(1)).toThrow(RangeError);
});

test("a large memory has room for as much output as its shared window, and 64 bytes on both sides of that", () => {
  expect(LARGE_SIZE).toBe(LARGE_PAGES * 65536);
  expect(SHARED - OUTPUT).toBeGreaterThanOrEqual(SHARED_SIZE + 64);
  expect(LARGE_SIZE - SHARED).toBeGreaterThanOrEqual(SHARED_SIZE + 64);
  for (const kind of ["wasm", "portable"] as const) {
    const engines = enginesFor(kind);
    expect(engines.large().bytes.length).toBe(LARGE_SIZE);
    expect(engines.large()).toBe(engines.large());
    expect(engines.first().bytes.length).toBe(MEMORY_SIZE);
  }
});

test("it is at most 6 KB", () => {
  expect(wasm.length).toBeLessThanOrEqual(6 * 1024);
});

test("the .wasm uses SIMD and bulk memory, and no other feature", () => {
  const { features } = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8")).options as { features?: string[] };
  expect(features).toBeUndefined();
  expect(WebAssembly.validate(wasm)).toBe(true);
});

describe("mask", () => {
  for (const kind of ["wasm", "portable"] as const) {
    test(`XORs exactly the bytes it is told to, ${kind} core`, () => {
      const random = new Random(3);
      const core = enginesFor(kind).first();
      for (let round = 0; round < 400; round++) {
        const length = random.pick([0, 1, 3, 15, 16, 17, 63, 64, 65, 127, 1000, 5000]);
        const at = WINDOW + random.integer(0, 40);
        const before = random.bytes(length + 80);
        core.bytes.set(before, at - 40);
        const key = [...random.bytes(4)];
        core.mask(at, length, key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24));
        const wanted = before.map((byte, i) => (i >= 40 && i < 40 + length ? byte ^ key[(i - 40) % 4]! : byte));
        if (!Buffer.from(wanted).equals(core.bytes.slice(at - 40, at + length + 40)))
          expect.fail(`${length} bytes at ${at}`);
      }
      core.bytes.fill(0, WINDOW, WINDOW + WINDOW_SIZE);
    });
  }
});

describe("which core is used", () => {
  const script = `
    import { FrameDecoder, FrameEncoder, coreInfo } from ${JSON.stringify(`file://${dist}`)};
    const encoder = new FrameEncoder({ role: "client" });
    encoder.text("grüße 😀");
    encoder.binary(new Uint8Array(70000).fill(3));
    const bytes = Buffer.concat(encoder.take());
    const frames = new FrameDecoder({ role: "server" }).decode(bytes);
    let refused = false;
    try { new FrameDecoder({ role: "server", core: "wasm" }); } catch (error) { refused = error.message; }
    console.log(JSON.stringify({ info: coreInfo(), text: frames[0].text, last: frames[1].payload[69999], refused }));
  `;
  const run = (...flags: string[]) => {
    const file = join(mkdtempSync(join(tmpdir(), "wsframe-")), "script.mjs");
    writeFileSync(file, script);
    return JSON.parse(execFileSync(process.execPath, [...flags, file], { encoding: "utf8" })) as Record<
      string,
      unknown
    >;
  };

  test("here, WASM", () => {
    expect(coreInfo()).toEqual({ kind: "wasm" });
    expect(run()).toEqual({ info: { kind: "wasm" }, text: "grüße 😀", last: 3, refused: false });
  });

  test("under node --jitless, the portable one, and it says why", () => {
    const found = run("--jitless");
    expect(found).toMatchObject({ text: "grüße 😀", last: 3, refused: "The WASM core cannot be compiled here" });
    expect(found["info"]).toMatchObject({ kind: "portable", reason: expect.stringContaining("WebAssembly") });
  });

  test("where WebAssembly.Module refuses, as a strict CSP makes it, the portable one", () => {
    const file = join(mkdtempSync(join(tmpdir(), "wsframe-")), "refuse.cjs");
    writeFileSync(
      file,
      `WebAssembly.Module = function () { throw new WebAssembly.CompileError("refused by the policy"); };`,
    );
    expect(run("--require", file)["info"]).toEqual({ kind: "portable", reason: "CompileError: refused by the policy" });
  });
});
