// Streams that are not sockets. They may deliver the peer's answer inside write(), or inside any call of a handler.

import { createHook } from "node:async_hooks";
import { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { FrameDecoder } from "../../src/index.ts";
import { type Connection, upgrade } from "../../src/node/index.ts";
import { binary, close, text, toRole } from "../support/wire.ts";
import { REQUEST } from "./support/request.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A connection over a stream that passes everything it writes to `written`, in the same call. */
async function open(
  written: (chunk: Buffer, socket: Duplex) => void,
): Promise<{ readonly connection: Connection; readonly socket: Duplex }> {
  let isOpen = false;
  const socket: Duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      if (isOpen) written(chunk, socket);
      callback();
    },
  });
  onTestFinished(() => void socket.destroy());
  const connection = upgrade(REQUEST, socket, Buffer.alloc(0))!;
  await turn();
  isOpen = true;
  return { connection, socket };
}

test("nothing is written twice if the peer answers in the call that writes", async () => {
  const chunks: Buffer[] = [];
  const { connection, socket } = await open((chunk) => {
    chunks.push(chunk);
    // One answer to the first chunk, while the others are still unwritten.
    if (chunks.length === 1) socket.push(toRole("server", text("go on")));
  });
  const seen: unknown[] = [];
  connection.on("message", (data) => seen.push(data));
  for (const value of [1, 2, 3]) connection.send(new Uint8Array(5000).fill(value), { copy: false });
  await connection.drained();
  await turn();
  const frames = new FrameDecoder({ role: "client" }).decode(Buffer.concat(chunks));
  expect(frames.map(({ payload }) => [payload.length, payload[0]])).toEqual([
    [5000, 1],
    [5000, 2],
    [5000, 3],
  ]);
  expect(seen).toEqual(["go on"]);
});

test("chunks that arrive during a handler are handled after it, in order", async () => {
  const { connection, socket } = await open(() => {});
  const seen: string[] = [];
  connection.on("error", (error) => seen.push(`error ${error.message}`));
  connection.on("close", (code) => seen.push(`close ${code}`));
  connection.on("message", (data) => {
    seen.push(`begin ${data as string}`);
    if (data === "a") {
      const chunk = toRole("server", text("d"), text("e"));
      socket.push(chunk.subarray(0, 4));
      const rest = chunk.slice(4);
      socket.push(rest);
      socket.push(toRole("server", text("f")));
      // The owner of the chunks may reuse them.
      rest.fill(0);
    }
    if (data === "f") socket.push(toRole("server", close(1000)));
    seen.push(`end ${data as string}`);
  });
  socket.push(toRole("server", text("a"), text("b"), text("c")));
  await turn();
  socket.push(null);
  await connection.closed;
  const messages = ["a", "b", "c", "d", "e", "f"].flatMap((data) => [`begin ${data}`, `end ${data}`]);
  expect(seen).toEqual([...messages, "close 1000"]);
});

test("chunks that arrive while waiting messages are delivered are handled after them", async () => {
  const { connection, socket } = await open(() => {});
  socket.push(toRole("server", text("a")));
  await turn();
  const seen: string[] = [];
  connection.on("message", (data) => {
    seen.push(`begin ${String(data)}`);
    if (data === "a") socket.push(toRole("server", binary(Uint8Array.of(1))));
    seen.push(`end ${String(data)}`);
  });
  await turn();
  expect(seen).toEqual(["begin a", "end a", "begin 1", "end 1"]);
});

test("the connection emits close once if its stream emits it twice", async () => {
  const { connection, socket } = await open(() => {});
  let closes = 0;
  connection.on("close", () => closes++);
  socket.emit("close");
  socket.destroy();
  await turn();
  await turn();
  expect(closes).toBe(1);
});

test("the async context of a connection ends with it", async () => {
  const ids = new Set<number>();
  const hook = createHook({
    init: (id, type) => void (type === "WSFRAME_CONNECTION" && ids.add(id)),
    destroy: (id) => void ids.delete(id),
  }).enable();
  onTestFinished(() => void hook.disable());
  const { connection } = await open(() => {});
  expect(ids.size).toBe(1);
  connection.terminate();
  await connection.closed;
  await turn();
  expect(ids.size).toBe(0);
});

test("after a write that fails, nothing more is written", async () => {
  let fail: ((error: Error) => void) | undefined;
  let failed = false;
  let late = 0;
  const socket: Duplex = new Duplex({
    read() {},
    write(_chunk, _encoding, callback) {
      if (failed) late++;
      fail = callback;
      if (late > 0) setImmediate(callback, new Error("EPIPE"));
    },
  });
  onTestFinished(() => void socket.destroy());
  const connection = upgrade(REQUEST, socket, Buffer.alloc(0))!;
  connection.on("error", () => {});
  // The text has several parts, which are written together.
  for (let i = 0; i < 50; i++) connection.send(new Uint8Array(5000), { copy: false });
  await turn();
  failed = true;
  fail!(new Error("EPIPE"));
  await connection.closed;
  await turn();
  expect(late).toBe(0);
  expect(socket.writableLength).toBe(0);
  expect(connection.bufferedAmount).toBeGreaterThanOrEqual(0);
});

test("callbacks are called although a text is shorter than it was counted, and another one follows", async () => {
  const socket: Duplex = new Duplex({ read() {}, write: (_chunk, _encoding, callback) => void setImmediate(callback) });
  onTestFinished(() => void socket.destroy());
  const connection = upgrade(REQUEST, socket, Buffer.alloc(0))!;
  await connection.drained();
  const called: number[] = [];
  // Send more than one write takes, so that some of the data waits as frames.
  connection.send("a".repeat(300_000), { callback: () => called.push(1) });
  await Promise.resolve();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  connection.send(Uint8Array.of(1), { callback: () => called.push(2) });
  await connection.drained();
  await turn();
  expect(called).toEqual([1, 2]);
});
