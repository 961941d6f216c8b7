// What is no fault of the peer must not look like a connection that was lost.

import { expect, test } from "vitest";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer as RealServer } from "ws";
import { WebSocket } from "../../src/ws/index.ts";

test("a function of the options that throws while a message is handled is an 'error' event", async () => {
  const server = new RealServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (socket) => socket.ping("are you there?"));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    // The answer to the Ping needs a key.
    generateMask: () => {
      throw new Error("no randomness left");
    },
  });
  const closed = new Promise((resolve) => client.on("close", resolve));
  const [error] = (await once(client, "error")) as [Error];
  expect(error.message).toBe("no randomness left");
  expect(await closed).toBe(1006);
  await new Promise((resolve) => server.close(resolve));
});
