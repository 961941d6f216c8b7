// WebSocket over HTTP/2 (RFC 8441): each connection is a stream of a session that several connections share.

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
  type Acceptance,
  acceptHandshake,
  checkResponse,
  type ClientRequest,
  createConnectRequest,
  type HandshakeRequest,
  type HeaderPairs,
  type Rejection,
  rejectHandshake,
} from "../index.ts";
import { socketOf } from "./agent.ts";
import { readBody } from "./body.ts";
import type { AcceptedResponse, ConnectOptions } from "./connect.ts";
import { Connection } from "./connection.ts";
import { linger } from "./delay.ts";
import { acceptOptions, checkUpgradeNames, requestOptions } from "./known-options.ts";
import type { ConnectionOptions } from "./options.ts";
import { tellRefused } from "./refusal.ts";
import type { Address } from "./unix.ts";
import type { UpgradeOptions } from "./upgrade.ts";

/** How many seconds a server may take to receive the last data of a client's session. */
const MOST_LINGERS = 10;

type OutgoingHeaders = Record<string, string | string[]>;

/**
 * Accepts a WebSocket request on a stream of node:http2 (RFC 8441): one whose headers have the `:method` CONNECT and
 * the `:protocol` websocket. The server needs the setting `enableConnectProtocol`. Checks the handshake and answers it.
 *
 * @param stream The stream. The connection owns it from now on
 * @param headers Its header fields. Nothing in them makes acceptStream() throw
 * @returns the connection, or undefined if the request was refused or the client has gone
 * @throws as upgrade() does
 */
export function acceptStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: UpgradeOptions<HandshakeRequest> = {},
): Connection | undefined {
  if (isGone(stream)) return undefined;
  const request: HandshakeRequest = { headers };
  try {
    checkUpgradeNames("acceptStream()", options);
    const answer = acceptHandshake(request, acceptOptions(options));
    if (answer.accepted) return respond(stream, answer, options);
    rejectStream(stream, answer);
    tellRefused(options.onRefused, request, answer);
    return undefined;
  } catch (error) {
    if (!stream.headersSent) rejectStream(stream, rejectHandshake({ status: 500, httpVersion: "2.0" }));
    tellRefused(options.onRefused, request, { status: 500, error });
    throw error;
  }
}

/** Accepts a stream. If it throws, nothing has been sent. @internal */
export function respond(stream: ServerHttp2Stream, acceptance: Acceptance, options: ConnectionOptions): Connection {
  // Make the connection first: if its options are wrong, nothing must have been sent.
  const connection = new Connection(stream, "server", acceptance, new Uint8Array(0), options);
  stream.respond({ ":status": acceptance.status, ...toObject(acceptance.headers) });
  return connection;
}

/** Refuses a stream and ends it, even if the client does not. @internal */
export function rejectStream(stream: ServerHttp2Stream, { status, headers, body }: Rejection): void {
  if (isGone(stream)) return;
  stream.on("error", () => stream.destroy());
  // Connection-specific header fields are not allowed in HTTP/2 (RFC 9113 §8.2.2).
  const own = headers.filter(([name]) => !["connection", "upgrade"].includes(name.toLowerCase()));
  stream.respond({ ":status": status, ...toObject(own) });
  stream.end(body);
  abandon(stream);
}

/** Ends a stream after its answer, without waiting for the client to end its side (RFC 9113 §8.1). @internal */
export function abandon(stream: ServerHttp2Stream): void {
  stream.close(constants.NGHTTP2_NO_ERROR);
  linger(stream);
}

/**
 * Whether the client has closed a stream. It may still have data to read, but nothing can be written to it. @internal
 */
export function isGone(stream: ServerHttp2Stream): boolean {
  if (stream.closed) stream.destroy();
  return stream.destroyed;
}

/** One attempt of connect() over HTTP/2. @internal */
export async function openStream(
  { url, socketPath }: Address,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Connection> {
  // Over HTTP/2, there is no key.
  const { key: _key, ...own } = requestOptions(options);
  const request = createConnectRequest(url, own);
  const socket = await openSocket(request, options, socketPath, signal);
  const host = request.host.includes(":") ? `[${request.host}]` : request.host;
  const session = connectSession(`${request.secure ? "https" : "http"}://${host}:${request.port}`, {
    ...(options.tls as SecureClientSessionOptions | undefined),
    createConnection: () => socket,
  });
  let abort: (() => void) | undefined;
  try {
    const { headers, stream } = await new Promise<Answer>((resolve, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort);
      // The signal may have aborted while the socket was opened.
      if (signal.aborted) abort();
      session.on("error", reject);
      // A session can also end without an "error" event.
      session.on("close", () => reject(new Error("The server has ended the session")));
      session.once("remoteSettings", ({ enableConnectProtocol }) => {
        if (enableConnectProtocol) requestStream(session, request).then(resolve, reject);
        else reject(new Error("The server does not support WebSocket over HTTP/2 (RFC 8441 §3)"));
      });
    });
    const response = readHead(headers);
    const body = response.status > 299 ? await readBody(stream, signal) : undefined;
    options.signal?.throwIfAborted();
    const agreement = checkResponse({ headers, body }, request);
    const connection = new Connection(stream, "client", agreement, new Uint8Array(0), options, response);
    connection.on("close", () => {
      // Not destroy(), because data of the stream may still be on its way to the socket.
      session.close();
      linger(socket, MOST_LINGERS);
    });
    return connection;
  } catch (error) {
    session.destroy();
    // The session would wait until the socket is connected and written to.
    socket.destroy();
    throw error;
  } finally {
    if (abort) signal.removeEventListener("abort", abort);
  }
}

/** Does the same as connect() of node:http2, which gives access to the socket only once it is connected. */
async function openSocket(
  request: ClientRequest,
  { tls, agent }: ConnectOptions,
  socketPath: string | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const { secure, host, port } = request;
  const isName = isIP(host) === 0;
  const own = { ALPNProtocols: ["h2"], ...(isName && { servername: host }) };
  const options = { ...(secure && own), ...(tls as TlsOptions | undefined) };
  if (agent) {
    // Without a name, an agent would invent one. Deno treats an empty name as a host.
    const servername = options.servername ?? "";
    const path = socketPath === undefined ? undefined : { socketPath };
    return socketOf(agent, request, { ...options, ...(secure && { servername }), ...path }, signal);
  }
  const target = socketPath === undefined ? { host, port } : { path: socketPath };
  return secure ? connectTls({ ...options, ...target }) : createConnection(target);
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly stream: ClientHttp2Stream;
}

/** The head of a response, without its pseudo-header fields. */
function readHead(headers: IncomingHttpHeaders): AcceptedResponse {
  const fields = Object.entries(headers).filter(([name, value]) => !name.startsWith(":") && value !== undefined);
  return {
    status: Number(headers[":status"]),
    headers: fields.flatMap(([name, value]) => [value ?? []].flat().map((each) => [name, String(each)] as const)),
  };
}

async function requestStream(session: ClientHttp2Session, request: ClientRequest): Promise<Answer> {
  const stream = session.request(toObject(request.headers), { endStream: false });
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    // A reset stream does not always emit an error.
    stream.on("close", () => reject(new Error(`The server has closed the stream (HTTP/2 error ${stream.rstCode})`)));
    stream.once("response", (headers) => resolve({ headers, stream }));
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
