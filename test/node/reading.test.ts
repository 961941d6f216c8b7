// Chunks that bypass the queue of a socket's stream, and chunks through it.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Connection, connect, serve, upgrade } from "../../src/node/index.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const isDirect = ({ socket }: Connection): boolean =>
  Object.getOwnPropertySymbols(socket).some(
    (symbol) => (socket as never as Record<symbol, unknown>)[symbol] instanceof Uint8Array,
  );

describe.each([true, false])("directReads: %s", (directReads) => {
  test("a consumer that pauses and resumes gets every message once and in order, from both sides", async () => {
    const count = 20_000;
    const server = await serve({ host: "127.0.0.1", directReads, highWaterMark: 4096 }, async (connection) => {
      expect(isDirect(connection)).toBe(directReads);
      let i = 0;
      for await (const message of connection) {
        // Paused long enough for the socket to stop, sometimes in the middle of a chunk.
        if (i % 5000 === 0) await setTimeout(20);
        if (Number(message) !== i++) break;
        if (i === count) connection.send(`${i}`);
      }
    });
    ends.push(() => server.close());
    const client = await connect(`ws://127.0.0.1:${server.port}/`, { directReads });
    expect(isDirect(client)).toBe(directReads);
    for (let i = 0; i < count; i++) {
      client.send(`${i}`);
      if (i % 1000 === 0) await client.drained();
    }
    expect((await once(client, "message"))[0]).toBe(`${count}`);
    client.close();
    expect(await once(client, "close")).toEqual([1005, "", true]);
  });

  test("the end of a paused stream is noticed", async () => {
    const closed: Promise<unknown[]>[] = [];
    const server = await serve({ host: "127.0.0.1", directReads, highWaterMark: 0 }, async (connection) => {
      closed.push(once(connection, "close"));
      await setTimeout(50);
      connection.on("message", () => {});
    });
    ends.push(() => server.close());
    const client = await connect(`ws://127.0.0.1:${server.port}/`, { directReads });
    for (let i = 0; i < 1000; i++) client.send("x".repeat(1000));
    client.close(4000);
    expect(await once(client, "close")).toEqual([4000, "", true]);
    expect(await closed[0]).toEqual([4000, "", true]);
  });

  test("data that arrives with the request comes before later data", async () => {
    const http = createServer();
    const seen: (string | Uint8Array)[] = [];
    http.on("upgrade", (request, socket, head) => {
      const connection = upgrade(request, socket, Buffer.concat([head, Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61])]), {
        directReads,
      });
      connection?.on("message", (data) => seen.push(data));
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    ends.push(() => http.close());
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    await once(client, "open");
    client.send("b");
    client.close(1000);
    await once(client, "close");
    expect(seen).toEqual(["a", "b"]);
  });
});
