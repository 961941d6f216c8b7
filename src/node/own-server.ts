import type { EventEmitter } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { LINGER } from "../protocol/times.ts";
import type { ServeOptions } from "./serve.ts";

/** How many streams a client may have open in one session of HTTP/2. */
const MAX_STREAMS = 256;

type ListenOptions = Pick<ServeOptions, "port" | "host" | "socketPath" | "tls" | "http2">;

/** A server that serve() has made, from listening until its last socket has closed. @internal */
export class OwnServer {
  readonly server: HttpServer | HttpsServer | Http2SecureServer;
  readonly #options: ListenOptions;
  readonly #sessions: Set<ServerHttp2Session> = new Set();
  /** The sockets that are not connections, including those in a TLS handshake and all below TLS. */
  readonly #sockets: Set<Socket> = new Set();
  /** The listener of "close". All sockets share it, so that it keeps nothing of a connection in memory. */
  readonly #forget: (this: Socket) => void;
  #stopped: Promise<void> = Promise.resolve();

  constructor(options: ListenOptions, handshakeTimeout: number) {
    this.#options = options;
    this.server = createServer(options, handshakeTimeout);
    const sockets = this.#sockets;
    this.#forget = function forget() {
      sockets.delete(this);
    };
    const events: EventEmitter = this.server;
    events.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", this.#forget);
    });
    events.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      limitIdleTime(session, handshakeTimeout);
    });
  }

  /** @throws (rejects) the error of listening */
  listen(): Promise<void> {
    const { port = 0, host, socketPath } = this.#options;
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(socketPath === undefined ? { port, host } : { path: socketPath }, () => {
        this.server.off("error", reject);
        resolve();
      });
    });
  }

  /** Forgets a socket that has become a connection: the connection will end it. */
  release(stream: Duplex): void {
    if (this.#sockets.delete(stream as Socket)) stream.off("close", this.#forget);
  }

  /** Stops accepting connections. */
  stop(): void {
    this.#stopped = new Promise((resolve) => this.server.close(() => resolve()));
  }

  /** Ends everything that is still open, and cuts the rest one second later. */
  async end(): Promise<void> {
    for (const session of this.#sessions) session.close();
    if ("closeAllConnections" in this.server) this.server.closeAllConnections();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, LINGER);
    await this.#stopped;
    clearTimeout(timer);
  }
}

function createServer(
  { tls, http2 = true }: ListenOptions,
  handshakeTimeout: number,
): HttpServer | HttpsServer | Http2SecureServer {
  const timing = {
    headersTimeout: handshakeTimeout,
    requestTimeout: handshakeTimeout,
    connectionsCheckingInterval: Math.min(1000, handshakeTimeout),
  };
  if (!tls) return createHttpServer(timing);
  const secure = { handshakeTimeout, ...tls };
  if (!http2) return createHttpsServer({ ...timing, ...secure });
  const settings = { enableConnectProtocol: true, maxConcurrentStreams: MAX_STREAMS };
  // createSecureServer() does not accept these options for HTTP/1.1, but the server has the properties.
  return Object.assign(createSecureServer({ ...secure, allowHTTP1: true, settings }), timing);
}

/** Ends a session that has had no stream for this long: it is of no use to its client and costs memory. */
function limitIdleTime(session: ServerHttp2Session, limit: number): void {
  let streams = 0;
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    if (streams === 0 && !session.destroyed) timer = setTimeout(() => session.destroy(), limit);
  };
  wait();
  session.on("stream", (stream: ServerHttp2Stream) => {
    streams++;
    clearTimeout(timer);
    stream.on("close", () => {
      streams--;
      wait();
    });
  });
  session.on("close", () => clearTimeout(timer));
}
