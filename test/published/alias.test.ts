// wsframe-ws as its users have it: installed from a registry, alone and in the place of ws.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { hasRegistry, type Registry } from "../support/registry.ts";
import { documentedOverride, emptyProject, installed, overriddenProject, startWithPackages } from "./support.ts";

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

test("both packages have one version, and the alias depends on that of wsframe alone", () => {
  expect(manifest("packages/wsframe-ws/")).toMatchObject({ version, dependencies: { wsframe: version } });
  expect(Object.keys(manifest("packages/wsframe-ws/").dependencies!)).toEqual(["wsframe"]);
  for (const page of ["packages/wsframe-ws/README.md", "docs/migrating.md"]) {
    expect(documentedOverride(page), page).toEqual({ overrides: { ws: `npm:wsframe-ws@${version}` } });
  }
});

test("publint has nothing to say", () => {
  expect(run(bin("publint"), ["--strict", inject("packed").alias], root)).toContain("All good!");
});

test("its types resolve in each way there is", () => {
  // It exits with 1 if there is a problem.
  const report = run(bin("attw"), [inject("packed").alias, "--format", "ascii"], root);
  for (const way of ["node10: 🟢", "node16 (from CJS): 🟢 (CJS)", "node16 (from ESM): 🟢 (ESM)", "bundler: 🟢"]) {
    expect(report).toContain(way);
  }
});

test("it has the files that it needs", () => {
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

  test("with the documented override what depends on ws gets wsframe, one class in both forms", async () => {
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

  test("a project that depends on ws itself says so in both places", async () => {
    const ws = `npm:wsframe-ws@${version}`;
    const folder = await install({
      dependencies: { ws, "wsframe-test-user-of-ws": "1.0.0" },
      overrides: { ws },
    });
    expect(Object.keys(installed(folder)).toSorted()).toEqual(
      ["ws", "wsframe", "wsframe-test-user-of-ws"].map((name) => `node_modules/${name}`),
    );
  });
});
