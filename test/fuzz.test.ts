// A short run of each target, the same each time.

import { expect, test } from "vitest";
import { runTargets } from "./fuzz/runner.ts";
import { DEFAULT_SETTINGS } from "./fuzz/settings.ts";
import { TARGETS } from "./fuzz/targets.ts";

/** How much of each, so that all take a few seconds together. */
const UNITS: Readonly<Record<string, number>> = {
  frames: 10_000,
  peers: 150,
  handshake: 500,
  deflate: 400,
  compression: 250,
  connection: 60,
  protocol: 15_000,
};

test.each(Object.keys(TARGETS))("the fuzzer finds nothing in a short run of %s", async (name) => {
  const found: unknown[] = [];
  const target = await TARGETS[name]!.load({ ...DEFAULT_SETTINGS, node: true });
  const [progress] = await runTargets({
    targets: [target],
    seed: 1,
    until: Infinity,
    units: UNITS[name] ?? 500,
    coverage: undefined,
    corpus: undefined,
    found: (one) => {
      found.push(one);
      return true;
    },
    report: () => {},
  });
  expect(found).toEqual([]);
  expect(progress!.units).toBeGreaterThanOrEqual(UNITS[name] ?? 500);
});
