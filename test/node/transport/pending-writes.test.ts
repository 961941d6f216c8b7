// A direct write that the system has not finished counts as unsent until its own callback.

import { Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { FrameDecoder } from "../../../src/index.ts";
import type { Connection } from "../../../src/node/index.ts";
import { close, text, toRole } from "../../support/wire.ts";
import { type Opened, type Opening, open, ROLES } from "../support/roles.ts";
import { freeSlots, SLOTS } from "../support/slots.ts";
import { until, watchLeftovers } from "../support/watch.ts";

watchLeftovers();

const { _write } = Socket.prototype;
afterEach(() => {
  Socket.prototype._write = _write;
});

type Callback = (error?: Error | null) => void;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The writes of one socket. Each ends when the test says so. */
class HeldWrites {
  /** The sizes in bytes of the writes that have started. */
  readonly begun: number[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #fail: Callback[] = [];

  constructor(socket: Connection["socket"]) {
    const hold = (bytes: Uint8Array, fail: Callback, end: () => void): void => {
      this.begun.push(bytes.length);
      this.#fail.push(fail);
      this.#waiting.push(end);
    };
    Socket.prototype._write = function (this: Socket, bytes: Uint8Array, encoding: BufferEncoding, callback: Callback) {
      const write = (): void => _write.call(this, bytes, encoding, callback);
      // Delay the write, so that the system reads the bytes as late as possible.
      if (this === socket) hold(bytes, callback, write);
      else write();
    };
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  endNext(): void {
    this.#fail.shift();
    this.#waiting.shift()!();
  }

  failNext(error: Error): void {
    this.#waiting.shift();
    this.#fail.shift()!(error);
  }
}

interface Held extends Opened {
  readonly writes: HeldWrites;
}

async function openHeld(role: "server" | "client", options: Opening = {}): Promise<Held> {
  const opened = await open(role, { directReads: true, directWrites: true, ...options });
  // The write of the handshake has ended.
  await turn();
  return { ...opened, writes: new HeldWrites(opened.connection.socket) };
}

/** Returns a function that tells whether drained() has resolved. */
function watchDrained(connection: Connection): () => boolean {
  let drained = false;
  void connection.drained().then(() => (drained = true));
  return () => drained;
}

test.each(ROLES)("bufferedAmount, drained() and the memory wait for a pending write: %s", async (role) => {
  const { connection, peer, writes } = await openHeld(role);
  const message = "a".repeat(1000);
  const size = 1000 + 4 + (role === "client" ? 4 : 0);
  connection.send(message);
  await turn();
  expect(writes.begun).toEqual([size]);
  expect(connection.socket.writableLength).toBe(0);
  expect(connection.bufferedAmount).toBe(size);
  const drained = watchDrained(connection);
  expect(freeSlots()).toBe(SLOTS - 1);
  // No other write starts before this one has ended.
  connection.send("b".repeat(1000));
  connection.ping();
  await turn();
  expect(writes.begun.length).toBe(1);
  expect(connection.bufferedAmount).toBeGreaterThanOrEqual(2 * size);
  expect(drained()).toBe(false);
  writes.endNext();
  await until(
    () => writes.begun.length === 2,
    () => "no second write",
  );
  await turn();
  expect(drained()).toBe(false);
  expect(connection.bufferedAmount).toBe(writes.begun[1]);
  writes.endNext();
  await until(drained, () => "not drained");
  expect(connection.bufferedAmount).toBe(0);
  expect(freeSlots()).toBe(SLOTS);
  const frames = [text(message), text("b".repeat(1000))].map((frame) => toRole("client", frame).length);
  await peer.sees(() => peer.received.length >= frames[0]! + frames[1]!, "not all");
  const decoder = new FrameDecoder({ role: role === "server" ? "client" : "server" });
  const payloads = decoder.decode(peer.received).map(({ payload }) => Buffer.from(payload).toString());
  // A Ping may overtake messages.
  expect(payloads.filter((payload) => payload !== "")).toEqual([message, "b".repeat(1000)]);
});

test("nothing follows a pending write from other memory", async () => {
  const { connection, peer, writes } = await openHeld("server");
  const size = 100_010;
  // send() copies this message, and puts the header of its frame before it.
  const buffer = new Uint8Array(100_000);
  for (let i = 0; i < 3; i++) {
    connection.send(buffer.fill(i));
    await turn();
    expect(writes.begun).toEqual([size]);
  }
  expect(freeSlots()).toBe(SLOTS);
  expect(connection.bufferedAmount).toBe(3 * size);
  while (connection.bufferedAmount > 0) {
    if (writes.waiting > 0) writes.endNext();
    await turn();
  }
  await peer.sees(() => peer.received.length === 3 * size, "not all");
  const payloads = new FrameDecoder({ role: "client" }).decode(peer.received).map(({ payload }) => payload);
  expect(payloads.map((payload) => Buffer.alloc(100_000, payload[0]).equals(payload) && payload[0])).toEqual([0, 1, 2]);
});

test.each(ROLES)("everything sent in a turn leaves, however many messages there are: %s", async (role) => {
  // No timer will check the connection.
  const { connection, peer } = await open(role, { pingInterval: Infinity });
  await turn();
  const before = peer.received.length;
  for (let i = 0; i < 3000; i++) connection.send(new Uint8Array(1000));
  const size = 3000 * (1004 + (role === "client" ? 4 : 0));
  await peer.sees(() => peer.received.length - before === size, "not all");
});

test.each(ROLES)("an error that the system reports at once ends the connection: %s", async (role) => {
  const { connection } = await open(role);
  await turn();
  const errors: unknown[] = [];
  connection.on("error", (error) => errors.push(error));
  const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  Socket.prototype._write = function (this: Socket, bytes: Uint8Array, encoding: BufferEncoding, callback: Callback) {
    if (this === connection.socket) callback(error);
    else _write.call(this, bytes, encoding, callback);
  };
  let called: unknown;
  connection.send("a", { callback: (failure) => (called = failure) });
  expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
  expect(errors).toEqual([error]);
  expect(called).toBeInstanceOf(Error);
  await connection.drained();
});

test.each(ROLES)("an error of a pending write ends the connection: %s", async (role) => {
  const { connection, writes } = await openHeld(role);
  const errors: unknown[] = [];
  connection.on("error", (error) => errors.push(error));
  connection.send("a".repeat(1000));
  await turn();
  const drained = watchDrained(connection);
  const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
  writes.failNext(error);
  expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
  expect(errors).toEqual([error]);
  await until(drained, () => "drained() waits for ever");
  expect(freeSlots()).toBe(SLOTS);
});

test.each(ROLES)("the socket is not ended during a pending write: %s", async (role) => {
  const { connection, peer, writes } = await openHeld(role, { closeTimeout: 2000 });
  connection.send("a".repeat(1000));
  await turn();
  connection.close(1000);
  // The peer's Close arrives while ours waits.
  await peer.write(toRole(role, close(1000)));
  for (let i = 0; i < 5; i++) await turn();
  expect([writes.begun.length, connection.socket.writableEnded]).toEqual([1, false]);
  writes.endNext();
  await until(
    () => writes.begun.length === 2,
    () => "no Close",
  );
  for (let i = 0; i < 5; i++) await turn();
  expect([writes.begun.length, connection.socket.writableEnded]).toEqual([2, false]);
  writes.endNext();
  await peer.sees(() => peer.received.length === writes.begun[0]! + writes.begun[1]!, "not all");
  peer.socket.end();
  expect(await connection.closed).toMatchObject({ code: 1000, wasClean: true });
  const decoder = new FrameDecoder({ role: role === "server" ? "client" : "server" });
  expect(decoder.decode(peer.received).map(({ opcode }) => opcode)).toEqual([1, 8]);
});

test("terminate() works during a write whose callback comes later", async () => {
  const { connection, writes } = await openHeld("server");
  connection.send("a".repeat(1000));
  await turn();
  connection.terminate();
  expect(await connection.closed).toMatchObject({ code: 1006 });
  // The system may still read the memory.
  expect(freeSlots()).toBe(SLOTS - 1);
  writes.failNext(new Error("cancelled"));
  expect(freeSlots()).toBe(SLOTS);
});

test("a server with a highWaterMark of 0 resumes reading when a pending write has ended", async () => {
  const { connection, peer, writes } = await openHeld("server", { highWaterMark: 0 });
  let handled = 0;
  connection.on("message", (data) => {
    handled++;
    connection.send(data);
  });
  const count = 20;
  await peer.write(toRole("server", ...Array.from({ length: count }, (_, i) => text(`message ${i}`))));
  for (let i = 1; i <= count; i++) {
    await until(
      () => writes.begun.length === i,
      () => `${writes.begun.length} writes of ${i}`,
    );
    await turn();
    expect(handled).toBe(i);
    expect(connection.bufferedAmount).toBe(writes.begun[i - 1]);
    expect(connection.needDrain).toBe(true);
    writes.endNext();
  }
  await connection.drained();
  const total = writes.begun.reduce((sum, size) => sum + size);
  await peer.sees(() => peer.received.length === total, "not all answers");
  expect(new FrameDecoder({ role: "client" }).decode(peer.received).map((frame) => frame.text)).toEqual(
    Array.from({ length: count }, (_, i) => `message ${i}`),
  );
});

test("pieces wait for a pending write", async () => {
  const { connection, peer, writes } = await openHeld("server", { highWaterMark: 0 });
  let asked = 0;
  async function* source(): AsyncGenerator<string> {
    for (; asked < 5; asked++) yield "x".repeat(500);
  }
  const sent = connection.send(source());
  for (let i = 1; i <= 6; i++) {
    await until(
      () => writes.begun.length === i,
      () => `${writes.begun.length} writes of ${i}`,
    );
    await turn();
    expect(asked).toBe(i - 1);
    writes.endNext();
  }
  expect(await sent).toBe(true);
  await peer.sees(() => peer.received.length === 5 * 504 + 2, "not all pieces");
});
