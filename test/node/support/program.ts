// Servers in processes of their own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll } from "vitest";
import { atEnd, until } from "./watch.ts";

let folder = "";

/**
 * Bundles the sources as wsframe.mjs, a module for programs in other processes. Call it once for a file. Returns the
 * folder.
 */
export function bundleSources(): () => string {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "wsframe-"));
    await build({
      entryPoints: [fileURLToPath(new URL("../../../src/node/index.ts", import.meta.url))],
      outfile: join(folder, "wsframe.mjs"),
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "warning",
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

export interface Program {
  readonly process: ChildProcess;
  /** Its output so far. */
  readonly output: () => string;
  readonly errors: () => string;
  /** Its exit code, once it has exited. */
  readonly exited: Promise<number | null>;
}

/** Runs a program that imports "./wsframe.mjs", and waits for its first line. */
export async function run(source: string, limits: string = "true"): Promise<Program> {
  const file = join(folder, `program-${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(file, source);
  const child = spawn("sh", ["-c", `${limits}; exec "$0" "$1"`, process.execPath, file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  atEnd(() => {
    child.kill("SIGKILL");
    return exited;
  });
  await until(
    () => output.includes("\n"),
    () => `the program prints nothing, except ${errors}`,
  );
  return { process: child, output: () => output, errors: () => errors, exited };
}
