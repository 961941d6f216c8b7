import type { EventEmitter } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttpsServer, type Server as HttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { CloseCode, HandshakeError, type Rejection, rejectHandshake } from "../index.ts";
import type { Connection } from "./connection.ts";
import { acceptStream, rejectStream } from "./http2.ts";
import { reject, upgrade, type UpgradeOptions } from "./upgrade.ts";

/** Options of serve(). */
export interface ServeOptions extends UpgradeOptions {
  /** Default 0: any free one. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: all. */
  readonly host?: string | undefined;
  /** Serve wss: with this certificate and key, and other options of node:https. */
  readonly tls?: ServerOptions | undefined;
  /** With `tls`: offer HTTP/2 too, and take WebSocket over it (RFC 8441). Default true. */
  readonly http2?: boolean | undefined;
  /** Requests for other paths get 404. Default: any path. */
  readonly path?: string | undefined;
  /**
   * Asked before a request is accepted, with nothing sent yet: false is 403, a Rejection of rejectHandshake() is sent as it is,
   * and so is the rejection for a HandshakeError that it throws; another exception is 500.
   */
  readonly verify?: ((request: IncomingMessage | Http2ServerRequest) => Verdict | Promise<Verdict>) | undefined;
  /** How long a client has to send its request, and `verify` to decide, in milliseconds. Default 10,000. */
  readonly handshakeTimeout?: number | undefined;
}

type Verdict = boolean | void | Rejection;

/** A running server. */
export interface WebSocketServer {
  /** The server of node:http, https or http2 below: for further listeners of it. */
  readonly server: HttpServer | HttpsServer | Http2SecureServer;
  readonly port: number;
  /** The connections that are open. */
  readonly connections: ReadonlySet<Connection>;
  /**
   * Stops listening, closes all connections (1001, or as given) and waits for their ends, but no longer than their
   * `closeTimeout`.
   */
  close(code?: number, reason?: string): Promise<void>;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * A whole server: calls `handler` for each connection. Resolves when it listens. If the handler throws, or its promise is
 * rejected, its connection is closed (1011), and the exception is an uncaught one, as in other listeners.
 *
 * @throws what listening throws: a port in use, a certificate that is none
 */
export async function serve(
  options: ServeOptions,
  handler: (connection: Connection, request: IncomingMessage | Http2ServerRequest) => unknown,
): Promise<WebSocketServer> {
  const { tls, http2 = true, port = 0, host, handshakeTimeout = DEFAULT_HANDSHAKE_TIMEOUT } = options;
  const timing = {
    headersTimeout: handshakeTimeout,
    requestTimeout: handshakeTimeout,
    connectionsCheckingInterval: Math.min(1000, handshakeTimeout),
  };
  const server = !tls
    ? createHttpServer(timing)
    : http2
      ? createSecureServer({ ...timing, ...tls, allowHTTP1: true, settings: { enableConnectProtocol: true } })
      : createHttpsServer({ ...timing, ...tls });
  const connections = new Set<Connection>();
  let closing = false;

  const open = (connection: Connection | undefined, request: IncomingMessage | Http2ServerRequest) => {
    if (!connection) return;
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    callHandler(handler, connection, request);
  };
  /** Calls `answer` when the request is to be accepted (undefined) or rejected, unless it is too late. */
  const consider = (
    request: IncomingMessage | Http2ServerRequest,
    socket: Duplex,
    answer: (rejection: Rejection | undefined) => void,
  ) => {
    // Until there is a connection nobody else listens.
    socket.on("error", destroyOnError);
    const timer = setTimeout(() => socket.destroy(), handshakeTimeout);
    void decide(request, options).then((rejection) => {
      clearTimeout(timer);
      socket.off("error", destroyOnError);
      if (!socket.destroyed) answer(closing ? rejectHandshake({ status: 503 }) : rejection);
    });
  };

  const events: EventEmitter = server;
  events.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const upgrading = request.httpVersionMajor === 1 ? { Connection: "close, Upgrade", Upgrade: "websocket" } : {};
    response.writeHead(426, { ...upgrading, "Content-Type": "text/plain" });
    response.end("This is a WebSocket server.\n");
  });
  events.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    consider(request, socket, (rejection) => {
      if (rejection) reject(socket, rejection);
      else open(upgrade(request, socket, head, options), request);
    });
  });
  events.on("connect", (request: IncomingMessage | Http2ServerRequest, socket: Duplex) => {
    if (!("stream" in request)) {
      reject(socket, rejectHandshake({ status: 405 }));
      return;
    }
    const stream = request.stream as ServerHttp2Stream;
    consider(request, stream, (rejection) => {
      if (rejection) rejectStream(stream, rejection);
      else open(acceptStream(stream, request.headers, options), request);
    });
  });
  const sessions = new Set<ServerHttp2Session>();
  events.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });

  await new Promise<void>((resolve, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });

  return {
    server,
    connections,
    port: (server.address() as AddressInfo).port,
    async close(code: number = CloseCode.GoingAway, reason: string = ""): Promise<void> {
      closing = true;
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      const ends = [...connections].map(
        (connection) => new Promise<void>((resolve) => connection.once("close", () => resolve())),
      );
      for (const connection of connections) connection.close(code, reason);
      await Promise.all(ends);
      for (const session of sessions) session.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      await stopped;
    },
  };
}

/** A function of no scope: one in consider() would keep the request for as long as the socket. */
function destroyOnError(this: Duplex): void {
  this.destroy();
}

/** The rejection of a request that is not even looked at by the handshake, or undefined. */
async function decide(
  request: IncomingMessage | Http2ServerRequest,
  { path, verify }: ServeOptions,
): Promise<Rejection | undefined> {
  if (path !== undefined && request.url?.split("?", 1)[0] !== path) return rejectHandshake({ status: 404 });
  try {
    const verdict = await verify?.(request);
    if (verdict === false) return rejectHandshake({ status: 403 });
    return typeof verdict === "object" ? verdict : undefined;
  } catch (error) {
    return error instanceof HandshakeError
      ? rejectHandshake({ status: error.status ?? 400, error })
      : rejectHandshake({ status: 500 });
  }
}

/** A handler that fails, now or later, closes its connection: 1011. */
function callHandler(
  handler: (connection: Connection, request: IncomingMessage | Http2ServerRequest) => unknown,
  connection: Connection,
  request: IncomingMessage | Http2ServerRequest,
): void {
  const failed = (error: unknown) => {
    connection.close(CloseCode.InternalError);
    throw error;
  };
  try {
    const result = handler(connection, request);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
