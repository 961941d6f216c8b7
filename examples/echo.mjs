// An echo server on node:http: handshake, compression and protocol of wsframe, the socket one's own.
// node examples/echo.mjs [port]

import { createServer } from "node:http";
import { acceptHandshake, Keepalive, perMessageDeflate, Protocol, serializeResponse } from "wsframe";

const extensions = [perMessageDeflate()];

export const server = createServer((request, response) => response.writeHead(426).end("WebSocket only\n"));

server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  const handshake = acceptHandshake(request, { extensions });
  socket.write(serializeResponse(handshake));
  if (!handshake.accepted) {
    socket.end();
    return;
  }

  const protocol = new Protocol({ role: "server", extensions: handshake.extensions });
  const keepalive = new Keepalive(protocol, performance.now());

  // All that is sent while a chunk is handled leaves in one write.
  const handle = (events) => {
    for (const event of events) {
      if (event.type === "text" || event.type === "binary") protocol.send(event.data);
      if (event.type === "error") console.error(event.error.message);
    }
    socket.cork();
    for (const part of protocol.take()) socket.write(part);
    socket.uncork();
    if (protocol.state === "closed") socket.end();
    if (keepalive.expired) socket.destroy();
  };

  const timer = setInterval(() => handle(keepalive.tick(performance.now())), 1000);
  socket.on("data", (chunk) => handle(protocol.receive(chunk, performance.now())));
  socket.on("end", () => handle(protocol.receiveEnd()));
  socket.on("close", () => clearInterval(timer));
  if (head.length > 0) handle(protocol.receive(head, performance.now()));
});

if (process.argv[1] === import.meta.filename) {
  server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
    console.log(`ws://127.0.0.1:${server.address().port}`);
  });
}
