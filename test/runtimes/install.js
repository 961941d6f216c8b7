// The runtimes are a package of their own, installed when a part of the tests first wants them.

import { execSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = fileURLToPath(new URL(".", import.meta.url));

/** Installs the runtimes, unless what is there is as new as its lock. Where that fails, and CI is not set, they are missing. */
export default function installRuntimes() {
  const changed = (file) => statSync(`${directory}${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed("node_modules/.package-lock.json") >= changed("package-lock.json")) return;
  try {
    execSync("npm ci --no-audit --no-fund", { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    if (process.env.CI) throw error;
    console.log(`The runtimes could not be installed: ${error.message}`);
  }
}
