// Installs packages that only some parts of the tests need, when such a part first runs.

import { execSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";

/**
 * Installs the packages in a folder's lock, unless they are up to date. If that fails and CI is not set, the packages
 * are missing.
 * @param {string} directory a folder with a package.json and its lock
 * @param {string} what the name for the message, such as "The runtimes"
 */
export function install(directory, what) {
  const changed = (file) => statSync(join(directory, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changed("node_modules/.package-lock.json") >= changed("package-lock.json")) return;
  try {
    execSync("npm ci --no-audit --no-fund", { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    if (process.env.CI) throw error;
    console.log(`${what} could not be installed: ${error.message}`);
  }
}
