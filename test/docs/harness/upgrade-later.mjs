// A known user, an unknown one, and one who resets the connection during the look-up.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { createConnection } from "node:net";
import { setTimeout } from "node:timers/promises";
import { WebSocket } from "ws";

// BLOCK

await once(server, "listening");
const socket = createConnection(8080, "localhost");
await once(socket, "connect");
socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
socket.resetAndDestroy();
await setTimeout(50);

const client = new WebSocket("ws://localhost:8080/", { headers: { cookie: "user=ada" } });
const [data] = await once(client, "message");
deepStrictEqual(String(data), "hello ada");
const [, response] = await once(new WebSocket("ws://localhost:8080/"), "unexpected-response");
deepStrictEqual(response.statusCode, 401);
process.exit();
