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
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  acceptHandshake,
  CloseCode,
  HandshakeError,
  Protocol,
  type Rejection,
  rejectHandshake,
  serializeResponse,
} from "../index.ts";
import type { Connection } from "./connection.ts";
import { LINGER } from "../protocol/linger.ts";
import { readDelay } from "./delay.ts";
import { checkOptions } from "./options.ts";
import { abandon, acceptStream, rejectStream } from "./http2.ts";
import { reject, upgrade, type UpgradeOptions } from "./upgrade.ts";

/** Options of serve(). */
export interface ServeOptions extends UpgradeOptions {
  /** Default 0: any free one. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: all. */
  readonly host?: string | undefined;
  /** Serve wss: with this certificate and key, and other options of node:https. Default: ws, without TLS. */
  readonly tls?: ServerOptions | undefined;
  /** With `tls`: offer HTTP/2 too, and take WebSocket over it (RFC 8441). Default true. */
  readonly http2?: boolean | undefined;
  /** Requests for other paths get 404. Default: any path. */
  readonly path?: string | undefined;
  /**
   * Asked before a request is accepted, with nothing sent yet: false is 403, a Rejection of rejectHandshake() is sent as it is,
   * and so is the rejection for a HandshakeError that it throws; another exception is 500, and so is a value of another kind. Default: all
   * are accepted.
   */
  readonly verify?:
    | ((
        request: IncomingMessage | Http2ServerRequest,
      ) => boolean | void | Rejection | Promise<boolean | void | Rejection>)
    | undefined;
  /**
   * How long a client has for the TLS handshake, and again to send its request; how long `verify` has to decide (503 then);
   * how long an HTTP/2 session may be without a stream. In milliseconds. Default 10,000.
   */
  readonly handshakeTimeout?: number | undefined;
}

/** A running server. */
export interface WebSocketServer {
  /** The server of node:http, https or http2 below: for further listeners of it. */
  readonly server: HttpServer | HttpsServer | Http2SecureServer;
  /** The port that it listens on. */
  readonly port: number;
  /** The connections that are open. */
  readonly connections: ReadonlySet<Connection>;
  /**
   * Stops listening, closes all connections (1001, or as given) and waits for their ends, but no longer than their
   * `closeTimeout`. Requests that are not decided on get 503. What is left a second later is cut.
   * @throws RangeError for a code that must not be sent; nothing is closed then
   */
  close(code?: number, reason?: string): Promise<void>;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/** How many streams a client may have open in one HTTP/2 session. */
const MAX_STREAMS = 256;

/**
 * A whole server: calls `handler` for each connection. Resolves when it listens. If the handler throws, or its promise is
 * rejected, its connection is closed (1011), and the exception is an uncaught one, as in other listeners.
 *
 * @throws TypeError, RangeError for options that are wrong
 * @throws what listening throws: a port in use, a certificate that is none
 */
export async function serve(
  options: ServeOptions,
  handler: (connection: Connection, request: IncomingMessage | Http2ServerRequest) => unknown,
): Promise<WebSocketServer> {
  // What every request would otherwise run into.
  checkOptions("server", options);
  acceptHandshake({ headers: [] }, options);
  const { port = 0, host } = options;
  const handshakeTimeout = readDelay("handshakeTimeout", options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT);
  const server = createServer(options, handshakeTimeout);
  const connections = new Set<Connection>();
  /** The requests that `verify` has not decided on: each takes a rejection. */
  const undecided = new Set<(rejection: Rejection) => void>();
  let closing = false;

  const openWith = (accept: () => Connection | undefined, request: IncomingMessage | Http2ServerRequest) => {
    const connection = unlessItThrows(accept);
    if (!connection) return;
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
    callHandler(handler, connection, request);
  };
  /** Calls `answer` when the request is to be accepted (undefined) or rejected, unless the client goes before. */
  const consider = (
    request: IncomingMessage | Http2ServerRequest,
    socket: Duplex,
    answer: (rejection: Rejection | undefined) => void,
  ) => {
    const settle = (rejection?: Rejection) => {
      // The first decision counts: of verify, of the timer, of close(), or of the client.
      if (!undecided.delete(settle)) return;
      clearTimeout(timer);
      socket.off("error", destroyOnError);
      socket.off("close", settle);
      if (!socket.destroyed) answer(rejection);
    };
    undecided.add(settle);
    // Until there is a connection nobody else listens.
    socket.on("error", destroyOnError);
    socket.on("close", settle);
    const timer = setTimeout(settle, handshakeTimeout, rejectHandshake({ status: 503 }));
    if (closing) settle(rejectHandshake({ status: 503 }));
    else void decide(request, options).then(settle);
  };

  const events: EventEmitter = server;
  events.on("request", (request: IncomingMessage | Http2ServerRequest, response: ServerResponse) => {
    const upgrading = request.httpVersionMajor === 1 ? { Connection: "close, Upgrade", Upgrade: "websocket" } : {};
    response.writeHead(426, { ...upgrading, "Content-Type": "text/plain" });
    response.end("This is a WebSocket server.\n");
    if ("stream" in request) abandon(request.stream as ServerHttp2Stream);
  });
  events.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    consider(request, socket, (rejection) => {
      if (rejection) reject(socket, rejection);
      else openWith(() => upgrade(request, socket, head, options), request);
    });
  });
  events.on("connect", (request: IncomingMessage | Http2ServerRequest, socket: Duplex) => {
    if (!("stream" in request)) {
      reject(socket, rejectHandshake({ status: 405, headers: [["Allow", "GET"]] }));
      return;
    }
    const stream = request.stream as ServerHttp2Stream;
    const answer = (rejection: Rejection | undefined) => {
      if (rejection) rejectStream(stream, rejection);
      else openWith(() => acceptStream(stream, request.headers, options), request);
    };
    // Without it this is for a proxy: there is no path to look at, and the handshake refuses it.
    if (request.headers[":protocol"] === undefined) answer(undefined);
    else consider(request, stream, answer);
  });
  const sessions = new Set<ServerHttp2Session>();
  events.on("session", (session: ServerHttp2Session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    limitIdleTime(session, handshakeTimeout);
  });
  /** All of them, whatever is done with them: also those that are in the middle of a TLS handshake. */
  const sockets = new Set<Socket>();
  function forget(this: Socket): void {
    sockets.delete(this);
  }
  events.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", forget);
  });

  await new Promise<void>((resolve, fail) => {
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });

  const end = async (code: number, reason: string): Promise<void> => {
    closing = true;
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const settle of undecided) settle(rejectHandshake({ status: 503 }));
    const ends = [...connections].map(
      (connection) => new Promise<void>((resolve) => connection.once("close", () => resolve())),
    );
    for (const connection of connections) connection.close(code, reason);
    await Promise.all(ends);
    for (const session of sessions) session.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, LINGER);
    await stopped;
    clearTimeout(timer);
  };
  let ended: Promise<void> | undefined;
  return {
    server,
    connections,
    port: (server.address() as AddressInfo).port,
    async close(code: number = CloseCode.GoingAway, reason: string = ""): Promise<void> {
      // Throws for what cannot be sent, before anything has been done.
      new Protocol({ role: "server" }).close(code, reason);
      ended ??= end(code, reason);
      return ended;
    },
  };
}

