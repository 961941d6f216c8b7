// More connections than one address may open, and more messages per second than one connection may send.
import { deepStrictEqual, ok } from "node:assert";
import { on, once } from "node:events";
import { WebSocket } from "ws";

// BLOCK

const enter = async () => {
  const client = new WebSocket("ws://localhost:8080");
  await once(client, "open");
  return client;
};
const clients = await Promise.all(Array.from({ length: 10 }, enter));
const [, response] = await once(new WebSocket("ws://localhost:8080"), "unexpected-response");
deepStrictEqual([response.statusCode, response.headers["retry-after"]], [429, "60"]);

clients[0]?.close();
await once(clients[0], "close");
while (server.connections.size > 9) await setTimeout(5);
clients[0] = await enter();

// The first 50 come back immediately, the next ten one after another.
const began = performance.now();
for (let i = 0; i < 60; i++) clients[1]?.send(String(i));
const heard = [];
for await (const [data] of on(clients[1], "message")) {
  if (heard.push(String(data)) === 60) break;
}
const time = performance.now() - began;
deepStrictEqual(
  heard,
  Array.from({ length: 60 }, (_, i) => String(i)),
);
ok(time > 400 && time < 2000, `${time} ms`);

// One sends far too much and leaves: the process ends by itself, not a minute later.
for (let i = 0; i < 1200; i++) clients[2]?.send(String(i));
await setTimeout(100);
clients[2]?.terminate();
while (server.connections.size > 9) await setTimeout(5);
await server.close();
