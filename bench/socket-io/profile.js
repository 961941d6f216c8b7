// Where the processor's time goes: a profile by V8, its own time split by what the code belongs to.

import { Session } from "node:inspector/promises";

const SAMPLING = 200;

/** By a part of the file's address; the first that fits. */
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

export class Profile {
  #session = new Session();

  static async start() {
    const profile = new Profile();
    profile.#session.connect();
    await profile.#session.post("Profiler.enable");
    await profile.#session.post("Profiler.setSamplingInterval", { interval: SAMPLING });
    await profile.#session.post("Profiler.start");
    return profile;
  }

  /** @returns {Promise<Record<string, number>>} shares of the time that was not idle */
  async stop() {
    const { profile } = await this.#session.post("Profiler.stop");
    const owners = new Map(profile.nodes.map(({ id, callFrame }) => [id, ownerOf(callFrame)]));
    const times = {};
    let all = 0;
    profile.samples.forEach((id, i) => {
      const owner = owners.get(id);
      if (!owner) return;
      times[owner] = (times[owner] ?? 0) + profile.timeDeltas[i];
      all += profile.timeDeltas[i];
    });
    return Object.fromEntries(Object.entries(times).map(([owner, time]) => [owner, time / all]));
  }
}
