// A connection does not keep anything of its handshake.

import { expect, test } from "vitest";
import { serve } from "../../src/node/index.ts";
import { SERVERS } from "./support/http2.ts";
import { dialWebSocket } from "./support/peer.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

test.each(SERVERS)("an open connection does not keep its request alive: %s", async (_, options) => {
  const requests: WeakRef<object>[] = [];
  const server = await serve({ host: "127.0.0.1", closeTimeout: 100, ...options }, (connection, request) => {
    requests.push(new WeakRef(request));
    connection.on("message", (data) => connection.send(data));
  });
  atEnd(() => server.close());
  const peer = await dialWebSocket(server.port, { tls: options.tls !== undefined });
  await until(
    () => (globalThis.gc!(), requests.length === 1 && requests[0]!.deref() === undefined),
    () => "the request is alive",
  );
  expect(server.connections.size).toBe(1);
  expect(peer.closed).toBe(false);
});

test("the socket of a connection is not counted among those of its server", async () => {
  const listeners: number[] = [];
  const server = await serve({ host: "127.0.0.1", closeTimeout: 100 }, ({ socket }) => {
    listeners.push(socket.listenerCount("close"));
  });
  atEnd(() => server.close());
  await dialWebSocket(server.port);
  expect(listeners).toEqual([1]);
});
