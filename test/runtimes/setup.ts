// Before the tests: the package, packed and installed in an empty folder, and the runtimes to run it on.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { installInNewFolder } from "../support/installed.ts";
import installRuntimes from "./install.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder in which the package is installed, and the programs and the examples are. */
    folder: string;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

export default function setup(project: TestProject): () => void {
  installRuntimes();
  if (!isBuilt()) execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  const folder = installInNewFolder();
  // Beside the package, so that they find it by its name. Only what is in the folder is read.
  cpSync(join(here, "programs"), folder, { recursive: true });
  project.provide("folder", folder);
  return () => rmSync(folder, { recursive: true, force: true });
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
