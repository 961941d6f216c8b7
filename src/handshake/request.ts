// The client's request (RFC 6455 §4.1; over HTTP/2, RFC 8441 §5).

import type { Extension } from "../frame/extension.ts";
import { type NamedExtension, serializeExtensions } from "./extensions.ts";
import { checkedHeaders, HANDSHAKE_FIELDS, type HeaderPairs, type HeaderSource } from "./headers.ts";
import { isKey, randomKey, toBase64 } from "./key.ts";
import { serializeHead } from "./response.ts";
import { checkSubprotocols } from "./subprotocols.ts";
import { isAuthority, isFieldValue, isToken, isVisible } from "./syntax.ts";

/** Options of createRequest() and createConnectRequest(). */
export interface RequestOptions {
  /** The subprotocols to offer, in order of preference. Default none. */
  readonly protocols?: readonly string[] | undefined;
  /** The extensions to offer, in order of preference. Default none. */
  readonly extensions?: readonly Extension[] | undefined;
  /**
   * Further header fields. One called Authorization takes the place of the user and password of the URL, and one called Host
   * that of its host and port (over HTTP/2 in `:authority`); where to connect to is what the URL says. Default none.
   */
  readonly headers?: HeaderSource | undefined;
  /** The value of Origin, which browsers send and other clients may. Default none. */
  readonly origin?: string | undefined;
  /**
   * createRequest() alone: Sec-WebSocket-Key, 16 bytes in base64. Anything but the default is for tests and
   * reproductions. Default `crypto.getRandomValues`.
   */
  readonly key?: string | undefined;
}

/** The request of a client, and where to send it. */
export interface ClientRequest {
  /** "CONNECT" for HTTP/2 and 3. */
  readonly method: "GET" | "CONNECT";
  /** The request target: the path with its query. */
  readonly url: string;
  /** "2.0" of createConnectRequest(), which HTTP/3 takes too. */
  readonly httpVersion: "1.1" | "2.0";
  /** All of them, in their order; for HTTP/2 with the pseudo-header fields. */
  readonly headers: HeaderPairs;
  /** Sec-WebSocket-Key. An extended CONNECT has none. */
  readonly key: string | undefined;
  /** The subprotocols that are offered. */
  readonly protocols: readonly string[];
  /** The extensions that are offered: checkResponse() asks them about the response. */
  readonly extensions: readonly Extension[];
  /** Whether to connect with TLS. */
  readonly secure: boolean;
  /** The name or address to connect to; that of IPv6 without brackets. */
  readonly host: string;
  /** The port to connect to. */
  readonly port: number;
}

/** A URL as a string, or a `URL`. */
export type UrlSource = string | { readonly href: string };

/**
 * The request that opens a connection (RFC 6455 §4.1). `ws:` and `http:` are the same, and so are `wss:` and `https:`.
 * A user and password in the URL are sent as `Authorization: Basic`, in UTF-8 (RFC 7617).
 *
 * @throws TypeError for a URL that is none, has another scheme or a fragment; subprotocols that are no tokens or stand
 *   there twice; a key that is not 16 bytes in base64; header fields that are the handshake's own (Origin among
 *   them), that would break out of their line, or two called Host
 */
export function createRequest(url: UrlSource, options: RequestOptions = {}): ClientRequest {
  const target = readUrl(url);
  const { key = randomKey() } = options;
  if (!isKey(key)) throw new TypeError("A key must be 16 bytes in base64");
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
 * The request that opens a connection in a stream of HTTP/2 (RFC 8441 §5), or of HTTP/3 (RFC 9220). The server must
 * have set SETTINGS_ENABLE_CONNECT_PROTOCOL. `session.request(Object.fromEntries(request.headers))` sends it with
 * node:http2.
 *
 * @throws TypeError as createRequest()
 */
export function createConnectRequest(url: UrlSource, options: Omit<RequestOptions, "key"> = {}): ClientRequest {
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
      // In HTTP/2 names are in lower case (RFC 9113 §8.2.1).
      ...headers.map(([name, value]) => [name.toLowerCase(), value] as const),
    ],
    key: undefined,
    ...sentTo(target, options),
  };
}

/**
 * The bytes of a request over HTTP/1.1.
 *
 * @throws TypeError for a method, a target or header fields that cannot be sent
 */
export function serializeRequest(request: {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderSource;
}): Uint8Array {
  const { method, url, headers } = request;
  if (!isToken(method)) throw new TypeError("The method must be a token");
  if (!isVisible(url)) throw new TypeError("The request target must be of visible ASCII characters");
  return serializeHead(`${method} ${url} HTTP/1.1`, checkedHeaders(headers));
}

interface Target extends Pick<ClientRequest, "secure" | "host" | "port"> {
  /** Host, with the port where it is not the scheme's default. */
  readonly authority: string;
  readonly path: string;
  /** The value of Authorization, if the URL has a user or a password. */
  readonly authorization: string | undefined;
}

/** What both kinds of request tell about themselves. */
function sentTo(
  { secure, host, port }: Target,
  { protocols = [], extensions = [] }: RequestOptions,
): Pick<ClientRequest, "protocols" | "extensions" | "secure" | "host" | "port"> {
  return { protocols, extensions, secure, host, port };
}

/** @throws TypeError */
function readUrl(source: UrlSource): Target {
  // A copy: what is read of it has been parsed here.
  const url = new URL(typeof source === "string" ? source : source.href);
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  if (!secure && url.protocol !== "ws:" && url.protocol !== "http:") {
    throw new TypeError("The scheme of the URL must be ws, wss, http or https");
  }
  // `hash` is empty for an empty fragment too.
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

/** What the requests over HTTP/1.1 and HTTP/2 have in common. @throws TypeError */
function commonHeaders(
  target: Target,
  options: RequestOptions,
): { readonly authority: string; readonly headers: [name: string, value: string][] } {
  const { protocols = [], extensions = [], origin } = options;
  checkSubprotocols(protocols);
  const given = checkedHeaders(options.headers ?? [], [...HANDSHAKE_FIELDS, "origin"]);
  const isHost = ([name]: readonly [name: string, value: string]): boolean => name.toLowerCase() === "host";
  const hosts = given.filter(isHost);
  const authority = hosts[0]?.[1] ?? target.authority;
  if (hosts.length > 1 || !isAuthority(authority)) {
    throw new TypeError("There must be one Host at most: a host with an optional port");
  }
  const extra = given.filter((pair) => !isHost(pair));
  const headers: [string, string][] = [["Sec-WebSocket-Version", "13"]];
  if (protocols.length > 0) headers.push(["Sec-WebSocket-Protocol", protocols.join(", ")]);
  const offers: NamedExtension[] = extensions.flatMap((extension) =>
    extension.offer().map((parameters) => ({ name: extension.name, parameters })),
  );
  if (offers.length > 0) headers.push(["Sec-WebSocket-Extensions", serializeExtensions(offers)]);
  if (origin !== undefined) {
    if (!isFieldValue(origin)) throw new TypeError("The origin has characters that a header field must not have");
    headers.push(["Origin", origin]);
  }
  if (target.authorization !== undefined && !extra.some(([name]) => name.toLowerCase() === "authorization")) {
    headers.push(["Authorization", target.authorization]);
  }
  headers.push(...extra);
  return { authority, headers };
}
