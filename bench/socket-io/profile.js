// Shows where the processor time goes, with a V8 profile whose self time is grouped by the owner of the code.

import { Session } from "node:inspector/promises";

/** Microseconds between two samples. */
const SAMPLING = 200;

/** The owners of code by a part of the file's URL. The first match counts. */
/** @type {readonly [owner: string, pattern: RegExp][]} */
const OWNERS = [
  ["Socket.IO", /node_modules\/(socket\.io|engine\.io|@socket\.io|debug)/],
  ["engine", /node_modules\/(ws|eiows)\/|\/dist\//],
  ["Node.js", /^node:/],
];

/** The owner of frames without a file: native code of V8 and Node.js, including system calls. */
const NATIVE = "native code and system";

function ownerOf({ url, functionName }) {
  if (functionName === "(idle)") return undefined;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (url === "") return NATIVE;
  if (url.startsWith("wasm:")) return "engine";
  return OWNERS.find(([, pattern]) => pattern.test(url))?.[0] ?? "the rest";
}

/** Runs in the profiled process. @returns {Promise<() => Promise<object>>} a function that ends the profile and resolves with it */
export async function startProfile() {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLING });
  await session.post("Profiler.start");
  return async () => (await session.post("Profiler.stop")).profile;
}

/** @returns {Record<string, number>} shares of the busy time, by owner */
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
