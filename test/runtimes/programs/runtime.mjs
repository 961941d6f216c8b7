/** The name of the runtime from its own globals, so that no other runtime is tested by mistake. */
export function runtime() {
  const { Bun, Deno, process } = globalThis;
  if (Bun) return `Bun ${Bun.version}`;
  if (Deno) return `Deno ${Deno.version.deno}`;
  return `Node ${process.version}`;
}
