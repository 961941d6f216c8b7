// Formats the results as text for a terminal.

import { RULES } from "./corpus.ts";
import type { Row } from "./differences.ts";
import { ALLOWED, bytesAround, type Grade, GRADES, type RuleVerdict } from "./verdict.ts";

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** The result of one decoder, rule by rule, with the first stream of each kind of difference. */
export function details(verdicts: readonly RuleVerdict[]): string {
  const lines: string[] = [];
  for (const { rule, streams, grade, counts, firsts } of verdicts) {
    const differences = GRADES.slice(1).flatMap((name) => (counts[name] > 0 ? [`${name} ${counts[name]}`] : []));
    const summary = [plural(streams, "stream"), ...differences].join(", ");
    lines.push(`${ALLOWED.includes(grade) ? "pass" : "FAIL"}  ${RULES[rule]} (${summary})`);
    for (const { arrival, verdict } of firsts) {
      lines.push(`        ${verdict.grade}: ${arrival.one.name}, to a ${arrival.input.role}, ${arrival.way}`);
      lines.push(`          ${verdict.what}`);
      lines.push(`          ${bytesAround(arrival)}`);
    }
  }
  return lines.join("\n");
}

/** All decoders side by side, with the worst grade for each rule below a row of names. */
export function overview(columns: ReadonlyMap<string, readonly RuleVerdict[]>): string[][] {
  const cells = Object.entries(RULES).map(([rule, title]) => [
    title,
    ...[...columns.values()].map((verdicts) => verdicts.find((verdict) => verdict.rule === rule)?.grade ?? ""),
  ]);
  return [["", ...columns.keys()], ...cells];
}

/** Aligns cells in columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

/** The rows of the table of differences for a peer. */
export function rowsOf(name: string, rows: readonly Row[]): string {
  return rows
    .filter(({ peer }) => peer === name)
    .map(({ says }) => `  - ${says}`)
    .join("\n");
}

/** The meaning of the grades. */
export const LEGEND: Readonly<Record<Grade, string>> = {
  ok: "detects the error at the byte that causes it, and handles everything else correctly",
  late: "detects the error later than it could, which the RFC allows",
  code: "fails with a different close code from the one in RFC 6455 §7.4.1",
  strict: "refuses valid input",
  wrong: "reports different messages or control frames",
  lax: "accepts input that the RFC says must be refused",
};
