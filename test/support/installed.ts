// The package as its users have it: packed, and installed in an empty folder.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** How long that may take, in milliseconds, on a machine that has other things to do. */
export const INSTALL_TIMEOUT = 60_000;

/**
 * A new folder with the package, as it has been built, installed in it, and the examples beside. Whoever asks for it removes it.
 */
export function installInNewFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-installed-"));
  try {
    // --ignore-scripts: dist/ is not built again, while others are using it.
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const packed = JSON.parse(npm(args, root)) as unknown;
    const [{ filename }] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as [{ filename: string }];
    writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
    npm(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], folder);
    cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  return folder;
}

/** Adds packages that the project itself has installed, with what they need. */
export function addPackages(folder: string, names: readonly string[]): void {
  for (const name of names) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
