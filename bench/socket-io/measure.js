// Measures one case on one engine, in separate processes.

import { start } from "./channel.js";

/** The first connections also cause one-time allocations. */
const FIRST = 1000;

/**
 * @param {string} engine see engines.js
 * @param {import("./cases.js").Case} one
 * @param {{ node: string, profiled: boolean }} settings
 * @returns {Promise<Record<string, number>>} per message or, for memory, per connection
 */
export async function measureOnce(engine, one, { node, profiled }) {
  const server = start("./server.js", [engine], { execPath: node, execArgv: ["--expose-gc"] });
  const load = engine === "none" ? server : start("./load.js", [String(await server.ask("port"))]);
  try {
    return await (one.work === "memory" ? memory(server, load, one) : processor(server, load, one, profiled));
  } finally {
    await Promise.all([server.stop(), load.stop()]);
  }
}

async function memory(server, load, { connections }) {
  await load.ask("open", { connections: FIRST });
  const before = await server.ask("memory");
  await load.ask("open", { connections: FIRST + connections });
  const after = await server.ask("memory");
  if (after.connections !== FIRST + connections) throw new Error(`${after.connections} connections are open`);
  const each = (key) => Math.round((after[key] - before[key]) / connections);
  return { heap: each("heap"), rss: each("rss") };
}

/** Measures microseconds of the server's processor time, and of elapsed time, per message on one connection. */
async function processor(server, load, one, profiled) {
  const { connections, messages, warmUp } = one;
  await load.ask("open", { connections });
  await work(server, load, one, warmUp);
  await server.ask("begin", { profiled });
  await work(server, load, one, messages);
  const { user, system, wall, profile } = await server.ask("end");
  const all = one.work === "broadcast" ? messages * connections : messages;
  const cpu = user + system;
  return { cpu: cpu / all, wall: wall / all, system: cpu === 0 ? 0 : system / cpu, ...(profiled && { profile }) };
}

/** Returns when every message has been answered or has reached all connections. */
async function work(server, load, { work: kind, size, perTurn }, messages) {
  if (kind === "echo") return load.ask("echo", { size, messages });
  await load.ask("expect", { size, messages });
  await server.ask("broadcast", { size, messages, perTurn });
  await load.ask("received");
}
