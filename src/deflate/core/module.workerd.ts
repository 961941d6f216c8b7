// Workers must not compile WebAssembly at run time: there the .wasm file is imported, compiled already.

import core from "wsframe/deflate.wasm";

export function deflateModule(): WebAssembly.Module {
  return core;
}
