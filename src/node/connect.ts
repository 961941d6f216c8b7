import { type Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions as HttpsOptions } from "node:https";
import type { Socket } from "node:net";
import { checkResponse, createRequest, type HeaderPairs, type RequestOptions } from "../index.ts";
import { checkSignal } from "../frame/known-options.ts";
import { onAbort } from "./abort.ts";
import { readBody } from "./body.ts";
import { Connection } from "./connection.ts";
import { readDelay, startTimer } from "./delay.ts";
import { openStream } from "./http2.ts";
import { checkConnectNames, requestOptions } from "./known-options.ts";
import { checkOptions, type ConnectionOptions } from "./options.ts";
import { type Address, readAddress } from "./unix.ts";

/** Options of connect(). */
export interface ConnectOptions extends RequestOptions, ConnectionOptions {
  /**
   * Opens the socket, as in node:http and https, with options of its own: to go through a proxy, for example. It works
   * over HTTP/2, too. Default: connect() opens the socket itself.
   */
  readonly agent?: Agent | undefined;
  /**
   * Options of node:tls for wss:, such as `ca`, `cert`, `key`, `rejectUnauthorized` and `servername`. Default: those of
   * Node.
   */
  readonly tls?: HttpsOptions | undefined;
  /**
   * Use WebSocket over HTTP/2 (RFC 8441). With wss:, the server must offer HTTP/2; with ws:, it must speak HTTP/2
   * without TLS. Default false.
   */
  readonly http2?: boolean | undefined;
  /** The Unix socket, or the named pipe on Windows, to connect to. Default: the host and port of the URL. */
  readonly socketPath?: string | undefined;
  /**
   * How long connecting may take in milliseconds, with DNS, TLS and the handshake. Infinity for no limit. Default
   * 10,000.
   */
  readonly handshakeTimeout?: number | undefined;
  /**
   * If it aborts while connecting, connect() rejects with its reason. If it aborts later, the connection is cut.
   * Default none.
   */
  readonly signal?: AbortSignal | undefined;
}

/** The head of the response that accepted a connection (RFC 6455 §4.1). */
export interface AcceptedResponse {
  /** 101; over HTTP/2 a status from 200 to 299. */
  readonly status: number;
  /** The header fields in order, each a pair of name and value. Over HTTP/2 the names are in lower case. */
  readonly headers: HeaderPairs;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * Connects to a ws: or wss: URL (RFC 6455 §3). For a Unix socket use a URL such as `ws+unix:/path/of/the.sock:/path`,
 * or wss+unix:, or the option `socketPath`.
 *
 * The connection starts to read at the end of the turn of the event loop in which the promise resolves. Messages wait
 * until there is a listener or a `for await` loop; events do not. Add listeners right after `await connect()`. After
 * another await, check `ending` or `closed`.
 *
 * @throws (rejects) TypeError, RangeError for an invalid URL, or wrong or unknown options; the message names the option
 * @throws (rejects) HandshakeError if the server does not accept, with the status, header fields and body of its
 *   response, and the `location` of a redirect
 * @throws (rejects) Error if the socket or TLS fails
 * @throws (rejects) the reason of the signal
 * @throws (rejects) a DOMException named TimeoutError after `handshakeTimeout`
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Connection> {
  checkConnectNames(options);
  checkSignal(options.signal);
  const { signal, http2 = false } = options;
  const timeout = readDelay("handshakeTimeout", options.handshakeTimeout ?? DEFAULT_HANDSHAKE_TIMEOUT);
  checkOptions("client", options);
  const address = readAddress(url, options.socketPath);
  signal?.throwIfAborted();
  // Not the caller's signal: it must not end the socket of a successful attempt.
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
  const handshake = createRequest(url, requestOptions(options));
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
  /** Bytes after the head of a 101; undefined for any other response. */
  readonly head: Uint8Array | undefined;
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!]);
}
