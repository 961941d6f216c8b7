// Before the tests: the frameworks twice, with ws as they come, and with wsframe-ws by the override that docs/frameworks.md shows.
//
//   node_modules/        what package-lock.json says
//   build/node_modules/  the same packages, from a registry that has wsframe and wsframe-ws as they would be published
//
// Each is installed anew only when something of it has changed.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { npm } from "../support/npm.ts";
import type { Packed } from "../support/packed.ts";
import { implementation, installed } from "./installed.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));
const ours = installed["wsframe-ws"];

const QUIET = ["--no-audit", "--no-fund", "--loglevel=error"];

export default async function setup(project: TestProject): Promise<void> {
  try {
    installTheirs();
    if (implementation === "wsframe-ws") await installOurs(project.getProvidedContext().packed);
  } catch (error) {
    if (process.env["CI"]) throw error;
    // The tests of what is not there are skipped.
    console.log(`The frameworks could not be installed: ${(error as Error).message}`);
  }
}

function changed(name: string): number {
  return statSync(join(here, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function installTheirs(): void {
  if (changed("node_modules/.package-lock.json") >= changed("package-lock.json")) return;
  npm(["ci", ...QUIET], here);
}

async function installOurs({ tarball, alias }: Packed): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "wsframe-frameworks-"));
  try {
    const tarballs = [tarball, alias];
    const manifest = JSON.stringify(withOverride(readJson(join(here, "package.json"))), undefined, 2);
    const stamp = hash([
      manifest,
      readFileSync(join(here, "package-lock.json")),
      ...tarballs.map((path) => readFileSync(path)),
    ]);
    if (!existsSync(join(ours, "stamp")) || readFileSync(join(ours, "stamp"), "utf8") !== stamp) {
      mkdirSync(ours, { recursive: true });
      rmSync(join(ours, "stamp"), { force: true });
      writeFileSync(join(ours, "package.json"), manifest);
      writeFileSync(join(ours, "package-lock.json"), withoutWs(readFileSync(join(here, "package-lock.json"), "utf8")));
      await withRegistry(scratch, async (url) => {
        for (const tarball of tarballs) await publish(tarball, url);
        await runNpm(["install", "--omit=dev", `--registry=${url}`, ...QUIET], ours);
      });
      writeFileSync(join(ours, "stamp"), stamp);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  rmSync(join(ours, "programs"), { recursive: true, force: true });
  cpSync(join(here, "programs"), join(ours, "programs"), { recursive: true });
}

interface Manifest {
  readonly version?: string;
  readonly overrides?: Readonly<Record<string, unknown>>;
}

function readJson(path: string): Manifest {
  return JSON.parse(readFileSync(path, "utf8")) as Manifest;
}

function withOverride(manifest: Manifest): Manifest {
  const { version } = readJson(join(root, "packages/wsframe-ws/package.json"));
  return { ...manifest, overrides: { ...manifest.overrides, ws: `npm:wsframe-ws@${version}` } };
}

interface Lock {
  readonly packages: Record<string, { readonly version: string; readonly name?: string; resolved?: string }>;
}

/**
 * The lock without ws, which npm would leave in some places in spite of the override. The other packages have their addresses:
 * with them npm takes from its cache what it has just installed.
 */
function withoutWs(text: string): string {
  const lock = JSON.parse(text) as Lock;
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (/(^|\/)node_modules\/ws$/.test(path)) delete lock.packages[path];
    const name = entry.name ?? path.split("node_modules/").at(-1)!;
    if (path !== "")
      entry.resolved ??= `https://registry.npmjs.org/${name}/-/${name.split("/").at(-1)}-${entry.version}.tgz`;
  }
  return JSON.stringify(lock, undefined, 2);
}

function hash(parts: readonly (string | Buffer)[]): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part);
  return sum.digest("hex");
}

/** Runs npm without blocking: the registry is a child of this process. */
async function runNpm(args: readonly string[], cwd: string): Promise<void> {
  await promisify(execFile)("npm", args, { cwd });
}

async function publish(tarball: string, registry: string): Promise<void> {
  // npm wants a token, and the registry none.
  const token = `--${registry.slice(registry.indexOf("//"))}:_authToken=none`;
  await runNpm(["publish", tarball, `--registry=${registry}`, token, "--ignore-scripts", "--loglevel=error"], here);
}

async function withRegistry(folder: string, use: (url: string) => Promise<void>): Promise<void> {
  const setting = (name: string) => npm(["config", "get", name], here).trim();
  const ca = setting("cafile");
  const args = [folder, setting("registry"), ...(ca === "null" ? [] : [ca])];
  const child = spawn(process.execPath, [join(here, "registry.js"), ...args], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [url] = (await Promise.race([
      once(createInterface(child.stdout), "line"),
      once(child, "exit").then(() => Promise.reject(new Error("The registry did not start"))),
    ])) as [string];
    await use(url);
  } finally {
    child.kill();
  }
}
