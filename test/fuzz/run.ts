// The process that runs targets, which npm run fuzz bundles again for each run. Its only argument is a file with
// Orders.

import { Coverage, GLOBAL } from "./coverage.ts";
import { Corpus } from "./corpus.ts";
import { readFinding, saveFinding } from "./findings.ts";
import type { Orders, Told } from "./orders.ts";
import { kindOf, outcomeOf } from "./outcome.ts";
import { type Found, type Progress, runTargets } from "./runner.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";
import { Watchdog } from "./watchdog.ts";

/** The longest time for shrinking a finding, in ms. */
const SHRINKING = 30_000;
/** A target stops after this many kinds of findings. */
const MOST_KINDS = 10;

const orders = JSON.parse(process.argv[2] ?? "{}") as Orders;
const coverage = orders.marks === undefined ? undefined : new Coverage(orders.marks);
if (coverage !== undefined) {
  // Start before any file of src/ loads, because those files contain the marks.
  Object.assign(globalThis, { [GLOBAL]: coverage });
  coverage.watchInstances();
}
const targets: Target[] = [];
for (const name of orders.targets) targets.push(await TARGETS[name]!.load(orders.settings));

process.exitCode = orders.replay === undefined ? await run() : await replay(orders.replay);
// Targets may have left timers behind.
if (process.send === undefined) process.exit();
else process.disconnect();

async function replay(paths: readonly string[]): Promise<number> {
  let failed = 0;
  for (const path of paths) {
    const saved = readFinding(path);
    const target = await TARGETS[saved.target]?.load(orders.settings);
    if (target === undefined) throw new Error(`${path}: unknown target ${saved.target}`);
    const { finding } = await outcomeOf(target, saved.case);
    console.log(`${path}: ${finding ?? "no finding"}`);
    if (finding !== undefined) failed++;
  }
  return failed > 0 ? 1 : 0;
}

async function run(): Promise<number> {
  const { findings, seconds = Infinity, units = Infinity } = orders;
  const watchdog = new Watchdog(orders.stuck, orders.longest);
  let kinds = 0;
  let stopped = false;
  process.once("SIGINT", () => {
    stopped = true;
  });
  const progress = await runTargets({
    targets,
    seed: orders.seed,
    until: performance.now() + seconds * 1000,
    units,
    coverage,
    stopped: () => stopped,
    corpus: orders.corpus === undefined ? undefined : new Corpus(orders.corpus),
    watch: (target, one) => watchdog.watch(target, one),
    async found(found) {
      kinds++;
      if (findings === undefined) {
        tell(found);
        return true;
      }
      console.log(`\n${found.target.name}, case ${found.cases}: ${found.finding}`);
      const small = await shrunk(found, watchdog);
      const path = saveFinding(findings, { target: found.target.name, ...small });
      console.log(`written to ${path}: ${small.finding}\nrepeat with: npm run fuzz -- --replay ${path}\n`);
      return kinds >= MOST_KINDS;
    },
    report: print,
  });
  await watchdog.end();
  if (coverage !== undefined && findings !== undefined) {
    console.log(coverage.table);
    if (orders.unreached) console.log(coverage.unreached);
  }
  return progress.some((line) => line.findings > 0) ? 1 : 0;
}

function tell({ finding, cases }: Found): void {
  const told: Told = { finding, cases };
  process.send?.(told);
}

/** The simplest case with a finding of the same kind. */
async function shrunk(found: Found, watchdog: Watchdog): Promise<{ finding: string; case: unknown }> {
  const { target } = found;
  const kind = kindOf(found.finding);
  let best = { finding: found.finding, case: found.case };
  const until = performance.now() + SHRINKING;
  await target.shrink(found.case, async (candidate) => {
    if (performance.now() > until) return false;
    watchdog.watch(target, candidate);
    const { finding } = await outcomeOf(target, candidate);
    watchdog.watch();
    if (finding === undefined || kindOf(finding) !== kind) return false;
    best = { finding, case: candidate };
    return true;
  });
  return best;
}

function print(lines: readonly Progress[]): void {
  if (orders.findings === undefined) return;
  for (const { name, unit, cases, units, spent, findings, kept } of lines) {
    if (cases === 0) continue;
    const rate = Math.round(units / (spent / 1000)).toLocaleString("en");
    const said = [
      `${units.toLocaleString("en")} ${unit} in ${cases.toLocaleString("en")} cases`,
      `${rate} ${unit}/s`,
      ...(coverage === undefined ? [] : [coverage.summary, `${kept} cases kept`]),
      findings === 0 ? "no finding" : `${findings} finding${findings === 1 ? "" : "s"}`,
    ];
    console.log(`${name}: ${said.join(", ")}`);
  }
}
