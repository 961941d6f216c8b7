import { WebSocket, WebSocketServer } from "ws";
import { turns } from "./turns.js";

// The loop from the README of ws.
const ask = turns((text) => {
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(text);
  }
});
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => console.log(server.address().port));
server.on("connection", (connection) => connection.on("message", ask));
