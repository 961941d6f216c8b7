// Options that nobody reads: a login check with the name that it has in another package must not vanish.

/** The names of the options of a type: the compiler says when one is missing. @internal */
export type Names<Options> = { readonly [Name in keyof Required<Options>]: true };

/** What to say of names from elsewhere. @internal */
export type Hints = { readonly [name: string]: string };

/** How many characters a name may differ in from the one that was meant. */
const NEAR = 2;

/**
 * Refuses options that have a name which nobody knows, and says which one was meant. Undefined values are fine.
 *
 * @param of What takes the options, as in "serve()"
 * @throws TypeError @internal
 */
export function checkNames(of: string, options: unknown, known: { readonly [name: string]: true }, hints: Hints): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`The options of ${of} must be an object`);
  }
  // Inherited ones too: whoever reads the options would see them.
  for (const name in options) {
    if (name in known || (options as { readonly [name: string]: unknown })[name] === undefined) continue;
    const hint = Object.hasOwn(hints, name) ? hints[name] : similar(name, Object.keys(known));
    throw new TypeError(`${of} has no option \`${name}\`: ${hint ?? "there is no such option"}`);
  }
}

function similar(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const found = known.find((each) => distance(lower, each.toLowerCase()) <= NEAR);
  return found === undefined ? undefined : `it may be \`${found}\``;
}

/** How many characters to insert, delete or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
