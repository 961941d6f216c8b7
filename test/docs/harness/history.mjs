// Two clients in one room, one in another room, and one that arrives later and gets the history.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";

// BLOCK

/** @type {(room: string) => { client: WebSocket, heard: string[] }} */
const enter = (room) => {
  const client = new WebSocket(`ws://localhost:8080/rooms/${room}`);
  const heard = [];
  client.on("message", (data) => heard.push(String(data)));
  return { client, heard };
};
const until = async (isTrue) => {
  while (!isTrue()) await setTimeout(5);
};
const [ada, bob, eve] = [enter("one"), enter("one?token=secret"), enter("two")];
await Promise.all([ada, bob, eve].map(({ client }) => once(client, "open")));
for (let i = 0; i < 150; i++) ada.client.send(`message ${i}`);
await until(() => bob.heard.length === 150);
deepStrictEqual(ada.heard, bob.heard);
deepStrictEqual(eve.heard, []);

const late = enter("one");
await until(() => late.heard.length === 100);
deepStrictEqual(late.heard, bob.heard.slice(50));

// The longest history possible.
for (let i = 0; i < 100; i++) ada.client.send(String(i).padStart(4096));
await until(() => bob.heard.length === 250);
const last = enter("one");
await until(() => last.heard.length === 100);
deepStrictEqual(last.heard, bob.heard.slice(150));

const [, response] = await once(new WebSocket("ws://localhost:8080/elsewhere"), "unexpected-response");
deepStrictEqual(response.statusCode, 403);
eve.client.send(Buffer.of(1));
const [code] = await once(eve.client, "close");
deepStrictEqual(code, 1003);
for (const { client } of [ada, bob, late, last]) client.close();
await until(() => rooms.size === 0);
await server.close();
