// Where the processor's time goes: a profile by V8, its own time split by what the code belongs to.

import { Session } from "node:inspector/promises";

/** Microseconds between two samples. */
const SAMPLING = 200;

/** By a part of the file's address; the first that fits. */
/** @type {readonly [owner: string, pattern: RegExp][]} */
const OWNERS = [
  ["Socket.IO", /node_modules\/(socket\.io|engine\.io|@socket\.io|debug)/],
  ["engine", /node_modules\/(ws|eiows)\/|\/dist\//],
  ["Node.js", /^node:/],
];

/** Of frames without a file: what V8 and Node.js do in native code, system calls with it. */
const NATIVE = "native code and system";

function ownerOf({ url, functionName }) {
  if (functionName === "(idle)") return undefined;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (url === "") return NATIVE;
  if (url.startsWith("wasm:")) return "engine";
  return OWNERS.find(([, pattern]) => pattern.test(url))?.[0] ?? "the rest";
}

/** In the process whose time it is. @returns {Promise<() => Promise<object>>} ends it, and resolves with a profile as V8 has it */
export async function startProfile() {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLING });
  await session.post("Profiler.start");
  return async () => (await session.post("Profiler.stop")).profile;
}

/** @returns {Record<string, number>} shares of the time that was not idle, by owner */
export function sharesOf(/** @type {any} */ { nodes, samples, timeDeltas }) {
  const owners = new Map(nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]));
  const times = {};
  let all = 0;
  for (const [i, id] of samples.entries()) {
    const owner = owners.get(id);
    if (!owner) continue;
    times[owner] = (times[owner] ?? 0) + timeDeltas[i];
    all += timeDeltas[i];
  }
  return Object.fromEntries(Object.entries(times).map(([owner, time]) => [owner, time / all]));
}
