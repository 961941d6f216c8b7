// Runs npm in tests.

import { execFileSync } from "node:child_process";

/** Runs npm in a folder and returns its output. @throws Error with its output if it fails */
export function npm(args: readonly string[], cwd: string): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
