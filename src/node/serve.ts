import type { EventEmitter } from "node:events";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type {
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  ServerHttp2Stream,
} from "node:http2";
import type { Server as HttpsServer, ServerOptions } from "node:https";
import { acceptHandshake, CloseCode, HandshakeError, Protocol } from "../index.ts";
import { Admission, type Handler } from "./admission.ts";
import type { Connection } from "./connection.ts";
import { readDelay } from "./delay.ts";
import { abandon } from "./http2.ts";
import { checkServeNames } from "./known-options.ts";
import { checkOptions } from "./options.ts";
import { OwnServer } from "./own-server.ts";
import { attach } from "./router.ts";
import type { UpgradeOptions } from "./upgrade.ts";
import type { Verdict } from "./verify.ts";

/** Options of serve(). `Data` is what `verify` hands to the handler. */
export interface ServeOptions<Data = undefined> extends UpgradeOptions<IncomingMessage | Http2ServerRequest> {
  /** The port to listen on. Default 0: any free one. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: all. */
  readonly host?: string | undefined;
  /** The unix socket, or the named pipe of Windows, to listen on, in place of port and host. Default: none. */
  readonly socketPath?: string | undefined;
  /** Serve wss: with this certificate and key, and other options of node:https. Default: ws, without TLS. */
  readonly tls?: ServerOptions | undefined;
  /** With `tls`: offer HTTP/2 too, and take WebSocket over it (RFC 8441). Default true. */
  readonly http2?: boolean | undefined;
  /**
   * Attach to a server that you have, of node:http, https, or http2 (with the setting `enableConnectProtocol`). It replaces
   * the options above. serve() takes the WebSocket requests for its `path` and leaves the rest to other listeners. It neither
   * makes the server listen nor closes it. Default: serve() makes a server.
   */
  readonly server?: HttpServer | HttpsServer | Http2SecureServer | Http2Server | undefined;
  /**
   * Take only requests for this path. Others get 404, unless another serve() of the same `server` takes them, or the server
   * has further listeners of 'upgrade' (over HTTP/2, 'connect'), which must then answer. Default: any path that no other
   * serve() of the server has.
   */
  readonly path?: string | undefined;
  /**
   * Handles requests that are not for WebSocket, for a server that serve() makes. Default: they get 426, unless its "request"
   * event has other listeners.
   */
  readonly onRequest?:
    | ((request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => unknown)
    | undefined;
  /**
   * Decides about a request whose handshake is right and whose origin `checkOrigin` has accepted, before anything is sent:
   * see Verdict. A HandshakeError that it throws is answered with its status; another exception, or a value of another kind,
   * with 500. Default: all are accepted.
   */
  readonly verify?:
    | ((request: IncomingMessage | Http2ServerRequest) => Verdict<Data> | Promise<Verdict<Data>>)
    | undefined;
  /**
   * How long `verify` may take before the answer is 503, in milliseconds. For a server that serve() makes, also how long a
   * client has for the TLS handshake, and again to send its request; and how long an HTTP/2 session may be without a stream.
   * Default 10,000.
   */
  readonly handshakeTimeout?: number | undefined;
}

/** A running server. */
export interface WebSocketServer {
  /** The server of node:http, https or http2: the one you passed, or the one that serve() made. You may add listeners. */
  readonly server: HttpServer | HttpsServer | Http2SecureServer | Http2Server;
  /** The port that it listens on; 0 if it listens on a unix socket, or not yet. */
  readonly port: number;
  /** The connections that are open. */
  readonly connections: ReadonlySet<Connection>;
  /**
   * Closes all connections (1001, or as given) and waits until they have ended. Those that have not ended one second after
   * their `closeTimeout` are cut. Requests that `verify` has not decided on get 503. A server that serve() made stops
   * listening, and what is left of it a second later is cut; one that you passed goes on without this serve().
   * @throws RangeError for a code that must not be sent; nothing is closed then
   */
  close(code?: number, reason?: string): Promise<void>;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * Starts a WebSocket server, or attaches to a `server` that you have. Calls `handler` for each connection, with its request
 * and the data of `verify`. Resolves once it listens; with a `server`, at once. If the handler throws or its promise rejects,
 * the connection is closed (1011), and the exception becomes an uncaught one, as in other listeners.
 *
 * @throws TypeError, RangeError for wrong or unknown options
 * @throws Error if another serve() of the `server` has the same path
 * @throws what listening throws: for a port in use, or an invalid certificate
 */
export async function serve<Data = undefined>(
  options: ServeOptions<Data>,
  handler: (connection: Connection, request: IncomingMessage | Http2ServerRequest, data: Data) => unknown,
): Promise<WebSocketServer> {
  check(options, handler);
  const handshakeTimeout = readDelay("handshakeTimeout", options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT);
  const own = options.server === undefined ? new OwnServer(options, handshakeTimeout) : undefined;
  const admission = new Admission(options, handshakeTimeout, handler, own);
  const server = own === undefined ? options.server! : own.server;
  const detach = attach(server, admission);
  if (own !== undefined) {
    const events: EventEmitter = server;
    events.on("request", options.onRequest ?? refusePlain(events, admission));
    await own.listen();
  }

  const end = async (code: number, reason: string): Promise<void> => {
    if (own === undefined) detach();
    else own.stop();
    await admission.close(code, reason);
    await own?.end();
  };
  let ended: Promise<void> | undefined;
  return {
    server,
    connections: admission.connections,
    get port() {
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : 0;
    },
    async close(code: number = CloseCode.GoingAway, reason: string = ""): Promise<void> {
      // Throws for what cannot be sent, before anything has been done.
      new Protocol({ role: "server" }).close(code, reason);
      ended ??= end(code, reason);
      return ended;
    },
  };
}

/** What every request would otherwise run into. @throws TypeError, RangeError */
function check<Data>(options: ServeOptions<Data>, handler: Handler<Data>): void {
  checkServeNames(options);
  if (typeof handler !== "function") throw new TypeError("The handler must be a function");
  for (const name of ["checkOrigin", "onRefused", "onRequest", "verify"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "function") throw new TypeError(`${name} must be a function`);
  }
  const { server, socketPath } = options;
  if (server !== undefined) {
    if (typeof server !== "object" || server === null || typeof server.on !== "function" || !("address" in server)) {
      throw new TypeError("server must be a server of node:http, https or http2");
    }
    for (const name of ["port", "host", "socketPath", "tls", "http2", "onRequest"] as const) {
      if (options[name] !== undefined)
        throw new TypeError(`${name} is for a server of its own: it does not go with \`server\``);
    }
  }
  if (socketPath !== undefined) {
    if (typeof socketPath !== "string" || socketPath === "") throw new TypeError("socketPath must be a path");
    if (options.port !== undefined || options.host !== undefined) {
      throw new TypeError("socketPath does not go with port or host");
    }
  }
  checkOptions("server", options);
  acceptHandshake({ headers: [] }, options);
}

/** Answers requests that are not for WebSocket, where nobody else does. */
function refusePlain(events: EventEmitter, admission: { tell: Admission<never>["tell"] }) {
  return (request: IncomingMessage | Http2ServerRequest, response: ServerResponse): void => {
    if (events.listenerCount("request") > 1) return;
    const upgrading = request.httpVersionMajor === 1 ? { Connection: "close, Upgrade", Upgrade: "websocket" } : {};
    response.writeHead(426, { ...upgrading, "Content-Type": "text/plain" });
    response.end("This is a WebSocket server.\n");
    if ("stream" in request) abandon(request.stream as ServerHttp2Stream);
    const message = "The request is not for WebSocket";
    const error = new HandshakeError("WS_ERR_HANDSHAKE_UPGRADE", message, { status: 426, rule: "RFC 6455 §4.2.1" });
    admission.tell(request, 426, error);
  };
}
