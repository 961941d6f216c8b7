import { EventEmitter } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Acceptance,
  type Extension,
  HandshakeError,
  type HandshakeErrorCode,
  type HeaderPairs,
  parseExtensions,
} from "../index.ts";
import { accept } from "../handshake/accept.ts";
import { readFields } from "../handshake/headers.ts";
import { isToken } from "../handshake/syntax.ts";
import { extensionOf, type PerMessageDeflateOptions } from "./deflate-options.ts";
import { DEFAULTS, type SocketOptions } from "./options.ts";
import { parse } from "./subprotocol.ts";
import { WebSocket } from "./web-socket.ts";

/** The first argument of `verifyClient`. */
export interface ClientInfo {
  readonly origin: string | undefined;
  readonly secure: boolean;
  readonly req: IncomingMessage;
}

/** The callback of `verifyClient`. For a refusal it gets the status, the body and header fields. */
export type Verified = (verified: boolean, code?: number, message?: string, headers?: Record<string, unknown>) => void;

/** Options of a server, with the names of ws. You may change them later, except those that say where it listens. */
export interface ServerOptions extends SocketOptions {
  backlog?: number | null | undefined;
  clientTracking?: boolean | undefined;
  handleProtocols?: ((protocols: Set<string>, request: IncomingMessage) => string | false) | null | undefined;
  host?: string | null | undefined;
  noServer?: boolean | undefined;
  path?: string | null | undefined;
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  port?: number | null | undefined;
  server?: HttpServer | HttpsServer | null | undefined;
  verifyClient?: ((info: ClientInfo) => boolean) | ((info: ClientInfo, callback: Verified) => void) | null | undefined;
  WebSocket?: typeof WebSocket | undefined;
}

/** Called with a client that has been accepted. */
export type UpgradeCallback = (websocket: WebSocket, request: IncomingMessage) => void;

/** A server with the API of ws. */
export class WebSocketServer extends EventEmitter {
  readonly options: ServerOptions & { WebSocket: typeof WebSocket };
  /** The connected clients; undefined if `clientTracking` is off. */
  declare readonly clients?: Set<WebSocket>;
  private _server: HttpServer | HttpsServer | undefined = undefined;
  private _removeListeners: (() => void) | undefined = undefined;
  private _state: "running" | "closing" | "closed" = "running";
  /** The extension, and the options that it was made from. */
  private _extension: { readonly of: unknown; readonly extension: Extension } | undefined = undefined;
  /** Removes a client from `clients` when it has closed. */
  private readonly _forget: ((this: WebSocket) => void) | undefined = undefined;
  /** Whether "close" waits for the last client. */
  private _closesWithClients = false;

  /** @throws TypeError unless exactly one of `port`, `server` and `noServer` is given */
  constructor(options?: ServerOptions, callback?: () => void) {
    super();
    this.options = {
      ...DEFAULTS,
      perMessageDeflate: false,
      handleProtocols: null,
      clientTracking: true,
      verifyClient: null,
      noServer: false,
      backlog: null,
      server: null,
      host: null,
      path: null,
      port: null,
      ...options,
      WebSocket: options?.WebSocket ?? WebSocket,
    };
    if (this.options.perMessageDeflate === true) this.options.perMessageDeflate = {};
    const { port, server, noServer, host, backlog } = this.options;
    const hasPort = port !== null && port !== undefined;
    if ([hasPort, Boolean(server), Boolean(noServer)].filter(Boolean).length !== 1) {
      throw new TypeError('One and only one of the "port", "server", or "noServer" options must be specified');
    }
    if (this.options.clientTracking) {
      this.clients = new Set();
      this._forget = this._forgetIn(this.clients);
    }
    if (server) {
      this._server = server;
    } else if (hasPort) {
      this._server = createServer(refuseOrdinary);
      this._server.listen(port, host ?? undefined, backlog ?? undefined, callback);
    }
    if (this._server) this._removeListeners = this._listenTo(this._server);
  }

