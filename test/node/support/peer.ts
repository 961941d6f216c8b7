// A peer that is only a socket: it sends the bytes that the test gives it, and nothing by itself.

import { createHash } from "node:crypto";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { readFileSync } from "node:fs";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import { atEnd, until } from "./watch.ts";

const file = (name: string): Buffer => readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
export const TLS: { readonly key: Buffer; readonly cert: Buffer } = { key: file("key"), cert: file("cert") };
export const CA: { readonly ca: Buffer } = { ca: TLS.cert };

const KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

/** The lines of a valid request. `more` adds lines or replaces those of the same name ("" removes one). */
export function request(more: Record<string, string | string[]> = {}, line: string = "GET / HTTP/1.1"): string {
  const fields: Record<string, string | string[]> = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    ...more,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (one === "" ? [] : [`${name}: ${one}`])),
  );
  return `${[line, ...lines].join("\r\n")}\r\n\r\n`;
}

/** A valid response to `head`. */
export function answer(head: string): string {
  const key = /sec-websocket-key: (\S+)/i.exec(head)![1]!;
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** Frames as a client (masked) or a server sends them. */
export function frames(from: "client" | "server", ...list: RawFrame[]): Uint8Array {
  return concat(list.map((frame) => serialize({ maskKey: from === "client" ? [1, 2, 3, 4] : undefined, ...frame })));
}

export class RawPeer {
  readonly socket: Socket;
  /** The TCP socket, which is below TLS if there is TLS. */
  readonly #tcp: Socket;
  readonly errors: string[] = [];
  received: Buffer = Buffer.alloc(0);
  ended = false;
  closed = false;

  constructor(socket: Socket, tcp: Socket = socket) {
    this.socket = socket;
    this.#tcp = tcp;
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on("end", () => (this.ended = true));
    socket.on("error", (error: Error & { code?: string }) => this.errors.push(error.code ?? error.message));
    socket.on("close", () => (this.closed = true));
    atEnd(() => {
      socket.destroy();
      return until(
        () => this.closed,
        () => "the socket of a peer is open",
      );
    });
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  /** The status of the response, or 0. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1] ?? 0);
  }

  /** Resolves when the operating system has the bytes. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes as string, "latin1", () => resolve()));
  }

  async head(): Promise<string> {
    await this.sees(() => this.text.includes("\r\n\r\n"), "a whole head");
    return this.text.slice(0, this.text.indexOf("\r\n\r\n") + 4);
  }

  sees(done: () => boolean, what: string): Promise<void> {
    return until(done, () => `${what}; received: ${this.text.slice(0, 300)}; errors: ${this.errors.join()}`);
  }

  /** Waits until the other side has ended or cut the connection. */
  gone(): Promise<void> {
    return this.sees(() => this.ended || this.closed, "the other side has not gone");
  }

  /** Waits for the other side to end, then ends this side, as a client should. */
  async leave(): Promise<void> {
    await this.gone();
    this.socket.end();
  }

  reset(): void {
    this.#tcp.resetAndDestroy();
  }
}

export interface DialOptions {
  readonly tls?: boolean;
  /** Stays open after the server has ended its side. */
  readonly allowHalfOpen?: boolean;
  readonly alpn?: string[];
}

/** Connects to a server on this machine. */
export async function dial(port: number, options: DialOptions = {}): Promise<RawPeer> {
  const { tls = false, allowHalfOpen = true, alpn } = options;
  const tcp = createConnection({ port, host: "127.0.0.1", allowHalfOpen });
  // A variable, because the types do not know allowHalfOpen.
  const secure = {
    socket: tcp,
    servername: "localhost",
    ...CA,
    allowHalfOpen,
    ...(alpn && { ALPNProtocols: alpn }),
  };
  const socket = tls ? connectTls(secure) : tcp;
  const peer = new RawPeer(socket, tcp);
  let open = false;
  socket.once(tls ? "secureConnect" : "connect", () => (open = true));
  await peer.sees(() => open || peer.closed, "not connected");
  return peer;
}

/** The same with a handshake, whose response is not in `received`. */
export async function dialWebSocket(port: number, options: DialOptions = {}): Promise<RawPeer> {
  const peer = await dial(port, options);
  await peer.write(request());
  const head = await peer.head();
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
  peer.received = peer.received.subarray(head.length);
  return peer;
}

/** A server that calls `handle` with each socket. */
export async function listen(
  handle: (peer: RawPeer) => unknown,
  options: { readonly tls?: boolean; readonly host?: string; readonly alpn?: string[] } = {},
): Promise<{ port: number; peers: RawPeer[] }> {
  const peers: RawPeer[] = [];
  const raw: Set<Socket> = new Set();
  const connected = (socket: Socket | TLSSocket) => {
    const tcp = [...raw].find(({ remotePort }) => remotePort === socket.remotePort);
    const peer = new RawPeer(socket, tcp);
    peers.push(peer);
    handle(peer);
  };
  const server = options.tls
    ? createTlsServer(
        { ...TLS, allowHalfOpen: true, ...(options.alpn && { ALPNProtocols: options.alpn }) } as object,
        connected,
      )
    : createServer({ allowHalfOpen: true });
  server.on("connection", (socket: Socket) => {
    raw.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => raw.delete(socket));
    if (!options.tls) connected(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, options.host ?? "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of raw) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, peers };
}
