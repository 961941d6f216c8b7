import { type Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions as HttpsOptions } from "node:https";
import type { Socket } from "node:net";
import { checkResponse, createRequest, type HeaderPairs, type RequestOptions } from "../index.ts";
import { onAbort } from "./abort.ts";
import { readBody } from "./body.ts";
import { Connection } from "./connection.ts";
import { readDelay, startTimer } from "./delay.ts";
import { openStream } from "./http2.ts";
import { checkConnectNames } from "./known-options.ts";
import { checkOptions, type ConnectionOptions } from "./options.ts";
import { type Address, readAddress } from "./unix.ts";

/** Options of connect(). */
export interface ConnectOptions extends RequestOptions, ConnectionOptions {
  /**
   * Opens the socket, as for node:http and https, with its own options: through a proxy, for example. Works over HTTP/2 too.
   * Default: connect() opens the socket itself.
   */
  readonly agent?: Agent | undefined;
  /** wss: options of node:tls, such as `ca`, `cert`, `key`, `rejectUnauthorized`, `servername`. Default: Node's. */
  readonly tls?: HttpsOptions | undefined;
  /** Use WebSocket over HTTP/2 (RFC 8441): with wss: if the server offers it, with ws: by prior knowledge. Default false. */
  readonly http2?: boolean | undefined;
  /** A unix socket, or a named pipe of Windows, to connect to. Default: host and port of the URL. */
  readonly socketPath?: string | undefined;
  /** How long connecting may take, handshake included, in milliseconds; Infinity for no limit. Default 10,000. */
  readonly handshakeTimeout?: number | undefined;
  /** When aborted, gives up connecting; once connected, cuts the connection. Default none. */
  readonly signal?: AbortSignal | undefined;
}

/** The head of the response that accepted a connection. */
export interface AcceptedResponse {
  /** 101; over HTTP/2 a status from 200 to 299. */
  readonly status: number;
  /** The header fields in order; over HTTP/2 the names are in lower case. */
  readonly headers: HeaderPairs;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * Connects to a ws: or wss: URL, or to a unix socket: `ws+unix:/path/of/the.sock:/path`, wss+unix:, or the option
 * `socketPath`. The connection begins to read when the turn of the event loop is over in which the promise resolves. Messages
 * wait until you listen or iterate; add listeners for other events before that.
 *
 * @throws TypeError, RangeError for a wrong URL, and wrong or unknown options
 * @throws HandshakeError if the server does not accept, with its status, header fields and body, and the `location` of a
 *   redirect
 * @throws Error of the socket, or of TLS; the signal's reason; a TimeoutError (DOMException)
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Connection> {
  checkConnectNames(options);
  const { signal, http2 = false } = options;
  const timeout = readDelay("handshakeTimeout", options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT);
  checkOptions("client", options);
  const address = readAddress(url, options.socketPath);
  signal?.throwIfAborted();
  // Not the signal itself: it must not end the socket of an attempt that has succeeded.
  const attempt = new AbortController();
  const stopTimer = startTimer(timeout, () =>
    attempt.abort(new DOMException(`Not connected after ${timeout} ms`, "TimeoutError")),
  );
  const forget = signal && onAbort(signal, () => attempt.abort(signal.reason));
  try {
    const connection = await (http2 ? openStream : openSocket)(address, options, attempt.signal);
    if (attempt.signal.aborted) {
      connection.terminate();
      throw attempt.signal.reason;
    }
    if (signal)
      connection.on(
        "close",
        onAbort(signal, () => connection.terminate()),
      );
    return connection;
  } finally {
    stopTimer();
    forget?.();
  }
}

async function openSocket(
  { url, socketPath }: Address,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const handshake = createRequest(url, options);
  const { response, socket, head } = await new Promise<Answer>((resolve, reject) => {
    const request = (handshake.secure ? httpsRequest : httpRequest)({
      ...options.tls,
      host: handshake.host,
      port: handshake.port,
      path: handshake.url,
      ...(socketPath !== undefined && { socketPath }),
      headers: handshake.headers.flat() as unknown as Record<string, string>,
      agent: options.agent ?? false,
      setHost: false,
      signal,
    });
    request.on("upgrade", (response, socket, head) => resolve({ response, socket: socket as Socket, head }));
    request.on("response", (response) => resolve({ response, socket: response.socket, head: undefined }));
    request.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    request.end();
  });
  try {
    const { statusCode: status = 0, httpVersion } = response;
    const headers = pairs(response.rawHeaders);
    const body = head === undefined && status !== 101 ? await readBody(response, signal) : undefined;
    options.signal?.throwIfAborted();
    const agreement = checkResponse({ status, headers, httpVersion, body }, handshake);
    socket.setNoDelay(true);
    return new Connection(socket, "client", agreement, head ?? new Uint8Array(0), options, { status, headers });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

interface Answer {
  readonly response: IncomingMessage;
  readonly socket: Socket;
  /** What came after the head of a 101; undefined for another response. */
  readonly head: Uint8Array | undefined;
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!]);
}
