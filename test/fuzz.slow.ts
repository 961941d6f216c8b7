// A longer run of each target.

import { expect, test } from "vitest";
import { runTargets } from "./fuzz/runner.ts";
import { DEFAULT_SETTINGS } from "./fuzz/settings.ts";
import { TARGETS } from "./fuzz/targets.ts";

const SECONDS = 60;

/** Targets whose runs stop earlier, so that each run tries the same cases, however fast the machine is. */
const UNITS: Readonly<Record<string, number>> = { peers: 60_000, protocol: 1_500_000, connection: 400_000 };

test.each(Object.keys(TARGETS))(
  `the fuzzer finds nothing in ${SECONDS} s of %s`,
  { timeout: 600_000 },
  async (name) => {
    const found: unknown[] = [];
    const target = await TARGETS[name]!.load({ ...DEFAULT_SETTINGS, node: true });
    const [progress] = await runTargets({
      targets: [target],
      seed: 2,
      until: performance.now() + SECONDS * 1000,
      units: UNITS[name] ?? Infinity,
      coverage: undefined,
      corpus: undefined,
      found: (one) => {
        found.push(one);
        return true;
      },
      report: () => {},
    });
    expect(found).toEqual([]);
    expect(progress!.units).toBeGreaterThan(0);
  },
);
