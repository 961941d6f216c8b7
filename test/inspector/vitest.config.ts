// The inspector's page in Chromium: `npm run test:inspector`.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/inspector/*.browser.ts"],
    globalSetup: "test/runtimes/install.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
});
