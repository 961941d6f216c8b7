// Measures encoding: messages in, bytes out.

import { Buffer } from "node:buffer";
import { asciiBytes, flatStrings, Random } from "./data.js";
import {
  CountingSocket,
  driverDecoder,
  KeepingSocket,
  openDriver,
  Sender,
  WritingSocket,
  wsDecoder,
  wsframe,
} from "./peers.js";

const { FrameEncoder, PreparedMessage } = wsframe;

/**
 * @typedef {object} EncodeOptions
 * @property {"server" | "client"} role
 * @property {"text" | "binary"} type
 * @property {number} length the length of a payload
 * @property {number} batch the number of frames between two calls of take()
 * @property {boolean} [writing] whether the strings that ws writes are converted to bytes, as in a socket
 */

/** @param {EncodeOptions} options */
function input({ type, length }, scale) {
  const random = new Random();
  const count = Math.ceil(Math.min(8000, (4 << 20) / length) * scale);
  const payloads = [];
  for (let i = 0; i < count; i++) payloads.push(type === "text" ? asciiBytes(random, length) : random.bytes(length));
  return payloads;
}

/**
 * A case of encoding.
 * @param {EncodeOptions} options
 * @param {number} scale the fraction of the data to use, up to 1
 */
export function encodingCase(options, scale) {
  const { role, type, batch, writing } = options;
  const payloads = input(options, scale);
  const data = type === "text" ? flatStrings(payloads) : payloads;
  const binary = type === "binary";
  const subjects = {
    wsframe: wsframeSubject(new FrameEncoder({ role }), data, batch),
    ws: wsSubject(role, data, binary, writing ? batch : undefined),
    "websocket-driver": driverSubject(role, data, binary),
  };

  const large = binary && role === "server" && data[0].length >= 4096;
  if (large) proveNoCopy(data[0]);
  verify("wsframe", role, wsframeBytes(role, data, batch), data);
  verify("ws", role, wsBytes(role, data, binary), data);
  verify("websocket-driver", role, driverBytes(role, data, binary), data);
  return { subjects, units: data.length };
}

/** Throws unless take() returns the very Uint8Array that was passed in. */
function proveNoCopy(payload) {
  const encoder = new FrameEncoder({ role: "server" });
  encoder.binary(payload);
  const taken = encoder.take();
  if (taken.length !== 2 || taken[1] !== payload) throw new Error("The payload was copied");
}

function send(encoder, data) {
  if (typeof data === "string") encoder.text(data);
  else encoder.binary(data);
}

function wsframeSubject(encoder, data, batch) {
  const written = { bytes: 0 };
  const text = typeof data[0] === "string";
  const run = () => {
    for (let i = 0; i < data.length;) {
      const end = Math.min(i + batch, data.length);
      if (text) for (; i < end; i++) encoder.text(data[i]);
      else for (; i < end; i++) encoder.binary(data[i]);
      for (const part of encoder.take()) written.bytes += part.length;
    }
  };
  return { run, check: checker(data, () => reset(written)) };
}

function wsSubject(role, data, binary, flushEvery) {
  const socket = flushEvery === undefined ? new CountingSocket() : new WritingSocket();
  const sender = new Sender(socket);
  const options = { binary, mask: role === "client", fin: true, compress: false };
  const run =
    flushEvery === undefined
      ? () => {
          for (let i = 0; i < data.length; i++) sender.send(data[i], options);
        }
      : () => {
          for (let i = 0; i < data.length;) {
            const end = Math.min(i + flushEvery, data.length);
            for (; i < end; i++) sender.send(data[i], options);
            /** @type {WritingSocket} */ (socket).flush();
          }
        };
  return { run, check: checker(data, () => socket.take()) };
}

function driverSubject(role, data, binary) {
  const driver = openDriver(role);
  const written = { bytes: 0 };
  driver.io.on("data", (chunk) => {
    written.bytes += chunk.length;
  });
  const run = () => {
    for (let i = 0; i < data.length; i++) {
      if (binary) driver.binary(data[i]);
      else driver.text(data[i]);
    }
  };
  return { run, check: checker(data, () => reset(written)) };
}

