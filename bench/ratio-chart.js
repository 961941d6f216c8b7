// Draws the chart and prints the tables for the output of bench/run.js --json.

import { CASES } from "./cases.js";
import { axis, escape, page } from "./svg.js";
import { formatGoal, formatRatio, formatValue } from "./table.js";

const LABEL = 345;
const ROW = 22;
const BAR = 13;
const HEAD = 30;
/** The axis has powers of two, so that both 1/4 and 64 times are visible on the same chart. */
const RANGE = { low: -3, high: 6, left: LABEL, right: 790 };
const x = axis(RANGE);

/** Takes each case from the run that was disturbed least, with all its numbers for all peers. */
export function rowsOf(runs) {
  return CASES.map(({ name }) =>
    leastDisturbed(runs.flatMap(({ rows }) => rows).filter((row) => row.name === name)),
  ).filter(Boolean);
}

/** Other work on the machine slows down all peers, so this is the run with the least total time. */
function leastDisturbed(candidates) {
  const cost = ({ measured }) => Object.values(measured).reduce((sum, { median }) => sum + Math.log(median), 0);
  return candidates.toSorted((a, b) => cost(a) - cost(b))[0];
}

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

export function ratioChart(rows) {
  const draw = (top) => {
    const parts = [];
    let y = top;
    let group = "";
    for (const row of rows) {
      if (!row.ratio || row.limit !== undefined || row.base !== "ws") continue;
      if (row.group !== group) {
        group = row.group;
        y += 8;
        parts.push(`<text class="group" x="10" y="${y + 16}">${escape(group)}</text>`);
        y += HEAD - 6;
      }
      parts.push(bar(row, y));
      y += ROW;
    }
    return { parts, end: y };
  };
  return page({
    title: "How many times as fast as ws wsframe is",
    heading: "How many times as fast as ws (longer is faster; the vertical mark is the goal)",
    width: 860,
    range: RANGE,
    draw,
  });
}

export function ratioTables(rows) {
  const lines = [];
  let group = "";
  for (const row of rows) {
    if (row.group !== group) {
      group = row.group;
      lines.push("", `### ${group}`, "");
      lines.push(
        `| ${["case", ...row.peers, `x ${row.base}`, "goal", ""].join(" | ")} |`,
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
      );
    }
    const { name, measured, ratio, limit, met } = row;
    const cells = [
      name,
      ...row.peers.map((peer) => formatValue(measured[peer], row)),
      ratio ? formatRatio(limit === undefined ? ratio.best : ratio.median) : "",
      formatGoal(row),
      met === undefined ? "" : met ? "met" : "**not met**",
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines.join("\n").trim();
}
