// undici's WebSocket on a fake socket. undici is a client only.

import { subscribe } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { createHash } from "node:crypto";
import { Dispatcher, WebSocket } from "undici";
import { type Found, type FoundError, hex, type Input, type Peer, writtenCloseCode } from "./peer.ts";

const require = createRequire(import.meta.url);
const { version } = require("undici/package.json") as { version: string };

/** The number of connections that are open at a time. */
const BATCH = 100;

/** The parts of a socket that undici uses. */
class FakeSocket extends EventEmitter {
  readonly writableNeedDrain = false;
  readonly written: Buffer[] = [];
  destroyed = false;

  write(bytes: Uint8Array): boolean {
    this.written.push(Buffer.from(bytes));
    return true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
}

/** The list that receives the Pings and Pongs of each WebSocket. */
const listeners = new WeakMap<WebSocket, string[]>();
let subscribed = false;

function subscribeOnce(): void {
  if (subscribed) return;
  subscribed = true;
  for (const type of ["ping", "pong"]) {
    subscribe(`undici:websocket:${type}`, (message) => {
      const { payload, websocket } = message as { payload: Buffer; websocket: WebSocket };
      listeners.get(websocket)?.push(`${type}:${hex(payload)}`);
    });
  }
}

/** A dispatcher that gives every connection the same socket, which has accepted the handshake. */
class OneSocket extends Dispatcher {
  readonly socket = new FakeSocket();

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const sent = options.headers as unknown as Iterable<[string, string]> | Record<string, string>;
    const headers = Symbol.iterator in sent ? Object.fromEntries(sent) : sent;
    const key = headers["sec-websocket-key"];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const response = ["Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Accept", accept];
    const socket = this.socket as unknown as Parameters<NonNullable<typeof handler.onUpgrade>>[2];
    handler.onConnect?.(() => {});
    handler.onUpgrade?.(
      101,
      response.map((value) => Buffer.from(value)),
      socket,
    );
    return true;
  }
}

async function run({ chunks }: Input): Promise<Found> {
  const dispatcher = new OneSocket();
  const { socket } = dispatcher;
  const webSocket = new WebSocket("ws://127.0.0.1/", { dispatcher });
  webSocket.binaryType = "arraybuffer";
  const events: string[] = [];
  let error: FoundError | undefined;
  listeners.set(webSocket, events);
  webSocket.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) =>
    events.push(typeof data === "string" ? `text:${hex(Buffer.from(data))}` : `binary:${hex(new Uint8Array(data))}`),
  );
  await new Promise<void>((resolve, reject) => {
    webSocket.addEventListener("open", () => resolve());
    webSocket.addEventListener("error", ({ error }) => reject(error));
  });
  let after = 0;
  for (const chunk of chunks) {
    after += chunk.length;
    socket.emit("data", Buffer.from(chunk));
    if (socket.destroyed) {
      error = { closeCode: writtenCloseCode("client", Buffer.concat(socket.written)), after };
      break;
    }
  }
  webSocket.addEventListener("close", ({ code, reason }) => {
    // Without a Close there is nothing to report.
    if (!error && code !== 1006) events.push(`close:${code === 1005 ? "none" : code}:${hex(Buffer.from(reason))}`);
  });
  socket.emit("close");
  return { events, error };
}

export const undici: Peer = {
  name: "undici",
  version,
  roles: ["client"],
  async run(inputs) {
    subscribeOnce();
    const all: Found[] = [];
    for (let i = 0; i < inputs.length; i += BATCH)
      all.push(...(await Promise.all(inputs.slice(i, i + BATCH).map(run))));
    return all;
  },
};
