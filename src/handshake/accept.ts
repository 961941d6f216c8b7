// The server's side of the opening handshake (RFC 6455 §4.2; RFC 8441 for HTTP/2, RFC 9220 for HTTP/3).

import type { AgreedExtension, Extension } from "../frame/extension.ts";
import { checkExtensions, checkNames, type Hints, type Names } from "../frame/known-options.ts";
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
 * The request of a client. It can be the IncomingMessage of node:http, the Http2ServerRequest or `{ headers }` of a stream of
 * node:http2, a WHATWG Request, the result of RequestParser, or any object with these properties.
 */
export interface HandshakeRequest {
  /** The HTTP method. Default: the pseudo-header field `:method`, which HTTP/2 has. */
  readonly method?: string | undefined;
  /** The request target: a path with its query, or a whole URL. If undefined, it is not checked. */
  readonly url?: string | undefined;
  /** The header fields; for HTTP/2 including the pseudo-header fields. */
  readonly headers: HeaderSource;
  /** The HTTP version, like "1.1" or "2.0". If undefined, it is not checked. */
  readonly httpVersion?: string | undefined;
}

/** Options of `acceptHandshake()`. */
export interface AcceptOptions {
  /**
   * The subprotocols that the server supports, in order of preference: the first that the client offers is chosen (RFC 6455
   * §1.9).
   *
   * Or a function that chooses one: it gets the offered subprotocols and the request, and returns one of them or undefined. It
   * is called only if the client offers any. Default: no subprotocol.
   */
  readonly protocols?:
    | readonly string[]
    | ((offered: readonly string[], request: HandshakeRequest) => string | undefined)
    | undefined;
  /**
   * The extensions to negotiate (RFC 6455 §9). If two have the same name, the first that accepts an offer is used. Default
   * none.
   */
  readonly extensions?: readonly Extension[] | undefined;
  /**
   * Decides whether pages of an origin may connect. It gets the value of Origin, which is undefined for most clients other than
   * browsers, and the request. It returns true or false; it must not be async. A HandshakeError that it throws becomes the
   * rejection.
   *
   * Browsers let any page connect to any server. If your server uses cookies, check the origin (RFC 6455 §10.2). Default: all
   * origins are accepted.
   */
  readonly checkOrigin?: ((origin: string | undefined, request: HandshakeRequest) => boolean) | undefined;
  /** More header fields for the response, such as Set-Cookie. A rejection does not contain them. Default none. */
  readonly headers?: HeaderSource | undefined;
}

/** The result of a successful handshake, on either side. */
export interface Agreement {
  /** The chosen subprotocol; undefined if there is none. */
  readonly protocol: string | undefined;
  /** The agreed extensions, in the order of the response. */
  readonly extensions: readonly AgreedExtension[];
}

/** An accepted handshake. For HTTP/1.1, `serializeResponse()` turns it into bytes. */
export interface Acceptance extends Agreement {
  /** Always true: tells it from a Rejection. */
  readonly accepted: true;
  /** 101 Switching Protocols, or 200 for an extended CONNECT. */
  readonly status: 101 | 200;
  /** All header fields of the response. For an extended CONNECT, the names are in lower case. */
  readonly headers: HeaderPairs;
}

const NAMES: Names<AcceptOptions> = { checkOrigin: true, extensions: true, headers: true, protocols: true };

/** Options of ws, with what to use instead. */
const HINTS: Hints = {
  handleProtocols: "use `protocols`, a list or a function",
  perMessageDeflate: "use `extensions: [perMessageDeflate()]`",
  protocol: "use `protocols`, a list",
  verifyClient: "use `checkOrigin`, or rejectHandshake()",
};

/**
 * Checks the opening handshake of a client and makes the response (RFC 6455 §4.2). A request with pseudo-header fields comes
 * from HTTP/2 or 3 and must be an extended CONNECT (RFC 8441, RFC 9220).
 *
 * A request that announces a body is rejected: one side would read the bytes after the head as frames, and the other as the
 * body.
 *
 * @returns the response to send; for HTTP/1.1, `serializeResponse()` turns it into bytes. An invalid request gets a Rejection
 * @throws TypeError for unknown or invalid options: `extensions` that are not an array, a subprotocol that is not a token, a chosen one
 *   that was not offered, or header fields that the handshake sets itself or that contain illegal characters
 * @throws any error of `checkOrigin` or of a function `protocols`, except a HandshakeError
 */
export function acceptHandshake(request: HandshakeRequest, options: AcceptOptions = {}): Acceptance | Rejection {
  checkNames("acceptHandshake()", options, NAMES, HINTS);
  if (typeof options.protocols !== "function") checkSubprotocols(options.protocols ?? []);
  checkExtensions(options.extensions);
  const extra = checkedHeaders(options.headers ?? [], HANDSHAKE_FIELDS);
  const fields = readFields(request.headers);
  try {
    return accept(request, fields, options, extra);
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return rejectHandshake({ error, httpVersion: isOfHttp2(request, fields) ? "2.0" : "1.1" });
  }
}

/**
 * The same, for options that are known to be right.
 *
 * @param extra more header fields for the response
 * @throws HandshakeError for a request to reject
 * @throws any error of `checkOrigin` or of a function `protocols`
 */
