// Echo over loopback: node bench/e2e/run.js [--rounds N] [--seconds N] [--json FILE] [--quick] [--idle N]
//
// Servers in processes of their own, and one load process, which says how much of a core it used: as long as that is well
// below all of it, it is the servers that are measured. It is in C (load.c); where there is no compiler, `wsframe load`.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildC, wsframeLoad } from "./client.js";
import { measureIdle } from "./idle.js";
import { runtimes, startServer } from "./server.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    idle: { type: "string", default: "10000" },
    json: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const duration = values.quick ? 200 : Number(values.seconds) * 1000;
const warmUp = values.quick ? 100 : 1000;
const idle = values.quick ? 200 : Number(values.idle);

/** The goals are ratios: to ws, and to Bun's server. */
const CASES = [
  { name: "32 B text, pipelined: 2,000 in flight on 8 connections", load: [8, 32, 2000], goals: { ws: 60, bun: 1.5 } },
  { name: "32 B text, one in flight on 50 connections", load: [50, 32, 1], goals: { ws: 1.1 } },
  { name: "1 KiB text, pipelined: 100 in flight on 8 connections", load: [8, 1024, 100], goals: {} },
  { name: "64 KiB text, 4 in flight on 8 connections", load: [8, 65536, 4], goals: {} },
];

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** One server, one case, once: what was measured while the load lasted. */
async function once(name, client, load) {
  const server = await startServer(name);
  try {
    const before = performance.now();
    const cpuBefore = server.cpu();
    const [connections, size, inFlight] = load;
    const { messages, seconds, cpu } = await client(server.port, { connections, size, inFlight, warmUp, duration });
    const wall = (performance.now() - before) / 1000;
    return { rate: messages / seconds, loadShare: cpu / seconds, serverShare: (server.cpu() - cpuBefore) / wall };
  } finally {
    await server.stop();
  }
}

async function measure({ load }, client, names) {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another server.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      found[name].push(await once(name, client, load));
    }
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(
        ["rate", "loadShare", "serverShare"].map((key) => [key, median(found[name].map((one) => one[key]))]),
      ),
    ]),
  );
}

const count = (rate) =>
  rate >= 1e6 ? `${(rate / 1e6).toFixed(2)} M/s` : rate >= 1e4 ? `${(rate / 1e3).toFixed(1)} k/s` : rate.toFixed(0);
const percent = (share) => `${(share * 100).toFixed(0)} %`;

function print({ name, goals }, measured) {
  console.log(`\n${name}`);
  for (const [server, { rate, loadShare, serverShare }] of Object.entries(measured)) {
    const ratio = server === "wsframe" ? undefined : measured.wsframe.rate / rate;
    const goal = goals[server];
    const verdict = ratio === undefined || goal === undefined || values.quick ? "" : ratio >= goal ? "met" : "NOT MET";
    const columns = [
      `  ${server.padEnd(10)}${count(rate).padStart(12)}`,
      `server ${percent(serverShare).padStart(5)}, load ${percent(loadShare).padStart(5)} of a core`,
      ratio === undefined ? "" : `wsframe: ${ratio.toFixed(ratio < 10 ? 2 : 1)} x`.padEnd(18),
      goal === undefined ? "" : `goal ${goal} x ${verdict}`,
    ];
    console.log(columns.join("   ").trimEnd());
  }
}

const folder = mkdtempSync(join(tmpdir(), "wsframe-load-"));
try {
  const c = buildC(folder);
  if (!c) console.log("Without a C compiler: the load is that of `wsframe load`.");
  const client = c ?? wsframeLoad;
  const names = Object.keys(runtimes());
  if (!names.includes("bun")) console.log("Without Bun: `npm ci --prefix test/runtimes` installs it.\n");
  console.log(`Node.js ${process.versions.node}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores`);
  console.log(`Messages echoed in a second, median of ${rounds} rounds in which the servers take turns.`);
  if (values.quick) console.log("QUICK: a smoke run. Its numbers say nothing.");
  const results = [];
  for (const one of CASES) {
    const measured = await measure(one, client, names);
    print(one, measured);
    results.push({ ...one, measured });
  }
  console.log(`\nMemory of an idle connection, of ${idle} in one process`);
  const memory = {};
  for (const name of ["wsframe", "ws"]) {
    const { heap, rss } = (memory[name] = await measureIdle(name, idle));
    console.log(`  ${name.padEnd(10)}${`${heap} B`.padStart(12)} of heap and buffers   ${rss} B of the process`);
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ results, memory }, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
