// Runs the recipes of docs/frameworks.md: the blocks with the comment `framework: NAME`.
//
//   js    Replaces the line `// BLOCK` in recipes/NAME.js, and is run. The program must end by itself and print the text after each `// →`.
//         The port 8080 is replaced by a free one.
//   sh    Installs packages whose versions are in package.json.
//   json  The override with which the frameworks are installed here.

import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Block, pages, readPage } from "../docs/pages.ts";
import { freePort } from "../docs/project.ts";
import { find } from "../interop/sockets/process.ts";
import { installed } from "./installed.ts";
import { isInstalled } from "./support.ts";

/** The time limit of a recipe, in milliseconds. */
const LIMIT = 30_000;

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = installed["wsframe-ws"];
const chromium = find(["/usr/bin/chromium"], "chromium");
const blocks = pages.flatMap((name) => readPage(name).blocks).filter(({ directive }) => directive === "framework");
const of = (language: string): Block[] => blocks.filter((block) => block.language === language);
const recipes = of("js").map(({ argument, code }) => [argument, code] as const);

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, unknown>>;
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, "utf8")) as Manifest;
}

test("every harness is used", () => {
  expect(readdirSync(join(here, "recipes")).toSorted()).toEqual(recipes.map(([name]) => `${name}.js`).toSorted());
});

test.each(of("sh").map(({ argument, code }) => [argument, code] as const))("%s: the packages are tested", (_, code) => {
  const { dependencies } = readManifest(join(here, "package.json"));
  const [command, verb, ...names] = code.split(/\s+/);
  expect([command, verb]).toEqual(["npm", "install"]);
  expect(names.filter((name) => name !== "wsframe" && !(name in dependencies))).toEqual([]);
});

describe.skipIf(!isInstalled("wsframe-ws"))("with wsframe-ws", () => {
  test("the documented override is the one that the frameworks are installed with", () => {
    const { overrides } = JSON.parse(of("json")[0]!.code) as Manifest;
    const [exact, range] = [readManifest(join(folder, "package.json")).overrides["ws"], overrides["ws"]];
    expect(String(range).replace("@^", "@")).toBe(exact);
  });

  test.each(recipes)("%s", async (name, code) => {
    if (name === "puppeteer" && chromium === undefined) return;
    const parts = readFileSync(join(here, "recipes", `${name}.js`), "utf8").split(/^\/\/ BLOCK$/m);
    expect(parts).toHaveLength(2);
    const port = String(await freePort());
    mkdirSync(join(folder, "recipes"), { recursive: true });
    writeFileSync(join(folder, "recipes", `${name}.js`), parts.join(code).replaceAll("8080", port));
    const shown = [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text);
    const printed = await run(`recipes/${name}.js`);
    // Some frameworks print log lines.
    if (shown.length > 0) expect(printed).toEqual(shown);
  });
});

/** Runs a program; resolves with the lines that it prints. @throws Error with its stderr, if it fails */
function run(program: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program], { cwd: folder, timeout: LIMIT }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ended with ${error.code ?? error.signal}\n${stderr}`));
      else resolve(stdout.split("\n").slice(0, -1));
    });
  });
}
