// The results as text, for a terminal.

import { RULES } from "./corpus.ts";
import type { Row } from "./differences.ts";
import { ALLOWED, bytesAround, type Grade, GRADES, type RuleVerdict } from "./verdict.ts";

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** One decoder, rule by rule, with the first stream of each kind of difference. */
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

/** All decoders, one beside the other: the worst grade for each rule, under a line of names. */
export function overview(columns: ReadonlyMap<string, readonly RuleVerdict[]>): string[][] {
  const cells = Object.entries(RULES).map(([rule, title]) => [
    title,
    ...[...columns.values()].map((verdicts) => verdicts.find((verdict) => verdict.rule === rule)?.grade ?? ""),
  ]);
  return [["", ...columns.keys()], ...cells];
}

/** Cells below each other. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}

/** What the table of differences says of a peer. */
export function rowsOf(name: string, rows: readonly Row[]): string {
  return rows
    .filter(({ peer }) => peer === name)
    .map(({ says }) => `  - ${says}`)
    .join("\n");
}

/** What the grades mean. */
export const LEGEND: Readonly<Record<Grade, string>> = {
  ok: "finds the error with the byte that makes it one, and all else as it is",
  late: "finds it later than it could; the RFC allows that",
  code: "fails with another close code than RFC 6455 §7.4.1 has for it",
  strict: "refuses what is right",
  wrong: "finds other messages or control frames",
  lax: "accepts what the RFC says must be refused, or delivers it",
};
