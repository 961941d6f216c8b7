// Defines the parts of the tests as vitest projects. `npm test` runs "main", and `npm run test:all` runs the others.
// CONTRIBUTING.md has a table of them.

import { defineConfig } from "vitest/config";

/** Files that match the pattern of "main" but belong to another part. */
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

/** Tests that send messages of many MiB. */
const LARGE = ["test/conformance/limits-performance.test.ts", "test/deflate/peers.test.ts"];

const built = "test/support/built.ts";
const packed = [built, "test/support/packed.ts"];
const runtimes = "test/runtimes/install.js";
const registry = "test/published/install.js";

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Uses all cores. By default, vitest leaves one idle, which is half of two.
    maxWorkers: "100%",
    // Tests of memory need to collect garbage before they measure.
    execArgv: ["--expose-gc"],
    projects: [
      // The files of a worker share its modules, because loading them again for each file would take six times as long.
      part("main", {
        include: ["test/**/*.test.ts"],
        exclude: [...PUBLISHED, ...LOAD, ...PATIENT, ...LARGE, "**/node_modules/**"],
        isolate: false,
      }),
      part("slow", { include: ["test/**/*.slow.ts", ...LARGE], globalSetup: built }),
      // These tests wait for slow peers and for turns of the event loop.
      part("patient", { include: PATIENT }),
      part("published", { include: PUBLISHED, globalSetup: [...packed, registry] }),
      part("runtimes", {
        include: ["test/runtimes/*.runtime.ts"],
        globalSetup: [...packed, runtimes, "test/runtimes/setup.ts"],
      }),
      part("interop", { include: ["test/interop/**/*.interop.ts"], globalSetup: runtimes }),
      part("frameworks", {
        include: ["test/frameworks/*.framework.ts"],
        // Chromium is driven by a package that is installed with the runtimes.
        globalSetup: [...packed, runtimes, registry, "test/frameworks/setup.ts"],
        maxWorkers: 1,
      }),
      // These tests measure time or inspect a screen, so they run one after another.
      part("load", { include: LOAD, globalSetup: built, maxWorkers: 1 }),
      part("inspector", { include: ["test/inspector/*.browser.ts"], globalSetup: [built, runtimes], maxWorkers: 1 }),
      part("site", { include: ["test/site/*.site.ts"], globalSetup: [built, runtimes, "docs/site/install.js"] }),
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

/** A project with its own options added to those above. */
function part(name: string, options: Part) {
  return { extends: true as const, test: { name, ...options } };
}
