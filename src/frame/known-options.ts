// Refuses unknown options, and wrong values of options that several functions have. Otherwise an option with its name
// from another package, such as a login check, would be ignored.

import type { AgreedExtension, Extension } from "./extension.ts";

/** The option names of a type. The compiler reports a missing one. @internal */
export type Names<Options> = { readonly [Name in keyof Required<Options>]: true };

/** What to say about option names from other packages. @internal */
export type Hints = { readonly [name: string]: string };

/** The maximum edit distance between an unknown name and the one that is suggested. */
const NEAR = 2;

/**
 * Refuses unknown option names, and suggests the right one. Undefined values are allowed.
 *
 * @param of the function that takes the options, for example "serve()"
 * @throws TypeError @internal
 */
export function checkNames(of: string, options: unknown, known: { readonly [name: string]: true }, hints: Hints): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`The options of ${of} must be an object`);
  }
  // Check inherited names, too, because reading the options would find them.
  for (const name in options) {
    if (Object.hasOwn(known, name) || (options as { readonly [name: string]: unknown })[name] === undefined) continue;
    const near = similar(name, Object.keys(known));
    const hint = Object.hasOwn(hints, name) ? hints[name] : near && `did you mean \`${near}\`?`;
    throw new TypeError(`${of} has no option \`${name}\`: ${hint ?? "check its name"}`);
  }
}

/** Names the option in the error: the methods of a wrong value would fail with messages that do not. @throws TypeError @internal */
export function checkExtensions(extensions: unknown = []): void {
  if (!Array.isArray(extensions) || !extensions.every(isExtension)) {
    throw new TypeError("extensions must be an array of extensions, such as [perMessageDeflate()]");
  }
}

/** An Extension or an AgreedExtension. */
function isExtension(item: Partial<AgreedExtension & Extension> | undefined | null): boolean {
  return typeof (item?.extension ?? item)?.open === "function";
}

/** @throws TypeError @internal */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && typeof (signal as AbortSignal | null)?.throwIfAborted !== "function") {
    throw new TypeError("signal must be an AbortSignal");
  }
}

/** The known name that is most similar to `name`, if any is similar enough. @internal */
export function similar(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  let least = NEAR + 1;
  let nearest: string | undefined;
  for (const each of known) {
    const found = distance(lower, each.toLowerCase());
    if (found >= least) continue;
    least = found;
    nearest = each;
  }
  return nearest;
}

/** The number of characters to insert, delete or replace (Levenshtein distance). */
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
