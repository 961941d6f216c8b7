// Workers must not compile WebAssembly at run time, so they import the .wasm file, which is compiled already.

import core from "wsframe/core.wasm";

export function coreModule(): WebAssembly.Module {
  return core;
}
