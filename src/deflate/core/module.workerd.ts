// Workers must not compile WebAssembly at run time, so the compiled .wasm file is imported.

import core from "wsframe/deflate.wasm";

export function deflateModule(): WebAssembly.Module {
  return core;
}
