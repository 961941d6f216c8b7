import { WebSocketServer } from "wsframe/ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () =>
  console.log(/** @type {import("node:net").AddressInfo} */ (server.address()).port),
);
server.on("connection", (connection) => {
  // As users of ws write it. What is a string for wsframe/node's handlers is a Buffer here.
  connection.on("message", (data, isBinary) => connection.send(data, { binary: isBinary }));
});
