// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a server that it uses.
import { WebSocketServer } from "ws";
import { within } from "../programs/support.js";

const server = new WebSocketServer({ port: 8080 });
server.on("connection", (peer) => peer.on("message", (data) => peer.send(String(data))));

// BLOCK

await within("a message", new Promise((resolve) => socket.addEventListener("message", resolve)));
socket.close();
server.close();
