// Starts and stops the Python peers in this directory, and connects them to our side.

import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Extension, ProtocolOptions } from "../../src/index.ts";
import { cleanUp, dial, type OurEnd, serve } from "../peers/support/ours.ts";
import { Queue } from "../peers/support/queue.ts";

/** Longer than any test takes, in ms. A leftover process exits by itself. */
const LIFETIME = 60_000;

/**
 * Reports in one line what is not tested because a Debian package is missing. In CI, every package must be installed.
 */
export function without(what: string, debianPackage: string): undefined {
  const line = `${what} is not installed (Debian package: ${debianPackage})`;
  if (process.env.CI) throw new Error(`All peers must be installed in CI: ${line}`);
  console.log(`Skipped: ${line}`);
}

/** A Python that has this module, or undefined with a printed line if there is none. */
export function pythonWith(module: string, debianPackage: string): string | undefined {
  for (const python of ["python3", "/usr/bin/python3"]) {
    if (spawnSync(python, ["-c", `import ${module}`], { timeout: 10_000 }).status === 0) return python;
  }
  return without(`python3 with ${module}`, debianPackage);
}

/** The options for a peer, passed as JSON on its command line. */
export interface PythonOptions {
  readonly subprotocols?: readonly string[];
  /** Undefined for no compression. The names are those of the parameters. */
  readonly deflate?: Record<string, number | boolean>;
}

/** A peer's report on a connection that has ended. */
export interface PythonReport {
  /** The code of the received Close, or null if there was none. */
  readonly code: number | null;
  readonly reason: string | null;
  readonly subprotocol: string | null;
  readonly pings: readonly string[];
  readonly pongs: readonly string[];
  /** The number of pieces of each message, if the library reports it. */
  readonly pieces?: readonly number[];
}

export interface Talk {
  readonly ours: OurEnd;
  /** Waits for the end of the connection. */
  report(): Promise<PythonReport>;
}

export interface OpenOptions {
  readonly subprotocols?: readonly string[];
  readonly extensions?: readonly Extension[];
  readonly protocol?: Partial<ProtocolOptions>;
  readonly pieces?: number;
  readonly theirs?: PythonOptions["deflate"];
}

/** Starts a script and returns the lines that it prints. */
function start(python: string, script: string, args: readonly string[]): Queue<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(python, ["-u", path, ...args], { stdio: ["ignore", "pipe", "inherit"], timeout: LIFETIME });
  const lines = new Queue<string>(`a line of ${script}`);
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  cleanUp(() => child.kill());
  return lines;
}

/** Opens a connection with a Python peer, which has the opposite role. */
export async function open(
  python: string,
  script: string,
  role: "server" | "client",
  { subprotocols = [], extensions, protocol, pieces, theirs }: OpenOptions = {},
): Promise<Talk> {
  const options: PythonOptions = { subprotocols, ...(theirs && { deflate: theirs }) };
  const reader = (lines: Queue<string>) => async () => JSON.parse(await lines.next()) as PythonReport;
  if (role === "client") {
    const lines = start(python, script, ["server", JSON.stringify(options)]);
    const url = `ws://127.0.0.1:${await lines.next()}/`;
    const ours = await dial(url, { pieces, protocol, request: { protocols: subprotocols, extensions } });
    return { ours, report: reader(lines) };
  }
  const { url, connections } = await serve({ pieces, protocol, accept: { protocols: subprotocols, extensions } });
  const lines = start(python, script, ["client", JSON.stringify(options), url]);
  return { ours: await connections.next(), report: reader(lines) };
}
