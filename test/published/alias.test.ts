// Tests wsframe-ws as users have it: installed from a registry, alone and instead of ws.

import { execFile, execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { hasRegistry, type Registry } from "../support/registry.ts";
import {
  blocksOf,
  documentedOverride,
  emptyProject,
  installed,
  overriddenProject,
  startWithPackages,
} from "./support.ts";

const readme = "packages/wsframe-ws/README.md";
const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string) => `${root}node_modules/.bin/${name}`;
const run = (command: string, args: string[], cwd: string) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: "pipe" });
const manifest = (path: string) =>
  JSON.parse(readFileSync(`${root}${path}package.json`, "utf8")) as {
    version: string;
    dependencies?: Record<string, string>;
  };

const { version } = manifest("");

test("both packages have the same version, and the alias depends only on that version of wsframe", () => {
  expect(manifest("packages/wsframe-ws/")).toMatchObject({ version, dependencies: { wsframe: version } });
  expect(Object.keys(manifest("packages/wsframe-ws/").dependencies!)).toEqual(["wsframe"]);
  expect(documentedOverride()).toEqual({ overrides: { ws: `npm:wsframe-ws@${version}` } });
  for (const page of [readme, ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)]) {
    if (!page.endsWith(".md")) continue;
    for (const [, shown] of readFileSync(root + page, "utf8").matchAll(/\bwsframe-ws@([\w.-]+)/g)) {
      expect(shown, page).toBe(version);
    }
  }
});

test("publint reports no problems", () => {
  expect(run(bin("publint"), ["--strict", inject("packed").alias], root)).toContain("All good!");
});

test("its types resolve in every module resolution mode", () => {
  // attw exits with 1 if there is a problem.
  const report = run(bin("attw"), [inject("packed").alias, "--format", "ascii"], root);
  for (const way of ["node10: 🟢", "node16 (from CJS): 🟢 (CJS)", "node16 (from ESM): 🟢 (ESM)", "bundler: 🟢"]) {
    expect(report).toContain(way);
  }
});

test("it contains the files that it needs", () => {
  const files = run("tar", ["tzf", inject("packed").alias], root)
    .trim()
    .split("\n");
  const names = ["LICENSE", "README.md", "index.d.ts", "index.js", "package.json", "wrapper.d.mts", "wrapper.mjs"];
  expect(files.toSorted()).toEqual(names.map((name) => `package/${name}`));
});

describe.skipIf(!hasRegistry)("from a registry", () => {
  let registry: Registry;
  const folders: string[] = [];
  beforeAll(async () => {
    registry = await startWithPackages();
  });
  afterAll(async () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    await registry.stop();
  });

  async function install(project: object, ...args: string[]): Promise<string> {
    const folder = emptyProject(project);
    folders.push(folder);
    await registry.npm(["install", ...args], folder);
    return folder;
  }

  test("npm i wsframe-ws adds two packages", async () => {
    const folder = await install({}, "wsframe-ws");
    expect(installed(folder)).toEqual({
      "node_modules/wsframe": `wsframe ${version}`,
      "node_modules/wsframe-ws": `wsframe-ws ${version}`,
    });
  });

  test("with the documented override, packages that depend on ws get wsframe, with one class in both module formats", async () => {
    const folder = await overriddenProject(registry);
    folders.push(folder);
    expect(installed(folder)).toEqual({
      "node_modules/ws": `wsframe-ws ${version}`,
      "node_modules/wsframe": `wsframe ${version}`,
      "node_modules/wsframe-test-user-of-ws": "wsframe-test-user-of-ws 1.0.0",
    });
    const names = ["PerMessageDeflate", "Receiver", "Sender", "WebSocket", "WebSocketServer", "createWebSocketStream"];
    expect(JSON.parse(run(process.execPath, ["identity.mjs"], folder))).toEqual({
      package: "wsframe-ws",
      version,
      names: [...names, "default", "extension", "subprotocol"],
      statics: ["CLOSED", "CLOSING", "CONNECTING", "OPEN", ...names, "Server", "extension", "subprotocol"].toSorted(),
      className: "WebSocket",
      serverName: "WebSocketServer",
      isOne: [true, true, true, true, true, true],
      sharesStatics: true,
    });
    expect(run(process.execPath, ["echo.cjs"], folder)).toBe("hello false\n");
    expect(run(process.execPath, ["echo.mjs"], folder)).toBe("hello false\n");
  });

  test("a project that depends on ws itself needs both entries in package.json", async () => {
    const ws = `npm:wsframe-ws@${version}`;
    const folder = await install({
      dependencies: { ws, "wsframe-test-user-of-ws": "1.0.0" },
      overrides: { ws },
    });
    expect(Object.keys(installed(folder)).toSorted()).toEqual(
      ["ws", "wsframe", "wsframe-test-user-of-ws"].map((name) => `node_modules/${name}`),
    );
  });

  /** Prints the name of the ws that the dependent package finds, and whether it is the project's own. */
  const whatItGets = `const { createRequire } = require("node:module");
    const from = createRequire(require.resolve("wsframe-test-user-of-ws"));
    console.log(from("ws/package.json").name, from("ws") === require("wsframe-test-user-of-ws"));`;
  const dependencies = { "wsframe-test-user-of-ws": "1.0.0" };
  const runTool = (path: string, args: string[], cwd: string) =>
    promisify(execFile)(process.execPath, [join(root, "test/published/node_modules", path), ...args], { cwd });

  test("yarn does the same with resolutions", async () => {
    const { resolutions } = JSON.parse(blocksOf(readme, "json")[1]!) as { resolutions: Record<string, string> };
    const folder = emptyProject({ dependencies, resolutions });
    folders.push(folder);
    await runTool("yarn/bin/yarn.js", ["--registry", registry.url, "--cache-folder", join(folder, "cache")], folder);
    expect(run(process.execPath, ["-e", whatItGets], folder)).toBe("wsframe-ws true\n");
  });

  test("pnpm does the same with overrides", async () => {
    const folder = emptyProject({ dependencies });
    folders.push(folder);
    writeFileSync(join(folder, "pnpm-workspace.yaml"), blocksOf(readme, "yaml")[0]!);
    writeFileSync(join(folder, ".npmrc"), `registry=${registry.url}\n`);
    await runTool("pnpm/bin/pnpm.cjs", ["install", "--store-dir", join(folder, "store")], folder);
    expect(run(process.execPath, ["-e", whatItGets], folder)).toBe("wsframe-ws true\n");
  });
});
