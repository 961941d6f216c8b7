// An echo server on Bun's own sockets. Their callbacks pass the bytes to and from a Protocol.
// bun examples/bun.mjs [port]

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
const connections = new Set();

class Connection {
  #socket;
  #parser = new RequestParser();
  /** When to cut the socket: first the limit for the handshake, later the limit for the end. */
  #deadline = performance.now() + HANDSHAKE_TIMEOUT;
  #protocol;
  #keepalive;
  /** Bytes that the socket has not accepted yet. */
  #unsent = [];
  #ending = false;

  constructor(socket) {
    this.#socket = socket;
  }

  receive(chunk) {
    if (this.#ending) return;
    if (this.#protocol) this.#protocol.push(chunk, this, performance.now());
    else this.#handshake(chunk);
    this.flush();
  }

  // This object is the sink of the protocol: push() calls this method and the next five.
  text(data) {
    this.#protocol.send(data);
  }
  binary(data) {
    this.#protocol.send(data);
  }
  ping() {} // the Pong is already queued
  pong() {}
  error(error) {
    console.error(error.message);
  }
  close() {}

  #handshake(chunk) {
    const { answer, rest } = this.#read(chunk);
    if (!answer) return;
    this.#unsent.push(serializeResponse(answer)); // 101, or the rejection: 400, 405, 426, ...
    if (!answer.accepted) return this.#end();
    this.#deadline = Infinity;
    this.#protocol = new Protocol({ role: "server", extensions: answer.extensions });
    this.#keepalive = new Keepalive(this.#protocol, performance.now());
    this.#protocol.push(rest, this, performance.now());
  }

  /** Returns the answer to a request, once its head is complete, and the bytes after the head. */
  #read(chunk) {
    try {
      const found = this.#parser.push(chunk);
      return found ? { answer: acceptHandshake(found.request, { extensions }), rest: found.rest } : {};
    } catch (error) {
      return { answer: rejectHandshake({ error }) }; // a HandshakeError: the bytes are not a valid request
    }
  }

  /** Writes the queued bytes. If the socket does not accept all of them, stops reading from the client until it does. */
  flush() {
    for (;;) {
      if (this.#unsent.length === 0) this.#unsent = this.#protocol?.take() ?? [];
      const [part] = this.#unsent;
      if (part === undefined) break;
      const written = this.#socket.write(part);
      if (written < 0) {
        this.#socket.terminate(); // the client has gone
        return;
      }
      if (written < part.length) {
        this.#unsent[0] = part.subarray(written);
        this.#socket.pause();
        return;
      }
      this.#unsent.shift();
    }
    if (this.#protocol?.streamEnd === "send" && !this.#ending) this.#end();
    if (this.#ending) this.#socket.shutdown(); // everything has been written, so our side ends
    this.#socket.resume();
  }

  drained() {
    this.#keepalive?.alive(performance.now()); // the client accepts our bytes, so it is alive even while we read nothing
    this.flush();
  }

  /** The client has ended its side. Writes the rest, and ends our side. */
  receiveEnd() {
    this.#protocol?.pushEnd(this);
    if (!this.#ending) this.#end();
    this.flush();
  }

  tick(now) {
    for (const event of this.#keepalive?.tick(now) ?? []) if (event.type === "error") this.error(event.error);
    this.flush();
    if (this.#keepalive?.expired || now > this.#deadline) this.#socket.terminate();
  }

  goAway() {
    if (this.#protocol) this.#protocol.close(CloseCode.GoingAway);
    else this.#end();
    this.flush();
  }

  /** Ends our side when everything is written. The client gets some time to read it before the socket is cut. */
  #end() {
    this.#ending = true;
    this.#deadline = performance.now() + LINGER;
  }
}

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: Number(process.argv[2] ?? process.env.PORT ?? 8080),
  allowHalfOpen: true,
  socket: {
    open(socket) {
      socket.setNoDelay(true);
      connections.add((socket.data = new Connection(socket)));
    },
    data: (socket, chunk) => socket.data.receive(chunk),
    drain: (socket) => socket.data.drained(),
    end: (socket) => socket.data.receiveEnd(),
    close: (socket) => connections.delete(socket.data),
    error: (socket, error) => console.error(error.message),
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);

const timer = setInterval(() => {
  for (const connection of connections) connection.tick(performance.now());
}, 1000);

function shutDown() {
  server.stop();
  timer.unref(); // the process ends when the last socket has closed
  for (const connection of connections) connection.goAway();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, shutDown);
