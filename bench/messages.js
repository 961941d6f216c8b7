// Measures an echo server without its sockets.

import { Buffer } from "node:buffer";
import { asciiBytes, Chunks, flatStrings, frame, Random } from "./data.js";
import { CountingSocket, KeepingSocket, openDriver, Sender, WritingSocket, wsDecoder, wsframe } from "./peers.js";

const { Opcode, Protocol } = wsframe;
const CHUNK = 65536;
const STREAM = 1 << 20;
/** This many objects fit in the cache. */
const SMALL_CHUNKS = 4096;

/**
 * @typedef {object} EchoOptions
 * @property {"server" | "client"} role
 * @property {number} length the length of a text, in characters
 * @property {"events" | "sink" | "into"} how the form in which wsframe delivers messages; "into" also uses takeInto()
 * @property {boolean} [single] one message in each chunk
 * @property {boolean} [writing] whether the strings that ws writes are converted to bytes for each chunk, as in a socket
 */

/**
 * Text messages that arrive in chunks of 64 KiB and are sent back as strings.
 * @param {EchoOptions} options
 * @param {number} scale the fraction of the data to use, up to 1
 */
export function echoCase({ role, length, how, single, writing }, scale) {
  const random = new Random();
  const payloads = [];
  const frames = [];
  for (let size = 0; size < STREAM * scale;) {
    const payload = asciiBytes(random, length);
    const bytes = frame(Opcode.Text, payload, role === "server" ? random.bytes(4) : undefined);
    payloads.push(payload);
    frames.push(bytes);
    size += bytes.length;
    if (single && frames.length >= SMALL_CHUNKS) break;
  }
  const chunks = single ? new Chunks(frames) : Chunks.cut(Buffer.concat(frames), CHUNK);
  const subjects = {
    wsframe: wsframeSubject(role, how, chunks),
    ws: wsSubject(role, chunks, writing ? new WritingSocket() : new CountingSocket()),
    "websocket-driver": driverSubject(role, chunks),
  };
  verify(role, payloads, wsframeBytes(role, how, chunks));
  verify(role, payloads, wsBytes(role, chunks));
  const total = payloads.reduce((sum, one) => sum + one.length, 0);
  for (const subject of Object.values(subjects)) {
    const { take } = subject;
    subject.check = () => {
      const written = take();
      if (written < total + 2 * payloads.length || written > total + 14 * payloads.length) {
        throw new Error(`${written} bytes for ${payloads.length} messages`);
      }
    };
  }
  return { subjects, units: payloads.length, refresh: () => chunks.refresh() };
}

/** @returns {(chunk: Buffer) => void} answers the messages of a chunk; the bytes go to `write` */
function wsframeEcho(role, how, write) {
  const protocol = new Protocol({ role });
  if (how === "events") {
    return (chunk) => {
      for (const event of protocol.receive(chunk)) {
        if (event.type === "text") protocol.send(event.data);
      }
      for (const part of protocol.take()) write(part);
    };
  }
  const sink = {
    text(data) {
      protocol.send(data);
    },
    binary() {},
    ping() {},
    pong() {},
    error(error) {
      throw error;
    },
    close() {},
  };
  const output = new Uint8Array(4 * CHUNK);
  return (chunk) => {
    protocol.push(chunk, sink);
    if (how === "into") {
      for (let length; (length = protocol.takeInto(output)) > 0;) write(output.subarray(0, length));
    }
    for (const part of protocol.take()) write(part);
  };
}

function wsEcho(role, socket) {
  const sender = new Sender(socket);
  const options = { binary: false, mask: role === "client", fin: true, compress: false };
  return wsDecoder(role, (data) => sender.send(data.toString(), options));
}

function wsframeSubject(role, how, chunks) {
  let bytes = 0;
  const echo = wsframeEcho(role, how, (part) => {
    bytes += part.length;
  });
  return {
    run() {
      for (const chunk of chunks.buffers) echo(chunk);
    },
    take() {
      const written = bytes;
      bytes = 0;
      return written;
    },
  };
}

function wsSubject(role, chunks, socket) {
  const echo = wsEcho(role, socket);
  return {
    run() {
      for (const chunk of chunks.buffers) {
        echo(chunk);
        socket.flush?.();
      }
    },
    take: () => socket.take(),
  };
}

function driverSubject(role, chunks) {
  const driver = openDriver(role);
  let bytes = 0;
  driver.io.on("data", (chunk) => {
    bytes += chunk.length;
  });
  driver.on("message", (event) => driver.text(event.data));
  return {
    run() {
      for (const chunk of chunks.buffers) driver.parse(chunk);
    },
    take() {
      const written = bytes;
      bytes = 0;
      return written;
    },
  };
}

function wsframeBytes(role, how, chunks) {
  const parts = [];
  const echo = wsframeEcho(role, how, (part) => parts.push(Buffer.from(part)));
  chunks.refresh();
  for (const chunk of chunks.buffers) echo(chunk);
  return Buffer.concat(parts);
}

function wsBytes(role, chunks) {
  const socket = new KeepingSocket();
  const echo = wsEcho(role, socket);
  chunks.refresh();
  for (const chunk of chunks.buffers) echo(chunk);
  return Buffer.concat(socket.chunks);
}

/** Checks every message once, in order, with ws as the reader. */
function verify(role, payloads, bytes) {
  const kept = [];
  wsDecoder(role === "server" ? "client" : "server", (message) => kept.push(message.toString()))(Buffer.from(bytes));
  const expected = flatStrings(payloads);
  if (kept.length !== expected.length || !kept.every((message, i) => message === expected[i])) {
    throw new Error("The answer differs from the message");
  }
}
