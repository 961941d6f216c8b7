// Servers for load tests, with counters.

import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { type RawData, type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { afterEach } from "vitest";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Calls `end` after the test. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}

export interface Started {
  readonly url: string;
  readonly port: number;
  /** Received messages. */
  received: number;
  /** The payload of the received messages, in bytes. */
  bytes: number;
  connections: number;
  /** Received close codes. */
  readonly closed: number[];
}

export type Handler = (socket: WebSocket, data: RawData, isBinary: boolean, number: number) => void;

export interface StartOptions extends ServerOptions {
  readonly tls?: boolean;
}

export const CERTIFICATE: Buffer = pem("cert");

function pem(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
}

/** Starts a ws server. `handle` gets each message with its number on the connection, from 0. The default echoes. */
export async function start(
  handle: Handler = (socket, data, isBinary) => socket.send(data as Buffer, { binary: isBinary }),
  { tls = false, ...options }: StartOptions = {},
  opened?: (socket: WebSocket) => void,
): Promise<Started> {
  const server: Server = tls ? createSecureServer({ key: pem("key"), cert: CERTIFICATE }) : createServer();
  const webSockets = new WebSocketServer({ server, ...options });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const started: Started = {
    url: `${tls ? "wss" : "ws"}://127.0.0.1:${port}/`,
    port,
    received: 0,
    bytes: 0,
    connections: 0,
    closed: [],
  };
  webSockets.on("connection", (socket) => {
    started.connections++;
    let number = 0;
    socket.on("message", (data, isBinary) => {
      started.received++;
      started.bytes += (data as Buffer).length;
      handle(socket, data, isBinary, number++);
    });
    socket.on("close", (code) => started.closed.push(code));
    socket.on("error", () => {});
    opened?.(socket);
  });
  atEnd(() => {
    for (const socket of webSockets.clients) socket.terminate();
    return new Promise((resolve) => server.close(resolve));
  });
  return started;
}
