// Draws the charts in docs/ from the output of run.js --json and e2e/run.js --json, and prints their tables: node
// bench/chart.js FILE... [--out FOLDER]
//
// The files may be of both kinds. With several files of run.js, each case comes from the run that was disturbed least.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { serverChart, serverTables, summaryChart } from "./e2e/chart.js";
import { ratioChart, ratioTables, rowsOf } from "./ratio-chart.js";

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: { out: { type: "string", default: fileURLToPath(new URL("../docs/", import.meta.url)) } },
});
if (files.length === 0) {
  console.error("node bench/chart.js FILE... [--out FOLDER]: FILE is the output of run.js --json or e2e/run.js --json");
  process.exit(2);
}
const all = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
const runs = all.filter(({ rows }) => rows);
const servers = all.filter(({ results }) => results);
if (servers.length > 1)
  throw new Error("Only one file of e2e/run.js is allowed, because its servers took turns in one run");

if (runs.length > 0) {
  const rows = rowsOf(runs);
  writeFileSync(join(values.out, "benchmarks.svg"), ratioChart(rows));
  console.log(ratioTables(rows));
}
for (const run of servers) {
  writeFileSync(join(values.out, "benchmarks-e2e.svg"), serverChart(run));
  writeFileSync(join(values.out, "benchmarks-summary.svg"), summaryChart(run));
  console.log(serverTables(run));
}
