// What every test of faults must leave behind: nothing. Handles and timers are counted, warnings are failures.

import { createHook } from "node:async_hooks";
import { afterEach, beforeEach, expect } from "vitest";

/**
 * Sockets and servers, by the names that node gives them. TLS and HTTP/2 each stand on a TCPWRAP; their own handles are only
 * said to have gone when garbage is collected.
 */
const HANDLES = new Set(["TCPWRAP", "TCPSERVERWRAP", "TCPCONNECTWRAP", "GETADDRINFOREQWRAP"]);

const live: Map<number, string> = new Map();
const warnings: string[] = [];
const hook = createHook({
  init(id, type) {
    if (HANDLES.has(type)) {
      live.set(id, type);
    } else if (type === "Timeout") {
      // Not process.getActiveResourcesInfo(): it leaves out what does not keep the process alive.
      const { stack = "" } = new Error("here");
      // Node's clock of the header Date, which goes until the next second.
      if (stack.includes("utcDate")) return;
      const by = caller(stack);
      if (!by.includes("node_modules") && !by.includes("/support/")) live.set(id, `Timeout ${by}`);
    }
  },
  destroy: (id) => void live.delete(id),
});
const warn = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);

/** Who has made a timer: the first below what Node does for that. */
function caller(stack: string): string {
  const lines = stack.split("\n").slice(2);
  return (lines.find((line) => line.includes("file:") || line.includes("(/") || line.includes("at /")) ?? "").trim();
}

/** Handles and timers that were made since the test began and are still there. */
export function leftovers(): string[] {
  return [...live.values()];
}

/** Waits until `done` says so, without a timer of its own. */
export async function until(done: () => boolean, what: () => string, limit: number = 8000): Promise<void> {
  const end = performance.now() + limit;
  while (!done()) {
    if (performance.now() > end) throw new Error(`Not so after ${limit} ms: ${what()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const ends: (() => unknown)[] = [];

/** Has something ended after the test, last come first served. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}

/** For a whole file: after each test and its atEnd() there must be no handle, timer or warning that was not there before. */
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
