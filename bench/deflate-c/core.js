// The deflate core alone: dist/deflate.wasm, called as assembly/deflate/memory.ts says, without the TypeScript around
// it. Each stream stays in its own slot, and the output of a call stays in the core.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

async function memoryMap() {
  const { outputFiles } = await build({
    entryPoints: [path("../../assembly/deflate/memory.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

const map = await memoryMap();
const module = new WebAssembly.Module(readFileSync(path("../../dist/deflate.wasm")));
/** @type {Record<string, any>} */
const core = new WebAssembly.Instance(module).exports;
const bytes = new Uint8Array(core.memory.buffer);
const u32 = new Uint32Array(core.memory.buffer);

/** The maximum number of streams. */
export const SLOTS = Math.min(map.INFLATE_SLOT_COUNT, map.DEFLATE_SLOT_COUNT);
/** zlib's default. */
const LEVEL = 6;

/** Moves the last bytes to the front of a window if fewer than `needed` bytes follow them. */
function makeRoom(slot, { at, base, window, size }, needed) {
  const end = u32[(slot + at) >> 2];
  if (end + needed <= slot + window + size) return end;
  bytes.copyWithin(slot + window, end - map.MAX_WINDOW, end);
  u32[(slot + base) >> 2] = slot + window;
  return (u32[(slot + at) >> 2] = slot + window + map.MAX_WINDOW);
}

/** Inflates messages of up to 48 KiB. */
export class CoreInflater {
  #slot;
  static #layout = {
    at: map.INFLATE_OUT,
    base: map.INFLATE_BASE,
    window: map.INFLATE_WINDOW,
    size: map.INFLATE_WINDOW_SIZE,
  };

  /** @param {number} index the index of the slot */
  constructor(index) {
    this.#slot = map.INFLATE_SLOTS + index * map.INFLATE_SLOT_SIZE;
    const window = this.#slot + map.INFLATE_WINDOW;
    bytes.fill(0, this.#slot, this.#slot + map.INFLATE_STATE_SIZE);
    u32[(this.#slot + map.INFLATE_BASE) >> 2] = window;
    u32[(this.#slot + map.INFLATE_OUT) >> 2] = window;
    u32[(this.#slot + map.INFLATE_REACH) >> 2] = map.MAX_WINDOW;
  }

  /**
   * @param {Uint8Array} input a message with its tail
   * @param {number} length the length of the inflated message
   */
  run(input, length) {
    const slot = this.#slot;
    const out = makeRoom(slot, CoreInflater.#layout, length + 1);
    const end = map.INPUT + input.length;
    bytes.set(input, map.INPUT);
    bytes.fill(0, end, end + map.INPUT_MARGIN);
    bytes.fill(0, slot + map.INFLATE_PRIVATE, slot + map.INFLATE_STATE_SIZE);
    u32[(slot + map.INFLATE_IN) >> 2] = map.INPUT;
    u32[(slot + map.INFLATE_OUT_END) >> 2] = slot + map.INFLATE_WINDOW + map.INFLATE_WINDOW_SIZE;
    if (core.inflate(slot, end, 1) !== map.INFLATE_DONE) throw new Error("inflate() did not end");
    return bytes.subarray(out, u32[(slot + map.INFLATE_OUT) >> 2]);
  }
}

/** Compresses messages of up to 32 KiB. */
export class CoreDeflater {
  #slot;
  static #layout = {
    at: map.DEFLATE_AT,
    base: map.DEFLATE_BASE,
    window: map.DEFLATE_WINDOW,
    size: map.DEFLATE_WINDOW_SIZE,
  };

  /** @param {number} index the index of the slot */
  constructor(index) {
    const slot = (this.#slot = map.DEFLATE_SLOTS + index * map.DEFLATE_SLOT_SIZE);
    bytes.fill(0, slot, slot + map.DEFLATE_STATE_SIZE);
    u32[(slot + map.DEFLATE_AT) >> 2] = slot + map.DEFLATE_WINDOW;
    u32[(slot + map.DEFLATE_BASE) >> 2] = slot + map.DEFLATE_WINDOW;
    u32[(slot + map.DEFLATE_REACH) >> 2] = map.MAX_WINDOW;
    u32[(slot + map.DEFLATE_LEVEL) >> 2] = LEVEL;
    u32[(slot + map.DEFLATE_TABLE_BITS) >> 2] = map.DEFLATE_MOST_BITS;
    core.clear(slot);
  }

  /** @param {Uint8Array} text */
  run(text) {
    const slot = this.#slot;
    const at = makeRoom(slot, CoreDeflater.#layout, text.length);
    bytes.set(text, at);
    return bytes.subarray(map.OUTPUT, core.deflate(slot, at + text.length, map.FLUSH_END));
  }
}
