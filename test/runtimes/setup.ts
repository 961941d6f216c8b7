// Before the tests: the package, packed and installed in an empty folder, and the runtimes to run it on.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import installRuntimes from "./install.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder in which the package is installed, and the programs are. */
    folder: string;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

export default function setup(project: TestProject): () => void {
  installRuntimes();
  const folder = mkdtempSync(join(tmpdir(), "wsframe-runtimes-"));
  try {
    installPackage(folder);
    // Beside the package, so that they find it by its name. Only what is in the folder is read.
    cpSync(join(here, "programs"), folder, { recursive: true });
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  project.provide("folder", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function installPackage(folder: string): void {
  if (!isBuilt()) npm(["run", "--silent", "build"], root);
  const packed = JSON.parse(npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root)) as unknown;
  const [{ filename }] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as [{ filename: string }];
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], folder);
}

/** Whether dist/ is there, and no older than what it is made of. */
function isBuilt(): boolean {
  const built = join(root, "dist/types/src/index.d.ts");
  if (!existsSync(built)) return false;
  const sources = ["src", "assembly", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(root, folder, name)),
  );
  const { mtimeMs } = statSync(built);
  return [...sources, join(root, "package.json")].every((file) => statSync(file).mtimeMs <= mtimeMs);
}
