// Formats the table of run.js.

const NAME = 54;
const NUMBER = 11;

/** The compared peers, unless a case says otherwise. */
export const PEERS = ["wsframe", "ws", "websocket-driver"];

/** @param {Record<string, unknown>} info */
export function head(info) {
  const { wsframe, core, ws, bufferutil, wsMask, driver, node, v8, cpu, quick } = info;
  return [
    `wsframe ${wsframe} (core: ${core}), ws ${ws} (bufferutil ${bufferutil}, masks: ${wsMask}), websocket-driver ${driver}`,
    `Node.js ${node}, V8 ${v8}, ${cpu}`,
    "Time per unit in the best round; ratio: how many times as fast as ws (in brackets: from the medians).",
    ...(quick ? ["QUICK: a smoke run. Its numbers mean nothing."] : []),
    "",
    "case".padEnd(NAME) +
      ["wsframe", "ws", "ws-driver", "ratio", "", "goal"].map((name) => name.padStart(NUMBER)).join(""),
  ].join("\n");
}

/** @param {{ group: string, peers?: readonly string[], base?: string }} first the first case of a group */
export function groupHead({ group, peers, base }) {
  if (peers === undefined) return `\n${group}`;
  const padded = peers.map((name) => name.padStart(NUMBER)).join("");
  return `\n${group}\n${`  ratio: times ${base}`.padEnd(NAME)}${padded}`;
}

/** Nanoseconds in a readable unit. */
export function formatTime(ns) {
  if (ns < 100) return `${ns.toFixed(1)} ns`;
  if (ns < 10_000) return `${ns.toFixed(0)} ns`;
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
  return `${(ns / 1e6).toFixed(2)} ms`;
}

/** @param {import("./measure.js").Measured | undefined} measured */
export function formatValue(measured, { unit, limit }) {
  if (measured === undefined) return "-";
  if (unit === "bytes") return `${Math.round(measured.median)} B`;
  return formatTime(limit === undefined ? measured.best : measured.median);
}

export function formatRatio(ratio) {
  return `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)} x`;
}

export function formatGoal({ goal, limit, unit }) {
  if (goal !== undefined) return `${goal} x`;
  if (limit === undefined) return "";
  return unit === "bytes" ? `${limit} B` : formatTime(limit);
}

export function row(result) {
  const { name, measured, ratio, met } = result;
  const cells = [
    ...result.peers.map((peer) => formatValue(measured[peer], result)),
    ratio ? formatRatio(result.limit === undefined ? ratio.best : ratio.median) : "",
    ratio && result.limit === undefined ? `(${formatRatio(ratio.median)})` : "",
    formatGoal(result),
  ];
  const verdict = met === undefined ? "" : met ? "  met" : "  NOT MET";
  return `  ${name.padEnd(NAME - 2)}${cells.map((cell) => cell.padStart(NUMBER)).join("")}${verdict}`;
}

export function footer(rows, seconds) {
  const judged = rows.filter(({ met }) => met !== undefined);
  const met = judged.filter((result) => result.met).length;
  return `\n${judged.length === 0 ? "" : `${met} of ${judged.length} goals met, `}${seconds.toFixed(0)} s`;
}
