// websocket-node, published as "websocket", with its WebSocketConnection on a fake socket.

import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import websocket from "websocket";
import { type Found, hex, type Input, lengthOf, type Peer, writtenCloseCode } from "./peer.ts";

const require = createRequire(import.meta.url);
const WebSocketConnection = websocket.connection;
const { version } = require("websocket/package.json") as { version: string };

const CONFIG = {
  // websocket-node accepts no length of more than 32 bits, and has no option for an unlimited length.
  maxReceivedFrameSize: 2 ** 32,
  maxReceivedMessageSize: 2 ** 40,
  assembleFragments: true,
  fragmentOutgoingMessages: false,
  keepalive: false,
  disableNagleAlgorithm: true,
  closeTimeout: 5000,
};

/** The parts of a socket that websocket-node uses. */
class FakeSocket extends EventEmitter {
  readonly written: Buffer[] = [];
  destroyed = false;

  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes));
    return true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  setNoDelay(): void {}
  setTimeout(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
}

interface Internals {
  readonly bufferList: { readonly length: number };
  readonly connected: boolean;
  _addSocketEventListeners(): void;
}

async function run({ role, chunks }: Input): Promise<Found> {
  const socket = new FakeSocket();
  const Connection = WebSocketConnection as unknown as new (...values: unknown[]) => websocket.connection & Internals;
  const connection = new Connection(socket, [], null, role === "client", CONFIG);
  connection._addSocketEventListeners();
  const events: string[] = [];
  connection.on("message", (message) =>
    events.push(
      message.type === "utf8" ? `text:${hex(Buffer.from(message.utf8Data))}` : `binary:${hex(message.binaryData)}`,
    ),
  );
  connection.on("ping", (_cancel, payload) => events.push(`ping:${hex(payload)}`));
  connection.on("pong", (payload) => events.push(`pong:${hex(payload)}`));
  let after = 0;
  for (const chunk of chunks) {
    // A real socket never delivers an empty chunk. After one, websocket-node reports uninitialized memory.
    if (chunk.length === 0) continue;
    after += chunk.length;
    socket.emit("data", Buffer.from(chunk));
    // websocket-node handles one frame immediately, and the next one in the next turn.
    let before: number;
    do {
      before = connection.bufferList.length;
      await turn();
    } while (connection.bufferList.length < before && connection.connected);
    if (!connection.connected) break;
  }
  if (socket.destroyed) {
    return { events, error: { closeCode: writtenCloseCode(role, Buffer.concat(socket.written)), after } };
  }
  if (!connection.connected) {
    const { closeReasonCode: code, closeDescription } = connection;
    // Without a reason, websocket-node reports a text of its own.
    const texts = (WebSocketConnection as unknown as { CLOSE_DESCRIPTIONS: Record<number, string> }).CLOSE_DESCRIPTIONS;
    const reason = closeDescription === texts[code] ? "" : (closeDescription ?? "");
    events.push(`close:${code === -1 ? "none" : code}:${hex(Buffer.from(reason))}`);
  }
  return { events };
}

/**
 * The number of bytes that are processed at a time. Each chunk takes a turn of the event loop, which all connections
 * share.
 */
const BATCH_BYTES = 1 << 20;

export const websocketNode: Peer = {
  name: "websocket-node",
  version,
  roles: ["server", "client"],
  async run(inputs) {
    const all: Found[] = [];
    for (let i = 0; i < inputs.length;) {
      const from = i;
      for (let bytes = 0; i < inputs.length && bytes < BATCH_BYTES; i++) bytes += lengthOf(inputs[i]!.chunks);
      all.push(...(await Promise.all(inputs.slice(from, i).map(run))));
    }
    return all;
  },
};
