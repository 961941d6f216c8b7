// Faults while a connection is open, and what happens to unfinished work when it ends.

import { once } from "node:events";
import { expect, test } from "vitest";
import { connect } from "../../src/node/index.ts";
import { answer, dial, dialWebSocket, frames, listen, request } from "./support/peer.ts";
import { ended, start } from "./support/server.ts";
import { until, watchLeftovers } from "./support/watch.ts";
import { text } from "../support/wire.ts";

watchLeftovers();

test("a client that does not read is cut after pingInterval and pongTimeout", async () => {
  const started = await start(
    { pingInterval: 50, pongTimeout: 50, closeTimeout: 50, highWaterMark: 1 << 16 },
    (connection) => {
      connection.on("message", () => {
        for (let i = 0; i < 200; i++) connection.send(new Uint8Array(1 << 16));
      });
    },
  );
  const peer = await dialWebSocket(started.port);
  peer.socket.pause();
  await peer.write(frames("client", text("go")));
  await until(
    () => (started.connections[0]?.bufferedAmount ?? 0) > 1 << 20,
    () => "nothing is queued",
  );
  await until(
    () => started.ends.length === 1,
    () => "it is still there",
    3000,
  );
});

test("a message in pieces is abandoned when the connection ends, even if its source is slow", async () => {
  let returned = false;
  let result: unknown;
  const started = await start({}, (connection) => {
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => ((returned = true), Promise.resolve({ done: true as const, value: undefined })),
      }),
    };
    void connection.send(source).then((sent) => (result = sent));
  });
  const peer = await dialWebSocket(started.port);
  peer.reset();
  await ended(started, 1);
  await until(
    () => result === false && returned,
    () => `result ${String(result)}, returned ${returned}`,
    500,
  );
});

test("a loop ends without throwing when the peer breaks a rule, and the connection has the error", async () => {
  const { port } = await listen(async (peer) => {
    const head = await peer.head();
    await peer.write(answer(head));
    await peer.write(frames("server", text("one"), { ...text("x"), rsv: 7 }));
  });
  const connection = await connect(`ws://127.0.0.1:${port}`, { closeTimeout: 50 });
  const seen: unknown[] = [];
  for await (const message of connection) seen.push(message);
  expect(seen).toEqual(["one"]);
  expect(connection.error).toMatchObject({ code: "WS_ERR_UNEXPECTED_RSV_2_3" });
  expect(connection.ending).toEqual({ code: 1006, reason: "", wasClean: false });
});

test("a peer that sends a Close and resets has closed: there is no error", async () => {
  for (let i = 0; i < 20; i++) {
    const { port } = await listen(async (peer) => {
      const head = await peer.head();
      await peer.write(answer(head));
      await peer.write(frames("server", { opcode: 8, payload: new Uint8Array([0x0f, 0xa1]) }));
      peer.reset();
    });
    const errors: unknown[] = [];
    const connection = await connect(`ws://127.0.0.1:${port}`, { closeTimeout: 50 });
    connection.on("error", (error) => errors.push(error));
    const [code] = await once(connection, "close");
    // A reset may overtake the Close. Then there is exactly one error.
    expect([code, errors.length]).toEqual(code === 4001 ? [4001, 0] : [1006, 1]);
  }
});

test("nothing is delivered after terminate()", async () => {
  const seen: unknown[] = [];
  const started = await start({}, (connection) => {
    connection.on("message", (data) => {
      seen.push(data);
      connection.terminate();
    });
  });
  const peer = await dial(started.port);
  await peer.write(Buffer.concat([Buffer.from(request()), frames("client", text("x"), text("y"))]));
  await ended(started, 1);
  expect(seen).toEqual(["x"]);
});
