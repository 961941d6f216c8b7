// Checks the published types with the oldest and newest supported versions of the compiler and of @types/node, without
// skipLibCheck.

import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compile } from "./support/compilers.ts";
import { newFolder } from "./support/installed.ts";

const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
const program = fileURLToPath(new URL("fixtures/types/use.mts", import.meta.url));

// The oldest compiler takes seconds per run.
const combinations = [
  { compiler: "typescript-oldest", types: "types-node-oldest", lib: ["es2022"] },
  { compiler: "typescript-oldest", types: "types-node-newest", lib: ["es2022", "dom"] },
  { compiler: "typescript-newest", types: "types-node-oldest", lib: ["es2022"] },
  { compiler: "typescript-newest", types: "types-node-oldest", lib: ["es2022", "dom"] },
  { compiler: "typescript-newest", types: "types-node-newest", lib: ["es2022"] },
  { compiler: "typescript-newest", types: "types-node-newest", lib: ["es2022", "dom"] },
] as const;

const strict = {
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  module: "nodenext",
  target: "es2022",
};

let folder: string;

beforeAll(() => {
  folder = newFolder();
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Creates a project with these types of Node, and returns its folder. */
function makeProject(name: string, types: string, compilerOptions: object): string {
  const project = join(folder, name);
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  symlinkSync(join(modules, types), join(project, "node_modules/@types/node"));
  // A copy, not a link, because imports of the package are resolved from its real path.
  cpSync(join(folder, "node_modules/wsframe"), join(project, "node_modules/wsframe"), { recursive: true });
  cpSync(program, join(project, "use.mts"));
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.mts"] }));
  return project;
}

test.each(combinations)("a program compiles with $compiler, $types and lib $lib", async ({ compiler, types, lib }) => {
  const project = makeProject(`${compiler} ${types} ${lib.join(" ")}`, types, {
    ...strict,
    // The oldest types of Node do not compile with it.
    exactOptionalPropertyTypes: types === "types-node-newest",
    lib,
    types: ["node"],
  });
  expect(await compile(compiler, project)).toBe("");
});

test("wsframe/node refers to the types of Node by itself", async () => {
  const project = makeProject("no types named", "types-node-newest", { ...strict, lib: ["es2022"], types: [] });
  expect(await compile("typescript-newest", project)).toBe("");
});
