// The client's opening handshake, with the options and events of ws.

import { type ClientRequest, type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect as connectSocket, isIP } from "node:net";
import { unescape } from "node:querystring";
import { connect as connectTls } from "node:tls";
import type { Duplex } from "node:stream";
import {
  checkResponse,
  type Extension,
  HandshakeError,
  type HandshakeErrorCode,
  parseExtensions,
  serializeExtensions,
} from "../index.ts";
import { isToken } from "../handshake/syntax.ts";
import { extensionOf } from "./deflate-options.ts";
import type { ClientOptions } from "./options.ts";
import type { WebSocket } from "./web-socket.ts";

const VERSIONS = [8, 13];
const MAX_REDIRECTS = 10;

/** The address that a URL names. */
interface Address {
  readonly url: URL;
  readonly secure: boolean;
  /** The path of a Unix domain socket, for ws+unix:. */
  readonly socketPath: string | undefined;
  readonly path: string;
}

/** Opens the connection of one WebSocket: sends a request, and follows redirects. @internal */
export class ClientHandshake {
  readonly #websocket: WebSocket;
  readonly #options: ClientOptions;
  readonly #protocols: readonly string[];
  #headers: Record<string, unknown>;
  #address: Address;
  /** The address of the first request. */
  readonly #origin: Address;
  #auth: string | undefined;
  #redirects = 0;
  #request: ClientRequest | undefined = undefined;
  #over = false;

  /** @throws SyntaxError for an invalid URL or subprotocol @throws RangeError for another version than 8 or 13 */
  constructor(websocket: WebSocket, address: string | URL, protocols: readonly string[], options: ClientOptions) {
    const { protocolVersion = 13, headers } = options;
    if (!VERSIONS.includes(protocolVersion)) {
      throw new RangeError(
        `Unsupported protocol version: ${protocolVersion} (supported versions: ${VERSIONS.join(", ")})`,
      );
    }
    this.#websocket = websocket;
    this.#options = options;
    this.#address = this.#origin = readAddress(address);
    websocket._url = this.#address.url.href;
    for (const [index, protocol] of protocols.entries()) {
      if (typeof protocol !== "string" || !isToken(protocol) || protocols.indexOf(protocol) !== index) {
        throw new SyntaxError("An invalid or duplicated subprotocol was specified");
      }
    }
    this.#protocols = protocols;
    this.#headers = { ...headers };
    this.#auth = authOf(this.#address) ?? options.auth ?? undefined;
  }

