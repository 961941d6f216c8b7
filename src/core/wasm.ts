// The WASM core: assembly/ compiled, one instance with its own memory for each call of createWasmCore().

import { coreModule } from "./module.ts";
import type { Core } from "./core.ts";

interface CoreExports {
  readonly memory: WebAssembly.Memory;
  readonly decode: Core["decode"];
  readonly encode: Core["encode"];
  readonly mask: Core["mask"];
}

let compiled: WebAssembly.Module | undefined;

/** Throws where WebAssembly is missing or must not be compiled. */
export function createWasmCore(): Core {
  compiled ??= coreModule();
  // The exports of a module built from assembly/index.ts; a test asserts that these are what it has.
  const { memory, decode, encode, mask } = new WebAssembly.Instance(compiled).exports as unknown as CoreExports;
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
