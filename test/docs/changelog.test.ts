// Checks that CHANGELOG.md has the form of Keep a Changelog 1.1.0, which scripts/release.js relies on.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const text = readFileSync(new URL("../../CHANGELOG.md", import.meta.url), "utf8");
const headings = (level: number) =>
  [...text.matchAll(new RegExp(`^#{${level}} (.*)$`, "gm"))].map(([, title]) => title!);

test("begins with unreleased changes, and dates every version", () => {
  const [first, ...versions] = headings(2);
  expect(first).toBe("[Unreleased]");
  for (const version of versions) expect(version).toMatch(/^\[\d+\.\d+\.\d+(-[\w.]+)?\] - \d{4}-\d{2}-\d{2}$/);
});

test("groups changes by their kind", () => {
  const kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
  for (const kind of headings(3)) expect(kinds).toContain(kind);
});
