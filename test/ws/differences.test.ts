// Compares the table of differences in docs/migrating.md with the one that the tests use.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { differences } from "./support/differences.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

test("the table in docs/migrating.md has the same rows", () => {
  const page = readFileSync(here("../../docs/migrating.md"), "utf8");
  const table = page.slice(page.indexOf("### Where `wsframe/ws` differs"));
  const rows = [...table.slice(0, table.indexOf("\n## ")).matchAll(/^\| (.*?) \|$/gm)]
    .map(([, row]) => row!.split(" | ").map((cell) => cell.trim()))
    .slice(2);
  expect(rows).toEqual(
    Object.entries(differences).map(([name, { ws, wsframe, reason }]) => [name, ws, wsframe, reason]),
  );
});

test("each difference has a test", () => {
  const tests = readdirSync(here(".")).filter((name) => name.endsWith(".test.ts") && name !== "differences.test.ts");
  const sources = tests.map((name) => readFileSync(here(name), "utf8")).join("\n");
  const unshown = Object.keys(differences).filter(
    (name) => !sources.includes(`"${name}"`) && !sources.includes(`'${name}'`),
  );
  expect(unshown).toEqual([]);
});
