// Checks that a test leaves no handles or timers behind, and treats warnings as failures.

import { createHook } from "node:async_hooks";
import { afterEach, beforeEach, expect } from "vitest";

/**
 * Sockets and servers, by Node's names for them. TLS and HTTP/2 each use a TCPWRAP; their own handles are reported as
 * gone only after garbage collection.
 */
const HANDLES = new Set(["TCPWRAP", "TCPSERVERWRAP", "TCPCONNECTWRAP", "GETADDRINFOREQWRAP"]);

const live: Map<number, string> = new Map();
const warnings: string[] = [];
const hook = createHook({
  init(id, type) {
    if (HANDLES.has(type)) {
      live.set(id, type);
    } else if (type === "Timeout") {
      // Not process.getActiveResourcesInfo(), because it omits everything that does not keep the process alive.
      const { stack = "" } = new Error("here");
      // Node's clock for the header field Date, which runs until the next second.
      if (stack.includes("utcDate")) return;
      const by = caller(stack);
      if (!by.includes("node_modules") && !by.includes("/support/")) live.set(id, `Timeout ${by}`);
    }
  },
  destroy: (id) => void live.delete(id),
});
const warn = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);

/** The creator of a timer: the first stack frame below Node's own. */
function caller(stack: string): string {
  const lines = stack.split("\n").slice(2);
  return (lines.find((line) => line.includes("file:") || line.includes("(/") || line.includes("at /")) ?? "").trim();
}

/** Handles and timers that were made since the test began and still exist. */
export function leftovers(): string[] {
  return [...live.values()];
}

/** Waits until `done` returns true, without a timer of its own. */
export async function until(done: () => boolean, what: () => string, limit: number = 8000): Promise<void> {
  const end = performance.now() + limit;
  while (!done()) {
    if (performance.now() > end) throw new Error(`Not so after ${limit} ms: ${what()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ends: (() => unknown)[] = [];

/** Calls `end` after the test, in reverse order. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}

/** For a whole file: after each test and its atEnd() functions, there must be no new handle, timer or warning. */
export function watchLeftovers(): void {
  beforeEach(() => {
    live.clear();
    warnings.length = 0;
    hook.enable();
    process.on("warning", warn);
  });
  afterEach(async () => {
    try {
      for (const end of ends.splice(0).toReversed()) await end();
      await until(
        () => live.size === 0,
        () => `left over: ${leftovers().join(", ")}`,
      );
      expect(warnings).toEqual([]);
    } finally {
      hook.disable();
      process.off("warning", warn);
    }
  });
}
