// The published package on every runtime: `npm run test:runtimes`.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/runtimes/*.runtime.ts"],
    globalSetup: ["test/runtimes/setup.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: "100%",
  },
});
