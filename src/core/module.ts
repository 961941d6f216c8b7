// Compiles the core. The `workerd` condition replaces this file with module.workerd.ts.

import { CORE_HEX } from "./embedded.ts";
import { compileHex } from "./hex.ts";

/** Compiles the core. Throws if WebAssembly is missing or must not be compiled. */
export function coreModule(): WebAssembly.Module {
  return compileHex(CORE_HEX);
}
