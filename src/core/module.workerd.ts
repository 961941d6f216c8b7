// Workers must not compile WebAssembly at run time: there the .wasm file is imported, compiled already.

import core from "wsframe/core.wasm";

export function coreModule(): WebAssembly.Module {
  return core;
}
