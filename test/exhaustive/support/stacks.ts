import { afterAll, beforeAll } from "vitest";

/** For tests that create millions of errors: their stacks would take most of the time. */
export function withoutStacks(): void {
  const before = Error.stackTraceLimit;
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = before;
  });
}
