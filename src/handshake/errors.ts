import type { HeaderPairs } from "./headers.ts";

/** The stable codes of errors in the opening handshake. */
export type HandshakeErrorCode =
  /** Client: Sec-WebSocket-Accept of the response does not match the key. */
  | "WS_ERR_HANDSHAKE_ACCEPT"
  /** The request announces a body. */
  | "WS_ERR_HANDSHAKE_BODY"
  /** `Connection` does not list `upgrade`. */
  | "WS_ERR_HANDSHAKE_CONNECTION"
  /** The `:protocol` of an extended CONNECT is not `websocket`. */
  | "WS_ERR_HANDSHAKE_CONNECT_PROTOCOL"
  /** Sec-WebSocket-Extensions is malformed, or the response contains something that was not offered. */
  | "WS_ERR_HANDSHAKE_EXTENSION"
  /** A header field is malformed. */
  | "WS_ERR_HANDSHAKE_HEADER"
  /** The head has more bytes than `maxHeadSize`, or more header fields than `maxHeaderFields`. */
  | "WS_ERR_HANDSHAKE_HEAD_TOO_LARGE"
  /** Host (or `:authority`) is missing, repeated or malformed. */
  | "WS_ERR_HANDSHAKE_HOST"
  /** The HTTP version does not support this handshake. */
  | "WS_ERR_HANDSHAKE_HTTP_VERSION"
  /** Sec-WebSocket-Key is missing, repeated, or not 16 bytes of base64. */
  | "WS_ERR_HANDSHAKE_KEY"
  /** The method is not GET, or over HTTP/2 not CONNECT. */
  | "WS_ERR_HANDSHAKE_METHOD"
  /** Origin is repeated, or refused by `checkOrigin`. */
  | "WS_ERR_HANDSHAKE_ORIGIN"
  /** Sec-WebSocket-Protocol is malformed, or the response contains a subprotocol that was not offered. */
  | "WS_ERR_HANDSHAKE_PROTOCOL"
  /** Client: the response is a redirect. See `location`. */
  | "WS_ERR_HANDSHAKE_REDIRECT"
  /** Your own rejection with `rejectHandshake()`. */
  | "WS_ERR_HANDSHAKE_REJECTED"
  /** The first line is not a request line or a status line. */
  | "WS_ERR_HANDSHAKE_START_LINE"
  /** Client: the status of the response is not 101, or for an extended CONNECT not 2xx. */
  | "WS_ERR_HANDSHAKE_STATUS"
  /** The request target, or over HTTP/2 `:scheme` or `:path`, is not valid for a WebSocket. */
  | "WS_ERR_HANDSHAKE_TARGET"
  /** Client: the response has the status 401 or 407. `headers` contains the challenge. */
  | "WS_ERR_HANDSHAKE_UNAUTHORIZED"
  /** `Upgrade` does not list `websocket`. */
  | "WS_ERR_HANDSHAKE_UPGRADE"
  /** Sec-WebSocket-Version is not 13. */
  | "WS_ERR_HANDSHAKE_VERSION";

/** Options of the constructor of HandshakeError. */
export interface HandshakeErrorOptions {
  /** The broken rule: a section of an RFC, or the option that sets the limit. */
  readonly rule: string;
  /** The HTTP status to answer with, or the received one. Default none. */
  readonly status?: number | undefined;
  /** Header fields for the answer, or the received ones. Default none. */
  readonly headers?: HeaderPairs | undefined;
  /** The received body. Default: empty. */
  readonly body?: Uint8Array | undefined;
}

/** An opening handshake that broke a rule, or that the peer or the user refused. */
export class HandshakeError extends Error {
  /** Identifies the class even if two copies of the package are loaded. */
  override readonly name: string = "HandshakeError";
  /** The stable code of the error. */
  readonly code: HandshakeErrorCode;
  /**
   * On the server, the HTTP status to answer with. On the client, the received status; undefined if the response could not be
   * parsed.
   */
  readonly status: number | undefined;
  /** The broken rule: a section of an RFC ("RFC 6455 §4.2.1"), or the option that sets the limit. */
  readonly rule: string;
  /** On the server, header fields for the answer. On the client, all received header fields. */
  readonly headers: HeaderPairs;
  /**
   * On the client, the body of the refusing response as it was sent: Content-Encoding is not decoded. connect() reads up to 64
   * KiB of it, for up to a second. Otherwise empty.
   */
  readonly body: Uint8Array;

  /** The package creates these errors itself. Create one to throw from `checkOrigin` or `verify`, or in tests. */
  constructor(code: HandshakeErrorCode, message: string, options: HandshakeErrorOptions) {
    super(`${message} (${options.rule})`);
    this.code = code;
    this.status = options.status;
    this.rule = options.rule;
    this.headers = options.headers ?? [];
    this.body = options.body ?? new Uint8Array(0);
  }

  /** The body as text, decoded as UTF-8 with U+FFFD for invalid bytes. */
  get text(): string {
    return new TextDecoder().decode(this.body);
  }

  /** On the client, the target of a redirect: the value of Location. It may be relative to the requested URL. */
  get location(): string | undefined {
    return this.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
  }
}
