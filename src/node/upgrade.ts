import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { acceptHandshake, type AcceptOptions, type Rejection, rejectHandshake, serializeResponse } from "../index.ts";
import { Connection } from "./connection.ts";
import { linger } from "./delay.ts";
import type { ConnectionOptions } from "./options.ts";

/** Options of upgrade(): what to accept, and what holds for the connection. */
export interface UpgradeOptions extends AcceptOptions, ConnectionOptions {}

/**
 * Takes over a request of the 'upgrade' event of any server of node:http or https, so of Express, Fastify and Koa too:
 * answers it, and returns the connection, or undefined if it was refused, or the client has gone already.
 *
 * Add listeners before the turn of the event loop ends: then the connection begins to read.
 *
 * @throws TypeError, RangeError for options that are wrong; what their functions throw. The client gets a 500 then. Nothing
 *   in a request makes it throw
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
    const answer = acceptHandshake(request, options);
    if (!answer.accepted) {
      reject(socket, answer);
      return undefined;
    }
    // Nagle's algorithm would hold back small messages.
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
    if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
    const response = serializeResponse(answer);
    // Before the response, which nothing may follow if the options are wrong.
    const connection = new Connection(socket, "server", answer, head, options);
    // The connection waits for this one, too, in drained().
    socket.write(response, connection.written);
    return connection;
  } catch (error) {
    reject(socket, rejectHandshake({ status: 500 }));
    throw error;
  }
}

/**
 * Answers a request that is not accepted, and ends the connection: at last by itself, if the client does not end its side.
 * See rejectHandshake().
 */
export function reject(socket: Duplex, rejection: Rejection): void {
  // A peer that has gone is not our error.
  socket.on("error", () => socket.destroy());
  socket.end(serializeResponse(rejection));
  linger(socket);
}
