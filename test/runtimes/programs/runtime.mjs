/** What a program runs on, as it says itself, so that nothing passes for another. */
export function runtime() {
  const { Bun, Deno, process } = globalThis;
  if (Bun) return `Bun ${Bun.version}`;
  if (Deno) return `Deno ${Deno.version.deno}`;
  return `Node ${process.version}`;
}
