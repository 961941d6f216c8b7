// WebSocket and Express on one port: Express handles the requests, and upgrade() handles the upgrades.
// node examples/express.mjs [port]; curl -X POST -d "hello" -H "Content-Type: text/plain" localhost:8080/announce

import express from "express";
import { perMessageDeflate, PreparedMessage, rejectHandshake } from "wsframe";
import { reject, upgrade } from "wsframe/node";

const connections = new Set();
const extensions = [perMessageDeflate()];

const app = express();
app.get("/", (_request, response) => response.send("WebSocket is at /live\n"));
app.get("/connections", (_request, response) => response.json({ open: connections.size }));
app.post("/announce", express.text(), (request, response) => {
  if (typeof request.body !== "string") return response.sendStatus(415);
  const message = new PreparedMessage(request.body);
  for (const connection of connections) connection.send(message);
  return response.json({ sentTo: connections.size });
});

const port = Number(process.argv[2] ?? process.env.PORT ?? 8080);
const server = app.listen(port, "127.0.0.1", (error) => {
  if (error) throw error;
  console.log(`listening on ws://127.0.0.1:${server.address().port}/live`);
});

// Express never sees an upgrade, so check its path and access rights here.
server.on("upgrade", (request, socket, head) => {
  const [pathname] = request.url.split("?", 1);
  if (pathname !== "/live") return reject(socket, rejectHandshake({ status: 404 }));
  const connection = upgrade(request, socket, head, { extensions });
  if (!connection) return undefined; // upgrade() has refused it and sent a response
  connections.add(connection);
  connection.on("message", (data) => connection.send(data));
  connection.on("error", (error) => console.error(error.message));
  return connection.on("close", () => connections.delete(connection));
});

function shutDown() {
  server.close();
  for (const connection of connections) connection.close(1001);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, shutDown);
