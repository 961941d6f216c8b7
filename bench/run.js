// Compares throughput with ws and websocket-driver: node bench/run.js [NAME...] [--json FILE] [--quick]
// With names, it runs only the cases whose names contain one of them.

import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CASES } from "./cases.js";
import { versions } from "./peers.js";
import { footer, groupHead, head, PEERS, row } from "./table.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, quick: { type: "boolean", default: false } },
});

/** @param {number} index the index of the case */
function runCase(index) {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL("./case.js", import.meta.url));
    const child = fork(script, [String(index), values.quick ? "quick" : "full"], { execArgv: [] });
    let measured;
    child.on("message", (message) => {
      measured = message;
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      if (code === 0 && measured) resolve(measured);
      else reject(new Error(`${CASES[index].name}: exit code ${code}`));
    });
  });
}

/** The results of cases that share a run. */
const shared = new Map();

/** The figures of a case, and the notes to print with them. */
async function find(index) {
  const { kind, options, figure } = CASES[index];
  if (figure === undefined) return { measured: await runCase(index), notes: [] };
  const key = JSON.stringify([kind, options]);
  const known = shared.get(key);
  const found = known ?? (await runCase(index));
  shared.set(key, found);
  return { measured: found[figure], notes: known ? [] : found.notes, skipped: found.skipped };
}

/**
 * The result of a case, compared with its goal.
 * @param {import("./cases.js").Case} one
 */
function judge({ group, name, unit, peers = PEERS, base = "ws", goal, limit }, measured) {
  const { [peers[0]]: ours, [base]: theirs } = measured;
  const ratio = theirs && { best: theirs.best / ours.best, median: theirs.median / ours.median };
  const value = limit === undefined ? ratio?.best : ours.median;
  // A smoke run is too short for a judgement.
  const judged = !values.quick && (goal !== undefined || limit !== undefined);
  const met = judged ? (limit === undefined ? value >= (goal ?? 0) : value <= limit) : undefined;
  return { group, name, unit, peers, base, goal, limit, measured, ratio, met };
}

const words = positionals.map((word) => word.toLowerCase());
const chosen = CASES.map((_, i) => i).filter((i) => matches(CASES[i]));

function matches({ name }) {
  return words.length === 0 || words.some((word) => name.toLowerCase().includes(word));
}

if (chosen.length === 0) {
  console.error(`No case matches. The cases are:\n${CASES.map(({ name }) => `  ${name}`).join("\n")}`);
  process.exit(2);
}

const info = { ...versions(), cpu: cpus()[0]?.model.trim() ?? "unknown", quick: values.quick };
console.log(head(info));
if (info.bufferutil === "NOT LOADED") console.log("bufferutil is NOT loaded: these are not ws's best numbers.\n");
const started = performance.now();
const rows = [];
let group = "";
for (const index of chosen) {
  if (CASES[index].group !== group) {
    group = CASES[index].group;
    console.log(groupHead(CASES[index]));
  }
  const { measured, notes, skipped } = await find(index);
  if (skipped) {
    console.log(`  ${CASES[index].name}: skipped: ${skipped}`);
    continue;
  }
  const result = { ...judge(CASES[index], measured), notes };
  rows.push(result);
  console.log(row(result));
  for (const note of notes) console.log(`    ${note}`);
}
console.log(footer(rows, (performance.now() - started) / 1000));
if (values.json) writeFileSync(values.json, `${JSON.stringify({ info, rows }, undefined, 2)}\n`);
