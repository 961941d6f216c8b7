// Compares what docs/reliability.md says about the peers with what they do.

import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { RULES } from "./peers/corpus.ts";
import { ROWS } from "./peers/differences.ts";
import type { RuleVerdict } from "./peers/verdict.ts";

/** Checks the column of a peer in the table of rules, and the list of its differences. */
export function expectPublished(name: string, verdicts: readonly RuleVerdict[]): void {
  const page = readFileSync(new URL("../../docs/reliability.md", import.meta.url), "utf8");
  const rows = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  const head = rows.find((cells) => cells.includes("websocket-driver"))!;
  const column = head.indexOf(name);
  expect(column, `a column of ${name}`).toBeGreaterThan(0);
  for (const { rule, grade } of verdicts) {
    const row = rows.find((cells) => cells[1] === RULES[rule])!;
    expect(`${RULES[rule]}: ${row[column]}`).toBe(`${RULES[rule]}: ${grade}`);
  }
  const text = page.replace(/\s+/g, " ");
  for (const { peer, says } of ROWS) if (peer === name) expect(text).toContain(says);
}
