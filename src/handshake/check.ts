// The client's check of the response (RFC 6455 §4.1; RFC 8441 §5 for HTTP/2).

import type { Extension } from "../frame/extension.ts";
import type { Agreement } from "./accept.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { confirm, type NamedExtension, parseExtensions } from "./extensions.ts";
import { type Fields, type HeaderSource, membersOf, readFields, singleValue, toPairs } from "./headers.ts";
import { acceptFor, isKey } from "./key.ts";
import { toBytes } from "./response.ts";
import { parseSubprotocols } from "./subprotocols.ts";
import { isSameToken } from "./syntax.ts";

/** The response of a server: the result of ResponseParser, or `{ headers }` of a stream of node:http2. */
export interface ReceivedResponse {
  /** The HTTP status. Default: the pseudo-header field `:status`. */
  readonly status?: number | undefined;
  /** The header fields; for HTTP/2 including the pseudo-header fields. */
  readonly headers: HeaderSource;
  /** The HTTP version, like "1.1". If undefined, it is not checked. */
  readonly httpVersion?: string | undefined;
  /** The received part of the body, which a HandshakeError will contain. A string is encoded as UTF-8. Default: empty. */
  readonly body?: string | Uint8Array | undefined;
}

/**
 * The request that a response answers. It can be the result of createRequest(), or a recorded request from RequestParser
 * together with its `extensions`. Key and offers are read from the header fields.
 */
export interface SentRequest {
  /** "CONNECT" for HTTP/2. Default: the pseudo-header field `:method`, else "GET". */
  readonly method?: string | undefined;
  /** The header fields of the request. */
  readonly headers: HeaderSource;
  /** The offered extensions, which check the parameters in the response. Default none. */
  readonly extensions?: readonly Extension[] | undefined;
}

/**
 * Checks the response of a server to an opening handshake (RFC 6455 §4.1).
 *
 * @returns the chosen subprotocol, which is undefined if the server chose none, and the agreed extensions
 * @throws HandshakeError for any invalid response, and nothing else. It contains the received status, header fields and body.
 *   If the status is the problem, its code is WS_ERR_HANDSHAKE_REDIRECT (see `location`), WS_ERR_HANDSHAKE_UNAUTHORIZED or
 *   WS_ERR_HANDSHAKE_STATUS
 */
export function checkResponse(response: ReceivedResponse, request: SentRequest): Agreement {
  const fields = readFields(response.headers);
  const sent = readFields(request.headers);
  // 0 stands for a missing status.
  const status = response.status ?? Number(singleValue(fields, ":status") ?? 0);
  const fail = (code: HandshakeErrorCode, message: string, rule = "RFC 6455 §4.1"): never => {
    const headers = toPairs(response.headers);
    const body = toBytes(response.body ?? "");
    throw new HandshakeError(code, message, { status: status || undefined, rule, headers, body });
  };

  if ((request.method ?? singleValue(sent, ":method")) === "CONNECT") {
    // Any 2xx is a success (RFC 9110 §9.3.6).
    if (!(status >= 200 && status <= 299)) failStatus(status, fields, "200", fail);
  } else {
    if (status !== 101) failStatus(status, fields, "101", fail);
    const { httpVersion = "1.1" } = response;
    if (httpVersion === "1.0" || !httpVersion.startsWith("1.")) {
      fail("WS_ERR_HANDSHAKE_HTTP_VERSION", "The response must use HTTP/1.1");
    }
    const upgrade = membersOf(fields, "upgrade");
    if (upgrade.length !== 1 || !isSameToken(upgrade[0]!, "websocket")) {
      fail("WS_ERR_HANDSHAKE_UPGRADE", "The response must have the field Upgrade: websocket");
    }
    if (!membersOf(fields, "connection").some((member) => isSameToken(member, "upgrade"))) {
      fail("WS_ERR_HANDSHAKE_CONNECTION", "The response must have the field Connection: Upgrade");
    }
    const key = singleValue(sent, "sec-websocket-key");
    if (key === undefined || !isKey(key)) {
      return fail("WS_ERR_HANDSHAKE_KEY", "The request needs exactly one Sec-WebSocket-Key, 16 bytes in base64");
    }
    if (singleValue(fields, "sec-websocket-accept") !== acceptFor(key)) {
      fail("WS_ERR_HANDSHAKE_ACCEPT", "Sec-WebSocket-Accept is missing, repeated, or does not match the key");
    }
  }
  return {
    protocol: checkSubprotocol(fields, sent, fail),
    extensions: checkExtensions(fields, sent, request.extensions ?? [], fail),
  };
}

type Fail = (code: HandshakeErrorCode, message: string, rule?: string) => never;

function failStatus(status: number, fields: Fields, expected: string, fail: Fail): never {
  if (status >= 300 && status <= 399 && fields.has("location")) {
    fail("WS_ERR_HANDSHAKE_REDIRECT", `The server redirects with ${status}: see \`location\``);
  }
  if (status === 401 || status === 407) {
    fail("WS_ERR_HANDSHAKE_UNAUTHORIZED", `The server requires valid credentials: status ${status}`);
  }
  fail("WS_ERR_HANDSHAKE_STATUS", `The server answered with status ${status} instead of ${expected}`);
}

function checkSubprotocol(fields: Fields, sent: Fields, fail: Fail): string | undefined {
  const values = fields.get("sec-websocket-protocol");
  if (values === undefined) return undefined;
  const chosen = parseSubprotocols(values);
  const offered = parseSubprotocols(sent.get("sec-websocket-protocol") ?? []);
  if (values.length !== 1 || chosen?.length !== 1 || !offered?.includes(chosen[0]!)) {
    return fail("WS_ERR_HANDSHAKE_PROTOCOL", "Sec-WebSocket-Protocol must be one of the offered subprotocols");
  }
  return chosen[0];
}

function checkExtensions(
  fields: Fields,
  sent: Fields,
  extensions: readonly Extension[],
  fail: Fail,
): Agreement["extensions"] {
  const values = fields.get("sec-websocket-extensions");
  if (values === undefined) return [];
  const answers = parseExtensions(values.join(", "));
  if (answers === undefined) {
    return fail("WS_ERR_HANDSHAKE_EXTENSION", "Sec-WebSocket-Extensions is malformed", "RFC 6455 §9.1");
  }
  const offers: NamedExtension[] = parseExtensions((sent.get("sec-websocket-extensions") ?? []).join(", ")) ?? [];
  return (
    confirm(answers, offers, extensions) ??
    fail("WS_ERR_HANDSHAKE_EXTENSION", "The response has extensions or parameters that were not offered")
  );
}
