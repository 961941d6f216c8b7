import type { EventEmitter } from "node:events";
import type { Server as HttpServer, ServerResponse } from "node:http";
import type { Http2SecureServer, Http2Server, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { Server as HttpsServer, ServerOptions } from "node:https";
import { acceptHandshake, CloseCode, HandshakeError, Protocol } from "../index.ts";
import { Admission, type Handler } from "./admission.ts";
import type { ServerRequest } from "./caller.ts";
import type { Connection } from "./connection.ts";
import { readDelay } from "./delay.ts";
import { abandon } from "./http2.ts";
import { acceptOptions, checkServeNames } from "./known-options.ts";
import { checkOptions } from "./options.ts";
import { OwnServer } from "./own-server.ts";
import { attach } from "./router.ts";
import type { UpgradeOptions } from "./upgrade.ts";
import type { Verdict } from "./verify.ts";

/**
 * Options of serve(): where to listen, what to accept, and the options of its connections. `Data` is the type of the
 * data that `verify` passes to the handler.
 */
export interface ServeOptions<Data = undefined> extends UpgradeOptions<ServerRequest> {
  /** The port to listen on. Default 0: any free port. */
  readonly port?: number | undefined;
  /** The address to listen on. Default: all addresses. */
  readonly host?: string | undefined;
  /** The Unix socket, or the named pipe on Windows, to listen on instead of `port` and `host`. Default: none. */
  readonly socketPath?: string | undefined;
  /** Serve wss:. These are the options of node:https, such as `cert` and `key`. Default: ws:, without TLS. */
  readonly tls?: ServerOptions | undefined;
  /** With `tls`: also offer HTTP/2, and accept WebSocket over it (RFC 8441). Default true. */
  readonly http2?: boolean | undefined;
  /**
   * Attach to an existing server of node:http, https, or http2 (with the setting `enableConnectProtocol`), instead of
   * the options above. serve() handles the WebSocket requests for its `path` and leaves all others to the other
   * listeners. You start and close the server yourself. Default: serve() makes a server.
   */
  readonly server?: HttpServer | HttpsServer | Http2SecureServer | Http2Server | undefined;
  /**
   * Accept only requests for this path, without the query: "/chat". A request for another path gets 404, unless another
   * serve() of the same `server` handles it. If the server has other listeners of 'upgrade' (over HTTP/2, of
   * 'connect'), they get it and must answer it. Default: any path that no other serve() of the server has.
   */
  readonly path?: string | undefined;
  /**
   * Handles requests that are not for WebSocket, on a server that serve() makes. Default: they get 426, unless the
   * server has other listeners of 'request'.
   */
  readonly onRequest?:
    | ((request: ServerRequest, response: ServerResponse | Http2ServerResponse) => unknown)
    | undefined;
  /**
   * Decides whether to accept a request. It is called before anything is sent, once the handshake is valid (RFC 6455
   * §4.2.1) and `checkOrigin` has accepted the origin. It may return, or resolve with:
   *
   * - `{ accepted: true, data }`: accept. The handler gets `data` as its third argument.
   * - `true`, or nothing: accept, if the handler needs no data.
   * - `false`: refuse with 403.
   * - a Rejection of rejectHandshake(): refuse with that response.
   *
   * If it throws a HandshakeError, the response has the status of the error. If it throws or returns anything else, the
   * response is 500, and `onRefused` gets the error. Default: every valid request is accepted.
   */
  readonly verify?: ((request: ServerRequest) => Verdict<Data> | Promise<Verdict<Data>>) | undefined;
  /**
   * How long `verify` may take, in milliseconds; after that the answer is 503. On a server that serve() makes, it is
   * also the time for the TLS handshake, then again for the request, and the time that an HTTP/2 session may have no
   * stream. Infinity for no limit. Default 10,000.
   */
  readonly handshakeTimeout?: number | undefined;
}

/** A running server, from serve(). */
export interface WebSocketServer {
  /** The server of node:http, https or http2: your own, or the one that serve() made. You may add listeners to it. */
  readonly server: HttpServer | HttpsServer | Http2SecureServer | Http2Server;
  /** The port that it listens on. 0 on a Unix socket, or before it listens. */
  readonly port: number;
  /** The open connections. The set changes as they open and close. */
  readonly connections: ReadonlySet<Connection>;
  /**
   * Closes all connections, with 1001 or the given code and reason (RFC 6455 §7.4), and resolves when they have ended.
   * A connection that is still open one second after its `closeTimeout` is cut. Requests that `verify` has not decided
   * on get 503. A server that serve() made stops listening, and its remaining sockets are cut after one more second. A
   * server of yours keeps running, without this serve(). A second call waits for the first.
   * @throws (rejects) RangeError if the code must not be sent (RFC 6455 §7.4); nothing is closed then
   */
  close(code?: number, reason?: string): Promise<void>;
}

/** The paths that a request can have: visible ASCII characters without ? and #. */
const PATH = /^\/[!"$->@-~]*$/;

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * Starts a WebSocket server, or attaches to an existing `server`. Resolves once it listens; with a `server`, at once.
 *
 * It calls `handler` for each connection, with the request and the data of `verify`. If the handler throws or its
 * promise rejects, the connection is closed (1011), and the exception becomes an uncaught exception, as in other
 * listeners. Add listeners before the first await in the handler: messages wait until there is a listener; events do
 * not.
 *
 * @throws (rejects) TypeError, RangeError for wrong or unknown options; the message names the option
 * @throws (rejects) Error if another serve() of the `server` has the same path
 * @throws (rejects) Error if it cannot listen, for example because the port is in use or the certificate is invalid
 */
export async function serve<Data = undefined>(
  options: ServeOptions<Data>,
  handler: (connection: Connection, request: ServerRequest, data: Data) => unknown,
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
      // Throws if they cannot be sent, before anything is closed.
      new Protocol({ role: "server" }).close(code, reason);
      ended ??= end(code, reason);
      return ended;
    },
  };
}