export function accept(
  request: HandshakeRequest,
  fields: Fields,
  options: AcceptOptions,
  extra: HeaderPairs,
): Acceptance {
  const isHttp2 = isOfHttp2(request, fields);
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
    // HTTP/2 requires names in lower case (RFC 9113 §8.2.1).
    headers: isHttp2 ? headers.map(([name, value]) => [name.toLowerCase(), value]) : headers,
    protocol,
    extensions,
  };
}

/** Whether a request has pseudo-header fields, which exist only in HTTP/2 and 3 (RFC 9113 §8.3). */
function isOfHttp2({ httpVersion }: HandshakeRequest, fields: Fields): boolean {
  const hasPseudoFields = fields.has(":method") || fields.has(":protocol");
  return hasPseudoFields && (httpVersion === undefined || !isBeforeHttp2(httpVersion));
}

/** Checks a GET with Upgrade (RFC 6455 §4.2.1). Returns the header fields that answer it. */
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
    refuse("WS_ERR_HANDSHAKE_UPGRADE", "This server speaks only WebSocket: Upgrade must include websocket", {
      status: 426,
      headers: [
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
      ],
    });
  }
  if (!membersOf(fields, "connection").some((member) => isSameToken(member, "upgrade"))) {
    refuse("WS_ERR_HANDSHAKE_CONNECTION", "Connection must include upgrade; a proxy may have removed it");
  }
  // Check this before the key: handshakes older than RFC 6455 have no key.
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
    refuse("WS_ERR_HANDSHAKE_KEY", "The request needs exactly one Sec-WebSocket-Key, 16 bytes in base64");
  }
  checkAuthority(singleValue(fields, "host"), "The request needs exactly one Host, a host with an optional port");
  return [
    ["Upgrade", "websocket"],
    // Some clients refuse a list here.
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Accept", acceptFor(key)],
  ];
}

/** HTTP/1.0 has no Upgrade (RFC 9110 §7.8). Status 505 is only for an unsupported major version (RFC 9110 §15.6.6). */
function checkHttpVersion(httpVersion: string | undefined): void {
  if (httpVersion === undefined) return;
  const [major = "", minor = ""] = httpVersion.split(".");
  if (major === "1" && Number(minor) >= 1) return;
  if (isBeforeHttp2(httpVersion)) {
    refuse(
      "WS_ERR_HANDSHAKE_HTTP_VERSION",
      "The request must use HTTP/1.1; if there is a proxy, configure it to do so",
    );
  }
  refuse(
    "WS_ERR_HANDSHAKE_HTTP_VERSION",
    "A WebSocket handshake is a GET over HTTP/1.1, or an extended CONNECT over HTTP/2",
    { status: 505 },
  );
}

/** Checks an extended CONNECT (RFC 8441 §4 and §5). It has no Sec-WebSocket-Key, so no header field answers it. */
function checkConnect(request: HandshakeRequest, fields: Fields): HeaderPairs {
  const rule = "RFC 8441 §5";
  if ((request.method ?? singleValue(fields, ":method")) !== "CONNECT") {
    refuse("WS_ERR_HANDSHAKE_METHOD", "The method of an opening handshake over HTTP/2 must be CONNECT", {
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
  checkAuthority(
    singleValue(fields, ":authority"),
    "The request needs an :authority, a host with an optional port",
    rule,
  );
  if (fields.has("connection") || fields.has("upgrade")) {
    refuse("WS_ERR_HANDSHAKE_CONNECTION", "HTTP/2 does not allow the fields Connection and Upgrade", {
      rule: "RFC 9113 §8.2.2",
    });
  }
  if (singleValue(fields, "sec-websocket-version") !== "13") {
    // Status 426 would require Upgrade (RFC 9110 §15.5.22).
    refuse("WS_ERR_HANDSHAKE_VERSION", "Sec-WebSocket-Version must be 13", {
      rule: "RFC 6455 §4.4",
      headers: [["sec-websocket-version", "13"]],
    });
  }
  return [];
}

/** Whether a request target is a path with a query, or a URL (RFC 9112 §3.2.1, §3.2.2). */
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
  if (origins.length > 1) refuse("WS_ERR_HANDSHAKE_ORIGIN", "The request must not have more than one Origin");
  const allowed = options.checkOrigin === undefined || options.checkOrigin(origins[0], request);
  // Without this check, the promise of an async function would accept every origin.
  if (typeof allowed !== "boolean") throw new TypeError("checkOrigin must return true or false, and must not be async");
  if (!allowed) {
    refuse("WS_ERR_HANDSHAKE_ORIGIN", "Connections from this origin are not allowed", {
      status: 403,
      rule: "RFC 6455 §4.2.2",
    });
  }
}

function chooseSubprotocol(request: HandshakeRequest, fields: Fields, options: AcceptOptions): string | undefined {
  const values = fields.get("sec-websocket-protocol");
  if (values === undefined) return undefined;
  const offered = parseSubprotocols(values);
  if (offered === undefined) {
    refuse("WS_ERR_HANDSHAKE_PROTOCOL", "Sec-WebSocket-Protocol must be a list of tokens without duplicates", {
      rule: "RFC 6455 §4.1",
    });
  }
  const { protocols } = options;
  if (typeof protocols !== "function") return protocols?.find((name) => offered.includes(name));
  const chosen = protocols(offered, request);
  if (chosen !== undefined && !offered.includes(chosen)) {
    throw new TypeError(
      `The subprotocol ${JSON.stringify(chosen)} was not offered: choose one of ${offered.join(", ")}, or none`,
    );
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
