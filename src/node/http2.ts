// WebSocket over HTTP/2 (RFC 8441): each connection is a stream of a session that it shares with others.

import {
  type ClientHttp2Session,
  connect as connectSession,
  constants,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
  type ServerHttp2Stream,
} from "node:http2";
import {
  acceptHandshake,
  type Agreement,
  checkResponse,
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
  const host = request.host.includes(":") ? `[${request.host}]` : request.host;
  const session = connectSession(
    `${request.secure ? "https" : "http"}://${host}:${request.port}`,
    options.tls as SecureClientSessionOptions | undefined,
  );
  const abort = () => session.destroy(signal.reason as Error);
  signal.addEventListener("abort", abort);
  try {
    await new Promise<void>((resolve, reject) => {
      session.once("error", reject);
      session.once("remoteSettings", ({ enableConnectProtocol }) => {
        if (enableConnectProtocol) resolve();
        else reject(new Error("The server does not take WebSocket over HTTP/2 (RFC 8441 §3)"));
      });
    });
    const { agreement, stream } = await requestStream(session, request);
    const connection = new Connection(stream, "client", agreement, new Uint8Array(0), options);
    connection.on("close", () => session.close());
    session.on("error", () => stream.destroy());
    return connection;
  } catch (error) {
    session.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function requestStream(session: ClientHttp2Session, request: ReturnType<typeof createConnectRequest>) {
  const stream = session.request(toObject(request.headers), { endStream: false });
  return new Promise<{ agreement: Agreement; stream: typeof stream }>((resolve, reject) => {
    stream.on("error", reject);
    stream.once("response", (headers) => {
      try {
        resolve({ agreement: checkResponse({ headers: headers as IncomingHttpHeaders }, request), stream });
      } catch (error) {
        stream.destroy();
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