/** Throws now for options that would fail every request. @throws TypeError, RangeError */
function check<Data>(options: ServeOptions<Data>, handler: Handler<Data>): void {
  checkServeNames(options);
  if (typeof handler !== "function") throw new TypeError("The handler must be a function");
  for (const name of ["checkOrigin", "onRefused", "onRequest", "verify"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "function") throw new TypeError(`${name} must be a function`);
  }
  const { server, socketPath, path } = options;
  if (path !== undefined && typeof path !== "string") throw new TypeError("path must be a string");
  if (path !== undefined && !PATH.test(path)) {
    throw new RangeError('path must start with "/", like "/chat", percent-encoded and without a query or a fragment');
  }
  if (server !== undefined) {
    if (typeof server !== "object" || server === null || typeof server.on !== "function" || !("address" in server)) {
      throw new TypeError("server must be a server of node:http, https or http2");
    }
    for (const name of ["port", "host", "socketPath", "tls", "http2", "onRequest"] as const) {
      if (options[name] !== undefined)
        throw new TypeError(`The option \`${name}\` does not work with \`server\`: set it on your server instead`);
    }
  }
  if (socketPath !== undefined) {
    if (typeof socketPath !== "string" || socketPath === "")
      throw new TypeError("socketPath must be a string, and not empty");
    if (options.port !== undefined || options.host !== undefined) {
      throw new TypeError("Use either socketPath, or port and host");
    }
  }
  checkOptions("server", options);
  acceptHandshake({ headers: [] }, acceptOptions(options));
}

/** Answers requests that are not for WebSocket, unless the server has another listener of 'request'. */
function refusePlain(events: EventEmitter, admission: { tell: Admission<never>["tell"] }) {
  return (request: ServerRequest, response: ServerResponse): void => {
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
