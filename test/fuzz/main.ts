// npm run fuzz: see HELP.

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
/** How long a case may take, in ms. */
const LONGEST = 60_000;

const HELP = `npm run fuzz -- [TARGET ...] [OPTIONS]

Runs until it is stopped, or until the time or the units are used up. Without a target all run in turn.
A finding is shrunk and written to ${FINDINGS}/; the exit code is then 1.

Targets:
${Object.entries(TARGETS)
  .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
  .join("\n")}

Options:
  --seconds N    stop after so many seconds
  --units N      stop each target after so many of its units (frames, messages, calls)
  --seed N       make the same cases as a run that printed this seed
  --corpus DIR   keep cases that reach new code in a folder, and begin with those that are there
  --no-coverage  do not look what is reached: faster. So it is with --bulk
  --unreached    print the lines that were not reached, at the end
  --replay FILE  run the case of a finding again
  --check        put seeded faults into the code, one at a time, and see whether they are found: all of them, or those of
                 the targets or with the names that are given
  --bulk         frames: many short frames in each case, one way of decoding them at a time
  --checked      deflate: check each load and store of the core
  --node         deflate: compare with node:zlib, where gcc or zlib.h is missing
  --size N       deflate, compression: how large a case is, in connections of each kind or in steps
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
  if (unknown !== undefined) throw new TypeError(`There is no target ${unknown}: try --help`);
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

/** @param names of mutants or targets; all if there are none */
async function check(names: readonly string[], seed: number, settings: TargetSettings): Promise<number> {
  const chosen = MUTANTS.filter(
    ({ name, target }) => names.length === 0 || names.includes(name) || names.includes(target),
  );
  if (chosen.length === 0) throw new TypeError(`There is no mutant ${names.join(", ")}`);
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
