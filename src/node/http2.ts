// WebSocket over HTTP/2 (RFC 8441): each connection is a stream of a session that it shares with others.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectSession,
  constants,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
  type ServerHttp2Stream,
} from "node:http2";
import { createConnection, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import {
  acceptHandshake,
  type Agreement,
  checkResponse,
  type ClientRequest,
  createConnectRequest,
  type HeaderPairs,
  type Rejection,
  rejectHandshake,
} from "../index.ts";
import type { ConnectOptions } from "./connect.ts";
import { Connection } from "./connection.ts";
import { linger } from "./delay.ts";
import type { UpgradeOptions } from "./upgrade.ts";

type OutgoingHeaders = Record<string, string | string[]>;

/**
 * Takes over a stream of a server of node:http2 that asks for WebSocket: one whose headers have the `:method` CONNECT and the
 * `:protocol` websocket. The server's settings must have `enableConnectProtocol`.
 *
 * Answers it, and returns the connection, or undefined if it was refused, or the client has gone already.
 *
 * @throws as upgrade()
 */
export function acceptStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: UpgradeOptions = {},
): Connection | undefined {
  if (isGone(stream)) return undefined;
  try {
    const answer = acceptHandshake({ headers }, options);
    if (!answer.accepted) {
      rejectStream(stream, answer);
      return undefined;
    }
    // Before the response, which nothing may follow if the options are wrong.
    const connection = new Connection(stream, "server", answer, new Uint8Array(0), options);
    stream.respond({ ":status": answer.status, ...toObject(answer.headers) });
    return connection;
  } catch (error) {
    if (!stream.headersSent) rejectStream(stream, rejectHandshake({ status: 500, httpVersion: "2.0" }));
    throw error;
  }
}

/** Answers a stream that is not accepted, and ends it, also if the client does not. @internal */
export function rejectStream(stream: ServerHttp2Stream, { status, headers, body }: Rejection): void {
  if (isGone(stream)) return;
  stream.on("error", () => stream.destroy());
  // What is said of the connection has no place in HTTP/2 (RFC 9113 §8.2.2).
  const own = headers.filter(([name]) => !["connection", "upgrade"].includes(name.toLowerCase()));
  stream.respond({ ":status": status, ...toObject(own) });
  stream.end(body);
  abandon(stream);
}

/** Ends a stream that has been answered, without waiting for the client to end its side (RFC 9113 §8.1). @internal */
export function abandon(stream: ServerHttp2Stream): void {
  stream.close(constants.NGHTTP2_NO_ERROR);
  linger(stream);
}

/** Whether a stream has been closed by the client. It may yet have something to read; nothing can be written to it. */
function isGone(stream: ServerHttp2Stream): boolean {
  if (stream.closed) stream.destroy();
  return stream.destroyed;
}

/** What connect() needs of an attempt over HTTP/2. @internal */
export async function openStream(url: string | URL, options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  const request = createConnectRequest(url, options);
  const socket = openSocket(request, options);
  const host = request.host.includes(":") ? `[${request.host}]` : request.host;
  const session = connectSession(`${request.secure ? "https" : "http"}://${host}:${request.port}`, {
    ...(options.tls as SecureClientSessionOptions | undefined),
    createConnection: () => socket,
  });
  let abort: (() => void) | undefined;
  try {
    const { agreement, stream } = await new Promise<Answer>((resolve, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort);
      session.on("error", reject);
      // An end is not always an error.
      session.on("close", () => reject(new Error("The server has ended the session")));
      session.once("remoteSettings", ({ enableConnectProtocol }) => {
        if (enableConnectProtocol) requestStream(session, request).then(resolve, reject);
        else reject(new Error("The server does not take WebSocket over HTTP/2 (RFC 8441 §3)"));
      });
    });
    const connection = new Connection(stream, "client", agreement, new Uint8Array(0), options);
    connection.on("close", () => {
      session.destroy();
      linger(socket);
    });
    return connection;
  } catch (error) {
    session.destroy();
    // The session would wait for the socket to be connected, and to be written.
    socket.destroy();
    throw error;
  } finally {
    if (abort) signal.removeEventListener("abort", abort);
  }
}

/** As connect() of node:http2 does, which does not hand it out before it is connected. */
function openSocket({ secure, host, port }: ClientRequest, { tls }: ConnectOptions): Socket {
  if (!secure) return createConnection({ host, port });
  const own = { ALPNProtocols: ["h2"], ...(isIP(host) === 0 && { servername: host }) };
  return connectTls({ ...own, ...(tls as TlsOptions), host, port });
}

interface Answer {
  readonly agreement: Agreement;
  readonly stream: ClientHttp2Stream;
}

async function requestStream(session: ClientHttp2Session, request: ClientRequest): Promise<Answer> {
  const stream = session.request(toObject(request.headers), { endStream: false });
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    // One that is reset need not be an error either.
    stream.on("close", () => reject(new Error(`The server has closed the stream (HTTP/2 error ${stream.rstCode})`)));
    stream.once("response", (headers) => {
      try {
        resolve({ agreement: checkResponse({ headers: headers as IncomingHttpHeaders }, request), stream });
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

function toObject(pairs: HeaderPairs): OutgoingHeaders {
  const headers: OutgoingHeaders = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
