// Puts the fault of a mutant into a source.

import type { Mutant } from "./mutant.ts";

/** How often the text to find occurs in a source. A mutant needs it exactly once. */
export function occurrences({ find }: Mutant, source: string): number {
  return source.split(find).length - 1;
}

/** @throws Error if the text to find does not occur exactly once */
export function applied(mutant: Mutant, source: string): string {
  const found = occurrences(mutant, source);
  if (found !== 1) throw new Error(`${mutant.name}: the text to find occurs ${found} times in ${mutant.file}`);
  // A function, because `$` has a meaning in a replacement string.
  return source.replace(mutant.find, () => mutant.replace);
}
