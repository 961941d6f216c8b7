// The same as an ES module.

import WebSocket, { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }, () => {
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  client.on("open", () => client.send("hello"));
  client.on("message", (data, isBinary) => {
    console.log(`${data}`, isBinary);
    client.close();
    server.close();
  });
});
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
