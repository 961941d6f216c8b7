// The peers that are not from npm: `npm run test:interop`.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/interop/**/*.interop.ts"],
    testTimeout: 30_000,
  },
});