  /** The address that the server listens on. @throws Error with `noServer` */
  address(): AddressInfo | string | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this._server?.address() ?? null;
  }

  /** Stops accepting clients. Connected clients stay; "close" is emitted after the last one has left, if they are tracked. */
  close(callback?: (error?: Error) => void): void {
    if (this._state === "closed") {
      if (callback) this.once("close", () => callback(new Error("The server is not running")));
      process.nextTick(() => this._emitClose());
      return;
    }
    if (callback) this.once("close", callback);
    if (this._state === "closing") return;
    this._state = "closing";
    const server = this._server;
    this._server = undefined;
    this._removeListeners?.();
    if (server && !this.options.server) {
      server.close(() => this._emitClose());
    } else if (this.clients && this.clients.size > 0) {
      this._closesWithClients = true;
    } else {
      process.nextTick(() => this._emitClose());
    }
  }

  /** Whether this server handles a request. You may override it. */
  shouldHandle(request: IncomingMessage): boolean | Promise<boolean> {
    const { path } = this.options;
    return !path || request.url!.split("?", 1)[0] === path;
  }

  /** Answers the request of an "upgrade" event. `callback` gets the client; it emits "connection" if you want that event. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, callback: UpgradeCallback): void {
    socket.on("error", destroyOnError);
    const extension = this._extensionNow();
    const headers = headersOf(request, extension !== undefined);
    let acceptance: Acceptance | undefined;
    let error: HandshakeError | undefined;
    try {
      const own = { extensions: extension ? [extension] : [] };
      acceptance = accept({ method: request.method, url: "/", headers }, readFields(headers), own, []);
    } catch (thrown) {
      if (!(thrown instanceof HandshakeError)) throw thrown;
      error = thrown;
    }
    // As in ws, invalid offers are reported only after shouldHandle().
    if (error && error.code !== "WS_ERR_HANDSHAKE_EXTENSION") {
      this._refuseClient(error, request, socket);
      return;
    }
    if (!this.shouldHandle(request)) {
      refuse(socket, 400);
      return;
    }
    const protocols = protocolsOf(request);
    if (protocols === undefined) {
      this._clientError(400, "Invalid Sec-WebSocket-Protocol header", request, socket);
      return;
    }
    if (!acceptance) {
      this._refuseClient(error!, request, socket);
      return;
    }
    if (extension && offers(request, extension.name) && acceptance.extensions.length === 0) {
      this._clientError(400, MESSAGES.WS_ERR_HANDSHAKE_EXTENSION!, request, socket);
      return;
    }
    const upgrade: Upgrade = { request, socket, head, callback, protocols, acceptance };
    this._verify(upgrade);
  }

  /** permessage-deflate with the current options. Clients share it. */
  private _extensionNow(): Extension | undefined {
    const { perMessageDeflate } = this.options;
    if (!perMessageDeflate) return undefined;
    if (this._extension?.of !== perMessageDeflate) {
      this._extension = { of: perMessageDeflate, extension: extensionOf(perMessageDeflate) };
    }
    return this._extension.extension;
  }

  private _verify(upgrade: Upgrade): void {
    const { request, socket } = upgrade;
    const { verifyClient } = this.options;
    if (!verifyClient) {
      this._complete(upgrade);
      return;
    }
    const origin = request.headers[versionOf(request) === 8 ? "sec-websocket-origin" : "origin"];
    const info: ClientInfo = { origin: origin as string | undefined, secure: isSecure(request), req: request };
    if (verifyClient.length === 2) {
      const decide = verifyClient as (info: ClientInfo, callback: Verified) => void;
      decide(info, (verified, code, message, headers) => {
        if (verified) this._complete(upgrade);
        else refuse(socket, code || 401, message, headers);
      });
    } else if ((verifyClient as (info: ClientInfo) => boolean)(info)) {
      this._complete(upgrade);
    } else {
      refuse(socket, 401);
    }
  }

  private _complete({ request, socket, head, callback, protocols, acceptance }: Upgrade): void {
    // The client may have disconnected meanwhile.
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      return;
    }
    if (upgraded.has(socket)) {
      throw new Error(
        "server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration",
      );
    }
    if (this._state !== "running") {
      refuse(socket, 503);
      return;
    }
    upgraded.add(socket);
    const websocket = new this.options.WebSocket(null, undefined, this.options);
    const protocol = this._chooseProtocol(protocols, request);
    websocket.agree(protocol, acceptance.extensions);
    const lines = ["HTTP/1.1 101 Switching Protocols"];
    for (const [name, value] of acceptance.headers) {
      // As in ws, the subprotocol comes before the extensions.
      if (protocol && name === "Sec-WebSocket-Extensions") lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
      lines.push(`${name}: ${value}`);
    }
    if (protocol && acceptance.extensions.length === 0) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    this.emit("headers", lines, request);
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    socket.removeListener("error", destroyOnError);
    websocket.setSocket(socket, head, this.options);
    if (this._forget) {
      this.clients!.add(websocket);
      websocket.on("close", this._forget);
    }
    callback(websocket, request);
  }

  /** @throws TypeError if handleProtocols returns an invalid subprotocol */
  private _chooseProtocol(protocols: Set<string>, request: IncomingMessage): string | undefined {
    if (protocols.size === 0) return undefined;
    const { handleProtocols } = this.options;
    const [first] = protocols;
    const chosen = handleProtocols ? handleProtocols(protocols, request) : first;
    if (!chosen) return undefined;
    if (!isToken(String(chosen)))
      throw new TypeError(`handleProtocols returned ${JSON.stringify(chosen)}, not a subprotocol`);
    return chosen;
  }

  /** One listener for all clients saves memory. */
  private _forgetIn(clients: Set<WebSocket>): (this: WebSocket) => void {
    const isLast = (): boolean => this._closesWithClients && clients.size === 0;
    const emitClose = (): void => this._emitClose();
    return function forget() {
      clients.delete(this);
      if (isLast()) process.nextTick(emitClose);
    };
  }

  private _refuseClient({ code, message }: HandshakeError, request: IncomingMessage, socket: Duplex): void {
    const status = code === "WS_ERR_HANDSHAKE_METHOD" ? 405 : 400;
    const headers = code === "WS_ERR_HANDSHAKE_VERSION" ? { "Sec-WebSocket-Version": "13, 8" } : undefined;
    this._clientError(status, MESSAGES[code] ?? message, request, socket, headers);
  }

  /** Answers an invalid request, unless a listener of "wsClientError" does. */
  private _clientError(
    status: number,
    message: string,
    request: IncomingMessage,
    socket: Duplex,
    headers?: Record<string, unknown>,
  ): void {
    if (this.listenerCount("wsClientError") > 0) this.emit("wsClientError", new Error(message), socket, request);
    else refuse(socket, status, message, headers);
  }

  private _listenTo(server: HttpServer | HttpsServer): () => void {
    const onConnection: UpgradeCallback = (websocket, request) => this.emit("connection", websocket, request);
    const listeners = {
      listening: () => this.emit("listening"),
      error: (error: Error) => this.emit("error", error),
      upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) =>
        this.handleUpgrade(request, socket, head, onConnection),
    };
    server.on("listening", listeners.listening).on("error", listeners.error).on("upgrade", listeners.upgrade);
    return () => {
      server.off("listening", listeners.listening).off("error", listeners.error).off("upgrade", listeners.upgrade);
    };
  }

  private _emitClose(): void {
    this._state = "closed";
    this.emit("close");
  }
}

