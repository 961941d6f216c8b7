// A page, a WebSocket, and a path without a WebSocket.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { WebSocket } from "ws";

// BLOCK

await once(server, "listening");
deepStrictEqual(await (await fetch("http://localhost:8080/")).text(), "a page\n");
const client = new WebSocket("ws://localhost:8080/chat", "chat");
await once(client, "open");
client.send("hello");
const [data] = await once(client, "message");
deepStrictEqual([client.protocol, String(data)], ["chat", "hello"]);
const [, response] = await once(new WebSocket("ws://localhost:8080/other"), "unexpected-response");
deepStrictEqual(response.statusCode, 404);
process.exit();
