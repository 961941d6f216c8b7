// Prints the memory of one compressed connection in bytes: node --expose-gc deflate-memory.js PEER CONNECTIONS STATE
// [WINDOW_BITS]
// Each connection has exchanged enough messages to fill its windows. PEER is wsframe or ws. STATE is "active" or
// "idle". In the state "idle", memory for compressing is released if that is possible. WINDOW_BITS is the client's
// window. It prints two numbers: heap and buffers, which include zlib's memory as far as V8 counts it, and the whole
// process, including memory that its allocator has not returned.

import { wsConnection, wsframeConnection } from "../deflate.js";
import { Recorded } from "../recorded.js";

const [, , peer, count, state, bits] = process.argv;
const connections = Number(count);
const windowBits = bits === undefined ? undefined : Number(bits);
/** Longer than the largest window (32 KiB). */
const recorded = new Recorded("json1k", 44, 0, windowBits);
const make = peer === "ws" ? wsConnection : wsframeConnection;
const kept = [];

async function settle() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { held: heapUsed + external, rss };
}

async function connect(many) {
  for (let i = 0; i < many; i++) {
    const connection = make({ windowBits });
    for (const frame of recorded.frames()) {
      const parts = await connection.answer(frame);
      if (parts.length === 0) throw new Error("Nothing was answered");
    }
    if (state === "idle") /** @type {any} */ (connection).protocol?.release();
    kept.push(connection);
  }
}

// Opens the same number of connections first and keeps them, so that one-time allocations and the allocator's reserves
// are not counted.
await connect(connections);
const before = await settle();
await connect(connections);
const after = await settle();
if (kept.length !== 2 * connections) throw new Error("Some connections are missing");
console.log(`${(after.held - before.held) / connections} ${(after.rss - before.rss) / connections}`);
