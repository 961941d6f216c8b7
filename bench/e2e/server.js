// Servers of bench/e2e, each in a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const BUN = path("../../test/runtimes/node_modules/@oven/bun-linux-x64/bin/bun");
const DENO = path("../../test/runtimes/node_modules/@deno/linux-x64-glibc/deno");

/**
 * Those that this machine has, by name: what runs them.
 * @param {string} [node] the Node for those that run on it
 */
export function runtimes(node = process.execPath) {
  const all = { wsframe: node, ws: node, bun: BUN, deno: DENO };
  return Object.fromEntries(Object.entries(all).filter(([, runtime]) => existsSync(runtime)));
}

/** What a runtime wants before the name of a program. */
const BEFORE = { deno: ["run", "--quiet", "--allow-net"] };

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {() => number} cpu seconds of processor time up to now
 * @property {import("node:child_process").ChildProcess} child
 * @property {() => Promise<void>} stop
 */

/**
 * @param {string} name of a file in servers/
 * @param {string[]} [execArgv]
 * @param {string} [node] as for runtimes()
 * @returns {Promise<Server>}
 */
export async function startServer(name, execArgv = [], node = process.execPath) {
  const runtime = runtimes(node)[name];
  const args = [...(BEFORE[name] ?? []), ...execArgv, path(`./servers/${name}.js`)];
  const child = spawn(runtime, args, { stdio: ["ignore", "pipe", "inherit"] });
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

/** Ticks are hundredths of a second, on all Linux that there is. The name of the process may have spaces in it. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
