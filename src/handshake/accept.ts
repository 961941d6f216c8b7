// The server's side of the opening handshake (RFC 6455 §4.2; over HTTP/2 and 3, RFC 8441 and RFC 9220).

import type { AgreedExtension, Extension } from "../frame/extension.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { negotiate, parseExtensions, serializeExtensions } from "./extensions.ts";
import {
  checkedHeaders,
  type Fields,
  HANDSHAKE_FIELDS,
  type HeaderPairs,
  type HeaderSource,
  membersOf,
  readFields,
  singleValue,
} from "./headers.ts";
import { acceptFor, isKey } from "./key.ts";
import { isBeforeHttp2, type Rejection, rejectHandshake } from "./response.ts";
import { checkSubprotocols, parseSubprotocols } from "./subprotocols.ts";
import { isAuthority, isSameToken, isVisible } from "./syntax.ts";

/**
 * The request of a client: the IncomingMessage of node:http, the Http2ServerRequest or `{ headers }` of a stream of
 * node:http2, a WHATWG Request, what RequestParser returns, or any object like them.
 */
export interface HandshakeRequest {
  /** Default over HTTP/2: the pseudo-header field `:method`. */
  readonly method?: string | undefined;
  /** The request target: a path with its query, or a whole URL. Not checked if it is not there. */
  readonly url?: string | undefined;
  /** The header fields, over HTTP/2 with the pseudo-header fields. */
  readonly headers: HeaderSource;
  /** As "1.1" or "2.0". Not checked if it is not there. */
  readonly httpVersion?: string | undefined;
}

/** Options of acceptHandshake(). */
export interface AcceptOptions {
  /**
   * The subprotocols that are spoken, in order of preference: the first that the client offers is chosen. Or a
   * function that chooses one of those offered (undefined for none; called only if there are any). Default: none is
   * chosen.
   */
  readonly protocols?:
    | readonly string[]
    | ((offered: readonly string[], request: HandshakeRequest) => string | undefined)
    | undefined;
  /** What to negotiate. Of two with one name, the first that accepts an offer is used. Default none. */
  readonly extensions?: readonly Extension[] | undefined;
  /**
   * Whether pages of an origin may connect; undefined is a client that is not a browser, or says that it is not.
   * Browsers let any page connect to any server: one that relies on cookies must look (RFC 6455 §10.2). A
   * HandshakeError that it throws becomes the rejection; a promise is a TypeError. Default: all may.
   */
  readonly checkOrigin?: ((origin: string | undefined, request: HandshakeRequest) => boolean) | undefined;
  /** Further header fields of the response, such as Set-Cookie. They are not sent with a rejection. Default none. */
  readonly headers?: HeaderSource | undefined;
}

/** What both sides have agreed on. */
export interface Agreement {
  /** The subprotocol, or undefined for none. */
  readonly protocol: string | undefined;
  /** In the order in which the response lists them. */
  readonly extensions: readonly AgreedExtension[];
}

/** A handshake that is accepted. */
export interface Acceptance extends Agreement {
  readonly accepted: true;
  /** 101 Switching Protocols; 200 for an extended CONNECT. */
  readonly status: 101 | 200;
  /** All of them. Their names are in lower case for an extended CONNECT. */
  readonly headers: HeaderPairs;
}

/**
 * Answers the opening handshake of a client (RFC 6455 §4.2), checking all that the RFC demands of it. A request with
 * pseudo-header fields is of HTTP/2 or 3, and must be an extended CONNECT (RFC 8441, RFC 9220).
 *
 * A request that announces a body is refused: what follows the head would be taken for frames on one side and for
 * the body on the other.
 *
 * @returns what to send: `serializeResponse()` makes the bytes of it. Nothing in a request makes it throw.
 * @throws TypeError for options that cannot be: subprotocols that are no tokens, one chosen that was not offered,
 *   header fields that are the handshake's own or that would break out of their line
 */
export function acceptHandshake(request: HandshakeRequest, options: AcceptOptions = {}): Acceptance | Rejection {
  if (typeof options.protocols !== "function") checkSubprotocols(options.protocols ?? []);
  const extra = checkedHeaders(options.headers ?? [], HANDSHAKE_FIELDS);
  const fields = readFields(request.headers);
  const isHttp2 = isOfHttp2(request, fields);
  try {
    const head = isHttp2 ? checkConnect(request, fields) : checkUpgrade(request, fields);
    checkNoBody(fields);
    checkOrigin(request, fields, options);
    const protocol = chooseSubprotocol(request, fields, options);
    const extensions = agreeOnExtensions(fields, options);
    const headers: (readonly [name: string, value: string])[] = [...head];
    if (protocol !== undefined) headers.push(["Sec-WebSocket-Protocol", protocol]);
    if (extensions.length > 0) headers.push(["Sec-WebSocket-Extensions", responseOf(extensions)]);
    headers.push(...extra);
    return {
      accepted: true,
      status: isHttp2 ? 200 : 101,
      // In HTTP/2 names are in lower case (RFC 9113 §8.2.1).
      headers: isHttp2 ? headers.map(([name, value]) => [name.toLowerCase(), value]) : headers,
      protocol,
      extensions,
    };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return rejectHandshake({ error, httpVersion: isHttp2 ? "2.0" : "1.1" });
  }
}

