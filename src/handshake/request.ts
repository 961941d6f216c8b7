// Makes the client's request (RFC 6455 §4.1; RFC 8441 §5 for HTTP/2).

import type { Extension } from "../frame/extension.ts";
import { checkExtensions, checkNames, type Hints, type Names } from "../frame/known-options.ts";
import { type NamedExtension, serializeExtensions } from "./extensions.ts";
import { checkedHeaders, HANDSHAKE_FIELDS, type HeaderPairs, type HeaderSource } from "./headers.ts";
import { isKey, randomKey, toBase64 } from "./key.ts";
import { serializeHead } from "./response.ts";
import { checkSubprotocols } from "./subprotocols.ts";
import { isAuthority, isFieldValue, isToken, isVisible } from "./syntax.ts";

/** Options of `createRequest()` and `createConnectRequest()`. */
export interface RequestOptions {
  /** The subprotocols to offer, in order of preference (RFC 6455 §1.9). Default none. */
  readonly protocols?: readonly string[] | undefined;
  /** The extensions to offer, in order of preference (RFC 6455 §9). Default none. */
  readonly extensions?: readonly Extension[] | undefined;
  /**
   * More header fields. Authorization replaces the user and password of the URL. Host replaces the host and port of the URL in
   * the request (in `:authority` over HTTP/2); the connection still goes to the host of the URL. Default none.
   */
  readonly headers?: HeaderSource | undefined;
  /** The value of Origin. Browsers always send it; other clients need not (RFC 6455 §10.2). Default none. */
  readonly origin?: string | undefined;
  /**
   * Only for createRequest(): the value of Sec-WebSocket-Key, 16 bytes in base64. Set it only for tests and reproductions.
   * Default: random, from `crypto.getRandomValues`.
   */
  readonly key?: string | undefined;
}

/** The request of a client, and where to send it. `serializeRequest()` turns it into bytes for HTTP/1.1. */
export interface ClientRequest {
  /** "GET", or "CONNECT" for HTTP/2 and 3. */
  readonly method: "GET" | "CONNECT";
  /** The request target: the path with its query. */
  readonly url: string;
  /** "1.1", or "2.0" from createConnectRequest(), which is also right for HTTP/3. */
  readonly httpVersion: "1.1" | "2.0";
  /** All header fields, in order; for HTTP/2 including the pseudo-header fields. */
  readonly headers: HeaderPairs;
  /** The value of Sec-WebSocket-Key. Undefined for an extended CONNECT. */
  readonly key: string | undefined;
  /** The offered subprotocols. */
  readonly protocols: readonly string[];
  /** The offered extensions. checkResponse() uses them to check the response. */
  readonly extensions: readonly Extension[];
  /** Whether to connect with TLS. */
  readonly secure: boolean;
  /** The name or address to connect to. IPv6 addresses have no brackets. */
  readonly host: string;
  /** The TCP port to connect to. */
  readonly port: number;
}

const NAMES: Names<RequestOptions> = { extensions: true, headers: true, key: true, origin: true, protocols: true };
const CONNECT_NAMES: Names<Omit<RequestOptions, "key">> = {
  extensions: true,
  headers: true,
  origin: true,
  protocols: true,
};
const HINTS: Hints = {
  key: "a request over HTTP/2 or 3 has no key",
  perMessageDeflate: "use `extensions: [perMessageDeflate()]`",
  protocol: "use `protocols`, a list",
};

/** A URL: a string or a `URL`. */
export type UrlSource = string | { readonly href: string };

/**
 * Makes the request that opens a connection (RFC 6455 §4.1). `http:` means `ws:`, and `https:` means `wss:`. The user and
 * password of the URL are sent as `Authorization: Basic`, in UTF-8 (RFC 7617).
 *
 * @throws TypeError for an unknown option; for `extensions` that are not an array; for an invalid URL, another scheme or a
 *   fragment; for subprotocols that are not tokens or are repeated; for a `key` that is not 16 bytes in base64; for header fields
 *   that have an option of their own (such as Origin), that the handshake sets, that contain illegal characters, or for two Host
 *   fields
 */
export function createRequest(url: UrlSource, options: RequestOptions = {}): ClientRequest {
  checkNames("createRequest()", options, NAMES, HINTS);
  const target = readUrl(url);
  const { key = randomKey() } = options;
  if (!isKey(key)) throw new TypeError("`key` must be 16 bytes in base64");
  const { authority, headers } = commonHeaders(target, options);
  return {
    method: "GET",
    url: target.path,
    httpVersion: "1.1",
    headers: [
      ["Host", authority],
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Key", key],
      ...headers,
    ],
    key,
    ...sentTo(target, options),
  };
}

