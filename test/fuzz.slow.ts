// A longer run of each target.

import { expect, test } from "vitest";
import { shortRun } from "./fuzz/short-run.ts";
import { TARGETS } from "./fuzz/targets.ts";

const SECONDS = 60;

/** Targets whose runs stop earlier, so that each run tries the same cases, however fast the machine is. */
const UNITS: Readonly<Record<string, number>> = { peers: 60_000, protocol: 1_500_000, connection: 400_000 };

test.each(Object.keys(TARGETS))(
  `the fuzzer finds nothing in ${SECONDS} s of %s`,
  { timeout: 600_000 },
  async (name) => {
    const until = performance.now() + SECONDS * 1000;
    const { found, units } = await shortRun(name, { seed: 2, units: UNITS[name] ?? Infinity, until });
    expect(found).toEqual([]);
    expect(units).toBeGreaterThan(0);
  },
);