  start(): void {
    const { followRedirects } = this.#options;
    if (followRedirects && this.#redirects === 0) {
      // In lower case, because a redirect may have to drop some of them by name.
      const entries = Object.entries(this.#headers).map(([name, value]) => [name.toLowerCase(), value] as const);
      this.#headers = Object.fromEntries(entries);
    }
    if (followRedirects && this.#auth !== undefined && !this.#headers["authorization"]) {
      this.#headers["authorization"] = `Basic ${Buffer.from(this.#auth).toString("base64")}`;
      this.#auth = undefined;
    }
    this.#send();
  }

  /** Gives up. The events are emitted in a later tick. */
  abort(message: string): void {
    if (this.#over) return;
    this.#over = true;
    const request = this.#request;
    request?.destroy();
    // A request that has ended does not destroy its socket.
    request?.socket?.destroy();
    this.#failLater(new Error(message));
  }

  #send(): void {
    const websocket = this.#websocket;
    const { handshakeTimeout, perMessageDeflate = true, finishRequest } = this.#options;
    const extension = perMessageDeflate ? extensionOf(perMessageDeflate) : undefined;
    const { options, sent } = this.#describe(extension);
    const request = (this.#address.secure ? httpsRequest : httpRequest)(options);
    this.#request = request;
    if (this.#redirects > 0) websocket.emit("redirect", websocket.url, request);
    if (handshakeTimeout) request.on("timeout", () => this.abort("Opening handshake has timed out"));
    request.on("error", (error) => {
      if (this.#over || this.#request !== request) return;
      this.#over = true;
      websocket.fail(error);
    });
    request.on("response", (response) => this.#refused(request, response));
    request.on("upgrade", (response, socket, head) => this.#upgraded(response, socket, head, extension, sent));
    if (finishRequest) finishRequest(request, websocket);
    else request.end();
  }

  /** The options of the request, and the header fields that the response is checked against. */
  #describe(extension: Extension | undefined): { options: RequestOptions; sent: [name: string, value: string][] } {
    const { secure, url, socketPath, path } = this.#address;
    const { origin, protocolVersion = 13 } = this.#options;
    const sent: [name: string, value: string][] = [
      ["Sec-WebSocket-Version", String(protocolVersion)],
      ["Sec-WebSocket-Key", Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64")],
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
    ];
    if (extension) {
      const offers = extension.offer().map((parameters) => ({ name: extension.name, parameters }));
      sent.push(["Sec-WebSocket-Extensions", serializeExtensions(offers)]);
    }
    if (this.#protocols.length > 0) sent.push(["Sec-WebSocket-Protocol", this.#protocols.join(",")]);
    const headers: Record<string, unknown> = { ...this.#headers, ...Object.fromEntries(sent) };
    if (origin) headers[protocolVersion < 13 ? "Sec-WebSocket-Origin" : "Origin"] = origin;
    const defaultPort = secure ? 443 : 80;
    const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
    const options = {
      createConnection: secure ? openTls : openSocket,
      defaultPort,
      ...this.#options,
      // These replace options of the user.
      ...NOT_FOR_REQUESTS,
      method: "GET",
      headers,
      path,
      socketPath,
      host,
      port: url.port || defaultPort,
      auth: this.#auth,
      timeout: this.#options.handshakeTimeout,
    };
    return { options: options as unknown as RequestOptions, sent };
  }

  #refused(request: ClientRequest, response: IncomingMessage): void {
    const { followRedirects, maxRedirects = MAX_REDIRECTS } = this.#options;
    const { statusCode = 0, headers } = response;
    if (this.#over) return;
    if (headers.location && followRedirects && statusCode >= 300 && statusCode < 400) {
      if (++this.#redirects > maxRedirects) this.abort("Maximum redirects exceeded");
      else this.#redirect(request, headers.location);
    } else if (!this.#websocket.emit("unexpected-response", request, response)) {
      this.abort(`Unexpected server response: ${statusCode}`);
    }
  }

  #redirect(request: ClientRequest, location: string): void {
    this.#request = undefined;
    request.on("error", ignore);
    request.destroy();
    const before = this.#address;
    try {
      this.#address = readAddress(resolve(location, before.url));
    } catch (error) {
      this.#over = true;
      this.#websocket.fail(error as Error);
      return;
    }
    this.#websocket._url = this.#address.url.href;
    this.#auth = authOf(this.#address) ?? (this.#options.auth || undefined);
    if (this.#websocket.listenerCount("redirect") === 0) this.#dropCredentials();
    this.start();
  }

  /** Drops credentials if another host or a less secure scheme would get them, as curl does. */
  #dropCredentials(): void {
    const sameHost =
      this.#address.socketPath === undefined
        ? this.#origin.socketPath === undefined && this.#address.url.host === this.#origin.url.host
        : this.#address.socketPath === this.#origin.socketPath;
    if (sameHost && (this.#address.secure || !this.#origin.secure)) return;
    delete this.#headers["authorization"];
    delete this.#headers["cookie"];
    if (!sameHost) delete this.#headers["host"];
    this.#auth = undefined;
  }

  #upgraded(
    response: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    extension: Extension | undefined,
    sent: [name: string, value: string][],
  ): void {
    this.#websocket.emit("upgrade", response);
    // A listener may have closed the WebSocket.
    if (this.#over) return;
    this.#over = true;
    try {
      const { rawHeaders } = response;
      const headers = Array.from(
        { length: rawHeaders.length / 2 },
        (_, i) => [rawHeaders[2 * i]!, rawHeaders[2 * i + 1]!] as const,
      );
      const { protocol, extensions } = checkResponse(
        { status: 101, headers, httpVersion: response.httpVersion },
        { headers: sent, extensions: extension ? [extension] : [] },
      );
      if (protocol === undefined && this.#protocols.length > 0) throw new Error("Server sent no subprotocol");
      this.#websocket.agree(protocol, extensions);
    } catch (error) {
      this.#refuse(socket, this.#messageOf(error as Error, response));
      return;
    }
    this.#websocket.setSocket(socket, head, {});
  }

  /** The message that ws would use. */
  #messageOf(error: Error, { headers }: IncomingMessage): string {
    if (!(error instanceof HandshakeError)) return error.message;
    if (error.code === "WS_ERR_HANDSHAKE_PROTOCOL") {
      return this.#protocols.length === 0
        ? "Server sent a subprotocol but none was requested"
        : "Server sent an invalid subprotocol";
    }
    if (error.code === "WS_ERR_HANDSHAKE_EXTENSION") {
      if (this.#options.perMessageDeflate === false) {
        return "Server sent a Sec-WebSocket-Extensions header but no extension was requested";
      }
      const answers = parseExtensions(headers["sec-websocket-extensions"] ?? "");
      const foreign = answers?.some(({ name }) => name !== "permessage-deflate") || (answers?.length ?? 0) > 1;
      return foreign
        ? "Server indicated an extension that was not requested"
        : "Invalid Sec-WebSocket-Extensions header";
    }
    return MESSAGES[error.code] ?? error.message;
  }

  /** Fails after an invalid response. The events follow when the socket has closed. */
  #refuse(socket: Duplex, message: string): void {
    const websocket = this.#websocket;
    websocket.failing();
    socket.once("error", (error) => websocket.emit("error", error));
    socket.once("close", () => websocket.emitClose());
    socket.destroy(new Error(message));
  }

  #failLater(error: Error): void {
    this.#websocket.failing();
    process.nextTick(() => this.#websocket.fail(error));
  }
}

const MESSAGES: { readonly [code in HandshakeErrorCode]?: string } = {
  WS_ERR_HANDSHAKE_UPGRADE: "Invalid Upgrade header",
  WS_ERR_HANDSHAKE_CONNECTION: "Invalid Connection header",
  WS_ERR_HANDSHAKE_ACCEPT: "Invalid Sec-WebSocket-Accept header",
};

/** Options that the URL overrides, and options of ours that mean something else to node:http. */
const NOT_FOR_REQUESTS = { hostname: undefined, protocol: undefined, protocols: undefined };

/** @throws SyntaxError */
function readAddress(address: string | URL): Address {
  let url = address instanceof URL ? address : parseUrl(address);
  if (url.protocol === "http:" || url.protocol === "https:") {
    url = new URL(url.href);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  }
  const isUnix = url.protocol === "ws+unix:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:" && !isUnix) {
    throw new SyntaxError('The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"');
  }
  if (isUnix && !url.pathname) throw new SyntaxError("The URL's pathname is empty");
  if (url.hash) throw new SyntaxError("The URL contains a fragment identifier");
  const target = url.pathname + url.search;
  if (!isUnix) return { url, secure: url.protocol === "wss:", socketPath: undefined, path: target };
  const [socketPath = "", ...rest] = target.split(":");
  return { url, secure: false, socketPath, path: rest.join(":") };
}

function parseUrl(address: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new SyntaxError(`Invalid URL: ${address}`);
  }
}

function resolve(location: string, base: URL): URL {
  try {
    return new URL(location, base);
  } catch {
    throw new SyntaxError(`Invalid URL: ${location}`);
  }
}

function authOf({ url: { username, password } }: Address): string | undefined {
  return username || password ? `${unescape(username)}:${unescape(password)}` : undefined;
}

type SocketTarget = RequestOptions & { path?: string | undefined; servername?: string | undefined };

function openSocket(options: SocketTarget): Duplex {
  return connectSocket({ ...options, path: options.socketPath ?? undefined } as never);
}

function openTls(options: SocketTarget): Duplex {
  const { host = "", servername = isIP(host ?? "") ? "" : host } = options;
  return connectTls({ ...options, path: undefined, servername } as never);
}

function ignore(): void {}
