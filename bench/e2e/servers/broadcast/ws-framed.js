// Like Socket.IO with ws: makes the frame once and bypasses send().
import { Sender, WebSocket, WebSocketServer } from "ws";
import { turns } from "./turns.js";

const FRAME = { readOnly: false, mask: false, rsv1: false, opcode: 1, fin: true };

const ask = turns((text) => {
  const frame = Sender.frame(Buffer.from(text), FRAME);
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client._sender.sendFrame(frame);
  }
});
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => console.log(server.address().port));
server.on("connection", (connection) => connection.on("message", ask));
