// A message from one of two clients reaches both.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { WebSocket as Client } from "ws";

// BLOCK

const clients = [new Client("ws://localhost:8080"), new Client("ws://localhost:8080")];
await Promise.all(clients.map((client) => once(client, "open")));
clients[0]?.send("hello");
for (const [data] of await Promise.all(clients.map((client) => once(client, "message")))) {
  deepStrictEqual(String(data), "hello");
}
process.exit();
