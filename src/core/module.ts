// Where the compiled core comes from. module.workerd.ts stands in for this file under the `workerd` condition.

import { CORE_BASE64 } from "./embedded.ts";

/** Compiles the core. Throws where WebAssembly is missing or must not be compiled. */
export function coreModule(): WebAssembly.Module {
  const binary = atob(CORE_BASE64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new WebAssembly.Module(bytes);
}
