// HTTP/2 frames (RFC 9113) made by hand.

import { connect } from "node:tls";
import { counter } from "./wire.js";

const TYPES = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 };

/** One frame: 24 bits of length, type, flags, stream. */
export function frame(type, { flags = 0, stream = 0, payload = Buffer.alloc(0) } = {}) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const PREFACE = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame("settings")]);

const text = (value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
/** A field without indexing. Its name is from the static table or given literally (RFC 7541 §6.2.2). */
const field = (name, value) =>
  Buffer.concat([
    typeof name === "number" ? Buffer.from([name]) : Buffer.concat([Buffer.from([0]), text(name)]),
    text(value),
  ]);

const CONNECT = Buffer.concat([
  field(2, "CONNECT"),
  field(":protocol", "websocket"),
  Buffer.from([0x87]), // :scheme https
  Buffer.from([0x84]), // :path /
  field(1, "localhost"),
  field("sec-websocket-version", "13"),
]);

/** A request for WebSocket (RFC 8441 §5) on this stream. The first stream is 1. */
export function connectRequest(stream) {
  return frame("headers", { flags: 4, stream, payload: CONNECT });
}

export function reset(stream) {
  return frame("reset", { stream, payload: Buffer.from([0, 0, 0, 8]) });
}

/** A session: TLS and the preface. Received data is dropped, unless the session is paused. */
export function openSession(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", ALPNProtocols: ["h2"], rejectUnauthorized: false });
    socket.on("error", () => {});
    socket.on("close", () => resolve(socket));
    socket.on("secureConnect", () => {
      counter.sent += PREFACE.length;
      socket.write(PREFACE);
      socket.resume();
      resolve(socket);
    });
  });
}