function reset(written) {
  const { bytes } = written;
  written.bytes = 0;
  return bytes;
}

/**
 * Checks that an iteration wrote all payloads and a header for each.
 * @param {() => number} take returns the byte count and resets it to 0, because adding to a small integer is cheap
 */
function checker(data, take) {
  const payload = data.reduce((sum, one) => sum + one.length, 0);
  return () => {
    const written = take();
    if (written < payload + 2 * data.length || written > payload + 14 * data.length) {
      throw new Error(`${written} bytes for ${data.length} payloads of ${payload} bytes`);
    }
  };
}

function wsframeBytes(role, data, batch) {
  const encoder = new FrameEncoder({ role });
  const parts = [];
  for (let i = 0; i < data.length; i++) {
    send(encoder, data[i]);
    if ((i + 1) % batch === 0) parts.push(...encoder.take());
  }
  parts.push(...encoder.take());
  return Buffer.concat(parts);
}

function wsBytes(role, data, binary) {
  const socket = new KeepingSocket();
  const sender = new Sender(socket);
  for (const one of data) sender.send(one, { binary, mask: role === "client", fin: true, compress: false });
  return Buffer.concat(socket.chunks);
}

function driverBytes(role, data, binary) {
  const driver = openDriver(role);
  const parts = [];
  driver.io.on("data", (chunk) => parts.push(chunk));
  for (const one of data) {
    if (binary) driver.binary(one);
    else driver.text(one);
  }
  return Buffer.concat(parts);
}

/** Decodes the bytes with the other two libraries, and compares every message. */
function verify(name, role, bytes, data) {
  const other = role === "server" ? "client" : "server";
  const expected = data.map((one) => Buffer.from(one));
  for (const make of [wsDecoder, driverDecoder]) {
    const kept = [];
    make(other, (message) => kept.push(Buffer.from(message)))(Buffer.from(bytes));
    if (kept.length !== data.length || !kept.every((message, i) => message.equals(expected[i]))) {
      throw new Error(`${name} encodes incorrectly`);
    }
  }
}

/**
 * Sends one text to many connections of a server.
 * @param {{ length: number }} options
 */
export function preparedCase({ length }, scale) {
  const connections = Math.ceil(1000 * scale);
  const [text] = flatStrings([asciiBytes(new Random(), length)]);
  const encoders = Array.from({ length: connections }, () => new FrameEncoder({ role: "server" }));
  const socket = new CountingSocket();
  const senders = Array.from({ length: connections }, () => new Sender(socket));
  const drivers = Array.from({ length: connections }, () => openDriver("server"));
  const written = { bytes: 0 };
  const writtenByDriver = { bytes: 0 };
  const count = (chunk) => {
    writtenByDriver.bytes += chunk.length;
  };
  for (const driver of drivers) driver.io.on("data", count);
  const options = { binary: false, mask: false, fin: true, compress: false };
  const data = Array.from({ length: connections }, () => text);
  return {
    units: connections,
    subjects: {
      wsframe: {
        run() {
          // The message is created in each iteration, so that the first encoding is included.
          const message = new PreparedMessage(text);
          for (const encoder of encoders) {
            encoder.prepared(message);
            for (const part of encoder.take()) written.bytes += part.length;
          }
        },
        check: checker(data, () => reset(written)),
      },
      ws: {
        run() {
          // Make the bytes once, as the documentation of ws recommends for broadcasts.
          const message = Buffer.from(text);
          for (const sender of senders) sender.send(message, options);
        },
        check: checker(data, () => socket.take()),
      },
      "websocket-driver": {
        run() {
          for (const driver of drivers) driver.text(text);
        },
        check: checker(data, () => reset(writtenByDriver)),
      },
    },
  };
}
