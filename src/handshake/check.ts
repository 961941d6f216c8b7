// The client's check of the response (RFC 6455 §4.1; over HTTP/2, RFC 8441 §5).

import type { Extension } from "../frame/extension.ts";
import type { Agreement } from "./accept.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import { confirm, type NamedExtension, parseExtensions } from "./extensions.ts";
import { type Fields, type HeaderSource, membersOf, readFields, singleValue, toPairs } from "./headers.ts";
import { acceptFor, isKey } from "./key.ts";
import { toBytes } from "./response.ts";
import { parseSubprotocols } from "./subprotocols.ts";
import { isSameToken } from "./syntax.ts";

/** The response of a server: what ResponseParser returns, or the header fields of a stream of node:http2. */
export interface ReceivedResponse {
  /** Default: the pseudo-header field `:status`. */
  readonly status?: number | undefined;
  /** The header fields, over HTTP/2 with the pseudo-header fields. */
  readonly headers: HeaderSource;
  /** As "1.1". Not checked if it is not there. */
  readonly httpVersion?: string | undefined;
  /** What has been read of the body, for the error of a response that refuses; a string is UTF-8. Default: nothing. */
  readonly body?: string | Uint8Array | undefined;
}

/**
 * The request that a response answers: what createRequest() returned, or one that was recorded (as RequestParser reads
 * it) with the extensions that it was made with. Key and offers are read from its header fields.
 */
export interface SentRequest {
  /** "CONNECT" for HTTP/2. Default: the pseudo-header field `:method`, else "GET". */
  readonly method?: string | undefined;
  /** The header fields that were sent. */
  readonly headers: HeaderSource;
  /** What to ask about the extensions of the response. Default none. */
  readonly extensions?: readonly Extension[] | undefined;
}

/**
 * Checks the response of a server to an opening handshake (RFC 6455 §4.1).
 *
 * @returns the subprotocol that was chosen (undefined if none was, even if some were offered), and the extensions
 * @throws HandshakeError, and nothing else, for whatever the response is: with the status, the header fields and the
 *   body that were received. One with another status is WS_ERR_HANDSHAKE_REDIRECT (`location` says where to), _UNAUTHORIZED
 *   or _STATUS.
 */
export function checkResponse(response: ReceivedResponse, request: SentRequest): Agreement {
  const fields = readFields(response.headers);
  const sent = readFields(request.headers);
  // 0 is none.
  const status = response.status ?? Number(singleValue(fields, ":status") ?? 0);
  const fail = (code: HandshakeErrorCode, message: string, rule = "RFC 6455 §4.1"): never => {
    const headers = toPairs(response.headers);
    const body = toBytes(response.body ?? "");
    throw new HandshakeError(code, message, { status: status || undefined, rule, headers, body });
  };

  if ((request.method ?? singleValue(sent, ":method")) === "CONNECT") {
    // Any 2xx (RFC 9110 §9.3.6).
    if (!(status >= 200 && status <= 299)) failStatus(status, fields, "200", fail);
  } else {
    if (status !== 101) failStatus(status, fields, "101", fail);
    const { httpVersion = "1.1" } = response;
    if (httpVersion === "1.0" || !httpVersion.startsWith("1.")) {
      fail("WS_ERR_HANDSHAKE_HTTP_VERSION", "The response must be of HTTP/1.1");
    }
    const upgrade = membersOf(fields, "upgrade");
    if (upgrade.length !== 1 || !isSameToken(upgrade[0]!, "websocket")) {
      fail("WS_ERR_HANDSHAKE_UPGRADE", "Upgrade must be websocket");
    }
    if (!membersOf(fields, "connection").some((member) => isSameToken(member, "upgrade"))) {
      fail("WS_ERR_HANDSHAKE_CONNECTION", "Connection must list upgrade");
    }
    const key = singleValue(sent, "sec-websocket-key");
    if (key === undefined || !isKey(key)) {
      return fail("WS_ERR_HANDSHAKE_KEY", "The request must have one Sec-WebSocket-Key, of 16 bytes in base64");
    }
    if (singleValue(fields, "sec-websocket-accept") !== acceptFor(key)) {
      fail("WS_ERR_HANDSHAKE_ACCEPT", "There must be one Sec-WebSocket-Accept, the answer to the key");
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
    fail("WS_ERR_HANDSHAKE_REDIRECT", `The server redirects with ${status}`);
  }
  if (status === 401 || status === 407) {
    fail("WS_ERR_HANDSHAKE_UNAUTHORIZED", `The server wants other credentials: ${status}`);
  }
  fail("WS_ERR_HANDSHAKE_STATUS", `The status of the response is ${status}, not ${expected}`);
}

function checkSubprotocol(fields: Fields, sent: Fields, fail: Fail): string | undefined {
  const values = fields.get("sec-websocket-protocol");
  if (values === undefined) return undefined;
  const chosen = parseSubprotocols(values);
  const offered = parseSubprotocols(sent.get("sec-websocket-protocol") ?? []);
  if (values.length !== 1 || chosen?.length !== 1 || !offered?.includes(chosen[0]!)) {
    return fail(
      "WS_ERR_HANDSHAKE_PROTOCOL",
      "Sec-WebSocket-Protocol must be one of the subprotocols that were offered",
    );
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
