// Packages of the tests that the project itself does without are installed when a part of the tests first wants them.

import { execSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";

/**
 * Installs what the lock of a folder says, unless what is there is as new. Where that fails, and CI is not set, it is missing.
 * @param {string} directory has a package.json and its lock
 * @param {string} what is installed, for the message: "The runtimes"
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