function createServer(
  { tls, http2 = true }: ServeOptions,
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
  // For its HTTP/1.1 side it takes no such options, but has the properties that they are for.
  return Object.assign(createSecureServer({ ...secure, allowHTTP1: true, settings }), timing);
}

/** Ends a session that has had no stream for so long: it is of no use to its client, and costs memory. */
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

/** A function of no scope: one in consider() would keep the request for as long as the socket. */
function destroyOnError(this: Duplex): void {
  this.destroy();
}

/** What a function of the options throws has been answered with 500, as what verify throws. */
function unlessItThrows(accept: () => Connection | undefined): Connection | undefined {
  try {
    return accept();
  } catch {
    return undefined;
  }
}

/** The rejection of a request that is not even looked at by the handshake, or undefined. */
async function decide(
  request: IncomingMessage | Http2ServerRequest,
  { path, verify }: ServeOptions,
): Promise<Rejection | undefined> {
  if (path !== undefined && pathOf(request.url) !== path) return rejectHandshake({ status: 404 });
  try {
    const verdict = await verify?.(request);
    if (verdict === true || verdict === undefined) return undefined;
    if (verdict === false) return rejectHandshake({ status: 403 });
    // Throws for what is no response: null, for example, which must not let anybody in.
    serializeResponse(verdict);
    return verdict;
  } catch (error) {
    return rejectionFor(error);
  }
}

function rejectionFor(error: unknown): Rejection {
  if (error instanceof HandshakeError) {
    try {
      return rejectHandshake({ status: error.status ?? 400, error });
    } catch {
      // It was about another connection, one of connect() to somewhere else: its status or its header fields are not ours.
    }
  }
  return rejectHandshake({ status: 500 });
}

/** The target without its query; it may be a whole URL (RFC 9112 §3.2.2). */
function pathOf(url: string = ""): string {
  const path = url.split("?", 1)[0]!;
  if (path.startsWith("/")) return path;
  return URL.canParse(path) ? new URL(path).pathname : path;
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
