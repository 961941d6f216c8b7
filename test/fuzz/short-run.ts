// Runs one target inside a test.

import { runTargets } from "./runner.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { TARGETS } from "./targets.ts";

/** Ends after the first finding, after this many units, or at `until`. */
export async function shortRun(
  name: string,
  { seed, units, until }: { readonly seed: number; readonly units: number; readonly until: number },
): Promise<{ readonly found: readonly unknown[]; readonly units: number }> {
  const found: unknown[] = [];
  const target = await TARGETS[name]!.load({ ...DEFAULT_SETTINGS, node: true });
  const [progress] = await runTargets({
    targets: [target],
    seed,
    until,
    units,
    coverage: undefined,
    corpus: undefined,
    found: (one) => {
      found.push(one);
      return true;
    },
    report: () => {},
  });
  return { found, units: progress!.units };
}
