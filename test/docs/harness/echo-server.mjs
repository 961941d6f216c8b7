// An echo server of ws for clients. It does not keep the process alive when they have disconnected.
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const http = createServer().listen(8080).unref();
const peer = new WebSocketServer({ server: http });
peer.on("connection", (client) => {
  client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
});
await once(http, "listening");

// BLOCK
