// Starts the servers of bench/e2e, each in its own process.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const BUN = path("../../test/runtimes/node_modules/@oven/bun-linux-x64/bin/bun");
const DENO = path("../../test/runtimes/node_modules/@deno/linux-x64-glibc/deno");

/** The executable for a server, by the first part of its name: its path, and the arguments before the program. */
const RUNTIMES = {
  bun: [BUN],
  deno: [DENO, "run", "--quiet", "--allow-net", "--allow-read"],
};

const KEY_AND_CERTIFICATE = ["key", "cert"].map((name) => path(`../../test/fixtures/tls/${name}.pem`));

/** The program of uWebSockets, after it has been built. */
let uws;

/**
 * Builds the server of uWebSockets from the clone in UWS_DIR.
 * @param {string} folder for the program
 */
export function buildUws(folder) {
  const checkout = process.env.UWS_DIR;
  if (!checkout) return;
  const sockets = join(checkout, "uSockets");
  if (!existsSync(join(sockets, "uSockets.a"))) {
    throw new Error(`UWS_DIR: ${sockets} has not been built; see docs/benchmarks.md`);
  }
  const program = join(folder, "uws");
  const include = [join(checkout, "src"), join(sockets, "src")].map((each) => `-I${each}`);
  const link = [join(sockets, "uSockets.a"), "-lssl", "-lcrypto", "-lz", "-lpthread"];
  const options = ["-std=c++20", "-O3", "-flto"];
  const command = [...options, ...include, "-o", program, path("./servers/uws.cpp"), ...link];
  execFileSync(process.env.CXX ?? "c++", command, { stdio: ["ignore", "inherit", "inherit"] });
  uws = program;
}

/**
 * The program and arguments that start a server, or undefined if its runtime is not installed.
 * @param {string} variant a file name in servers/ or servers/broadcast/; after a colon, how it compresses
 * @param {{ broadcast?: number }} work
 * @param {string} node the Node for those that run on it
 */
function command(variant, { broadcast }, node) {
  const [name] = variant.split(":");
  if (name === "uws") return uws && [uws];
  const [runtime, ...before] = RUNTIMES[name.split("-")[0]] ?? [node];
  if (!existsSync(runtime)) return undefined;
  return [runtime, ...before, path(`./servers/${broadcast === undefined ? "" : "broadcast/"}${name}.js`)];
}

/**
 * The servers in a list that this machine can start.
 * @param {readonly string[]} names
 * @param {string} [node] as for startServer()
 */
export function available(names, node = process.execPath) {
  return names.filter((name) => command(name, {}, node) !== undefined);
}

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {() => number} cpu seconds of processor time so far
 * @property {import("node:child_process").ChildProcess} child
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} name a file name in servers/; after a colon, how it compresses: "bun:dedicated"
 * @param {{ tls?: boolean, broadcast?: number, size?: number, compressed?: boolean }} [work] by default, it echoes without TLS.
 *   `broadcast` is the number of messages per turn, `size` their length in bytes
 * @param {string} [node] the Node for those that run on it
 * @returns {Promise<Server>}
 */
export async function startServer(name, work = {}, node = process.execPath) {
  const [program, ...args] = command(name, work, node);
  if (work.tls) args.push("--tls", ...KEY_AND_CERTIFICATE);
  if (work.compressed) args.push("--compressed", name.split(":")[1] ?? "default");
  if (work.broadcast !== undefined) args.push("--broadcast", String(work.broadcast), "--size", String(work.size));
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const line = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  const port = Number(line[0]);
  if (child.exitCode !== null || !(port > 0)) throw new Error(`The server ${name} did not start`);
  return {
    port,
    cpu: () => cpuOf(child.pid),
    child,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** A tick is a hundredth of a second on practically every Linux. The name of the process may contain spaces. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
