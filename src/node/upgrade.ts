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
import { acceptOptions, checkUpgradeNames } from "./known-options.ts";
import type { ConnectionOptions } from "./options.ts";
import { type Refusal, tellRefused } from "./refusal.ts";

/** Options of upgrade() and acceptStream(): what to accept, and the options of the connection. */
export interface UpgradeOptions<Request extends HandshakeRequest = IncomingMessage>
  extends Omit<AcceptOptions, "checkOrigin" | "protocols">, ConnectionOptions {
  /**
   * The subprotocols that the server supports, in order of preference: the first that the client offers is chosen (RFC
   * 6455 §1.9).
   *
   * Or a function that chooses one: it gets the offered subprotocols and the request, and returns one of them or
   * undefined. It is called only if the client offers any. Default: no subprotocol.
   */
  readonly protocols?:
    | readonly string[]
    | ((offered: readonly string[], request: Request) => string | undefined)
    | undefined;
  /**
   * Decides whether pages of an origin may connect. It gets the value of Origin, which is undefined for most clients
   * other than browsers, and the request. It returns true or false; it must not be async. A HandshakeError that it
   * throws becomes the rejection.
   *
   * Browsers let any page connect to any server. If your server uses cookies, check the origin (RFC 6455 §10.2).
   * Default: all origins are accepted.
   */
  readonly checkOrigin?: ((origin: string | undefined, request: Request) => boolean) | undefined;
  /**
   * Called after each refused handshake, for logging. If it throws, or its promise rejects, that is an uncaught
   * exception. Bytes that are not an HTTP request do not get here: listen to 'clientError' on the server for them.
   * Default: none.
   */
  readonly onRefused?: ((request: Request, refusal: Refusal) => unknown) | undefined;
}

/**
 * Accepts a request from the 'upgrade' event of any server of node:http or https, including those of Express, Fastify
 * and Koa. Checks the handshake and answers it (RFC 6455 §4.2).
 *
 * The connection starts to read at the end of this turn of the event loop. Messages wait until there is a listener or a
 * `for await` loop; events do not. Add listeners in the same turn. After an await, check `ending` or `closed`.
 *
 * @param request The request. Nothing in it makes upgrade() throw
 * @param socket Its socket. The connection owns it from now on
 * @param head The bytes that arrived after the request. The connection owns them from now on
 * @returns the connection, or undefined if the request was refused or the client has gone
 * @throws TypeError, RangeError for wrong or unknown options
 * @throws the exception of a function in the options. The client then gets 500
 */
export function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: UpgradeOptions = {},
): Connection | undefined {
  // The socket has closed, and does not emit "close" again.
  if (socket.destroyed) return undefined;
  try {
    checkUpgradeNames("upgrade()", options);
    const answer = acceptHandshake(request, acceptOptions(options));
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

/** Accepts a request. If it throws, nothing has been sent. @internal */
export function openSocket(
  socket: Duplex,
  head: Uint8Array,
  acceptance: Acceptance,
  options: ConnectionOptions,
): Connection {
  // Nagle's algorithm would delay short messages.
  if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
  if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
  const response = serializeResponse(acceptance);
  // Make the connection first: if its options are wrong, nothing must have been sent.
  const connection = new Connection(socket, "server", acceptance, head, options);
  connection.writeResponse(response);
  return connection;
}

/**
 * Sends a response that refuses a request, such as one from rejectHandshake(), and ends the socket. If the client does
 * not end its side within a second, the socket is cut.
 */
export function reject(socket: Duplex, rejection: Rejection): void {
  // A peer that has gone is not an error of ours.
  socket.on("error", () => socket.destroy());
  socket.end(serializeResponse(rejection));
  linger(socket);
}
