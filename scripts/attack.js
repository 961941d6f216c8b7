// Runs published attacks against this package and ws, and prints the cost of each to its victim: npm run attack [--
// ROW...] [--only SUBJECT] [--quick] [--markdown]
// The exit code is 1 if wsframe exceeds the budget of a row. docs/security.md has the table.

import { parseArgs } from "node:util";
import install from "../test/attack/install.js";
import { rows } from "../test/attack/rows.js";
import { attack, excess, honest } from "../test/attack/run.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});
const unknown = positionals.filter((name) => !rows.some((row) => row.name === name));
if (unknown.length > 0) {
  console.error(`Unknown row: ${unknown.join(", ")}. Choose from: ${rows.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}
const chosen = rows.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (!values.only) install();

const mib = (bytes) => (bytes === undefined ? "" : `${(bytes / 1048576).toFixed(bytes < 10_485_760 ? 1 : 0)}`);
const whole = (ms) => (ms === undefined ? "" : `${Math.round(ms)}`);
const ratio = (a, b) => (a === undefined || b === undefined ? "" : (a / b).toFixed(1));

const HEADS = [
  "attack",
  "victim",
  "sent MiB",
  "CPU ms",
  "x echo",
  "rss MiB",
  "ext. MiB",
  "max ms",
  "p99 ms",
  "x echo",
  "",
];
const WIDTHS = [22, 12, 9, 9, 7, 8, 9, 8, 8, 7, 0];
/** One row of the table. The first two cells and the last are text. */
function print(cells) {
  const isWord = (i) => i < 2 || i === cells.length - 1;
  if (values.markdown) console.log(`| ${cells.map((cell, i) => (i === 0 ? `\`${cell}\`` : cell)).join(" | ")} |`);
  else
    console.log(cells.map((cell, i) => (isWord(i) ? cell.padEnd(WIDTHS[i] + 1) : cell.padStart(WIDTHS[i]))).join(" "));
}

if (values.markdown) {
  console.log(`| ${HEADS.join(" | ")} |`);
  console.log(`| ${HEADS.map((_, i) => (i < 2 || i === HEADS.length - 1 ? "---" : "--:")).join(" | ")} |`);
} else {
  print(HEADS);
}
let failed = false;
for (const row of chosen) {
  for (const subject of row.subjects) {
    if (values.only && !values.only.includes(subject)) continue;
    const figures = await attack(row, subject, values.quick);
    const { outcome, sent, open, cpu, rss, external, max, p99 } = figures;
    const echo = outcome === "serves" ? await honest(row, subject, sent ?? 0, values.quick) : undefined;
    const over = subject.startsWith("wsframe") ? excess(row, figures, echo) : [];
    failed ||= over.length > 0;
    const notes = [
      outcome === "serves" ? "" : outcome,
      over.length > 0 && outcome === "serves" ? `over budget: ${over.join(", ")}` : "",
      open === undefined ? "" : `${open} sessions open`,
    ];
    const times = [whole(cpu), ratio(cpu, echo?.cpu)];
    const memory = [mib(rss), mib(external)];
    const delay = [whole(max), whole(p99), ratio(max, echo?.max)];
    print([row.name, subject, mib(sent), ...times, ...memory, ...delay, notes.filter(Boolean).join("; ")]);
  }
}
process.exit(failed ? 1 : 0);
