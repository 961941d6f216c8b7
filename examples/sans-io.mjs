// How a framework with its own sockets uses wsframe: wsframe does the handshake and the messages, the framework reads and writes.
// Here the sockets are from node:net, and the application is an echo server. node examples/sans-io.mjs [port]

import { createServer } from "node:net";
import {
  acceptHandshake,
  CloseCode,
  Keepalive,
  perMessageDeflate,
  Protocol,
  rejectHandshake,
  RequestParser,
  serializeResponse,
} from "wsframe";

const HANDSHAKE_TIMEOUT = 10_000;
const LINGER = 1000;
const extensions = [perMessageDeflate()];
/** For each open connection, a function that closes it. */
const closers = new Set();

// allowHalfOpen: a peer that has ended its side may still wait for our last answers.
const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  const parser = new RequestParser();
  const timer = setTimeout(() => socket.destroy(), HANDSHAKE_TIMEOUT);
  socket.on("error", () => {}); // "close" follows
  socket.on("close", () => clearTimeout(timer));
  socket.on("end", () => socket.end());
  socket.on("data", function handshake(chunk) {
    const { answer, rest } = read(parser, chunk);
    if (answer === undefined) return;
    clearTimeout(timer);
    socket.off("data", handshake);
    socket.write(serializeResponse(answer)); // 101, or the rejection: 400, 405, 426, ...
    if (answer.accepted) open(socket, answer.extensions, rest);
    else end(socket);
  });
});

/** Returns the answer to a request, once its head is complete, and the bytes after the head. */
function read(parser, chunk) {
  try {
    const found = parser.push(chunk);
    return found ? { answer: acceptHandshake(found.request, { extensions }), rest: found.rest } : {};
  } catch (error) {
    return { answer: rejectHandshake({ error }) }; // a HandshakeError: the bytes are not a valid request
  }
}

/** Ends our side. The peer gets some time to read the last bytes before the socket is cut. */
function end(socket) {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once("close", () => clearTimeout(timer));
}

function open(socket, agreed, rest) {
  const protocol = new Protocol({ role: "server", extensions: agreed });
  const keepalive = new Keepalive(protocol, performance.now());
  // push() calls these methods instead of creating event objects.
  const sink = {
    text: (data) => protocol.send(data),
    binary: (data) => protocol.send(data),
    ping() {}, // the Pong is already queued
    pong() {},
    error: (error) => console.error(error.message),
    close() {},
  };

  /** Writes everything that is queued. While the socket is full, it stays in the protocol. */
  const flush = () => {
    if (socket.destroyed || socket.writableNeedDrain) return;
    socket.cork();
    for (const part of protocol.take()) socket.write(part);
    socket.uncork();
    if (protocol.streamEnd === "send" && !socket.writableEnded) end(socket);
    // Backpressure: do not read from a peer that does not read our answers.
    else if (socket.writableNeedDrain) socket.pause();
  };

  const receive = (chunk) => {
    protocol.push(chunk, sink, performance.now());
    flush();
  };
  const timer = setInterval(() => {
    for (const event of keepalive.tick(performance.now())) {
      if (event.type === "error") sink.error(event.error);
    }
    flush();
    if (keepalive.expired) socket.destroy();
  }, 1000);
  const close = () => {
    protocol.close(CloseCode.GoingAway);
    flush();
  };

  closers.add(close);
  socket.on("data", receive);
  socket.on("drain", () => {
    keepalive.alive(performance.now()); // the peer accepts our bytes, so it is alive even while we read nothing
    flush();
    if (!socket.writableNeedDrain) socket.resume();
  });
  socket.on("close", () => {
    clearInterval(timer);
    closers.delete(close);
  });
  if (rest.length > 0) receive(rest);
}

server.listen(Number(process.argv[2] ?? process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on ws://127.0.0.1:${server.address().port}`);
});

function shutDown() {
  server.close();
  for (const close of closers) close();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, shutDown);
