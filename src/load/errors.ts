import type { LoadError } from "./report.ts";

/** Counts what goes wrong, by code; keeps the message of the first. */
export class Errors {
  readonly #found: Map<string, { message: string; count: number }> = new Map();
  count = 0;

  /** @param message is called for the first of a code */
  add(code: string, message: () => string, count: number = 1): void {
    this.count += count;
    const found = this.#found.get(code);
    if (found) found.count += count;
    else this.#found.set(code, { message: message().trimEnd(), count });
  }

  /** One of them was none. */
  takeBack(code: string): void {
    const found = this.#found.get(code);
    if (found === undefined) return;
    this.count--;
    if (--found.count === 0) this.#found.delete(code);
  }

  list(): LoadError[] {
    return Array.from(this.#found, ([code, { message, count }]) => ({ code, message, count }));
  }
}

/**
 * What went wrong, in words. A name with several addresses fails with an AggregateError that has a code, but no message of its
 * own.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors.map(reasonOf) : [];
  const { code } = error as NodeJS.ErrnoException;
  return error.message || [...new Set(inner)].join("; ") || code || error.name;
}
