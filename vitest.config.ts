import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    // Tests of memory collect garbage before they look.
    execArgv: ["--expose-gc"],
  },
});
