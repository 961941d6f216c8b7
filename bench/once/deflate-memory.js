// Prints the bytes that one compressed connection holds: node --expose-gc deflate-memory.js PEER CONNECTIONS STATE [WINDOW_BITS]
// Each has exchanged enough messages to fill its windows. PEER is wsframe or ws. STATE is "active" or "idle": what it keeps to
// compress with is released then, where that is possible. WINDOW_BITS are those of what the client sends.
// Two numbers: of heap and buffers, which zlib's memory is part of, and of the whole process, with what its allocator has not given back.

import { wsConnection, wsframeConnection } from "../deflate.js";
import { Recorded } from "../recorded.js";

const [, , peer, count, state, bits] = process.argv;
const connections = Number(count);
const windowBits = bits === undefined ? undefined : Number(bits);
/** 44 KB: the window is 32 KiB at most. */
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

// As many again before, which stay: what the process takes once, and what its allocator keeps of the work, is not counted.
await connect(connections);
const before = await settle();
await connect(connections);
const after = await settle();
if (kept.length !== 2 * connections) throw new Error("Not all are there");
console.log(`${(after.held - before.held) / connections} ${(after.rss - before.rss) / connections}`);
