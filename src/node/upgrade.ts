import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  type Acceptance,
  acceptHandshake,
  type AcceptOptions,
  type HandshakeRequest,
  type Rejection,
  rejectHandshake,
  serializeResponse,
} from "../index.ts";
import { Connection } from "./connection.ts";
import { linger } from "./delay.ts";
import { checkUpgradeNames } from "./known-options.ts";
import type { ConnectionOptions } from "./options.ts";
import { type Refusal, tellRefused } from "./refusal.ts";

/** Options of upgrade() and acceptStream(): what to accept, and what holds for the connection. */
export interface UpgradeOptions<Request extends HandshakeRequest = IncomingMessage>
  extends AcceptOptions, ConnectionOptions {
  /**
   * Called for each refused handshake, after the answer: for logs. What it throws is an uncaught exception. Bytes that are no
   * HTTP request do not come here, but are the server's 'clientError' event. Default: none.
   */
  readonly onRefused?: ((request: Request, refusal: Refusal) => unknown) | undefined;
}

/**
 * Takes over a request of the 'upgrade' event of any server of node:http or https, including those of Express, Fastify and
 * Koa. Answers it, and returns the connection, or undefined if it was refused or the client has gone already.
 *
 * The connection begins to read when this turn of the event loop is over. Messages wait until you listen or iterate; add
 * listeners for other events before that.
 *
 * @throws TypeError, RangeError for wrong or unknown options, and what their functions throw. The client then gets a 500.
 *   Nothing in a request makes it throw
 */
export function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: UpgradeOptions = {},
): Connection | undefined {
  // It will not say again that it has closed.
  if (socket.destroyed) return undefined;
  try {
    checkUpgradeNames("upgrade()", options);
    const answer = acceptHandshake(request, options);
    if (answer.accepted) return openSocket(socket, head, answer, options);
    reject(socket, answer);
    tellRefused(options.onRefused, request, answer);
    return undefined;
  } catch (error) {
    reject(socket, rejectHandshake({ status: 500 }));
    tellRefused(options.onRefused, request, { status: 500, error });
    throw error;
  }
}

/** Answers a request that is accepted. If it throws, nothing has been sent. @internal */
export function openSocket(
  socket: Duplex,
  head: Uint8Array,
  acceptance: Acceptance,
  options: ConnectionOptions,
): Connection {
  // Nagle's algorithm would hold back small messages.
  if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
  if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
  const response = serializeResponse(acceptance);
  // Before the response, which nothing may follow if the options are wrong.
  const connection = new Connection(socket, "server", acceptance, head, options);
  connection.writeResponse(response);
  return connection;
}

/**
 * Answers a request that is not accepted, and ends its connection. If the client does not end its side within a second, the
 * socket is cut. See rejectHandshake().
 */
export function reject(socket: Duplex, rejection: Rejection): void {
  // A peer that has gone is not our error.
  socket.on("error", () => socket.destroy());
  socket.end(serializeResponse(rejection));
  linger(socket);
}
