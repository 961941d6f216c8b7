import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => console.log(server.address().port));
server.on("connection", (connection) => {
  // As strings, which is what the other servers' handlers get.
  connection.on("message", (data, isBinary) => connection.send(isBinary ? data : data.toString()));
});
