// Formats the output of bench:e2e.

import { ratiosOf } from "./ratios.js";

export function count(rate) {
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(2)} M/s`;
  return rate >= 1e4 ? `${(rate / 1e3).toFixed(1)} k/s` : rate.toFixed(0);
}

export const percent = (share) => `${(share * 100).toFixed(0)} %`;
export const ratioOf = (ratio) => `${ratio.toFixed(ratio < 10 ? 2 : 1)} x`;
export const milliseconds = (time) => time.toFixed(time < 10 ? 3 : 1);

/** If the load uses more than this share of a core, it may limit the server. */
const BUSY = 0.9;

function loadOf(share) {
  return `load ${percent(share).padStart(5)} of a core${share > BUSY ? ", possibly the limit" : ""}`;
}

/** @param {import("./ratios.js").Ratio} ratio */
function verdict({ goal, met }, judged) {
  if (goal === undefined) return "";
  return `goal ${goal} x ${judged ? (met ? "met" : "NOT MET") : ""}`.trimEnd();
}

/**
 * @param {import("./cases.js").Case} one
 * @param {object} measured
 * @param {boolean} judged whether the numbers are good enough to compare them with goals
 */
export function printCase(one, measured, judged) {
  console.log(`\n${one.name}`);
  const ratios = ratiosOf(one, measured);
  for (const [server, { rate, least, greatest, loadShare, serverShare }] of Object.entries(measured)) {
    const columns = [
      `  ${server.padEnd(14)}${count(rate).padStart(12)}`,
      `${percent((least - rate) / rate)} to +${percent((greatest - rate) / rate)}`.padEnd(16),
      `server ${percent(serverShare).padStart(5)}, ${loadOf(loadShare)}`,
      ...ratios
        .filter(({ theirs }) => theirs === server)
        .map((ratio) => `${`${ratio.ours}: ${ratioOf(ratio.ratio)}`.padEnd(18)}   ${verdict(ratio, judged)}`),
    ];
    console.log(columns.join("   ").trimEnd());
  }
  for (const [server, { answer, cpuTime, agreed, compared }] of Object.entries(measured)) {
    if (agreed === undefined) continue;
    const how = compared ? "" : ", answers are only counted because there is no libz";
    const cpu = `${(cpuTime * 1e6).toFixed(1)} µs of CPU`.padStart(20);
    console.log(`  ${server.padEnd(14)}${answer.toFixed(0).padStart(10)} B an answer, ${cpu}   ${agreed}${how}`);
  }
}

/** @param {Record<string, object>} latency the results of measureLatency() */
export function printLatency(latency) {
  console.log("  at half of that, ms           p50      p90      p99    p99.9      max");
  for (const [server, { rate, loadShare, late, ...times }] of Object.entries(latency)) {
    const cells = ["p50", "p90", "p99", "p999", "max"].map((key) => milliseconds(times[key]).padStart(9));
    const sent = late ? `, sent late p50 ${milliseconds(late.p50)}, p99 ${milliseconds(late.p99)}` : "";
    console.log(`  ${server.padEnd(10)}${count(rate).padStart(11)}${cells.join("")}   ${loadOf(loadShare)}${sent}`);
  }
}

/**
 * @param {{ connections: number, limit: number }} load
 * @param {Record<string, object>} found the results of measureLoop()
 * @param {boolean} judged
 */
export function printLoop({ connections, limit }, found, judged) {
  console.log(`\nEvent loop: 1 MiB of compressed JSON in flight on ${connections}, 32 B uncompressed on another`);
  console.log("  milliseconds                           p50      p90      p99      max");
  for (const [server, { delay, latency, rate }] of Object.entries(found)) {
    const cells = (times) => ["p50", "p90", "p99", "max"].map((key) => milliseconds(times[key]).padStart(9)).join("");
    const met = delay.p99 <= limit ? "met" : "NOT MET";
    const verdict = server === "wsframe" ? `   goal: p99 of ${limit} ${judged ? met : ""}` : "";
    console.log(`  ${server.padEnd(10)}delay of the loop     ${cells(delay)}${verdict}`.trimEnd());
    console.log(`  ${"".padEnd(10)}echo of 32 B          ${cells(latency)}   ${rate.toFixed(0)} of 1 MiB per second`);
  }
}

/** @param {({ name: string } & import("./ratios.js").Ratio)[]} ratios */
export function printGoals(ratios) {
  const judged = ratios.filter(({ goal }) => goal !== undefined);
  if (judged.length === 0) return;
  const missed = judged.filter(({ met }) => !met);
  console.log(`\nGoals: ${judged.length - missed.length} of ${judged.length} met`);
  for (const { name, theirs, ratio, goal } of missed) {
    console.log(`  ${name}: ${ratioOf(ratio)} ${theirs}, not ${goal} x`);
  }
}

/** @param {ReturnType<typeof import("./ratios.js").moved>} list */
export function printMoved(list, file) {
  console.log(`\nSince ${file}: wsframe as a ratio to the others`);
  for (const { name, ours, theirs, was, is } of list) {
    const which = ours === "wsframe" ? theirs : `${theirs} (${ours})`;
    console.log(`  ${name}: ${ratioOf(was)} -> ${ratioOf(is)} ${which}`);
  }
  if (list.length === 0) console.log("  no change beyond noise");
}