/** A request that is being checked. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly callback: UpgradeCallback;
  /** The subprotocols that the client offers. */
  readonly protocols: Set<string>;
  readonly acceptance: Acceptance;
}

const upgraded: WeakSet<Duplex> = new WeakSet();

/** The messages of ws. Faults that ws does not check for have our messages. */
const MESSAGES: { readonly [code in HandshakeErrorCode]?: string } = {
  WS_ERR_HANDSHAKE_METHOD: "Invalid HTTP method",
  WS_ERR_HANDSHAKE_UPGRADE: "Invalid Upgrade header",
  WS_ERR_HANDSHAKE_KEY: "Missing or invalid Sec-WebSocket-Key header",
  WS_ERR_HANDSHAKE_VERSION: "Missing or invalid Sec-WebSocket-Version header",
  WS_ERR_HANDSHAKE_EXTENSION: "Invalid or unacceptable Sec-WebSocket-Extensions header",
};

/** Fields that ws does not check. Node has checked them, unless the request is not from Node. */
const UNCHECKED: HeaderPairs = [
  ["host", "localhost"],
  ["connection", "Upgrade"],
];
const NOT_PASSED: ReadonlySet<string> = new Set(["host", "connection", "sec-websocket-protocol"]);

/** The header fields of a request that accept() checks. */
function headersOf(request: IncomingMessage, withExtensions: boolean): HeaderPairs {
  const pairs: [name: string, value: string][] = UNCHECKED.map(([name, value]) => [name, value]);
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || NOT_PASSED.has(name)) continue;
    if (name === "sec-websocket-extensions" && !withExtensions) continue;
    if (name === "sec-websocket-version" && versionOf(request) === 8) {
      // Version 8 differs from 13 only in the name of the field Origin.
      pairs.push([name, "13"]);
      continue;
    }
    if (Array.isArray(value)) for (const each of value) pairs.push([name, each]);
    else pairs.push([name, String(value)]);
  }
  return pairs;
}

function versionOf({ headers }: IncomingMessage): number {
  return Number(headers["sec-websocket-version"]);
}

/** The subprotocols that a client offers; undefined if the header is invalid. */
function protocolsOf({ headers }: IncomingMessage): Set<string> | undefined {
  const offered = headers["sec-websocket-protocol"];
  try {
    return offered === undefined ? new Set() : parse(offered);
  } catch {
    return undefined;
  }
}

function offers({ headers }: IncomingMessage, name: string): boolean {
  const value = headers["sec-websocket-extensions"];
  return value !== undefined && parseExtensions(value)?.some((each) => each.name === name) === true;
}

function isSecure({ socket }: { readonly socket?: object }): boolean {
  if (socket === undefined) return false;
  return ("authorized" in socket && Boolean(socket.authorized)) || ("encrypted" in socket && Boolean(socket.encrypted));
}

/** Answers ordinary requests to a server of our own with 426. */
function refuseOrdinary(_request: IncomingMessage, response: ServerResponse): void {
  const body = STATUS_CODES[426]!;
  response.writeHead(426, { "Content-Length": body.length, "Content-Type": "text/plain" });
  response.end(body);
}

function refuse(
  socket: Duplex,
  status: number,
  message: string = STATUS_CODES[status] ?? "",
  headers?: Record<string, unknown>,
): void {
  const all = {
    Connection: "close",
    "Content-Type": "text/html",
    "Content-Length": Buffer.byteLength(message),
    ...headers,
  };
  const fields = Object.entries(all).map(([name, value]) => `${name}: ${String(value)}\r\n`);
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${fields.join("")}\r\n${message}`);
}

function destroyOnError(this: Duplex): void {
  this.destroy();
}
