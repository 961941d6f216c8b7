// An error that is not the peer's fault must not look like a lost connection.

import { expect, test } from "vitest";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer as RealServer } from "ws";
import { WebSocket } from "../../src/ws/index.ts";

test("emits 'error' if a function in the options throws while a frame is handled", async () => {
  const server = new RealServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (socket) => socket.ping("are you there?"));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    // The Pong needs a masking-key, so generateMask is called.
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
