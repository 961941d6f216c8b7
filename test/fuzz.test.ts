// A short run of each target, always with the same seed.

import { expect, test } from "vitest";
import { shortRun } from "./fuzz/short-run.ts";
import { TARGETS } from "./fuzz/targets.ts";

/** The number of units for each target, so that all of them together take a few seconds. */
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
  const { found, units } = await shortRun(name, { seed: 1, units: UNITS[name] ?? 500, until: Infinity });
  expect(found).toEqual([]);
  expect(units).toBeGreaterThanOrEqual(UNITS[name] ?? 500);
});
