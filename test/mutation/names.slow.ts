// Checks that the tests left out of mutation testing exist. If one were renamed, it would run for every mutant.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { OTHERS, PARTS } from "./assembly/parts.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folders: Record<string, { readonly tests: string[]; readonly without?: string[] }> = JSON.parse(
  readFileSync(new URL("folders.json", import.meta.url), "utf8"),
);

/** The files of a pattern with one choice in braces. */
function filesOf(pattern: string): string[] {
  const [, before = "", choices = "", after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? [];
  return choices === "" ? [pattern] : choices.split(",").map((choice) => before + choice + after);
}

/** The names of the tests in each file. */
function namesIn(files: readonly string[]): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-names-"));
  try {
    const output = join(folder, "list.json");
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    execFileSync(process.execPath, [vitest, "list", "--project", "main", `--json=${output}`, ...files], { cwd: root });
    const names = new Map<string, string[]>();
    for (const { name, file } of JSON.parse(readFileSync(output, "utf8")) as { name: string; file: string }[]) {
      const key = relative(root, file).replaceAll("\\", "/");
      names.set(key, [...(names.get(key) ?? []), name]);
    }
    return names;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const lists = [
  ...Object.entries(folders).map(([folder, { tests, without = [] }]) => ({
    list: `folders.json, ${folder}`,
    files: tests.flatMap(filesOf),
    entries: without.map((entry) => ({ entry, isIn: (name: string) => name.includes(entry) })),
  })),
  {
    list: "OTHERS",
    files: Object.values(PARTS).flatMap(({ tests }) => tests),
    entries: OTHERS.source.split("|").map((entry) => ({ entry, isIn: (name: string) => new RegExp(entry).test(name) })),
  },
];

test("each left-out name is part of the name of a test in its files", () => {
  const names = namesIn([...new Set(lists.flatMap(({ files }) => files))]);
  for (const { list, files, entries } of lists) {
    const all = files.flatMap((file) => names.get(file) ?? []);
    expect(all, list).not.toEqual([]);
    expect(
      entries.filter(({ isIn }) => !all.some(isIn)).map(({ entry }) => entry),
      list,
    ).toEqual([]);
  }
});
