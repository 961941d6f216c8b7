// The command npm run fuzz. HELP describes it.

import { parseArgs } from "node:util";
import { bundleRunner } from "./bundle/bundle.ts";
import { checkMutants } from "./check.ts";
import { saveFinding } from "./findings.ts";
import { MUTANTS } from "./mutants/index.ts";
import type { Orders } from "./orders.ts";
import { runOrders } from "./process.ts";
import { DEFAULT_SETTINGS, type TargetSettings } from "./settings.ts";
import { TARGETS } from "./targets.ts";

const FINDINGS = "test/fuzz/findings";
/** The longest time a case may take, in ms. */
const LONGEST = 60_000;

const HELP = `npm run fuzz -- [TARGET ...] [OPTIONS]

Runs until you stop it, or until the time or the units are used up. Without a target, all targets take turns.
A finding is shrunk and written to ${FINDINGS}/. The exit code is then 1.

Targets:
${Object.entries(TARGETS)
  .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
  .join("\n")}

Options:
  --seconds N    stop after this many seconds
  --units N      stop each target after this many units (frames, messages or calls)
  --seed N       make the same cases as the run that printed this seed
  --corpus DIR   keep cases that reach new code in this folder, and start with the ones in it
  --no-coverage  do not measure coverage, which is faster (implied by --bulk)
  --unreached    at the end, print the lines that were not reached
  --replay FILE  run the case of a finding again
  --check        put seeded faults into the code, one at a time, and check that they are found. Runs all faults, or
                 those of the given targets or with the given names
  --bulk         frames: many short frames per case, with one way of decoding at a time
  --checked      deflate: check each load and store of the core
  --node         deflate: compare with node:zlib, for machines without gcc or zlib.h
  --size N       deflate, compression: the size of a case, in connections of each kind or in steps
`;

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      bulk: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      checked: { type: "boolean", default: false },
      corpus: { type: "string" },
      help: { type: "boolean", default: false },
      "no-coverage": { type: "boolean", default: false },
      node: { type: "boolean", default: false },
      replay: { type: "string", multiple: true },
      seconds: { type: "string" },
      seed: { type: "string" },
      size: { type: "string" },
      units: { type: "string" },
      unreached: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { bulk, checked, node } = values;
  const settings = { ...DEFAULT_SETTINGS, bulk, checked, node, size: number(values.size, "--size") };
  if (values.check) return check(positionals, number(values.seed, "--seed") ?? 1, settings);
  const unknown = positionals.find((name) => TARGETS[name] === undefined);
  if (unknown !== undefined) throw new TypeError(`Unknown target ${unknown}: see --help`);
  const seed = number(values.seed, "--seed") ?? Date.now() % 2 ** 31;
  const seconds = number(values.seconds, "--seconds");
  const units = number(values.units, "--units");
  console.log(`fuzzing from seed ${seed}`);
  return run(!values["no-coverage"] && !bulk, {
    targets: positionals.length > 0 ? positionals : Object.keys(TARGETS),
    settings,
    seed,
    findings: FINDINGS,
    unreached: values.unreached,
    ...(seconds !== undefined && { seconds }),
    ...(units !== undefined && { units }),
    ...(values.corpus !== undefined && { corpus: values.corpus }),
    ...(values.replay !== undefined && { replay: values.replay }),
  });
}

/** @param names of mutants or targets; all mutants if empty */
async function check(names: readonly string[], seed: number, settings: TargetSettings): Promise<number> {
  const chosen = MUTANTS.filter(
    ({ name, target }) => names.length === 0 || names.includes(name) || names.includes(target),
  );
  if (chosen.length === 0) throw new TypeError(`Unknown mutant or target: ${names.join(", ")}`);
  return (await checkMutants(chosen, seed, settings)) ? 0 : 1;
}

/** @throws TypeError */
function number(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const parsed = Number(value);
  if (!(parsed >= 0)) throw new TypeError(`${name} must be a number`);
  return parsed;
}

async function run(coverage: boolean, given: Omit<Orders, "stuck" | "longest">): Promise<number> {
  const bundle = await bundleRunner(process.cwd(), { changes: [], assembly: false, coverage });
  const orders = coverage ? { ...given, marks: bundle.marks } : given;
  try {
    const { code, stuck } = await runOrders(bundle, orders, { longest: LONGEST, shown: true });
    if (stuck === undefined) return code;
    const finding = `the case took more than ${LONGEST / 1000} s`;
    const path = saveFinding(FINDINGS, { target: stuck.target, finding, case: stuck.case ?? null });
    console.log(`\n${stuck.target}: ${finding}, written to ${path}`);
    return 1;
  } finally {
    await bundle.remove();
  }
}
