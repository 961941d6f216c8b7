// The load processes of bench/e2e, which drive a server and count.

import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { writeRecordings } from "./recordings.js";

const run = promisify(execFile);
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/**
 * @typedef {object} Load
 * @property {number} connections
 * @property {number} size of a message, in bytes
 * @property {number} inFlight messages on each connection; for a broadcast, turns
 * @property {number} warmUp in milliseconds
 * @property {number} duration in milliseconds
 * @property {"text" | "binary"} [kind] the kind of message. Default text
 * @property {boolean} [tls]
 * @property {number} [rate] messages per second, whatever is in flight
 * @property {import("./recordings.js").Recordings} [recordings] messages compressed with permessage-deflate; `size` is
 * ignored
 * @property {number} [broadcast] messages that the server sends to every connection per turn
 */

/**
 * Times in milliseconds.
 * @typedef {{ p50: number, p90: number, p99: number, p999: number, max: number }} Percentiles
 */

/**
 * The results of a client: the number of answers, their time, and its own processor time, both in seconds. With a rate,
 * also how long answers took since their message was due, and how late the client sent it.
 * @typedef {{ messages: number, seconds: number, cpu: number, latency?: Percentiles, lateness?: Percentiles }} Found
 */

/** @typedef {(port: number, load: Load) => Promise<Found>} Client */

/**
 * The options that all clients share.
 * @param {Load} load
 */
function flags({ connections, size, inFlight, warmUp, duration, kind, rate }) {
  const all = {
    connections,
    size,
    ...(rate === undefined ? { "in-flight": inFlight } : { rate }),
    "warm-up": warmUp / 1000,
    duration: duration / 1000,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return kind === "binary" ? [...flags, "--binary"] : flags;
}

/** `wsframe load`, which can do everything except receive broadcasts and send recordings. @type {Client} */
export async function wsframeLoad(port, load) {
  const url = `${load.tls ? "wss" : "ws"}://127.0.0.1:${port}/`;
  const command = [path("../../dist/cli.js"), "load", url, "--json", ...flags(load)];
  if (load.tls) command.push("--insecure");
  const { stdout } = await run(process.execPath, command);
  const report = JSON.parse(stdout);
  if (!report.ok) throw new Error(`wsframe load: ${JSON.stringify(report.errors)}`);
  const { messages, seconds, latency } = report;
  return { messages, seconds, cpu: report.load.cpu * seconds, ...(load.rate !== undefined && { latency }) };
}

/**
 * A program with the command line of load.c.
 * @param {string} program
 * @param {readonly string[]} first its first arguments
 * @param {(recordings: import("./recordings.js").Recordings) => string} [fileOf] the path of a file with them
 * @returns {Client}
 */
function called(program, first, fileOf) {
  return async (port, load) => {
    const more = [];
    if (load.recordings) more.push("--recordings", fileOf?.(load.recordings) ?? "");
    if (load.tls) more.push("--tls");
    if (load.broadcast !== undefined) more.push("--broadcast", String(load.broadcast));
    const { stdout } = await run(program, [...first, "--port", String(port), ...flags(load), ...more]);
    return JSON.parse(stdout);
  };
}

/** A client made with ws as a user would write it, for text and messages in flight only. @type {Client} */
export const wsClient = called(process.execPath, [path("./ws-client.js")]);

/**
 * Builds load.c, which uses the least processor time.
 * @param {string} folder for the program
 * @returns {{ client: Client, tls: boolean } | undefined} the client, and whether it finds a libssl; undefined without
 * a C compiler (CC, or cc)
 */
export function buildC(folder) {
  const program = join(folder, "load");
  try {
    execFileSync(process.env.CC ?? "cc", ["-O2", "-o", program, path("./load.c"), "-ldl"], { stdio: "pipe" });
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  }
  return { client: called(program, [], recordingsIn(folder)), tls: canTls(program) };
}

/** Writes each file in a folder once. */
function recordingsIn(folder) {
  const files = new Map();
  return (recordings) => {
    const key = JSON.stringify(recordings);
    if (!files.has(key)) {
      const file = join(folder, `recordings-${files.size}`);
      writeRecordings(file, recordings);
      files.set(key, file);
    }
    return files.get(key);
  };
}

function canTls(program) {
  try {
    execFileSync(program, ["--can-tls"]);
    return true;
  } catch {
    return false;
  }
}
