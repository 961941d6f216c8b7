// Where the compiled core comes from. Under the `workerd` condition module.workerd.ts replaces this file.

import { CORE_HEX } from "./embedded.ts";
import { compileHex } from "./hex.ts";

/** Compiles the core. Throws where WebAssembly is missing or must not be compiled. */
export function coreModule(): WebAssembly.Module {
  return compileHex(CORE_HEX);
}
