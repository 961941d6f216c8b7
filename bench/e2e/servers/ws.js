import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { WebSocketServer } from "ws";
import { certificate } from "./certificate.js";
import { compressed } from "./compressed.js";

const server = certificate ? createSecureServer(certificate) : createServer();
const perMessageDeflate = compressed !== undefined && { threshold: 0 };
new WebSocketServer({ server, perMessageDeflate }).on("connection", (connection) => {
  // Sends strings, because the handlers of the other servers get strings.
  connection.on("message", (data, isBinary) => connection.send(isBinary ? data : data.toString()));
});
server.listen(0, "127.0.0.1", () => console.log(/** @type {import("node:net").AddressInfo} */ (server.address()).port));
