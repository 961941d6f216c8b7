// An echo server of ws, for clients that leave.
import { once } from "node:events";
import { WebSocketServer } from "ws";

const peer = new WebSocketServer({ port: 8080 });
peer.on("connection", (client) => {
  client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
  client.on("close", () => peer.close());
});
await once(peer, "listening");

// BLOCK