/**
 * Makes the request that opens a connection in a stream of HTTP/2 (RFC 8441 §5) or HTTP/3 (RFC 9220). The server must have sent
 * SETTINGS_ENABLE_CONNECT_PROTOCOL. With node:http2, send it with `session.request(Object.fromEntries(request.headers))`.
 *
 * @throws TypeError like createRequest()
 */
export function createConnectRequest(url: UrlSource, options: Omit<RequestOptions, "key"> = {}): ClientRequest {
  checkNames("createConnectRequest()", options, CONNECT_NAMES, HINTS);
  const target = readUrl(url);
  const { authority, headers } = commonHeaders(target, options);
  return {
    method: "CONNECT",
    url: target.path,
    httpVersion: "2.0",
    headers: [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      [":scheme", target.secure ? "https" : "http"],
      [":authority", authority],
      [":path", target.path],
      // HTTP/2 requires names in lower case (RFC 9113 §8.2.1).
      ...headers.map(([name, value]) => [name.toLowerCase(), value] as const),
    ],
    key: undefined,
    ...sentTo(target, options),
  };
}

/**
 * Turns a request into bytes for HTTP/1.1.
 *
 * @throws TypeError for a method, request target or header field with illegal characters
 */
export function serializeRequest(request: {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderSource;
}): Uint8Array {
  const { method, url, headers } = request;
  if (!isToken(method)) throw new TypeError("`method` must be a token");
  if (!isVisible(url)) throw new TypeError("`url` must consist of visible ASCII characters");
  return serializeHead(`${method} ${url} HTTP/1.1`, checkedHeaders(headers));
}

interface Target extends Pick<ClientRequest, "secure" | "host" | "port"> {
  /** The host, with the port if it is not the default of the scheme. */
  readonly authority: string;
  readonly path: string;
  /** The value of Authorization; undefined if the URL has neither a user nor a password. */
  readonly authorization: string | undefined;
}

/** The part of a ClientRequest that is the same for HTTP/1.1 and HTTP/2. */
function sentTo(
  { secure, host, port }: Target,
  { protocols = [], extensions = [] }: RequestOptions,
): Pick<ClientRequest, "protocols" | "extensions" | "secure" | "host" | "port"> {
  return { protocols, extensions, secure, host, port };
}

/** @throws TypeError */
function readUrl(source: UrlSource): Target {
  // A getter of `source` could return different values, so read it once.
  const url = new URL(typeof source === "string" ? source : source.href);
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  if (!secure && url.protocol !== "ws:" && url.protocol !== "http:") {
    throw new TypeError("The scheme of the URL must be ws, wss, http or https");
  }
  // `hash` is also empty if the fragment is.
  if (url.href.includes("#")) throw new TypeError("The URL must not have a fragment (RFC 6455 §3)");
  return {
    secure,
    host: url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port),
    authority: url.host,
    path: url.pathname + url.search,
    authorization: url.username === "" && url.password === "" ? undefined : basic(url.username, url.password),
  };
}

/** @throws TypeError */
function basic(user: string, password: string): string {
  try {
    const credentials = `${decodeURIComponent(user)}:${decodeURIComponent(password)}`;
    return `Basic ${toBase64(new TextEncoder().encode(credentials))}`;
  } catch {
    throw new TypeError("The user and the password of the URL must be percent-encoded UTF-8");
  }
}

/** The header fields that requests over HTTP/1.1 and HTTP/2 share. @throws TypeError */
function commonHeaders(
  target: Target,
  options: RequestOptions,
): { readonly authority: string; readonly headers: [name: string, value: string][] } {
  const { protocols = [], extensions = [], origin } = options;
  checkSubprotocols(protocols);
  checkExtensions(extensions);
  const given = checkedHeaders(options.headers ?? [], [...HANDSHAKE_FIELDS, "origin"]);
  const isHost = ([name]: readonly [name: string, value: string]): boolean => name.toLowerCase() === "host";
  const hosts = given.filter(isHost);
  const authority = hosts[0]?.[1] ?? target.authority;
  if (hosts.length > 1 || !isAuthority(authority)) {
    throw new TypeError("`headers` may contain one Host, a host with an optional port");
  }
  const extra = given.filter((pair) => !isHost(pair));
  const headers: [string, string][] = [["Sec-WebSocket-Version", "13"]];
  if (protocols.length > 0) headers.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  const offers: NamedExtension[] = extensions.flatMap((extension) =>
    extension.offer().map((parameters) => ({ name: extension.name, parameters })),
  );
  if (offers.length > 0) headers.push(["Sec-WebSocket-Extensions", serializeExtensions(offers)]);
  if (origin !== undefined) {
    if (!isFieldValue(origin)) throw new TypeError("`origin` has forbidden characters");
    headers.push(["Origin", origin]);
  }
  if (target.authorization !== undefined && !extra.some(([name]) => name.toLowerCase() === "authorization")) {
    headers.push(["Authorization", target.authorization]);
  }
  headers.push(...extra);
  return { authority, headers };
}
