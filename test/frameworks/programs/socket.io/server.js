// A server for clients in other processes. It prints its port, and ends when its input does.
//
//   node server.js '{"redis": "<socket of a Redis>", "options": {<of the server>}}' [<folder of wsframe, for wsEngine>]
//
// It handles these events of clients, with an acknowledgement if the client asks for one:
//
//   echo value           acknowledges with the value
//   join room            acknowledges with the rooms of the socket
//   say room text        sends "said" with the text to the room, in all processes
//   ask                  sends "question" 20 to the client, and acknowledges with the client's answer
//   leave                disconnects the client
//   count room           acknowledges with the number of sockets in a room, in all processes
//   move from to         makes all sockets in a room join another
//   dismiss room         disconnects all sockets in a room
//   everybody            acknowledges with the answers of all clients to "who", in all processes
//   tell                 acknowledges with the answers of the other servers to "which"
//   how                  acknowledges with the transport, and the extensions of its WebSocket

import { createAdapter } from "@socket.io/redis-adapter";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createClient } from "redis";
import { Server } from "socket.io";
import { engineOptions, listen } from "./support.js";

const HTML =
  '<!doctype html><link rel="icon" href="data:,"><body>' +
  '<script src="/socket.io/socket.io.js"></script><script type="module" src="/page.js"></script>';

const { redis, options } = JSON.parse(process.argv[2] ?? "{}");

const page = readFileSync(new URL("page.js", import.meta.url));
const http = createServer((request, response) => {
  if (request.url === "/page.js") response.setHeader("content-type", "text/javascript").end(page);
  else response.setHeader("content-type", "text/html").end(HTML);
});
const io = new Server(http, { ...engineOptions(process.argv[3]), ...options });

const clients = [];
if (redis) {
  clients.push(createClient({ socket: { path: redis } }), createClient({ socket: { path: redis } }));
  await Promise.all(clients.map((client) => client.connect()));
  io.adapter(createAdapter(...clients));
}

io.on("serverWhich", (answer) => answer(process.pid));

io.on("connection", (socket) => {
  const none = () => {};
  socket.on("echo", (value, answer = none) => answer(value));
  socket.on("join", async (room, answer = none) => {
    await socket.join(room);
    answer([...socket.rooms].filter((name) => name !== socket.id));
  });
  socket.on("say", (room, text, answer = none) => {
    io.to(room).emit("said", text);
    answer();
  });
  socket.on("ask", async (answer = none) => answer(await socket.timeout(5000).emitWithAck("question", 20)));
  socket.on("leave", () => socket.disconnect());
  socket.on("count", async (room, answer = none) => answer((await io.in(room).fetchSockets()).length));
  socket.on("move", (from, to, answer = none) => {
    io.in(from).socketsJoin(to);
    answer();
  });
  socket.on("dismiss", (room) => io.in(room).disconnectSockets());
  socket.on("everybody", async (answer = none) => answer(await io.timeout(5000).emitWithAck("who")));
  socket.on("tell", async (answer = none) => answer(await io.serverSideEmitWithAck("serverWhich")));
  socket.on("how", (answer = none) =>
    answer([socket.conn.transport.name, socket.conn.transport.socket?.extensions ?? ""]),
  );
});

console.log(JSON.stringify({ port: await listen(http), pid: process.pid }));

process.stdin
  .on("end", async () => {
    await io.close();
    for (const client of clients) await client.close();
  })
  .resume();
