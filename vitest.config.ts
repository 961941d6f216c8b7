// The parts of the tests, as vitest's projects: `npm test` runs "main", `npm run test:all` the others. CONTRIBUTING.md has them
// as a table.

import { defineConfig } from "vitest/config";

/** Files that are named like those of "main", and have a part of their own. */
const PUBLISHED = [
  "test/package.test.ts",
  "test/types.test.ts",
  "test/published/*.test.ts",
  "test/docs/*.test.ts",
  "test/examples/*.test.ts",
];
const LOAD = ["test/load/*.test.ts"];
const PATIENT = ["closing", "delivery", "flow", "keepalive", "ownership", "slices", "slow-peers"].map(
  (name) => `test/connection/${name}.test.ts`,
);

/** These send messages of many MiB. */
const LARGE = ["test/conformance/limits-performance.test.ts", "test/deflate/peers.test.ts"];

const built = "test/support/built.ts";
const packed = [built, "test/support/packed.ts"];
const runtimes = "test/runtimes/install.js";
const registry = "test/published/install.js";

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // All cores: by default it leaves one alone, which is half of two.
    maxWorkers: "100%",
    // Tests of memory collect garbage before they look.
    execArgv: ["--expose-gc"],
    projects: [
      // Its files share the modules of their worker: loading them for each takes a sixth of the time.
      part("main", {
        include: ["test/**/*.test.ts"],
        exclude: [...PUBLISHED, ...LOAD, ...PATIENT, ...LARGE, "**/node_modules/**"],
        isolate: false,
      }),
      part("slow", { include: ["test/**/*.slow.ts", ...LARGE], globalSetup: built }),
      // These wait for peers that take their time, and for turns of the event loop.
      part("patient", { include: PATIENT }),
      part("published", { include: PUBLISHED, globalSetup: [...packed, registry] }),
      part("runtimes", {
        include: ["test/runtimes/*.runtime.ts"],
        globalSetup: [...packed, runtimes, "test/runtimes/setup.ts"],
      }),
      part("interop", { include: ["test/interop/**/*.interop.ts"], globalSetup: runtimes }),
      part("frameworks", {
        include: ["test/frameworks/*.framework.ts"],
        // Chromium is driven by what is installed with the runtimes.
        globalSetup: [...packed, runtimes, registry, "test/frameworks/setup.ts"],
        maxWorkers: 1,
      }),
      // These measure, or look at what is on a screen: one file after the other.
      part("load", { include: LOAD, globalSetup: built, maxWorkers: 1 }),
      part("inspector", { include: ["test/inspector/*.browser.ts"], globalSetup: [built, runtimes], maxWorkers: 1 }),
    ],
  },
});

interface Part {
  readonly include: string[];
  readonly exclude?: string[];
  readonly globalSetup?: string | string[];
  readonly maxWorkers?: number;
  readonly isolate?: boolean;
}

/** A project that has the options above, and its own. */
function part(name: string, options: Part) {
  return { extends: true as const, test: { name, ...options } };
}
