// Finds the runtimes and runs programs on them.

import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";

const modules = fileURLToPath(new URL("node_modules/", import.meta.url));

/**
 * Longer than any program takes, in ms. A program that does not exit by itself after closing everything is a failure
 * too.
 */
const LIMIT = 50_000;

/** An installed runtime. */
export interface Runtime {
  readonly executable: string;
  readonly version: string;
}

/** Reports in one line what is skipped and why. In CI, nothing may be missing. */
export function missing(name: string, why: string): undefined {
  if (process.env["CI"]) throw new Error(`${name} is missing: ${why}`);
  console.log(`Skipped: ${name} is missing (${why})`);
  return undefined;
}

/** The runtime whose executable prints its version, or undefined if there is none. */
export function findRuntime(name: string, executable: string, version: RegExp): Runtime | undefined {
  const path = executable.startsWith("/") ? executable : join(modules, executable);
  try {
    const told = execFileSync(path, ["--version"], { encoding: "utf8", timeout: 20_000, stdio: "pipe" });
    const found = version.exec(told)?.[0];
    return found === undefined ? missing(name, `it reports ${told.trim()}`) : { executable: path, version: found };
  } catch (error) {
    return missing(name, (error as Error).message.split("\n", 1)[0]!);
  }
}

/** Runs a program in the folder of the package. Resolves with the JSON in the last line that it prints. */
export function run(executable: string, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { cwd: inject("folder"), timeout: LIMIT, maxBuffer: 1 << 26 };
    execFile(executable, args, options, (error, stdout, stderr) => {
      if (error) {
        const why = error.killed ? `did not end within ${LIMIT} ms` : `ended with ${error.code}`;
        reject(new Error(`${executable} ${args.join(" ")} ${why}\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`));
      } else {
        resolve(JSON.parse(stdout.trimEnd().split("\n").at(-1)!));
      }
    });
  });
}
