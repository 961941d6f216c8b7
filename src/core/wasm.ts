// The WASM core, which is assembly/ compiled. Each call of createWasmCore() creates an instance with its own memory.

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

/** @param size of the memory, in bytes @throws if WebAssembly is missing or must not be compiled */
export function createWasmCore(size: number = MEMORY_SIZE): Core {
  compiled ??= coreModule();
  // These are the exports of assembly/index.ts. A test checks them.
  const { memory, decode, encode, mask } = new WebAssembly.Instance(compiled).exports as unknown as CoreExports;
  // Grow before the views are created, because growing would detach them.
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
