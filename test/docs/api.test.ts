// Checks that docs/api.md matches the docstrings, and that every public symbol has one.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./pages.ts";

function check(folder: string) {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/api.js", "--check"], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, problems: stderr.split("\n").filter((line) => line !== "") };
}

test("the page is current, and every public symbol has a docstring", () => {
  expect(check(root)).toEqual({ status: 0, problems: [] });
});

test("all entries with types are on the page", () => {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
    exports: Record<string, string | { types?: string }>;
  };
  const entries = Object.entries(manifest.exports).flatMap(([path, target]) =>
    typeof target === "object" && target.types !== undefined ? [`## \`wsframe${path.slice(1)}\``] : [],
  );
  expect(entries.length).toBeGreaterThanOrEqual(3);
  expect(readFileSync(`${root}docs/api.md`, "utf8").match(/^## .*/gm)).toEqual(entries);
});

test("reports missing docstrings and an outdated page", () => {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-api-"));
  cpSync(`${root}scripts/api.js`, join(folder, "scripts/api.js"));
  symlinkSync(`${root}node_modules`, join(folder, "node_modules"));
  mkdirSync(join(folder, "docs"));
  const manifest = { name: "small", type: "module", exports: { ".": { types: "./index.d.ts" } } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "docs/api.md"), "");
  writeFileSync(
    join(folder, "index.d.ts"),
    `export {};
    interface Hidden {}
    export interface SomeOptions {
      bare?: number;
      /** Has one. */
      silent?: number;
      /** Has one. Default 1. */
      good?: Hidden;
    }
    /** Has one. */
    export declare class Thing {
      method(): void;
      readonly #secret;
    }
    export declare function run(): void;`,
  );
  const { status, problems } = check(folder);
  expect(status).toBe(1);
  expect(problems).toEqual([
    "small: run: no docstring",
    "small: Thing.method: no docstring",
    "small: SomeOptions: no docstring",
    "small: SomeOptions.bare: no docstring",
    "small: SomeOptions.silent: the docstring does not say what its default is",
    "small: SomeOptions: Hidden is not exported",
    "docs/api.md is not what the docstrings say: run `npm run docs`",
  ]);
});
