import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { acceptHandshake, type AcceptOptions, type Rejection, serializeResponse } from "../index.ts";
import { Connection } from "./connection.ts";
import type { ConnectionOptions } from "./options.ts";

/** Options of upgrade(): what to accept, and what holds for the connection. */
export interface UpgradeOptions extends AcceptOptions, ConnectionOptions {}

/**
 * Takes over a request of the 'upgrade' event of any server of node:http or https, so of Express, Fastify and Koa too:
 * answers it, and returns the connection, or undefined if it was refused.
 *
 * Add listeners before the turn of the event loop ends: then the connection begins to read.
 *
 * @throws TypeError, RangeError for options that are wrong; nothing for whatever the request is
 */
export function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: UpgradeOptions = {},
): Connection | undefined {
  const answer = acceptHandshake(request, options);
  if (!answer.accepted) {
    reject(socket, answer);
    return undefined;
  }
  // Nagle's algorithm would hold back small messages.
  if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay(true);
  if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
  const connection = new Connection(socket, "server", answer, head, options);
  // The connection waits for this one, too, in drained().
  socket.write(serializeResponse(answer), connection.written);
  return connection;
}

/** Answers a request that is not accepted, and ends the connection. See rejectHandshake(). */
export function reject(socket: Duplex, rejection: Rejection): void {
  // A peer that has gone is not our error.
  socket.on("error", () => socket.destroy());
  socket.end(serializeResponse(rejection));
  socket.resume();
}
