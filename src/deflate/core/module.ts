// Compiles the DEFLATE core. Under the `workerd` condition, module.workerd.ts replaces this file.

import { compileHex } from "../../core/hex.ts";
import { DEFLATE_HEX } from "./embedded.ts";

/** Compiles the core. Throws if WebAssembly is missing or must not be compiled. */
export function deflateModule(): WebAssembly.Module {
  return compileHex(DEFLATE_HEX);
}
