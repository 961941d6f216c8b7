import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    // All cores: by default it leaves one alone, which is half of two.
    maxWorkers: "100%",
    // Tests of memory collect garbage before they look.
    execArgv: ["--expose-gc"],
  },
});
