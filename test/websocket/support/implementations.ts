// The WebSocket classes under test, and the servers that they connect to.

import type { AddressInfo } from "node:net";
import { WebSocket as Undici } from "undici";
import { type RawData, WebSocketServer } from "ws";
import { perMessageDeflate, rejectHandshake } from "../../../src/index.ts";
import { serve } from "../../../src/node/index.ts";
import { WebSocket as Ours } from "../../../src/websocket/index.ts";
import { atEnd } from "../../node/support/watch.ts";

/** The type of a browser's constructor. */
export type Constructor = typeof globalThis.WebSocket;

export const OURS = ["wsframe/websocket", Ours] as const;
/** Node's own WebSocket is that of undici. */
export const UNDICI = ["undici", Undici as unknown as Constructor] as const;
export const IMPLEMENTATIONS: readonly (readonly [name: string, WebSocket: Constructor])[] = [OURS, UNDICI];
export const SERVERS = ["ws", "wsframe/node"] as const;

/** The server's side of a connection. */
export interface Peer {
  /** The client's request. */
  readonly path: string;
  readonly received: (string | Uint8Array)[];
  /** The client's Close. */
  readonly end: Promise<readonly [code: number, reason: string]>;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Destroys the socket. */
  terminate(): void;
  onMessage(listener: (data: string | Uint8Array) => void): void;
}

/** Starts a server, which echoes by default and chooses the subprotocol "chat". Returns its URL. */
export async function startServer(
  kind: (typeof SERVERS)[number],
  accept: (peer: Peer) => unknown = echo,
): Promise<string> {
  const port = await (kind === "ws" ? startWs(accept) : startOurs(accept));
  return `ws://127.0.0.1:${port}`;
}

function echo(peer: Peer): void {
  peer.onMessage((data) => peer.send(data));
}

async function startWs(accept: (peer: Peer) => unknown): Promise<number> {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has("chat") ? "chat" : false),
    verifyClient: ({ req }, callback) => callback(req.url !== "/401", 401),
  });
  server.on("connection", (socket, request) => {
    const received: Peer["received"] = [];
    const read = (data: RawData, isBinary: boolean) =>
      isBinary ? new Uint8Array(data as Buffer) : String(data as Buffer);
    socket.on("message", (data, isBinary) => received.push(read(data, isBinary)));
    socket.on("error", () => {});
    accept({
      path: request.url ?? "",
      received,
      end: new Promise((resolve) => socket.on("close", (code, reason) => resolve([code, reason.toString()]))),
      send: (data) => socket.send(data),
      close: (code, reason) => socket.close(code, reason),
      terminate: () => socket.terminate(),
      onMessage: (listener) => void socket.on("message", (data, isBinary) => listener(read(data, isBinary))),
    });
  });
  await new Promise((resolve) => server.on("listening", resolve));
  atEnd(() => {
    for (const client of server.clients) client.terminate();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function startOurs(accept: (peer: Peer) => unknown): Promise<number> {
  const server = await serve(
    {
      host: "127.0.0.1",
      protocols: ["chat"],
      extensions: [perMessageDeflate({ threshold: 0 })],
      verify: ({ url }) => url !== "/401" || rejectHandshake({ status: 401 }),
    },
    (connection, request) => {
      const received: Peer["received"] = [];
      connection.on("message", (data) => received.push(data));
      accept({
        path: request.url ?? "",
        received,
        end: connection.closed.then(({ code, reason }) => [code, reason]),
        send: (data) => void connection.send(data),
        close: (code, reason) => connection.close(code, reason),
        terminate: () => connection.terminate(),
        onMessage: (listener) => void connection.on("message", listener),
      });
    },
  );
  atEnd(() => server.close());
  return server.port;
}

/** Resolves with the next event of a type. */
export function next<T extends keyof WebSocketEventMap>(socket: WebSocket, type: T): Promise<WebSocketEventMap[T]> {
  return new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
}

/** Records the events of a socket, each with the readyState at that time. */
export function record(socket: WebSocket): string[] {
  const log: string[] = [];
  const add = (event: Event, detail: unknown = "") => log.push(`${event.type} ${socket.readyState} ${detail}`.trim());
  socket.addEventListener("open", (event) => add(event));
  socket.addEventListener("message", (event) => add(event, event.data));
  socket.addEventListener("error", (event) => add(event));
  socket.addEventListener("close", (event) => add(event, `${event.code} ${event.reason} ${event.wasClean}`));
  return log;
}

/** The name of the DOMException or Error that a call throws. */
export function thrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).name;
  }
  return "nothing";
}
