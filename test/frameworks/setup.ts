// Installs the frameworks twice before the tests: with ws, and with wsframe-ws by the override in docs/frameworks.md.
//
//   node_modules/        the packages in package-lock.json
//   build/node_modules/  the same packages, from a local registry that has wsframe and wsframe-ws as they would be published
//
// A folder is installed again only if its contents have changed.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { npm } from "../support/npm.ts";
import type { Packed } from "../support/packed.ts";
import { startRegistry } from "../support/registry.ts";
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
    // Tests of a folder that is missing are skipped.
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
    const registry = await startRegistry();
    try {
      for (const tarball of tarballs) await registry.publish(tarball);
      await registry.npm(["install", ...QUIET], ours);
    } finally {
      await registry.stop();
    }
    writeFileSync(join(ours, "stamp"), stamp);
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
  readonly packages: Record<string, unknown>;
}

/** The lock file without ws, because npm would keep some copies in spite of the override. */
function withoutWs(text: string): string {
  const lock = JSON.parse(text) as Lock;
  for (const path of Object.keys(lock.packages)) {
    if (/(^|\/)node_modules\/ws$/.test(path)) delete lock.packages[path];
  }
  return JSON.stringify(lock, undefined, 2);
}

function hash(parts: readonly (string | Buffer)[]): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part);
  return sum.digest("hex");
}
