import type { HeaderPairs } from "./headers.ts";

/** The stable names of what can be wrong with an opening handshake. */
export type HandshakeErrorCode =
  /** A response's Sec-WebSocket-Accept is not the answer to the key. */
  | "WS_ERR_HANDSHAKE_ACCEPT"
  /** The request announces a body. */
  | "WS_ERR_HANDSHAKE_BODY"
  /** `Connection` does not list `upgrade`. */
  | "WS_ERR_HANDSHAKE_CONNECTION"
  /** An extended CONNECT whose `:protocol` is not `websocket`. */
  | "WS_ERR_HANDSHAKE_CONNECT_PROTOCOL"
  /** Sec-WebSocket-Extensions is malformed, or has what was not offered. */
  | "WS_ERR_HANDSHAKE_EXTENSION"
  /** A header field that is not one. */
  | "WS_ERR_HANDSHAKE_HEADER"
  /** More bytes of head than `maxHeadSize`, or more header fields than `maxHeaderFields`. */
  | "WS_ERR_HANDSHAKE_HEAD_TOO_LARGE"
  /** Host (or `:authority`) is missing, repeated or malformed. */
  | "WS_ERR_HANDSHAKE_HOST"
  /** A version of HTTP that this handshake is not part of. */
  | "WS_ERR_HANDSHAKE_HTTP_VERSION"
  /** Sec-WebSocket-Key is missing, repeated, or not 16 bytes of base64. */
  | "WS_ERR_HANDSHAKE_KEY"
  /** The method is not GET (CONNECT over HTTP/2). */
  | "WS_ERR_HANDSHAKE_METHOD"
  /** Origin is repeated, or refused by `checkOrigin`. */
  | "WS_ERR_HANDSHAKE_ORIGIN"
  /** Sec-WebSocket-Protocol is malformed, or has what was not offered. */
  | "WS_ERR_HANDSHAKE_PROTOCOL"
  /** The response is a redirect: see `location`. */
  | "WS_ERR_HANDSHAKE_REDIRECT"
  /** The user's own, with `rejectHandshake()`. */
  | "WS_ERR_HANDSHAKE_REJECTED"
  /** Bytes that do not begin with a request line or a status line. */
  | "WS_ERR_HANDSHAKE_START_LINE"
  /** The response has another status than 101 (200 to an extended CONNECT). */
  | "WS_ERR_HANDSHAKE_STATUS"
  /** The request target (or `:scheme` and `:path`) is not that of a WebSocket. */
  | "WS_ERR_HANDSHAKE_TARGET"
  /** The response is 401 or 407: `headers` has the challenge. */
  | "WS_ERR_HANDSHAKE_UNAUTHORIZED"
  /** `Upgrade` does not list `websocket`. */
  | "WS_ERR_HANDSHAKE_UPGRADE"
  /** Sec-WebSocket-Version is not 13. */
  | "WS_ERR_HANDSHAKE_VERSION";

/** Where and how a handshake broke a rule: see the properties of HandshakeError. */
export interface HandshakeErrorOptions {
  /** The rule: a place in an RFC, or the option that sets the limit. */
  readonly rule: string;
  /** The HTTP status to answer with, or that was received. Default none. */
  readonly status?: number | undefined;
  /** Header fields that belong into the answer, or that were received. Default none. */
  readonly headers?: HeaderPairs | undefined;
  /** What followed the head that was received. Default: nothing. */
  readonly body?: Uint8Array | undefined;
}

/** An opening handshake that is not as it should be, or that the peer or the user refused. */
export class HandshakeError extends Error {
  /** As of all errors: to tell it from others where there are two copies of the package. */
  override readonly name: string = "HandshakeError";
  /** What is wrong, as a stable name. */
  readonly code: HandshakeErrorCode;
  /**
   * On the server the HTTP status to answer with; on the client the one that was received. Undefined if there is none:
   * a response that could not be parsed.
   */
  readonly status: number | undefined;
  /** The rule, as a place in an RFC ("RFC 6455 §4.2.1") or the option that sets the limit. */
  readonly rule: string;
  /** On the server header fields that belong into the answer; on the client all that were received. */
  readonly headers: HeaderPairs;
  /**
   * On the client the body of a response that refuses, as it was sent (Content-Encoding is not undone): of connect() at most its
   * first 64 KiB, and what has come of it within a second. Empty where there is none.
   */
  readonly body: Uint8Array;

  /** For `verify`, `checkOrigin` and tests: the package makes its own. */
  constructor(code: HandshakeErrorCode, message: string, options: HandshakeErrorOptions) {
    super(`${message} (${options.rule})`);
    this.code = code;
    this.status = options.status;
    this.rule = options.rule;
    this.headers = options.headers ?? [];
    this.body = options.body ?? new Uint8Array(0);
  }

  /** The body as text: UTF-8, with U+FFFD for what is not. */
  get text(): string {
    return new TextDecoder().decode(this.body);
  }

  /** On the client: where a redirect leads, as it stands in Location (it may be relative to the URL that was asked). */
  get location(): string | undefined {
    return this.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
  }
}
