// A server and a client in one process: prints what came back.

const WebSocket = require("ws");

const server = new WebSocket.Server({ host: "127.0.0.1", port: 0 }, () => {
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
