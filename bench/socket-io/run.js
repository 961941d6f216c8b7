// Measures Socket.IO on ws, on wsframe/ws, and on eiows if it is installed: node bench/socket-io/run.js [FILTER]...
// [--rounds N] [--profile FOLDER] [--json FILE] [--node PATH] [--quick]
//
// It runs the same server on each engine. The servers and their loads have their own processes. The result is the
// server's processor time, because elapsed time would include the load. FILTER is a part of the names of cases.
// --profile shows where the time goes, from profiles of an additional round, which it writes to FOLDER. --node is the
// Node for the servers.

import { execFileSync, execSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median } from "../e2e/measure.js";
import { CASES, inLittle } from "./cases.js";
import { sharesOf } from "./profile.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
// Socket.IO is a separate package that is installed on first use.
if (!existsSync(new URL("./node_modules/socket.io", import.meta.url))) {
  execSync("npm ci --no-audit --no-fund", { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}
const { ENGINES } = await import("./engines.js");
const { measureOnce } = await import("./measure.js");
const { printCase, printGoals, printProfile, printTable } = await import("./print.js");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    profile: { type: "string" },
    json: { type: "string" },
    node: { type: "string", default: process.execPath },
    quick: { type: "boolean", default: false },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const { node } = values;
const names = Object.keys(ENGINES);
const chosen = CASES.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));

const machine = {
  node: execFileSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim(),
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
  load: loadavg()[0],
};

/** The medians of rounds, each of which begins with a different engine. */
async function measure(one) {
  /** @type {Record<string, Record<string, number>[]>} */
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      found[name].push(await measureOnce(name, one, { node, profiled: false }));
    }
  }
  return Object.fromEntries(
    Object.entries(found).map(([name, list]) => {
      const keys = Object.keys(list[0]);
      const main = list.map((each) => each[keys[0]]);
      const medians = Object.fromEntries(keys.map((key) => [key, median(list.map((each) => each[key]))]));
      return [name, { ...medians, least: Math.min(...main), greatest: Math.max(...main) }];
    }),
  );
}

async function profiles(one, folder) {
  mkdirSync(folder, { recursive: true });
  const found = {};
  for (const name of names) {
    const { profile } = await measureOnce(name, one, { node, profiled: true });
    const file = `${one.name}, ${name}.cpuprofile`.replaceAll(/[^\w.]+/g, "-");
    writeFileSync(join(folder, file), JSON.stringify(profile));
    found[name] = sharesOf(profile);
  }
  return found;
}

console.log(`Node.js ${machine.node}, ${machine.cpu}, ${machine.cores} cores, load average ${machine.load.toFixed(1)}`);
console.log(`Medians and spread of ${rounds} rounds in which the engines take turns.`);
if (!names.includes("eiows")) console.log("eiows is not installed: see docs/benchmarks.md.");
if (values.quick) console.log("QUICK: a smoke run. Its numbers mean nothing.");

const results = [];
for (const each of chosen) {
  const one = values.quick ? inLittle(each) : each;
  const result = { ...one, measured: await measure(one) };
  printCase(result, !values.quick);
  if (values.profile && one.work !== "memory") {
    result.profiles = await profiles(one, values.profile);
    printProfile(result.profiles);
  }
  results.push(result);
}
if (!values.quick && results.length > 0) {
  printGoals(results);
  printTable(results);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ ...machine, rounds, results }, undefined, 2)}\n`);
