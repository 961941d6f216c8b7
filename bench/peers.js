// The compared libraries without sockets, after the handshake.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname } from "node:path";

const require = createRequire(import.meta.url);
/** ws does not export these two, so they are loaded by their path in the package. */
const wsRoot = dirname(require.resolve("ws/package.json"));

export const wsframe = await import("wsframe");
export const Receiver = require(`${wsRoot}/lib/receiver.js`);
export const Sender = require(`${wsRoot}/lib/sender.js`);
const websocketDriver = require("websocket-driver");

/** The compared versions, and whether ws masks with native code. */
export function versions() {
  const bufferUtil = require(`${wsRoot}/lib/buffer-util.js`);
  return {
    wsframe: require("../package.json").version,
    core: wsframe.coreInfo().kind,
    ws: require("ws/package.json").version,
    bufferutil: nativeBufferUtil() ? require("bufferutil/package.json").version : "NOT LOADED",
    wsMask: bufferUtil.mask.name === "_mask" ? "JavaScript" : "native",
    driver: require("websocket-driver/package.json").version,
    node: process.versions.node,
    v8: process.versions.v8,
  };
}

/** bufferutil silently falls back to JavaScript if its binary does not load. */
function nativeBufferUtil() {
  const { mask } = require("bufferutil");
  return Function.prototype.toString.call(mask).includes("[native code]");
}

/** @param {Error | null | undefined} error */
function rethrow(error) {
  if (error) throw error;
}

/**
 * A ws Receiver. Chunks go directly to `_write()`, because the queue of the stream would only add to its time.
 * @param {"server" | "client"} role
 * @param {(data: Buffer, isBinary: boolean) => void} onMessage
 * @returns {(chunk: Buffer) => void}
 */
export function wsDecoder(role, onMessage) {
  const receiver = new Receiver({ isServer: role === "server", maxPayload: 0, allowSynchronousEvents: true });
  receiver.on("message", onMessage);
  return (chunk) => receiver._write(chunk, "buffer", rethrow);
}

/**
 * A websocket-driver after its handshake.
 * @param {"server" | "client"} role
 */
export function openDriver(role) {
  const driver = role === "server" ? acceptedDriver() : connectedDriver();
  driver.on("error", rethrow);
  return driver;
}

function acceptedDriver() {
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const driver = websocketDriver.http({ method: "GET", url: "/", headers, connection: {} }, { requireMasking: true });
  driver.start();
  return driver;
}

function connectedDriver() {
  const driver = websocketDriver.client("ws://localhost/");
  let request = "";
  driver.io.on("data", (bytes) => {
    request += bytes;
  });
  driver.start();
  driver.io.removeAllListeners("data");
  const [, key] = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request) ?? [];
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  driver.parse(Buffer.from([...head, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n")));
  if (driver.getState() !== "open") throw new Error("The handshake of websocket-driver failed");
  return driver;
}

/**
 * @param {"server" | "client"} role
 * @param {(data: string | Buffer) => void} onMessage
 * @returns {(chunk: Buffer) => void}
 */
export function driverDecoder(role, onMessage) {
  const driver = openDriver(role);
  driver.on("message", (event) => onMessage(event.data));
  return (chunk) => driver.parse(chunk);
}

/**
 * Replaces the socket of ws. It only counts what ws writes. ws passes strings on unchanged, and here they are never
 * converted to bytes, which a real socket has to do.
 */
export class CountingSocket {
  bytes = 0;

  cork() {}

  uncork() {}

  /** @param {Buffer | string} chunk strings are ASCII */
  write(chunk) {
    this.bytes += chunk.length;
    return true;
  }

  /** Returns the count and resets it. */
  take() {
    const { bytes } = this;
    this.bytes = 0;
    return bytes;
  }
}

/** Like Tally, but converts strings to bytes in one buffer at the end of a batch, as a socket's writev() does. */
export class WritingSocket {
  bytes = 0;
  /** @type {(Buffer | string)[]} */
  #chunks = [];
  #textLength = 0;

  cork() {}

  uncork() {}

  /** @param {Buffer | string} chunk strings are ASCII */
  write(chunk) {
    this.#chunks.push(chunk);
    if (typeof chunk === "string") this.#textLength += chunk.length;
    return true;
  }

  flush() {
    const storage = Buffer.allocUnsafe(this.#textLength);
    let at = 0;
    for (const chunk of this.#chunks) {
      if (typeof chunk === "string") at += storage.write(chunk, at, "latin1");
      this.bytes += chunk.length;
    }
    this.#chunks = [];
    this.#textLength = 0;
  }

  /** Returns the count and resets it. */
  take() {
    const { bytes } = this;
    this.bytes = 0;
    return bytes;
  }
}

/** Keeps everything that is written, for checks. */
export class KeepingSocket {
  /** @type {Buffer[]} */
  chunks = [];

  cork() {}

  uncork() {}

  /** @param {Buffer | string} chunk */
  write(chunk) {
    this.chunks.push(Buffer.from(chunk));
    return true;
  }
}
