// `socket` has completed its handshake. ws, at the other end, has sent a text and a Ping.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import { acceptHandshake, serializeResponse } from "wsframe";
import { WebSocket } from "ws";

const http = createServer().listen(8080);
const client = new WebSocket("ws://localhost:8080");
client.on("open", () => {
  client.send("hello");
  client.ping("1");
});
const [request, socket] = await once(http, "upgrade");
socket.write(serializeResponse(acceptHandshake(request)));

// BLOCK

const [[message], [pong]] = await Promise.all([once(client, "message"), once(client, "pong")]);
deepStrictEqual([String(message), String(pong)], ["you said hello", "1"]);
process.exit();
