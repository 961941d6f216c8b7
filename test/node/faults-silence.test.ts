// Peers that fall silent: they do not answer Pings or the Close, or they stop reading.

import { expect, test } from "vitest";
import { connect } from "../../src/node/index.ts";
import { SERVERS } from "./support/http2.ts";
import { answer, CA, dialWebSocket, frames, listen } from "./support/peer.ts";
import { ended, start } from "./support/server.ts";
import { until, watchLeftovers } from "./support/watch.ts";
import { text } from "../support/wire.ts";

watchLeftovers();

test("a client that does not answer a Ping is cut with 1008 and an error event", async () => {
  await Promise.all(
    SERVERS.map(async ([, options]) => {
      const errors: unknown[] = [];
      const started = await start({ ...options, pingInterval: 50, pongTimeout: 50, closeTimeout: 100 });
      const peer = await dialWebSocket(started.port, { tls: options.tls !== undefined });
      started.connections[0]!.on("error", (error) => errors.push((error as Error & { code?: string }).code));
      await peer.gone();
      await ended(started, 1);
      expect(peer.received[0]).toBe(0x89);
      expect(peer.received.includes(Buffer.of(0x03, 0xf0))).toBe(true);
      expect([started.ends, errors]).toEqual([[[1006, "", false]], ["WS_ERR_PONG_TIMEOUT"]]);
    }),
  );
});

test("a client cuts a server that does not answer a Ping or a Close, or does not end its side", async () => {
  await Promise.all(
    [false, true].map(async (tls) => {
      const { port, peers } = await listen(async (peer) => void (await peer.write(answer(await peer.head()))), {
        tls,
        host: "localhost",
      });
      const open = (options: object) =>
        connect(`${tls ? "wss" : "ws"}://localhost:${port}`, { tls: CA, closeTimeout: 100, ...options });
      const end = (options: object, close: boolean) =>
        open(options).then(
          (connection) =>
            new Promise<number>((resolve) => {
              connection.on("close", resolve);
              if (close) connection.close(1000);
            }),
        );
      expect(await Promise.all([end({ pingInterval: 50, pongTimeout: 50 }, false), end({}, true)])).toEqual([
        1006, 1006,
      ]);
      await Promise.all(peers.map((peer) => peer.gone()));
    }),
  );
});

test("a client cuts a server that answers the Close but never ends, and the end is clean", async () => {
  const { port } = await listen(async (peer) => {
    const head = await peer.head();
    await peer.write(answer(head));
    await peer.sees(() => peer.received.length > head.length, "no Close");
    await peer.write(Uint8Array.of(0x88, 2, 0x03, 0xe8));
  });
  const connection = await connect(`ws://127.0.0.1:${port}`, { closeTimeout: 100 });
  connection.close(1000);
  expect(await new Promise((resolve) => connection.on("close", (...end) => resolve(end)))).toEqual([1000, "", true]);
});

test("a client that does not read is cut after closeTimeout", async () => {
  const started = await start({ closeTimeout: 100, highWaterMark: 1 << 16 }, (connection) => {
    connection.on("message", () => {
      for (let i = 0; i < 200; i++) connection.send(new Uint8Array(1 << 16));
    });
  });
  const peer = await dialWebSocket(started.port);
  peer.socket.pause();
  await peer.write(frames("client", text("go")));
  await until(
    () => started.connections[0]!.bufferedAmount > 1 << 20,
    () => "nothing is queued",
  );
  await started.server.close();
  expect(started.ends).toEqual([[1006, "", false]]);
});