/** Whether a request has pseudo-header fields, which are of HTTP/2 and 3 alone (RFC 9113 §8.3). */
function isOfHttp2({ httpVersion }: HandshakeRequest, fields: Fields): boolean {
  const hasPseudoFields = fields.has(":method") || fields.has(":protocol");
  return hasPseudoFields && (httpVersion === undefined || !isBeforeHttp2(httpVersion));
}

/** Checks a GET with Upgrade (RFC 6455 §4.2.1). Returns the fields that answer it. */
function checkUpgrade(request: HandshakeRequest, fields: Fields): HeaderPairs {
  checkHttpVersion(request.httpVersion);
  if (request.method !== "GET") {
    refuse("WS_ERR_HANDSHAKE_METHOD", "The method of an opening handshake must be GET", {
      status: 405,
      headers: [["Allow", "GET"]],
    });
  }
  if (request.url !== undefined && !isTarget(request.url)) {
    refuse("WS_ERR_HANDSHAKE_TARGET", "The request target must be a path, or an http or https URL without a fragment");
  }
  if (!membersOf(fields, "upgrade").some((member) => isSameToken(member, "websocket"))) {
    refuse("WS_ERR_HANDSHAKE_UPGRADE", "Only WebSocket is spoken here: Upgrade must list websocket", {
      status: 426,
      headers: [
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
      ],
    });
  }
  if (!membersOf(fields, "connection").some((member) => isSameToken(member, "upgrade"))) {
    refuse("WS_ERR_HANDSHAKE_CONNECTION", "Connection must list upgrade; a proxy may have taken it away");
  }
  // Before the key, which handshakes older than RFC 6455 do not have.
  if (singleValue(fields, "sec-websocket-version") !== "13") {
    refuse("WS_ERR_HANDSHAKE_VERSION", "Sec-WebSocket-Version must be 13", {
      status: 426,
      rule: "RFC 6455 §4.4",
      headers: [
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
      ],
    });
  }
  const key = singleValue(fields, "sec-websocket-key");
  if (key === undefined || !isKey(key)) {
    refuse("WS_ERR_HANDSHAKE_KEY", "There must be one Sec-WebSocket-Key, of 16 bytes in base64");
  }
  checkAuthority(singleValue(fields, "host"), "There must be one Host field, with the authority of the server");
  return [
    ["Upgrade", "websocket"],
    // Exactly so: some clients refuse a list.
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptFor(key)],
  ];
}

/** HTTP/1.0 has no Upgrade (RFC 9110 §7.8). 505 is for a major version alone (RFC 9110 §15.6.6). */
function checkHttpVersion(httpVersion: string | undefined): void {
  if (httpVersion === undefined) return;
  const [major = "", minor = ""] = httpVersion.split(".");
  if (major === "1" && Number(minor) >= 1) return;
  if (isBeforeHttp2(httpVersion)) {
    refuse("WS_ERR_HANDSHAKE_HTTP_VERSION", "The request must be of HTTP/1.1; proxies can be set up to keep to it");
  }
  refuse(
    "WS_ERR_HANDSHAKE_HTTP_VERSION",
    "WebSocket begins with a GET of HTTP/1.1, or in HTTP/2 with an extended CONNECT",
    { status: 505 },
  );
}

