// Echo over loopback: node bench/e2e/run.js [FILTER] [--rounds N] [--seconds N] [--idle N] [--quick]
//                          [--json FILE] [--compare FILE] [--node PATH]
//
// Servers in processes of their own, and one load process, which says how much of a core it used: as long as that is well
// below all of it, it is the servers that are measured. It is in C (load.c); where there is no compiler, `wsframe load`.
// FILTER is a part of a case's name. --compare tells what has moved since --json wrote FILE. --node is for the servers.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CASES } from "./cases.js";
import { buildC, wsframeLoad } from "./client.js";
import { measureIdle } from "./idle.js";
import { runtimes, startServer } from "./server.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    idle: { type: "string", default: "10000" },
    json: { type: "string" },
    compare: { type: "string" },
    node: { type: "string", default: process.execPath },
    quick: { type: "boolean", default: false },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const duration = values.quick ? 200 : Number(values.seconds) * 1000;
const warmUp = values.quick ? 100 : 500;
const idle = values.quick ? 200 : Number(values.idle);
const [filter = ""] = positionals;

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

/** One server, one case, once: what was measured while the load lasted. */
async function once(name, client, { connections, size, inFlight, kind }) {
  const server = await startServer(name, [], values.node);
  try {
    const before = performance.now();
    const cpuBefore = server.cpu();
    const load = { connections, size, inFlight, kind, warmUp, duration };
    const { messages, seconds, cpu } = await client(server.port, load);
    const wall = (performance.now() - before) / 1000;
    return { rate: messages / seconds, loadShare: cpu / seconds, serverShare: (server.cpu() - cpuBefore) / wall };
  } finally {
    await server.stop();
  }
}

/** Medians, and the least and greatest rate: each round begins with another server. */
async function measure(one, client, names) {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      found[name].push(await once(name, client, one));
    }
  }
  return Object.fromEntries(
    names.map((name) => {
      const of = (key) => found[name].map((each) => each[key]);
      const rates = of("rate");
      return [
        name,
        {
          rate: median(rates),
          least: Math.min(...rates),
          greatest: Math.max(...rates),
          loadShare: median(of("loadShare")),
          serverShare: median(of("serverShare")),
        },
      ];
    }),
  );
}

function count(rate) {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(2)} M/s`;
  return rate >= 1e4 ? `${(rate / 1e3).toFixed(1)} k/s` : rate.toFixed(0);
}

const percent = (share) => `${(share * 100).toFixed(0)} %`;
const ratioOf = (ratio) => ratio.toFixed(ratio < 10 ? 2 : 1);

function print({ name, goals }, measured) {
  console.log(`\n${name}`);
  for (const [server, { rate, least, greatest, loadShare, serverShare }] of Object.entries(measured)) {
    const ratio = server === "wsframe" ? undefined : measured.wsframe.rate / rate;
    const goal = goals[server];
    const verdict = values.quick || goal === undefined ? "" : ratio >= goal ? "met" : "NOT MET";
    const columns = [
      `  ${server.padEnd(10)}${count(rate).padStart(12)}`,
      `${percent((least - rate) / rate)} to +${percent((greatest - rate) / rate)}`.padEnd(16),
      `server ${percent(serverShare).padStart(5)}, load ${percent(loadShare).padStart(5)} of a core`,
      ratio === undefined ? "" : `wsframe: ${ratioOf(ratio)} x`.padEnd(18),
      goal === undefined ? "" : `goal ${goal} x ${verdict}`,
    ];
    console.log(columns.join("   ").trimEnd());
  }
}

/** What has moved beyond the spread of both runs: ratios, since the machine may be another. */
function compare(before, now) {
  console.log(`\nSince ${values.compare}: wsframe as a ratio to the others`);
  let moved = 0;
  for (const { name, measured } of now) {
    const old = before.find((each) => each.name === name)?.measured;
    for (const server of Object.keys(measured)) {
      if (server === "wsframe" || old?.[server] === undefined) continue;
      const range = ({ wsframe }, other) => [wsframe.least / other.greatest, wsframe.greatest / other.least];
      const [low, high] = range(measured, measured[server]);
      const [oldLow, oldHigh] = range(old, old[server]);
      if (low <= oldHigh && high >= oldLow) continue;
      moved++;
      const [was, is] = [old, measured].map((each) => ratioOf(each.wsframe.rate / each[server].rate));
      console.log(`  ${name}: ${was} -> ${is} x ${server}`);
    }
  }
  if (moved === 0) console.log("  nothing beyond noise");
}

const folder = mkdtempSync(join(tmpdir(), "wsframe-load-"));
try {
  const c = buildC(folder);
  if (!c) console.log("Without a C compiler: the load is that of `wsframe load`.");
  const client = c ?? wsframeLoad;
  const names = Object.keys(runtimes(values.node));
  if (!names.includes("bun")) console.log("Without Bun and Deno: `npm ci --prefix test/runtimes` installs them.\n");
  console.log(`Node.js ${process.versions.node}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores`);
  console.log(`Messages echoed in a second, median and spread of ${rounds} rounds in which the servers take turns.`);
  if (values.quick) console.log("QUICK: a smoke run. Its numbers say nothing.");
  const results = [];
  for (const one of CASES.filter(({ name }) => name.includes(filter))) {
    const measured = await measure(one, client, names);
    print(one, measured);
    results.push({ ...one, measured });
  }
  const memory = {};
  if (filter === "") {
    console.log(`\nMemory of an idle connection, of ${idle} in one process`);
    for (const name of ["wsframe", "ws"]) {
      const { heap, rss } = (memory[name] = await measureIdle(name, idle));
      console.log(`  ${name.padEnd(10)}${`${heap} B`.padStart(12)} of heap and buffers   ${rss} B of the process`);
    }
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ results, memory }, undefined, 2)}\n`);
  if (values.compare) compare(JSON.parse(readFileSync(values.compare, "utf8")).results, results);
} finally {
  rmSync(folder, { recursive: true });
}
