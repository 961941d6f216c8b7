// Raw sockets for the attacker, which count the bytes they send.

import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";
import { request } from "./frames.js";

/** The number of bytes sent over all sockets. */
export const counter = { sent: 0 };

/** Writes, and resolves when the system has accepted everything or the peer is gone. */
export function send(socket, bytes) {
  if (socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const gone = () => resolve(false);
    socket.once("close", gone);
    const before = socket.bytesWritten;
    socket.write(bytes, (error) => {
      socket.off("close", gone);
      if (!error) counter.sent += Math.min(bytes.length, Math.max(0, socket.bytesWritten - before));
      resolve(!error);
    });
  });
}

/** Sends the same bytes repeatedly in large writes, until `count` is reached or the peer is gone. */
export async function repeat(socket, bytes, count) {
  const perWrite = Math.max(1, Math.floor(262144 / bytes.length));
  const many = Buffer.alloc(perWrite * bytes.length, bytes);
  for (let left = count; left > 0; left -= perWrite) {
    const part = left >= perWrite ? many : many.subarray(0, left * bytes.length);
    if (!(await send(socket, part))) return false;
  }
  return true;
}

/** A socket to the victim. It also resolves if the connection fails. */
export function dial(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => {});
    socket.once("connect", () => resolve(socket));
    socket.once("close", () => resolve(socket));
  });
}

/** Resolves with the received head, or undefined if the socket closes before its end. */
function head(socket) {
  return new Promise((resolve) => {
    let text = "";
    const take = (chunk) => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", take);
      socket.pause();
      resolve(text.slice(0, end + 4));
    };
    socket.on("data", take);
    socket.once("close", () => resolve(undefined));
  });
}

/**
 * WebSocket connections to a server, with up to a few hundred handshakes at a time. They are paused, and resume()
 * reads.
 */
export async function open(port, count, lines = []) {
  const sockets = [];
  const bytes = request(lines);
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(200, count - sockets.length) }, async () => {
      const socket = await dial(port);
      counter.sent += bytes.length;
      socket.write(bytes);
      await head(socket);
      return socket;
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

/**
 * A server for clients to connect to, which completes the handshake and returns paused sockets.
 * @param {(socket: import("node:net").Socket, head: string) => boolean | void} [answer] sends another answer if it
 * returns true
 */
export async function listen(count, lines, answer) {
  const sockets = [];
  let complete;
  const all = new Promise((resolve) => (complete = resolve));
  const server = createServer({ noDelay: true }, async (socket) => {
    socket.on("error", () => {});
    const text = await head(socket);
    if (text === undefined) return;
    const [, key] = /Sec-WebSocket-Key: *(\S+)/i.exec(text) ?? [];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    if (!answer?.(socket, accept)) {
      const reply = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"];
      const bytes = [...reply, `Sec-WebSocket-Accept: ${accept}`, ...lines, "", ""].join("\r\n");
      counter.sent += bytes.length;
      socket.write(bytes);
    }
    sockets.push(socket);
    if (sockets.length === count) complete();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, sockets, all, close: () => server.close() };
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
