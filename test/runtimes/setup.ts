// Sets up the folder in which the programs and the examples find the package.

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder with the installed package, the programs and the examples. */
    folder: string;
  }
}

const here = fileURLToPath(new URL(".", import.meta.url));

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-runtimes-"));
  cpSync(project.getProvidedContext().packed.folder, folder, { recursive: true, verbatimSymlinks: true });
  // Next to the package, so that they find it by name. Nothing outside the folder is read.
  cpSync(join(here, "programs"), folder, { recursive: true });
  cpSync(join(here, "../../examples"), join(folder, "examples"), { recursive: true });
  project.provide("folder", folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
