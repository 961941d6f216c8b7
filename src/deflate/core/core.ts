// The DEFLATE core, compiled from assembly/deflate/. Each thread has one instance.

import { deflateModule } from "./module.ts";

/** The exports of assembly/deflate/, with views of its memory, which never grows. @internal */
export interface DeflateCore {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  /**
   * Inflates from INFLATE_IN of the slot to `inEnd`, which lie in INPUT. `last` is 1 if the input ends with the tail of its
   * message (TAIL_SIZE), followed by INPUT_MARGIN zero bytes; else 0. Returns INFLATE_NEEDS_INPUT, INFLATE_FULL, INFLATE_DONE
   * or an error.
   */
  inflate(slot: number, inEnd: number, last: number): number;
  /**
   * Compresses from DEFLATE_AT of the slot to `end`, at most MAX_SEGMENT bytes, with a FLUSH_*. Returns the end of the result,
   * which starts at OUTPUT.
   */
  deflate(slot: number, end: number, flush: number): number;
  /** Makes the processor load the memory between two addresses into its cache. The result means nothing. */
  warm(from: number, to: number): number;
  /** Moves DEFLATE_AT to `end`, as if those bytes, at most MAX_SEGMENT, had been compressed. */
  append(slot: number, end: number): void;
  /** Clears the slot's table. */
  clear(slot: number): void;
  /** Clears the slot's table and fills it with the history between DEFLATE_BASE and DEFLATE_AT. */
  reindex(slot: number): void;
}

let core: DeflateCore | undefined;

/** The core of this thread. @throws if WebAssembly is missing or must not be compiled @internal */
export function deflateCore(): DeflateCore {
  if (core === undefined) {
    // A test checks that the module exports exactly these.
    const { memory, ...calls } = new WebAssembly.Instance(deflateModule()).exports as unknown as Exports;
    const buffer = memory.buffer as ArrayBuffer;
    core = { ...calls, bytes: new Uint8Array(buffer), u32: new Uint32Array(buffer) };
  }
  return core;
}

type Exports = Omit<DeflateCore, "bytes" | "u32"> & { readonly memory: WebAssembly.Memory };
