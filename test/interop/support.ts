// Starts the Python peers of this directory, connects them to ours, and stops them.

import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Extension, ProtocolOptions } from "../../src/index.ts";
import { cleanUp, dial, type OurEnd, serve } from "../peers/support/ours.ts";
import { Queue } from "../peers/support/queue.ts";

/** Longer than any test takes: what is left over ends by itself. */
const LIFETIME = 60_000;

/** Says in one line what is not tested for want of a Debian package. In CI nothing may be wanting. */
export function without(what: string, debianPackage: string): undefined {
  const line = `there is no ${what} here: Debian's package is ${debianPackage}`;
  if (process.env.CI) throw new Error(`In CI no peer may be missing, and ${line}`);
  console.log(`Skipped, for ${line}`);
}

/** The Python that has this module; undefined if there is none, which is said in one line. */
export function pythonWith(module: string, debianPackage: string): string | undefined {
  for (const python of ["python3", "/usr/bin/python3"]) {
    if (spawnSync(python, ["-c", `import ${module}`], { timeout: 10_000 }).status === 0) return python;
  }
  return without(`python3 with ${module}`, debianPackage);
}

/** What a peer is told, as JSON on its command line. */
export interface PythonOptions {
  readonly subprotocols?: readonly string[];
  /** Undefined for no compression. The names are those of the parameters. */
  readonly deflate?: Record<string, number | boolean>;
}

/** What a peer says of a connection when that has ended. */
export interface PythonReport {
  /** Of the Close that came; null for none. */
  readonly code: number | null;
  readonly reason: string | null;
  readonly subprotocol: string | null;
  readonly pings: readonly string[];
  readonly pongs: readonly string[];
  /** How each message came, where the library tells: the number of its pieces. */
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

/** Starts a script. What it prints comes line by line. */
function start(python: string, script: string, args: readonly string[]): Queue<string> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(python, ["-u", path, ...args], { stdio: ["ignore", "pipe", "inherit"], timeout: LIFETIME });
  const lines = new Queue<string>(`a line of ${script}`);
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  cleanUp(() => child.kill());
  return lines;
}

/** Opens a connection with a Python peer, whose role is the other one of ours. */
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
