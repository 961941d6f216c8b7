// Peers that are programs of their own: `npm run test:interop`.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/interop/**/*.interop.ts"],
    globalSetup: "test/runtimes/install.ts",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: "100%",
  },
});
