// The package as users have it: installed in a folder without anything else. For parts with packed.ts in their setup.

import { cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A new folder in which the package is installed. Remove it at the end. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-installed-"));
  cpSync(inject("packed").folder, folder, { recursive: true, verbatimSymlinks: true });
  return folder;
}

/** The same, including the examples. */
export function newFolderWithExamples(): string {
  const folder = newFolder();
  cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
  return folder;
}

/** Adds packages that the project itself has installed, including their dependencies. */
export function addPackages(folder: string, names: readonly string[]): void {
  for (const name of names) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
}
