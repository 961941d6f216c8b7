// The second core: assembly/deflate/ compiled. One instance for a thread.

import { deflateModule } from "./module.ts";

/** What assembly/deflate/ exports, with views of its memory, which never grows. @internal */
export interface DeflateCore {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  /**
   * Inflates what INFLATE_IN of the slot and `inEnd` say, which lies in INPUT. `last` is 1 if the input ends with the tail of its message
   * (TAIL_SIZE), which INPUT_MARGIN bytes of 0 follow; else 0. Returns INFLATE_NEEDS_INPUT, INFLATE_FULL, INFLATE_DONE or an error.
   */
  inflate(slot: number, inEnd: number, last: number): number;
  /**
   * Compresses from DEFLATE_AT of the slot up to `end`, at most MAX_SEGMENT bytes, with a FLUSH_*. Returns the end of what it
   * has made, which begins at OUTPUT.
   */
  deflate(slot: number, end: number, flush: number): number;
  /** Has the processor fetch what lies between two addresses. What it returns means nothing. */
  warm(from: number, to: number): number;
  /** Moves DEFLATE_AT to `end`, as if the bytes before it had been compressed: at most MAX_SEGMENT. */
  append(slot: number, end: number): void;
  /** Empties the slot's table. */
  clear(slot: number): void;
  /** Empties the slot's table, and fills it with the history between DEFLATE_BASE and DEFLATE_AT. */
  reindex(slot: number): void;
}

let core: DeflateCore | undefined;

/** The one of this thread. @throws where WebAssembly is missing or must not be compiled @internal */
export function deflateCore(): DeflateCore {
  if (core === undefined) {
    // The exports of a module built from assembly/deflate/index.ts; a test asserts that these are what it has.
    const { memory, ...calls } = new WebAssembly.Instance(deflateModule()).exports as unknown as Exports;
    const buffer = memory.buffer as ArrayBuffer;
    core = { ...calls, bytes: new Uint8Array(buffer), u32: new Uint32Array(buffer) };
  }
  return core;
}

type Exports = Omit<DeflateCore, "bytes" | "u32"> & { readonly memory: WebAssembly.Memory };
