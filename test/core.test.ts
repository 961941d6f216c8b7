// The compiled core matches assembly/ in its exports, memory and bytes. The portable core takes over where it cannot be
// compiled.

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

// `npm run build:check` checks before the tests that assembly/ compiles to these bytes.
test("the published core.wasm equals the embedded bytes", () => {
  expect(wasm.equals(readFileSync(`${root}dist/core.wasm`))).toBe(true);
});

test("the core has only the expected exports, and no imports", () => {
  const module = new WebAssembly.Module(wasm);
  expect(WebAssembly.Module.imports(module)).toEqual([]);
  const exports = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
  expect(exports.sort()).toEqual(["function decode", "function encode", "function mask", "memory memory"]);
});

test("the core has a fixed memory, exactly as in the map", () => {
  const { memory } = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports as { memory: WebAssembly.Memory };
  expect(memory.buffer.byteLength).toBe(MEMORY_SIZE);
  expect(MEMORY_SIZE).toBe(MEMORY_PAGES * 65536);
  expect(OUTPUT + OUTPUT_SIZE + 64).toBe(MEMORY_SIZE);
  // There are no data segments: all memory is 0 before the first call.
  expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
  // Only a large core grows, before any view exists.
  expect(memory.grow(LARGE_PAGES - MEMORY_PAGES)).toBe(MEMORY_PAGES);
  expect(() => memory.grow(1)).toThrow(RangeError);
});

test("a large memory has as much output as its shared window, which has 64 bytes free on both sides", () => {
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

test("the core is at most 6 KB", () => {
  expect(wasm.length).toBeLessThanOrEqual(6 * 1024);
});

test("the core uses SIMD and bulk memory, and no other WebAssembly feature", () => {
  const { features } = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8")).options as { features?: string[] };
  expect(features).toBeUndefined();
  expect(WebAssembly.validate(wasm)).toBe(true);
});

describe("mask", () => {
  for (const kind of ["wasm", "portable"] as const) {
    test(`XORs only the given bytes, ${kind} core`, () => {
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

describe("the core in use", () => {
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

  test("is the WASM core on this machine", () => {
    expect(coreInfo()).toEqual({ kind: "wasm" });
    expect(run()).toEqual({ info: { kind: "wasm" }, text: "grüße 😀", last: 3, refused: false });
  });

  test("is portable under node --jitless, with a reason", () => {
    const found = run("--jitless");
    expect(found).toMatchObject({
      text: "grüße 😀",
      last: 3,
      refused: 'The WASM core cannot be compiled here: use core "auto"',
    });
    expect(found["info"]).toMatchObject({ kind: "portable", reason: expect.stringContaining("WebAssembly") });
  });

  test("is portable if WebAssembly.Module refuses, as with a strict CSP", () => {
    const file = join(mkdtempSync(join(tmpdir(), "wsframe-")), "refuse.cjs");
    writeFileSync(
      file,
      `WebAssembly.Module = function () { throw new WebAssembly.CompileError("refused by the policy"); };`,
    );
    expect(run("--require", file)["info"]).toEqual({ kind: "portable", reason: "CompileError: refused by the policy" });
  });
});
