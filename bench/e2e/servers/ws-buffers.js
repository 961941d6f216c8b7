import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => console.log(server.address().port));
server.on("connection", (connection) => {
  // The same handler as for wsframe/ws.
  connection.on("message", (data, isBinary) => connection.send(data, { binary: isBinary }));
});
