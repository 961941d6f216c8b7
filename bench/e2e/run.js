// Measures servers over loopback: node bench/e2e/run.js [FILTER]... [--rounds N] [--seconds N] [--idle N] [--quick]
// [--json FILE] [--compare FILE] [--node PATH]
//
// Each server has its own process. One load process reports how much of a core it used. While that is well below one
// core, the servers are the limit. The load is in C (load.c), or `wsframe load` without a compiler. FILTER is a part of
// the names of cases; a case runs if one filter matches. --compare shows what changed since --json wrote FILE. --node
// is the Node for the servers.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CASES, IDLE } from "./cases.js";
import { buildC, wsframeLoad } from "./client.js";
import { measureIdle } from "./idle.js";
import { LOOP, measureLoop } from "./loop.js";
import { measure, measureLatency } from "./measure.js";
import { printCase, printGoals, printLatency, printLoop, printMoved } from "./print.js";
import { idleRatios, moved, ratiosOf } from "./ratios.js";
import { available, buildUws } from "./server.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    idle: { type: "string", default: String(IDLE.connections) },
    json: { type: "string" },
    compare: { type: "string" },
    node: { type: "string", default: process.execPath },
    quick: { type: "boolean", default: false },
  },
});
const settings = {
  rounds: values.quick ? 1 : Number(values.rounds),
  duration: values.quick ? 200 : Number(values.seconds) * 1000,
  warmUp: values.quick ? 100 : 500,
  node: values.node,
};
const idle = values.quick ? 200 : Number(values.idle);
const chosen = CASES.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));

/** The machine of the measurements. */
const machine = {
  node: execFileSync(values.node, ["-p", "process.versions.node"], { encoding: "utf8" }).trim(),
  cpu: cpus()[0]?.model.trim(),
  cores: cpus().length,
};

/** A client for the servers of a case, or undefined if there is none. */
function clientFor(one, c) {
  if (c && (c.tls || !one.tls)) return c.client;
  return one.broadcast === undefined && one.recordings === undefined ? wsframeLoad : undefined;
}

function printMachine(c) {
  if (!c)
    console.log("No C compiler: `wsframe load` makes the load, and broadcasts and compressed messages are skipped.");
  if (c && !c.tls) console.log("No libssl: `wsframe load` makes the load over TLS.");
  if (available(["bun", "deno"]).length < 2) {
    console.log("Bun and Deno are not installed: run `npm ci --prefix test/runtimes`.");
  }
  if (available(["uws"]).length === 0) console.log("No uWebSockets: docs/benchmarks.md explains UWS_DIR.");
  console.log(`\nNode.js ${machine.node}, ${machine.cpu}, ${machine.cores} cores`);
  console.log(`Messages per second, median and spread of ${settings.rounds} rounds in which the servers take turns.`);
  if (values.quick) console.log("QUICK: a smoke run. Its numbers mean nothing.");
}

/** Runs one case. Returns undefined if it was skipped. */
async function runCase(one, c) {
  const client = clientFor(one, c);
  const names = available([...one.ours, ...one.peers], values.node);
  if (!client || !names.includes(one.ours[0])) return undefined;
  const measured = await measure(one, client, names, settings);
  printCase(one, measured, !values.quick);
  const result = { ...one, measured, ratios: ratiosOf(one, measured) };
  if (!one.timed) return result;
  const latency = await measureLatency(one, client, measured, settings);
  printLatency(latency);
  return { ...result, latency };
}

async function runIdle() {
  console.log(`\nMemory of an idle connection, with ${idle} in one process`);
  /** @type {Record<string, { heap: number, rss: number }>} */
  const memory = {};
  for (const name of IDLE.servers) {
    const { heap, rss } = (memory[name] = await measureIdle(name, idle, values.node));
    console.log(`  ${name.padEnd(10)}${`${heap} B`.padStart(12)} of heap and buffers   ${rss} B of the process`);
  }
  return memory;
}

/** Measures how large compressed messages affect other connections. */
async function runLoop({ client }) {
  const found = {};
  const time = { ...settings, duration: values.quick ? 1000 : 6000 };
  for (const name of LOOP.servers) found[name] = await measureLoop(name, client, time);
  printLoop(LOOP, found, !values.quick);
  return found;
}

const folder = mkdtempSync(join(tmpdir(), "wsframe-load-"));
try {
  const c = buildC(folder);
  buildUws(folder);
  printMachine(c);
  const results = [];
  for (const one of chosen) {
    const result = await runCase(one, c);
    if (result) results.push(result);
  }
  const loop = c && (positionals.length === 0 || positionals.includes(LOOP.name)) ? await runLoop(c) : {};
  /** @type {Awaited<ReturnType<typeof runIdle>>} */
  const memory = positionals.length === 0 ? await runIdle() : {};
  if (!values.quick) {
    printGoals([
      ...results.flatMap(({ name, ratios }) => ratios.map((ratio) => ({ name, ...ratio }))),
      ...(memory.wsframe ? idleRatios(memory, IDLE.goals) : []).map((ratio) => ({ name: "idle connection", ...ratio })),
    ]);
  }
  if (values.json) {
    const { rounds, duration } = settings;
    const document = { ...machine, rounds, seconds: duration / 1000, idle, results, loop, memory };
    writeFileSync(values.json, `${JSON.stringify(document, undefined, 2)}\n`);
  }
  if (values.compare) {
    printMoved(moved(JSON.parse(readFileSync(values.compare, "utf8")).results, results), values.compare);
  }
} finally {
  rmSync(folder, { recursive: true });
}
