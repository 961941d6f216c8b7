// Load processes of bench/e2e: what drives a server, and counts.

import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * @typedef {object} Load
 * @property {number} connections
 * @property {number} size of a message, in bytes
 * @property {number} inFlight messages on each connection
 * @property {number} warmUp in milliseconds
 * @property {number} duration in milliseconds
 * @property {"text" | "binary"} [kind] of message. Default text
 */

/** What a client has found: answers, in so many seconds, and the seconds of processor time that it took itself. */
/** @typedef {{ messages: number, seconds: number, cpu: number }} Found */

/** @typedef {(port: number, load: Load) => Promise<Found>} Client */

/** @type {Client} */
export async function wsframeLoad(port, { connections, size, inFlight, warmUp, duration, kind = "text" }) {
  const options = { connections, size, "in-flight": inFlight, "warm-up": warmUp / 1000, duration: duration / 1000 };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (kind === "binary") args.push("--binary");
  const command = [path("../../dist/cli.js"), "load", `ws://127.0.0.1:${port}/`, "--json", ...args];
  const { stdout } = await run(process.execPath, command);
  const { ok, errors, messages, seconds, load } = JSON.parse(stdout);
  if (!ok) throw new Error(`wsframe load: ${JSON.stringify(errors)}`);
  return { messages, seconds, cpu: load.cpu * seconds };
}

/** What is called as load.c is. @returns {Client} */
function called(program, ...first) {
  return async (port, { connections, size, inFlight, warmUp, duration, kind = "text" }) => {
    const values = [port, connections, size, inFlight, warmUp, duration, kind];
    const { stdout } = await run(program, [...first, ...values].map(String));
    return JSON.parse(stdout);
  };
}

/** One made with ws, as a user of it would. @type {Client} */
export const wsClient = called(process.execPath, path("./ws-client.js"));

/**
 * load.c, which takes less of the processor than any other.
 * @param {string} folder for the program
 * @returns {Client | undefined} undefined where there is no C compiler: CC, or cc
 */
export function buildC(folder) {
  const program = join(folder, "load");
  try {
    execFileSync(process.env.CC ?? "cc", ["-O2", "-o", program, path("./load.c")], { stdio: "pipe" });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  }
  return called(program);
}
