// Servers for the tests of faults, and how their connections ended.

import { type Connection, serve, type ServeOptions, type WebSocketServer } from "../../../src/node/index.ts";
import { atEnd, until } from "./watch.ts";

export interface Started {
  readonly server: WebSocketServer;
  readonly port: number;
  readonly ends: (readonly [code: number, reason: string, wasClean: boolean])[];
  readonly messages: (string | Uint8Array)[];
  readonly connections: Connection[];
}

/** A server that echoes by default. It is closed after the test. */
export async function start(
  options: ServeOptions = {},
  handler?: (connection: Connection) => unknown,
): Promise<Started> {
  const ends: Started["ends"] = [];
  const messages: Started["messages"] = [];
  const connections: Connection[] = [];
  const server = await serve({ host: "127.0.0.1", closeTimeout: 200, ...options }, (connection) => {
    connections.push(connection);
    connection.on("close", (...end) => ends.push(end));
    if (handler) return handler(connection);
    connection.on("message", (data) => {
      messages.push(data);
      connection.send(data);
    });
  });
  atEnd(() => server.close());
  return { server, port: server.port, ends, messages, connections };
}

/** Waits until `count` connections have ended and none is left. */
export async function ended({ server, ends }: Started, count: number): Promise<void> {
  await until(
    () => ends.length >= count && server.connections.size === 0,
    () => `${ends.length} of ${count} have ended, ${server.connections.size} are open`,
  );
}