/** Checks an extended CONNECT (RFC 8441 §4 and §5). Key and accept are not used with it: no field is there to answer it. */
function checkConnect(request: HandshakeRequest, fields: Fields): HeaderPairs {
  const rule = "RFC 8441 §5";
  if ((request.method ?? singleValue(fields, ":method")) !== "CONNECT") {
    refuse("WS_ERR_HANDSHAKE_METHOD", "Over HTTP/2 an opening handshake is an extended CONNECT", {
      status: 405,
      rule: "RFC 8441 §4",
      headers: [["allow", "CONNECT"]],
    });
  }
  if (!isSameToken(singleValue(fields, ":protocol") ?? "", "websocket")) {
    refuse("WS_ERR_HANDSHAKE_CONNECT_PROTOCOL", "The :protocol must be websocket", {
      status: 501,
      rule: "RFC 9220 §3",
    });
  }
  const scheme = singleValue(fields, ":scheme");
  if (scheme !== "https" && scheme !== "http") {
    refuse("WS_ERR_HANDSHAKE_TARGET", "The :scheme must be https or http", { rule });
  }
  const path = singleValue(fields, ":path") ?? request.url;
  if (path === undefined || !path.startsWith("/") || !isTarget(path)) {
    refuse("WS_ERR_HANDSHAKE_TARGET", "The :path must be a path without a fragment", { rule });
  }
  checkAuthority(singleValue(fields, ":authority"), "There must be an :authority, that of the server", rule);
  if (fields.has("connection") || fields.has("upgrade")) {
    refuse("WS_ERR_HANDSHAKE_CONNECTION", "Connection and Upgrade have no place in HTTP/2", {
      rule: "RFC 9113 §8.2.2",
    });
  }
  if (singleValue(fields, "sec-websocket-version") !== "13") {
    // Not 426, which must come with Upgrade (RFC 9110 §15.5.22).
    refuse("WS_ERR_HANDSHAKE_VERSION", "Sec-WebSocket-Version must be 13", {
      rule: "RFC 6455 §4.4",
      headers: [["sec-websocket-version", "13"]],
    });
  }
  return [];
}

/** Whether it is a path with its query, or a URL (RFC 9112 §3.2.1, §3.2.2). */
function isTarget(url: string): boolean {
  if (!isVisible(url) || url.includes("#")) return false;
  if (url.startsWith("/")) return true;
  const scheme = url.slice(0, url.indexOf(":")).toLowerCase();
  return ["http", "https", "ws", "wss"].includes(scheme) && url.startsWith("://", scheme.length);
}

function checkAuthority(authority: string | undefined, message: string, rule?: string): void {
  if (authority === undefined || !isAuthority(authority)) refuse("WS_ERR_HANDSHAKE_HOST", message, { rule });
}

function checkNoBody(fields: Fields): void {
  const length = fields.get("content-length");
  if ((length !== undefined && length.some((value) => value !== "0")) || fields.has("transfer-encoding")) {
    refuse("WS_ERR_HANDSHAKE_BODY", "The request of an opening handshake must not have a body");
  }
}

function checkOrigin(request: HandshakeRequest, fields: Fields, options: AcceptOptions): void {
  const origins = fields.get("origin") ?? [];
  if (origins.length > 1) refuse("WS_ERR_HANDSHAKE_ORIGIN", "There must not be more than one Origin");
  const allowed = options.checkOrigin === undefined || options.checkOrigin(origins[0], request);
  // A promise is not false either: an asynchronous check would let everybody in.
  if (typeof allowed !== "boolean") throw new TypeError("checkOrigin must return true or false");
  if (!allowed) {
    refuse("WS_ERR_HANDSHAKE_ORIGIN", "This origin may not connect", { status: 403, rule: "RFC 6455 §4.2.2" });
  }
}

function chooseSubprotocol(request: HandshakeRequest, fields: Fields, options: AcceptOptions): string | undefined {
  const values = fields.get("sec-websocket-protocol");
  if (values === undefined) return undefined;
  const offered = parseSubprotocols(values);
  if (offered === undefined) {
    refuse("WS_ERR_HANDSHAKE_PROTOCOL", "Sec-WebSocket-Protocol must list tokens, none of them twice", {
      rule: "RFC 6455 §4.1",
    });
  }
  const { protocols } = options;
  if (typeof protocols !== "function") return protocols?.find((name) => offered.includes(name));
  const chosen = protocols(offered, request);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError("The subprotocol that is chosen must be one of those that were offered");
  }
  return chosen;
}

function agreeOnExtensions(fields: Fields, options: AcceptOptions): AgreedExtension[] {
  const values = fields.get("sec-websocket-extensions");
  if (values === undefined) return [];
  const offers = parseExtensions(values.join(", "));
  if (offers === undefined) {
    refuse("WS_ERR_HANDSHAKE_EXTENSION", "Sec-WebSocket-Extensions is malformed", { rule: "RFC 6455 §9.1" });
  }
  return negotiate(offers, options.extensions ?? []);
}

function responseOf(extensions: readonly AgreedExtension[]): string {
  return serializeExtensions(extensions.map(({ extension: { name }, parameters }) => ({ name, parameters })));
}

function refuse(
  code: HandshakeErrorCode,
  message: string,
  options: { readonly status?: number; readonly rule?: string | undefined; readonly headers?: HeaderPairs } = {},
): never {
  const { status = 400, rule = "RFC 6455 §4.2.1", headers } = options;
  throw new HandshakeError(code, message, { status, rule, headers });
}
