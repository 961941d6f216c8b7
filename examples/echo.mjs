// An echo server on nothing but node:http and wsframe's frame layer: node examples/echo.mjs [port]
// Every message of a chunk is answered with one write.

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { FrameDecoder, FrameEncoder, Opcode, WebSocketError } from "wsframe";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export const server = createServer((request, response) => response.writeHead(426).end("WebSocket only\n"));

server.on("upgrade", (request, socket, head) => {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );

  const decoder = new FrameDecoder({ role: "server" });
  const encoder = new FrameEncoder({ role: "server" });

  const answer = (frame) => {
    if (frame.opcode === Opcode.Ping) encoder.pong(frame.payload);
    else if (frame.opcode !== Opcode.Pong) encoder.frame(frame);
  };

  const receive = (chunk) => {
    try {
      decoder.decode(chunk).forEach(answer);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      error.frames.forEach(answer);
      encoder.close(error.closeCode, error.message);
    }
    socket.cork();
    for (const part of encoder.take()) socket.write(part);
    socket.uncork();
    if (decoder.closed || decoder.error) socket.end();
  };

  socket.on("error", () => socket.destroy());
  socket.on("data", receive);
  if (head.length > 0) receive(head);
});

if (process.argv[1] === import.meta.filename) {
  server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
    console.log(`ws://127.0.0.1:${server.address().port}`);
  });
}
