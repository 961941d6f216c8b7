// Prints the bytes that one idle compressed connection holds: node --expose-gc deflate-memory.js PEER CONNECTIONS
// Each has exchanged enough messages to fill its windows. Of the whole process: zlib's memory is not V8's.

import { jsonMessage, wsConnection, wsframeConnection } from "../deflate.js";
import { Random } from "../data.js";
import { wsframe } from "../peers.js";

const [, , peer, count] = process.argv;
const connections = Number(count);
const messages = 40;
const random = new Random();
const client = new wsframe.Protocol({
  role: "client",
  extensions: [wsframe.perMessageDeflate({ threshold: 0 })],
});
for (let i = 0; i < messages; i++) client.send(jsonMessage(random));
const stream = Buffer.concat(client.take());

async function settle() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

const make = peer === "ws" ? wsConnection : wsframeConnection;
const kept = [];

async function connect(many) {
  for (let i = 0; i < many; i++) {
    const connection = make();
    const parts = await connection(Buffer.from(stream), messages);
    if (parts.length === 0) throw new Error("Nothing was answered");
    kept.push(connection);
  }
}

// As many again before, which stay: what the process takes once, and what its allocator keeps of the work, is not counted.
await connect(connections);
const before = await settle();
await connect(connections);
const after = await settle();
if (kept.length !== 2 * connections) throw new Error("Not all are there");
console.log(String((after - before) / connections));
