// A project written for @types/ws compiles unchanged with our types. It is compiled with @types/ws first, which shows
// that the project is valid.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { compile } from "../support/compilers.ts";

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
const programs = fileURLToPath(new URL("../fixtures/types/ws", import.meta.url));

const strict = {
  strict: true,
  noImplicitOverride: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
  target: "es2022",
  types: ["node"],
};
const nodenext = { ...strict, module: "nodenext", lib: ["es2022"] };
const withDom = { lib: ["es2022", "dom"] };
const all = ["esm.mts", "cjs.cts", "interop.cts"];

/** Common project setups: current ones, and those that Nest and others used for years. */
const setups = [
  { setup: "nodenext, old", compiler: "typescript-oldest", types: "types-node-oldest", options: nodenext, files: all },
  {
    setup: "nodenext, new",
    compiler: "typescript-newest",
    types: "types-node-newest",
    options: { ...nodenext, ...withDom, exactOptionalPropertyTypes: true },
    files: all,
  },
  {
    setup: "a bundler",
    compiler: "typescript-newest",
    types: "types-node-newest",
    options: { ...strict, ...withDom, module: "esnext", moduleResolution: "bundler" },
    files: ["esm.mts"],
  },
  {
    setup: "CommonJS without exports",
    compiler: "typescript-oldest",
    types: "types-node-oldest",
    options: { ...nodenext, module: "commonjs", moduleResolution: "node10", esModuleInterop: true },
    files: ["cjs.cts", "interop.cts"],
  },
] as const;

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "wsframe-types-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Where the types of ws come from, by name: the packages that are put into node_modules. */
const sources = {
  "@types/ws": (packages: string) => symlinkSync(join(modules, "@types/ws"), join(packages, "@types/ws")),
  "wsframe-ws": (packages: string) => {
    const { alias, folder } = inject("packed");
    mkdirSync(join(packages, "ws"));
    execFileSync("tar", ["xzf", alias, "--strip-components=1", "-C", join(packages, "ws")]);
    // A copy instead of a link, because dependencies are resolved from the real path.
    cpSync(join(folder, "node_modules/wsframe"), join(packages, "wsframe"), { recursive: true });
  },
};

function makeProject(source: keyof typeof sources, types: string, options: object, files: readonly string[]): string {
  const project = mkdtempSync(join(scratch, "project-"));
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  symlinkSync(join(modules, types), join(project, "node_modules/@types/node"));
  sources[source](join(project, "node_modules"));
  for (const file of files) cpSync(join(programs, file), join(project, file));
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
  return project;
}

describe.each(Object.keys(sources) as (keyof typeof sources)[])("with %s", (source) => {
  test.each(setups)("a project compiles: $setup", async ({ compiler, types, options, files }) => {
    expect(await compile(compiler, makeProject(source, types, options, files))).toBe("");
  });
});

test("the same project compiles with wsframe/ws", async () => {
  const { compiler, types, options, files } = setups[1];
  const project = makeProject("wsframe-ws", types, options, files);
  for (const file of files) {
    const path = join(project, file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(/(?<=from |require\(|module )"ws"/g, '"wsframe/ws"'));
  }
  rmSync(join(project, "node_modules/ws"), { recursive: true });
  expect(await compile(compiler, project)).toBe("");
});

test("members of ws that @types/ws lacks are declared too", async () => {
  const { compiler, types, options } = setups[1];
  const project = makeProject("wsframe-ws", types, options, []);
  writeFileSync(
    join(project, "more.mts"),
    `import WebSocket, { extension, PerMessageDeflate, Receiver, Sender, subprotocol, WebSocketServer } from "ws";
    new WebSocketServer({ noServer: true, closeTimeout: 1000, maxPendingAutoPongs: 10 });
    const ws = new WebSocket(null, undefined, { maxPayload: 10 });
    ws.binaryType = "blob";
    ws.send(new Blob(["text"]));
    for (const frame of Sender.frame(Buffer.alloc(1), { opcode: 2, fin: true })) frame.length satisfies number;
    new Receiver({ isServer: true, extensions: { [PerMessageDeflate.extensionName]: new PerMessageDeflate() } });
    extension.parse("a; b=1")["a"]?.[0]?.["b"]?.[0] satisfies string | true | undefined;
    subprotocol.parse("a, b") satisfies Set<string>;`,
  );
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["more.mts"] }));
  expect(await compile(compiler, project)).toBe("");
});
