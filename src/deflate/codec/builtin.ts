import type { Zlib } from "./zlib.ts";

/**
 * The runtime's own zlib, where it has one: Node from 20.16 on, Bun, Deno. An import of it would keep bundles from
 * running in browsers. @internal
 */
export function builtinZlib(): Zlib | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.("node:zlib") as Zlib | undefined;
}
