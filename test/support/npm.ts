// npm, for tests.

import { execFileSync } from "node:child_process";

/** Runs npm in a folder; returns what it prints. @throws Error with what it says, if it fails */
export function npm(args: readonly string[], cwd: string): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
