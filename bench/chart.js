// Draws docs/benchmarks.svg from what run.js --json wrote, and prints its table: node bench/chart.js FILE...
// Of several runs, each case is taken from the one that was disturbed least: all its numbers, of all peers.

import { readFileSync, writeFileSync } from "node:fs";
import { CASES } from "./cases.js";
import { formatGoal, formatRatio, formatValue } from "./table.js";

const WIDTH = 860;
const LABEL = 345;
const RIGHT = 70;
const ROW = 22;
const BAR = 13;
const HEAD = 30;
const TOP = 58;
/** Powers of two on the axis: bars of 1/4 and of 32 times are told apart on the same chart. */
const LOW = -3;
const HIGH = 5;

if (process.argv[2] === undefined) {
  console.error("node bench/chart.js FILE...: what run.js --json wrote");
  process.exit(2);
}
const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")).rows);
const rows = CASES.map(({ name }) => leastDisturbed(runs.flat().filter((row) => row.name === name))).filter(Boolean);

/** Other work on the machine makes all peers slower: the run where the three together took the least time. */
function leastDisturbed(candidates) {
  const cost = ({ measured }) => Object.values(measured).reduce((sum, { median }) => sum + Math.log(median), 0);
  return candidates.sort((a, b) => cost(a) - cost(b))[0];
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
/** Where a ratio stands on the axis. */
const x = (ratio) => LABEL + ((Math.log2(ratio) - LOW) / (HIGH - LOW)) * (WIDTH - LABEL - RIGHT);

function bar({ name, ratio, goal, met }, y) {
  const end = x(ratio.best);
  const one = x(1);
  const color = ratio.best >= 1 ? "faster" : "slower";
  const middle = y + ROW / 2;
  const mark =
    goal === undefined
      ? ""
      : `<path class="goal" d="M${x(goal).toFixed(1)} ${y + 2}v${ROW - 4}"><title>goal: ${goal} x</title></path>`;
  const missed = met === false ? " (goal missed)" : "";
  return [
    `<text class="label" x="${LABEL - 10}" y="${middle + 4}">${escape(name)}</text>`,
    `<rect class="${color}" x="${Math.min(one, end).toFixed(1)}" y="${middle - BAR / 2}"`,
    `  width="${Math.abs(end - one).toFixed(1)}" height="${BAR}" rx="2"><title>${formatRatio(ratio.best)}${missed}</title></rect>`,
    mark,
    `<text x="${(Math.max(one, end, goal ? x(goal) : 0) + 6).toFixed(1)}" y="${middle + 4}">${formatRatio(ratio.best)}</text>`,
  ].join("\n");
}

function chart() {
  const parts = [];
  let y = TOP;
  let group = "";
  for (const row of rows) {
    if (!row.ratio || row.limit !== undefined) continue;
    if (row.group !== group) {
      group = row.group;
      y += 8;
      parts.push(`<text class="group" x="10" y="${y + 16}">${escape(group)}</text>`);
      y += HEAD - 6;
    }
    parts.push(bar(row, y));
    y += ROW;
  }
  const ticks = [];
  for (let power = LOW; power <= HIGH; power++) {
    const at = x(2 ** power).toFixed(1);
    const label = power < 0 ? `1/${2 ** -power}` : `${2 ** power}`;
    ticks.push(`<path class="${power === 0 ? "one" : "tick"}" d="M${at} ${TOP}V${y + 4}"/>`);
    ticks.push(`<text class="axis" x="${at}" y="${TOP - 6}">${label} x</text>`);
  }
  const height = y + 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>How many times as fast as ws wsframe is</title>
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .group { font-weight: 600; }
  .label { text-anchor: end; }
  .axis { text-anchor: middle; font-size: 11px; fill: #59636e; }
  .background { fill: #ffffff; }
  .tick { stroke: #d1d9e0; }
  .one { stroke: #59636e; stroke-width: 1.5; }
  .goal { stroke: #1f2328; stroke-width: 2; }
  .faster { fill: #2f81f7; }
  .slower { fill: #d1704a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .axis { fill: #9198a1; }
    .background { fill: #0d1117; }
    .tick { stroke: #2b323b; }
    .one { stroke: #9198a1; }
    .goal { stroke: #e6edf3; }
  }
</style>
<rect class="background" width="${WIDTH}" height="${height}"/>
<text class="title" x="10" y="22">How many times as fast as ws (longer is faster; the upright mark is the goal)</text>
${ticks.join("\n")}
${parts.join("\n")}
</svg>
`;
}

function table() {
  const lines = [];
  let group = "";
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group;
      lines.push("", `### ${group}`, "");
      lines.push(
        "| case | wsframe | ws | websocket-driver | x ws | goal | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
      );
    }
    const { name, measured, ratio, limit, met } = row;
    const cells = [
      name,
      ...["wsframe", "ws", "websocket-driver"].map((peer) => formatValue(measured[peer], row)),
      ratio ? formatRatio(limit === undefined ? ratio.best : ratio.median) : "",
      formatGoal(row),
      met === undefined ? "" : met ? "met" : "**not met**",
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines.join("\n").trim();
}

writeFileSync(new URL("../docs/benchmarks.svg", import.meta.url), chart());
console.log(table());
