// Puts a mutant's fault into a source.

import type { Mutant } from "./mutant.ts";

/** How often the text to find stands in a source: a mutant needs it exactly once. */
export function occurrences({ find }: Mutant, source: string): number {
  return source.split(find).length - 1;
}

/** @throws Error if the text to find does not stand there exactly once */
export function applied(mutant: Mutant, source: string): string {
  const found = occurrences(mutant, source);
  if (found !== 1) throw new Error(`${mutant.name}: the text to find stands in ${mutant.file} ${found} times`);
  // A function: `$` means something in a replacement.
  return source.replace(mutant.find, () => mutant.replace);
}
