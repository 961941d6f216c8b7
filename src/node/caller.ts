// A client that asks a server for a connection, over HTTP/1.1 or HTTP/2.

import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import type { Acceptance, Rejection } from "../index.ts";
import type { Connection } from "./connection.ts";
import { isGone, rejectStream, respond } from "./http2.ts";
import type { ConnectionOptions } from "./options.ts";
import { openSocket, reject } from "./upgrade.ts";

/**
 * A request as serve() passes it to its handler and to the functions in its options: one of node:http or https, or of
 * node:http2 if the WebSocket is over HTTP/2. Both have `headers`, `url` and `socket`.
 */
export type ServerRequest = IncomingMessage | Http2ServerRequest;

/** @internal */
export interface Caller {
  readonly request: ServerRequest;
  /** The socket, or the stream of HTTP/2. */
  readonly stream: Duplex;
  /** Whether it is too late to answer. */
  isGone(): boolean;
  /** If it throws, nothing has been sent. */
  accept(acceptance: Acceptance, options: ConnectionOptions): Connection;
  reject(rejection: Rejection): void;
}

/** The caller of an 'upgrade' event. @internal */
export function callerOfSocket(request: IncomingMessage, socket: Duplex, head: Uint8Array): Caller {
  return {
    request,
    stream: socket,
    isGone: () => socket.destroyed,
    accept: (acceptance, options) => openSocket(socket, head, acceptance, options),
    reject: (rejection) => reject(socket, rejection),
  };
}

/** The caller of an extended CONNECT. @internal */
export function callerOfStream(request: Http2ServerRequest, stream: ServerHttp2Stream): Caller {
  return {
    request,
    stream,
    isGone: () => isGone(stream),
    accept: (acceptance, options) => respond(stream, acceptance, options),
    reject: (rejection) => rejectStream(stream, rejection),
  };
}
