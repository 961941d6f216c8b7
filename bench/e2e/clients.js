// Compares `wsframe load` with other clients: node bench/e2e/clients.js [--rounds N] [--seconds N] [--server NAME]...
// [--json FILE] [--quick]
//
// A client in C (load.c), `wsframe load` and a client made with ws take turns on the same servers. Each has its own
// process. If the server is busy all the time, it is the limit. Otherwise, the client is.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildC, wsClient, wsframeLoad } from "./client.js";
import { available, startServer } from "./server.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "2" },
    server: { type: "string", multiple: true },
    json: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const duration = values.quick ? 200 : Number(values.seconds) * 1000;
const warmUp = values.quick ? 100 : 1000;

const CASES = [
  { name: "32 B text, one in flight on 50 connections", connections: 50, size: 32, inFlight: 1 },
  { name: "32 B text, 2,000 in flight on 8 connections", connections: 8, size: 32, inFlight: 2000 },
  { name: "1 KiB text, 100 in flight on 8 connections", connections: 8, size: 1024, inFlight: 100 },
  { name: "64 KiB text, 4 in flight on 8 connections", connections: 8, size: 65536, inFlight: 4 },
];

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** Runs one client on one server once. */
async function once(client, server, load) {
  const { port, cpu, stop } = await startServer(server);
  try {
    const before = performance.now();
    const cpuBefore = cpu();
    const found = await client(port, { ...load, warmUp, duration });
    const wall = (performance.now() - before) / 1000;
    return {
      rate: found.messages / found.seconds,
      share: found.cpu / found.seconds,
      // Includes the start of the client, in which the server does less than during the measurement.
      serverShare: (cpu() - cpuBefore) / wall,
    };
  } finally {
    await stop();
  }
}

const count = (rate) =>
  rate >= 1e6 ? `${(rate / 1e6).toFixed(2)} M/s` : rate >= 1e4 ? `${(rate / 1e3).toFixed(1)} k/s` : rate.toFixed(0);
const percent = (share) => `${(share * 100).toFixed(0)} %`;

/** The ratio to `other`: the median of the rounds, each compared with itself, and the range of the middle half. */
function ratio(found, other) {
  const ratios = found.map(({ rate }, i) => rate / other[i].rate).toSorted((a, b) => a - b);
  const at = (part) => ratios[Math.round((ratios.length - 1) * part)].toFixed(2);
  return `${at(0.5)} x (${at(0.25)} to ${at(0.75)})`;
}

const folder = mkdtempSync(join(tmpdir(), "wsframe-clients-"));
try {
  const c = buildC(folder);
  const clients = { ...(c && { C: c.client }), "wsframe load": wsframeLoad, ws: wsClient };
  const all = available(["wsframe", "ws", "bun", "deno"]);
  const servers = all.filter((name) => values.server?.includes(name) ?? true);
  if (!c) console.log("No C compiler was found: set CC, or install gcc.");
  if (!all.includes("bun")) console.log("Bun is not installed: run `npm ci --prefix test/runtimes`.");
  console.log(`Node.js ${process.versions.node}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores`);
  console.log(`Messages echoed per second, median of ${rounds} rounds in which the clients take turns.`);
  if (values.quick) console.log("QUICK: a smoke run. Its numbers mean nothing.");
  const results = [];
  for (const { name, ...load } of CASES) {
    console.log(`\n${name}`);
    for (const server of servers) {
      const names = Object.keys(clients);
      /** @type {Record<string, any[]>} */
      const found = Object.fromEntries(names.map((client) => [client, []]));
      for (let round = 0; round < rounds; round++) {
        // Each round begins with a different client.
        for (let i = 0; i < names.length; i++) {
          const client = names[(i + round) % names.length];
          found[client][round] = await once(clients[client], server, load);
        }
      }
      for (const client of names) {
        const of = (key) => median(found[client].map((one) => one[key]));
        const columns = [
          `  server ${server.padEnd(8)}`,
          `client ${client.padEnd(13)}${count(of("rate")).padStart(11)}`,
          `client ${percent(of("share")).padStart(5)}, server ${percent(of("serverShare")).padStart(5)} of a core`,
          client === "wsframe load"
            ? names
                .filter((other) => other !== client)
                .map((other) => `${other}: ${ratio(found[client], found[other])}`)
                .join("   ")
            : "",
        ];
        console.log(columns.join("   ").trimEnd());
      }
      results.push({ name, ...load, server, found });
    }
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify(results, undefined, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
