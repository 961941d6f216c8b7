// Slow clients, and clients that do not answer.

import type { Peer } from "crossws";
import { expect } from "vitest";
import { both, type Client, type Make, open, ours, start, until } from "./support/adapters.ts";

/** More bytes than the sockets can buffer while the client does not read. */
const LARGE = Buffer.alloc(16_000_000);

async function slow(
  make: Make,
  options: Parameters<Make>[0] = {},
): Promise<{ peer: Peer; client: Client; log: string[] }> {
  const log: string[] = [];
  let peer: Peer | undefined;
  const { url } = await start(
    make({
      ...options,
      hooks: {
        open: (opened) => void (peer = opened),
        drain: ({ bufferedAmount }) => void log.push(`drain ${bufferedAmount}`),
        close: () => void log.push("close"),
      },
    }),
  );
  const client = await open(url);
  client.socket.pause();
  return { peer: peer!, client, log };
}

both("waitForDrain() resolves when the client has read everything", async (make) => {
  const { peer, client } = await slow(make);
  await peer.waitForDrain();
  peer.send(LARGE);
  let drained = false;
  const waiting = peer.waitForDrain({ pollInterval: 5 }).then(() => (drained = true));
  const some = peer.waitForDrain({ threshold: 1_000_000, pollInterval: 5 });
  await peer.waitForDrain({ threshold: LARGE.length * 2 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(drained).toBe(false);
  client.socket.resume();
  await some;
  expect(peer.bufferedAmount).toBeLessThanOrEqual(1_000_000);
  await waiting;
  expect(peer.bufferedAmount).toBe(0);
});

both("waitForDrain() rejects when its signal is aborted", async (make) => {
  const { peer } = await slow(make);
  peer.send(LARGE);
  const controller = new AbortController();
  const waiting = peer.waitForDrain({ signal: controller.signal, pollInterval: 5 });
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(peer.waitForDrain({ signal: controller.signal })).rejects.toBe(reason);
  await peer.waitForDrain({ threshold: Infinity, signal: controller.signal });
});

both("waitForDrain() resolves when the connection ends", async (make) => {
  for (const end of [(peer: Peer) => peer.close(), (peer: Peer) => peer.terminate()]) {
    const { peer } = await slow(make);
    peer.send(LARGE);
    const waiting = peer.waitForDrain({ pollInterval: 5 });
    end(peer);
    await waiting;
    await peer.waitForDrain({ pollInterval: 5 });
  }
  const { peer, client } = await slow(make);
  peer.send(LARGE);
  const waiting = peer.waitForDrain({ pollInterval: 5 });
  client.socket.terminate();
  await waiting;
});

both("calls the drain hook when all waiting bytes are written", async (make) => {
  const { peer, client, log } = await slow(make);
  peer.send("little");
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(log).toEqual([]);
  expect(peer.send(LARGE)).toBeGreaterThan(0);
  peer.send(LARGE);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(log).toEqual([]);
  client.socket.resume();
  await until(() => log.length > 0, "it drains");
  expect(log).toEqual(["drain 0"]);
});

both("does not call the drain hook after the end", async (make) => {
  const { peer, client, log } = await slow(make);
  peer.send(LARGE);
  client.socket.terminate();
  await until(() => log.length > 0, "it ends");
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(log).toEqual(["close"]);
});

both("idleTimeout ends a client that does not answer Pings, and keeps others", async (make) => {
  const codes: unknown[] = [];
  const { url } = await start(
    make({
      idleTimeout: 0.2,
      hooks: {
        close: (_peer, { code }) => void codes.push(code),
        error: (_peer, error) => void codes.push(error),
        pong: () => void codes.push("pong"),
      },
    }),
  );
  const alive = await open(url);
  const silent = await open(url, { autoPong: false });
  const begun = Date.now();
  expect(await silent.closed).toEqual([1006, ""]);
  expect(Date.now() - begun).toBeLessThan(5000);
  await until(() => codes.length > 0, "the end");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(codes).toEqual([1006]);
  expect(alive.socket.readyState).toBe(1);
});

both("idleTimeout: 0 sends no Ping", async (make) => {
  const { url } = await start(make({ idleTimeout: 0 }));
  const client = await open(url, { autoPong: false });
  let pings = 0;
  client.socket.on("ping", () => pings++);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(pings).toBe(0);
});

ours("passes serverOptions to upgrade()", async (make) => {
  const { url } = await start(
    make({
      serverOptions: {
        limits: { maxMessage: 10 },
        pingInterval: 20,
        checkOrigin: (origin) => origin !== "http://evil",
      },
    }),
  );
  const client = await open(url);
  await new Promise((resolve) => client.socket.once("ping", resolve));
  client.socket.send("x".repeat(11));
  expect((await client.closed)[0]).toBe(1009);
  await expect(open(url, { origin: "http://evil" })).rejects.toThrow("403");
});

ours("wsframeAdapter() throws for invalid options", async (make) => {
  const wrong = (options: object) => () => make(options);
  expect(wrong({ serverOptions: { maxPayload: 1 } })).toThrow("use `limits: { maxMessage }`");
  expect(wrong({ serverOptions: { headers: {} } })).toThrow("return them from the upgrade hook");
  expect(wrong({ serverOptions: { protocols: [] } })).toThrow("use `handleProtocols`");
  expect(wrong({ serverOptions: { highWaterMark: -1 } })).toThrow(RangeError);
  expect(wrong({ wss: {} })).toThrow("use `serverOptions`");
  expect(wrong({ hook: {} })).toThrow("did you mean `hooks`?");
  expect(wrong({ idleTimeout: -1 })).toThrow(RangeError);
  expect(wrong({ idleTimeout: "30" })).toThrow(RangeError);
});
