// Draws the charts in docs/ from what run.js --json and e2e/run.js --json wrote, and prints their tables:
// node bench/chart.js FILE... [--out FOLDER]
//
// Files of both may be given. Of several of run.js, each case is taken from the run that was disturbed least.

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
  console.error("node bench/chart.js FILE... [--out FOLDER]: what run.js --json and e2e/run.js --json wrote");
  process.exit(2);
}
const all = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
const runs = all.filter(({ rows }) => rows);
const servers = all.filter(({ results }) => results);
if (servers.length > 1) throw new Error("Of e2e/run.js one file: its servers took turns in one run");

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
