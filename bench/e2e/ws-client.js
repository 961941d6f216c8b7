// A load made with ws: node bench/e2e/ws-client.js --port N --connections N --size BYTES --in-flight N --warm-up
// SECONDS --duration SECONDS
//
// Each connection keeps a number of messages in flight and compares the answers. The output is that of load.c.

import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { WebSocket } from "ws";

const names = ["port", "connections", "size", "in-flight", "warm-up", "duration"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const [port, connections, size, inFlight, warmUp, duration] = names.map((name) => Number(values[name]));
const PERIOD = 64;
const texts = Array.from({ length: PERIOD }, (_, i) =>
  Array.from({ length: size }, (_, j) => String.fromCharCode(97 + ((i * 7 + j * 3) % 26))).join(""),
);
const due = texts.map((text) => Buffer.from(text));

let messages = 0;
const open = Array.from({ length: connections }, async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  let sent = 0;
  let received = 0;
  socket.on("message", (data) => {
    if (!due[received++ % PERIOD].equals(/** @type {Buffer} */ (data))) throw new Error("unexpected data");
    messages++;
    socket.send(texts[sent++ % PERIOD]);
  });
  await once(socket, "open");
  return () => {
    while (sent < inFlight) socket.send(texts[sent++ % PERIOD]);
  };
});
for (const start of await Promise.all(open)) start();
await delay(warmUp * 1000);
const before = { messages, time: performance.now(), cpu: process.cpuUsage() };
await delay(duration * 1000);
const seconds = (performance.now() - before.time) / 1000;
const { user, system } = process.cpuUsage(before.cpu);
console.log(JSON.stringify({ messages: messages - before.messages, seconds, cpu: (user + system) / 1e6 }));
process.exit();
