import type { Zlib } from "./zlib.ts";

/**
 * The runtime's own zlib, if it has one: Node from 20.16 on, Bun and Deno do. With an import, bundles would not run in
 * browsers. @internal
 */
export function builtinZlib(): Zlib | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.("node:zlib") as Zlib | undefined;
}
