import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { WebSocketServer } from "ws";
import { certificate } from "./certificate.js";

const server = certificate ? createSecureServer(certificate) : createServer();
new WebSocketServer({ server }).on("connection", (connection) => {
  // As strings, which is what the other servers' handlers get.
  connection.on("message", (data, isBinary) => connection.send(isBinary ? data : data.toString()));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
