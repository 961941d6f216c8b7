// Makes servers, clients and raw peers for one run of a test, and closes them afterwards.

import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import { type AddressInfo, createConnection, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { answer, request } from "../../node/support/peer.ts";
import type { ClientOptions, Implementation, Server, ServerOptions, Socket } from "./implementations.ts";
import { reached, record } from "./log.ts";
import { Raw } from "./raw.ts";

export interface Pair {
  readonly server: Server;
  /** The server's socket. */
  readonly peer: Socket;
  readonly client: Socket;
  /** The events of both sides, from the beginning. */
  readonly log: { readonly peer: string[]; readonly client: string[] };
}

/** The socket under test, its log, and its raw peer. */
export interface Against {
  readonly socket: Socket;
  readonly log: string[];
  readonly raw: Raw;
}

export class Lab {
  readonly server: Implementation;
  readonly client: Implementation;
  readonly #ends: (() => unknown)[] = [];

  constructor(server: Implementation, client: Implementation) {
    this.server = server;
    this.client = client;
  }

  /** The implementation in tests of one side. */
  get api(): Implementation {
    return this.server;
  }

  /** Registers a cleanup function. They run after the test in reverse order. */
  atEnd(end: () => unknown): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }

  /** A server that listens on a free port, unless the options say otherwise. */
  async serve(options: ServerOptions = {}): Promise<{ server: Server; url: string; port: number }> {
    const own = options.server === undefined && options.noServer === undefined && options.port === undefined;
    const server = new this.server.WebSocketServer({ ...(own && { port: 0, host: "127.0.0.1" }), ...options });
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => sockets.add(socket));
    this.atEnd(async () => {
      for (const socket of sockets) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    });
    if (own) await once(server, "listening");
    const address = own ? (server.address() as AddressInfo) : undefined;
    const port = address?.port ?? 0;
    return { server, port, url: `ws://127.0.0.1:${port}` };
  }

  /** A listening http server. */
  async http(server: HttpServer = createHttpServer()): Promise<{ http: HttpServer; port: number; url: string }> {
    const sockets = new Set<Duplex>();
    server.on("connection", (socket: Duplex) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.atEnd(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo;
    return { http: server, port, url: `ws://127.0.0.1:${port}` };
  }

  /** A client, and its log from the beginning. */
  connect(url: string | URL, ...rest: [ClientOptions?] | [string | string[] | undefined, ClientOptions?]): Logged {
    const socket = new this.client.WebSocket(url, ...(rest as [string[], object]));
    const log = record(socket);
    this.#terminate(socket);
    return { socket, log };
  }

  #terminate(socket: Socket): void {
    this.atEnd(async () => {
      if (socket.readyState === 3) return;
      socket.on("error", () => {});
      socket.terminate();
      await reached(
        () => socket.readyState === 3,
        () => "a client does not close",
      );
    });
  }

  /** A server and a connected client. */
  async pair(
    options: { server?: ServerOptions; client?: ClientOptions; protocols?: string[]; path?: string } = {},
  ): Promise<Pair> {
    const { server, url } = await this.serve(options.server);
    const log: { peer: string[]; client: string[] } = { peer: [], client: [] };
    const accepted = new Promise<Socket>((resolve) => {
      server.on("connection", (socket) => {
        log.peer = record(socket);
        resolve(socket);
      });
    });
    const { socket: client, log: clientLog } = this.connect(
      `${url}${options.path ?? ""}`,
      options.protocols,
      options.client ?? {},
    );
    log.client = clientLog;
    const peer = await accepted;
    await reached(
      () => client.readyState !== 0,
      () => `the client does not open: ${clientLog.join()}`,
    );
    return { server, peer, client, log };
  }

  /** A raw client, connected to `port`. By default it sends a handshake request. */
  async dial(port: number, send: string | Uint8Array = request()): Promise<Raw> {
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.atEnd(() => socket.destroy());
    socket.setNoDelay();
    const raw = new Raw(socket, "client");
    socket.write(send);
    await raw.sees(() => !socket.connecting, "a connection");
    return raw;
  }

  /** A raw server. By default it accepts each handshake. */
  async listen(handle: (raw: Raw) => unknown = accept): Promise<{ port: number; url: string; peers: Raw[] }> {
    const peers: Raw[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const raw = new Raw(socket, "server");
      peers.push(raw);
      // A client may disconnect before it sends anything.
      Promise.resolve(handle(raw)).catch((error: unknown) => {
        if (!raw.closed) throw error;
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.atEnd(() => {
      for (const { socket } of peers) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { port, url: `ws://127.0.0.1:${port}`, peers };
  }

  /** The socket of a server, and its raw client. */
  async serverAgainstRaw(options: ServerOptions = {}, head?: string): Promise<Against & { server: Server }> {
    const { server, port } = await this.serve(options);
    let log: string[] = [];
    const accepted = new Promise<Socket>((resolve) => {
      server.on("connection", (socket) => {
        log = record(socket);
        resolve(socket);
      });
    });
    const raw = await this.dial(port, head);
    await raw.handshake();
    const socket = await accepted;
    return { server, socket, log, raw };
  }

  /** A client, and its raw server. */
  async clientAgainstRaw(options: ClientOptions = {}, fields: string = ""): Promise<Against> {
    const { url, peers } = await this.listen((raw) => accept(raw, fields));
    const { socket, log } = this.connect(url, options);
    await reached(
      () => socket.readyState !== 0,
      () => `the client does not open: ${log.join()}`,
    );
    const raw = peers[0]!;
    return { socket, log, raw };
  }

  /** A server's socket or a client, with its raw peer. */
  against(role: "server" | "client", options: ServerOptions & ClientOptions = {}): Promise<Against> {
    return role === "server" ? this.serverAgainstRaw(options) : this.clientAgainstRaw(options);
  }
}

export interface Logged {
  readonly socket: Socket;
  readonly log: string[];
}

/** Accepts a handshake. `fields` are header lines that end with CR LF. */
export async function accept(raw: Raw, fields: string = ""): Promise<void> {
  await raw.handshake();
  raw.socket.write(answer(raw.head).replace("\r\n\r\n", `\r\n${fields}\r\n`));
}

export type { IncomingMessage };
