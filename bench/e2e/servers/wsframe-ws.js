import { WebSocketServer } from "wsframe/ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () =>
  console.log(/** @type {import("node:net").AddressInfo} */ (server.address()).port),
);
server.on("connection", (connection) => {
  // The handler that users of ws write. It gets a Buffer, while handlers of wsframe/node get a string.
  connection.on("message", (data, isBinary) => connection.send(data, { binary: isBinary }));
});
