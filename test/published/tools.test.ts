// Tests Jest, esbuild and webpack on a project with the override.

import { execFile, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type BuildOptions } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasRegistry, type Registry } from "../support/registry.ts";
import { overriddenProject, startWithPackages } from "./support.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The error that the browser build throws. */
const REFUSAL = "wsframe/ws does not work in browsers: use the browser's own WebSocket";

describe.skipIf(!hasRegistry)("tools", () => {
  let registry: Registry;
  let folder: string;
  beforeAll(async () => {
    registry = await startWithPackages();
    folder = await overriddenProject(registry);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await registry.stop();
  });

  const node = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, args, { cwd: folder, encoding: "utf8" })).stdout;

  // Also with ws itself, because the test describes what ws does.
  test.each([
    ["ws", { "^ws$": join(root, "node_modules/ws") }],
    ["wsframe-ws", {}],
  ])("Jest runs tests that require %s", (_, moduleNameMapper) => {
    const config = JSON.stringify({ rootDir: folder, transform: {}, moduleNameMapper });
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(here, "node_modules/jest/bin/jest.js"), "--ci", "--config", config],
      { cwd: folder, encoding: "utf8" },
    );
    expect(stderr).toMatch(/Tests: +21 passed, 21 total/);
    expect(status).toBe(0);
    // Nothing keeps the process from exiting.
    expect(stderr).not.toContain("did not exit");
  });

  describe("esbuild", () => {
    const bundle = async (entry: string, options: BuildOptions) => {
      const outfile = join(folder, `esbuild.${options.format === "esm" ? "mjs" : "cjs"}`);
      await build({ entryPoints: [join(folder, entry)], bundle: true, outfile, logLevel: "error", ...options });
      return outfile;
    };
    // esbuild needs this for CommonJS in ES modules, also for ws itself.
    const banner = {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    };

    test.each([
      ["echo.cjs", "cjs", {}],
      ["echo.mjs", "cjs", {}],
      ["echo.cjs", "esm", { banner }],
      ["echo.mjs", "esm", { banner }],
    ] as const)("%s as %s", async (entry, format, options) => {
      expect(await node(await bundle(entry, { platform: "node", format, minify: true, ...options }))).toBe(
        "hello false\n",
      );
    });

    test("for browsers, it bundles a module that throws, as with ws", async () => {
      const bundled = await bundle("client.cjs", { platform: "browser", format: "iife" });
      expect(await node(bundled)).toBe(`${REFUSAL}\n`);
      expect(readFileSync(bundled, "utf8")).not.toContain("WebAssembly");
    });
  });

  describe("webpack", () => {
    const bundle = async (entry: string, target: string) => {
      const output = join(folder, "webpack", `${entry}.${target}.cjs`);
      await node(join(here, "webpack.js"), join(folder, entry), target, output);
      return output;
    };

    test.each(["echo.cjs", "echo.mjs"])("%s for Node", async (entry) => {
      expect(await node(await bundle(entry, "node"))).toBe("hello false\n");
    });

    test("for browsers, it bundles a module that throws, as with ws", async () => {
      const bundled = await bundle("client.cjs", "web");
      expect(await node(bundled)).toBe(`${REFUSAL}\n`);
      expect(readFileSync(bundled, "utf8")).not.toContain("WebAssembly");
    });
  });
});
