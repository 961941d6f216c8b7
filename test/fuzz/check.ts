// npm run fuzz -- --check: puts the fault of each seeded mutant into the code and runs its target.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bundleRunner } from "./bundle/bundle.ts";
import { applied, occurrences } from "./mutants/apply.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { runOrders } from "./process.ts";
import type { TargetSettings } from "./settings.ts";

const SECONDS = 60;
/** The longest time a case may take, in ms. Needed because a fault may cause an endless loop. */
const LONGEST = 10_000;

export interface Checked {
  readonly mutant: Mutant;
  /** The finding, or undefined if nothing was found. */
  readonly finding: string | undefined;
  /** The reason why the check could not run. */
  readonly failure: string | undefined;
  readonly cases: number;
  readonly seconds: number;
}

export async function checkMutant(mutant: Mutant, seed: number, settings: TargetSettings): Promise<Checked> {
  const root = process.cwd();
  const nothing = { mutant, finding: undefined, failure: undefined, cases: 0, seconds: 0 };
  const found = occurrences(mutant, readFileSync(join(root, mutant.file), "utf8"));
  if (found !== 1) return { ...nothing, failure: `its text occurs ${found} times in ${mutant.file}` };
  const bundle = await bundleRunner(root, {
    changes: [(file, source) => (file === mutant.file ? applied(mutant, source) : source)],
    assembly: mutant.file.startsWith("assembly/"),
    coverage: false,
  });
  try {
    const seconds = mutant.seconds ?? SECONDS;
    const from = performance.now();
    const { told, stuck } = await runOrders(
      bundle,
      { targets: [mutant.target], settings, seed, seconds },
      { longest: LONGEST, shown: false, killAfter: (seconds + 60) * 1000 },
    );
    const finding = stuck === undefined ? told?.finding : "a case does not end";
    return { ...nothing, finding, cases: told?.cases ?? 0, seconds: (performance.now() - from) / 1000 };
  } finally {
    await bundle.remove();
  }
}

/** @returns whether all mutants were found */
export async function checkMutants(
  mutants: readonly Mutant[],
  seed: number,
  settings: TargetSettings,
): Promise<boolean> {
  const width = Math.max(...mutants.map(({ name }) => name.length));
  console.log(`${"mutant".padEnd(width)}  found by     cases  seconds  as`);
  let missed = 0;
  for (const mutant of mutants) {
    const { finding, failure, cases, seconds } = await checkMutant(mutant, seed, settings);
    if (finding === undefined) missed++;
    const columns = [
      mutant.name.padEnd(width),
      (finding === undefined ? "-" : mutant.target).padEnd(11),
      String(cases).padStart(6),
      seconds.toFixed(1).padStart(7),
      finding === undefined ? `NOT FOUND: ${failure ?? mutant.behaviour}` : short(finding),
    ];
    console.log(columns.join("  "));
  }
  console.log(`${mutants.length - missed} of ${mutants.length} mutants were found`);
  return missed === 0;
}

function short(finding: string): string {
  const [first = ""] = finding.split("\n");
  return first.length > 90 ? `${first.slice(0, 90)}...` : first;
}
