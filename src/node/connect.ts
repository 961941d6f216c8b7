import { type Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest, type RequestOptions as HttpsOptions } from "node:https";
import type { Socket } from "node:net";
import { checkResponse, createRequest, type RequestOptions } from "../index.ts";
import { onAbort } from "./abort.ts";
import { Connection } from "./connection.ts";
import { readDelay } from "./delay.ts";
import { openStream } from "./http2.ts";
import { checkOptions, type ConnectionOptions } from "./options.ts";

/** Options of connect(). */
export interface ConnectOptions extends RequestOptions, ConnectionOptions {
  /** As for node:http and https: a proxy, for example. Default: a socket of its own. */
  readonly agent?: Agent | undefined;
  /** wss: options of node:tls, such as `ca`, `cert`, `key`, `rejectUnauthorized`, `servername`. Default: Node's. */
  readonly tls?: HttpsOptions | undefined;
  /** WebSocket over HTTP/2 (RFC 8441): with wss: where the server has it, with ws: by prior knowledge. Default false. */
  readonly http2?: boolean | undefined;
  /** How long it may take to be connected, in milliseconds; Infinity for any time. Default 10,000. */
  readonly timeout?: number | undefined;
  /** Gives up connecting; once connected, cuts the connection. Default none. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT = 10_000;

/**
 * Connects to a ws: or wss: URL. Add listeners to the connection before the turn of the event loop ends: then it begins to read.
 *
 * @throws TypeError, RangeError for a URL or options that are wrong
 * @throws HandshakeError if the server does not accept: with its status and header fields, `location` of a redirect
 * @throws Error of the socket, or of TLS; the signal's reason; a TimeoutError (DOMException)
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Connection> {
  const { signal, http2 = false } = options;
  const timeout = readDelay("timeout", options.timeout ?? DEFAULT_TIMEOUT);
  checkOptions("client", options);
  signal?.throwIfAborted();
  // Not the signal itself: it must not end the socket of an attempt that has succeeded.
  const attempt = new AbortController();
  const timer = setTimeout(
    () => attempt.abort(new DOMException(`Not connected after ${timeout} ms`, "TimeoutError")),
    timeout,
  );
  const forget = signal && onAbort(signal, () => attempt.abort(signal.reason));
  try {
    const connection = await (http2 ? openStream : openSocket)(url, options, attempt.signal);
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
    clearTimeout(timer);
    forget?.();
  }
}

async function openSocket(url: string | URL, options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  const handshake = createRequest(url, options);
  const { response, socket, head } = await new Promise<Answer>((resolve, reject) => {
    const request = (handshake.secure ? httpsRequest : httpRequest)({
      ...options.tls,
      host: handshake.host,
      port: handshake.port,
      path: handshake.url,
      headers: handshake.headers.flat() as unknown as Record<string, string>,
      agent: options.agent ?? false,
      setHost: false,
      signal,
    });
    request.on("upgrade", (response, socket, head) => resolve({ response, socket: socket as Socket, head }));
    request.on("response", (response) => resolve({ response, socket: response.socket, head: new Uint8Array(0) }));
    request.on("error", (error) => reject(signal.aborted ? signal.reason : error));
    request.end();
  });
  try {
    const agreement = checkResponse(
      { status: response.statusCode, headers: pairs(response.rawHeaders), httpVersion: response.httpVersion },
      handshake,
    );
    socket.setNoDelay(true);
    return new Connection(socket, "client", agreement, head, options);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

interface Answer {
  readonly response: IncomingMessage;
  readonly socket: Socket;
  readonly head: Uint8Array;
}

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!]);
}
