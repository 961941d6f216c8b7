// Where the compiled core comes from. module.workerd.ts stands in for this file under the `workerd` condition.

import { CORE_HEX } from "./embedded.ts";

/** Compiles the core. Throws where WebAssembly is missing or must not be compiled. */
export function coreModule(): WebAssembly.Module {
  const bytes = new Uint8Array(CORE_HEX.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (digit(2 * i) << 4) | digit(2 * i + 1);
  return new WebAssembly.Module(bytes);
}

function digit(at: number): number {
  const code = CORE_HEX.charCodeAt(at);
  // "0" to "9" are 0x30 to 0x39, "a" to "f" 0x61 to 0x66.
  return (code & 15) + (code >> 6) * 9;
}
