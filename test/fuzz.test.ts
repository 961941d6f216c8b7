// A short run of each target, the same each time.

import { expect, test } from "vitest";
import { shortRun } from "./fuzz/short-run.ts";
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
  const { found, units } = await shortRun(name, { seed: 1, units: UNITS[name] ?? 500, until: Infinity });
  expect(found).toEqual([]);
  expect(units).toBeGreaterThanOrEqual(UNITS[name] ?? 500);
});
