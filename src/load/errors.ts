import type { LoadError } from "./report.ts";

/** Counts errors by code, and keeps the message of the first of each. */
export class Errors {
  readonly #found: Map<string, { message: string; count: number }> = new Map();
  count = 0;

  /** @param message called only for the first error with a code */
  add(code: string, message: () => string, count: number = 1): void {
    this.count += count;
    const found = this.#found.get(code);
    if (found) found.count += count;
    else this.#found.set(code, { message: message().trimEnd(), count });
  }

  /** Removes one error that turned out not to be an error. */
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
 * Returns the message of an error. If a host has several addresses, connecting fails with an AggregateError that has a code
 * but no message.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors.map(reasonOf) : [];
  const { code } = error as NodeJS.ErrnoException;
  return error.message || [...new Set(inner)].join("; ") || code || error.name;
}
