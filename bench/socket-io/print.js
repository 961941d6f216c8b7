// Formats the output of bench:socket-io.

import { percent, ratioOf } from "../e2e/print.js";

const OURS = "wsframe/ws";
const WIDTH = 14;

const time = (microseconds) => `${microseconds.toFixed(2)} µs`;

/** How many times as much ws takes. */
const ratio = (measured, name, key) => measured.ws[key] / measured[name][key];

/** The column of a case to which the ratio refers. */
const mainKey = ({ work }) => (work === "memory" ? "heap" : "cpu");

function verdict(one, name, judged) {
  if (name !== OURS) return "";
  const met = ratio(one.measured, name, mainKey(one)) >= one.goal;
  return `goal ${one.goal} x ${judged ? (met ? "met" : "NOT MET") : ""}`.trimEnd();
}

function columnsOf({ work, measured }, name) {
  const found = measured[name];
  if (work === "memory") return [`${found.heap} B of heap and buffers`, `${found.rss} B of the process`];
  const { cpu, least, greatest, system, wall } = found;
  return [
    time(cpu).padStart(10),
    `${percent((least - cpu) / cpu)} to +${percent((greatest - cpu) / cpu)}`.padEnd(16),
    `system ${percent(system).padStart(5)}`,
    `Socket.IO's own ${percent(measured.none.cpu / cpu).padStart(5)}`,
    `elapsed ${time(wall).padStart(10)}`,
  ];
}

/**
 * @param {import("./cases.js").Case & { measured: Record<string, object> }} one
 * @param {boolean} judged whether the numbers are good enough to compare them with the goal
 */
export function printCase(one, judged) {
  console.log(`\n${one.name}`);
  if (one.work !== "memory") console.log("  the server's processor time for each message");
  for (const name of Object.keys(one.measured)) {
    const columns = [`  ${name.padEnd(WIDTH)}`, ...columnsOf(one, name)];
    if (name !== "ws" && name !== "none") {
      columns.push(`${ratioOf(ratio(one.measured, name, mainKey(one)))} ws`, verdict(one, name, judged));
    }
    console.log(columns.join("   ").trimEnd());
  }
}

/** @param {Record<string, Record<string, number>>} profiles shares, by engine and by the owner of the code */
export function printProfile(profiles) {
  const owners = [...new Set(Object.values(profiles).flatMap((shares) => Object.keys(shares)))];
  console.log("  of a profile's time");
  for (const [name, shares] of Object.entries(profiles)) {
    const cells = owners.map((owner) => `${owner} ${percent(shares[owner] ?? 0)}`);
    console.log(`  ${name.padEnd(WIDTH)}   ${cells.join(", ")}`);
  }
}

/** @param {readonly (import("./cases.js").Case & { measured: Record<string, object> })[]} results */
export function printGoals(results) {
  const missed = results.filter((one) => ratio(one.measured, OURS, mainKey(one)) < one.goal);
  console.log(`\nGoals: ${results.length - missed.length} of ${results.length} met`);
  for (const one of missed) {
    console.log(`  ${one.name}: ${ratioOf(ratio(one.measured, OURS, mainKey(one)))} ws, not ${one.goal} x`);
  }
}

const row = (cells) => `| ${cells.join(" | ")} |`;

/** Prints the table of docs/benchmarks.md. */
export function printTable(results) {
  const names = Object.keys(results[0].measured).filter((name) => name !== "none");
  const others = names.filter((name) => name !== "ws");
  const head = ["the server's processor time for a message; goals in brackets", ...names];
  const ratios = others.map((name) => `${name} x ws`);
  console.log(`\n${row([...head, "Socket.IO's own", ...ratios])}`);
  console.log(row(["---", ...[...names, "", ...others].map(() => "---:")]));
  for (const one of results) {
    const key = mainKey(one);
    const value = (name) => {
      const found = one.measured[name][key];
      return key === "heap" ? `${found} B` : time(found);
    };
    const ratioIn = (name) => `${ratioOf(ratio(one.measured, name, key))}${name === OURS ? ` (${one.goal})` : ""}`;
    console.log(row([one.name, ...names.map(value), value("none"), ...others.map(ratioIn)]));
  }
}
