// The WASM core: assembly/ compiled, one instance with its own memory for each call of createWasmCore().

import { MEMORY_SIZE } from "../../assembly/memory.ts";
import { coreModule } from "./module.ts";
import type { Core } from "./core.ts";

interface CoreExports {
  readonly memory: WebAssembly.Memory;
  readonly decode: Core["decode"];
  readonly encode: Core["encode"];
  readonly mask: Core["mask"];
}

let compiled: WebAssembly.Module | undefined;

/** @param size of its memory, in bytes @throws where WebAssembly is missing or must not be compiled */
export function createWasmCore(size: number = MEMORY_SIZE): Core {
  compiled ??= coreModule();
  // The exports of a module built from assembly/index.ts; a test asserts that these are what it has.
  const { memory, decode, encode, mask } = new WebAssembly.Instance(compiled).exports as unknown as CoreExports;
  // Before there are views of it, which would be detached.
  if (size > MEMORY_SIZE) memory.grow((size - MEMORY_SIZE) >> 16);
  const { buffer } = memory;
  return {
    bytes: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    decode,
    encode,
    mask,
  };
}
