// The periodic checks of a connection, at times that the test chooses.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Role } from "../../src/index.ts";
import type { Connection } from "../../src/node/connection.ts";
import type { ConnectionOptions } from "../../src/node/options.ts";
import { gate } from "../connection/support/time.ts";
import { framesOf, type NodeEnd, openNode, turn, type Writing } from "../support/connections.ts";
import { close, pong, ROLES, text } from "../support/wire.ts";

// The timer itself never fires.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

/** Connections of other tests have another interval, so they share no timer with it. */
function openQuiet(role: Role, options: ConnectionOptions = {}, writing?: Writing): NodeEnd {
  return openNode(role, { pingInterval: Infinity, pongTimeout: 4321, closeTimeout: 4321, ...options }, [], writing);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** The start time, in whole milliseconds. */
function now(): number {
  return Math.floor(performance.now());
}

for (const role of ROLES) {
  test(`${role}: messages in both directions count as activity, Pings do not`, async () => {
    const { connection, peer } = openQuiet(role, { idleTimeout: 1000 });
    connection.on("message", () => {});
    await turn();
    const start = now() + 10;
    const acts: (() => void)[] = [
      () => connection.send("a"),
      () => peer.write(text("b")),
      () => connection.send(new Uint8Array(1)),
      () => connection.send("c", { compress: false }),
    ];
    let at = start;
    for (const act of acts) {
      act();
      await turn();
      connection.beat((at += 900));
      expect(connection.readyState).toBe(1);
    }
    connection.ping();
    peer.write({ opcode: 9, payload: new Uint8Array(0) });
    await turn();
    connection.beat(at + 999);
    expect(connection.readyState).toBe(1);
    connection.beat(at + 1000);
    expect(connection.readyState).toBe(2);
    await turn();
    expect(framesOf(role, peer.written).at(-1)).toBe("close:1001:idle");
    connection.terminate();
  });
  const beats: Record<string, (connection: Connection, loop: AsyncIterator<unknown>, at: number) => Promise<unknown>> =
    {
      "that keeps asking": (connection, loop, at) => {
        const next = loop.next();
        connection.beat(at);
        return next;
      },
      "that asks only later": (connection, loop, at) => {
        // Two beats, because the first one clears the record that the loop has asked for a message.
        connection.beat(at);
        connection.beat(at + 1);
        return loop.next();
      },
    };
  for (const [name, next] of Object.entries(beats)) {
    test(`${role}: a loop ${name} gets every message after our Close, and stops the socket`, async () => {
      const { connection, peer } = openQuiet(role, { highWaterMark: 1000 });
      const loop = connection[Symbol.asyncIterator]();
      const start = now();
      await turn();
      const got: unknown[] = [];
      peer.write(text("first"));
      if (name === "that keeps asking") got.push(await loop.next());
      else got.push(await next(connection, loop, start));
      for (let i = 0; i < 20; i++) peer.write(text(`${i} ${"x".repeat(100)}`));
      await turn();
      expect(connection.socket.isPaused()).toBe(true);
      got.push(await next(connection, loop, start + 10));
      connection.close();
      for (let i = 0; i < 20; i++) peer.write(text(`${i} ${"x".repeat(100)}`));
      peer.write(close(1000));
      await turns(2);
      expect(connection.socket.isPaused()).toBe(true);
      while (got.length < 41)
        got.push(await (name === "that keeps asking" ? next(connection, loop, start + 20) : loop.next()));
      peer.end();
      expect(got.every((result) => (result as IteratorResult<unknown>).done === false)).toBe(true);
      expect(await loop.next()).toEqual({ done: true, value: undefined });
      expect(await connection.closed).toMatchObject({ code: 1000, wasClean: true });
    });
  }

  test(`${role}: a loop that stops asking after our Close does not hide the peer's Close`, async () => {
    const { connection, peer } = openQuiet(role, { highWaterMark: 1000 });
    const loop = connection[Symbol.asyncIterator]();
    await turn();
    connection.close();
    for (let i = 0; i < 40; i++) peer.write(text("x".repeat(100)));
    peer.write(close(4000));
    await loop.next();
    await turn();
    const start = now();
    connection.beat(start);
    await turn();
    expect(connection.readyState).toBe(2);
    connection.beat(start + 1);
    await turn();
    expect(connection.readyState).toBe(3);
    peer.end();
    await turns(5);
    expect(connection.ending).toEqual({ code: 4000, reason: "", wasClean: true });
    let left = 0;
    while ((await loop.next()).done !== true) left++;
    expect(left).toBeGreaterThan(5);
    expect(left).toBeLessThan(12);
  });

  test(`${role}: a connection that sends pieces is not idle`, async () => {
    const { connection } = openQuiet(role, { idleTimeout: 1000 });
    const start = now();
    const { opened, open } = gate();
    void connection.send(
      (async function* () {
        yield "one";
        await opened;
        yield "two";
      })(),
    );
    await turn();
    connection.beat(start + 10);
    open();
    await turns(2);
    connection.beat(start + 900);
    connection.beat(start + 1800);
    expect(connection.readyState).toBe(1);
    connection.beat(start + 1900);
    expect(connection.readyState).toBe(2);
    connection.terminate();
  });

  test(`${role}: a Ping is sent after pingInterval without data; any later data answers it`, async () => {
    const end = openQuiet(role, { pingInterval: 1000, pongTimeout: 500 });
    const { connection, peer } = end;
    connection.on("message", () => {});
    await turn();
    const start = now();
    connection.beat(start + 900);
    expect(framesOf(role, peer.written)).toEqual([]);
    connection.beat(start + 1100);
    expect(framesOf(role, peer.written)).toEqual(["opcode 9:"]);
    connection.beat(start + 1550);
    peer.write(role === "server" ? text("a") : pong(""));
    await turn();
    connection.beat(start + 1700);
    connection.beat(start + 2600);
    expect(framesOf(role, peer.written)).toEqual(["opcode 9:"]);
    connection.beat(start + 2700);
    expect(framesOf(role, peer.written)).toEqual(["opcode 9:", "opcode 9:"]);
    const errors: unknown[] = [];
    connection.on("error", (error) => errors.push((error as NodeJS.ErrnoException).code));
    connection.beat(start + 3199);
    expect(errors).toEqual([]);
    connection.beat(start + 3200);
    expect(errors).toEqual(["WS_ERR_PONG_TIMEOUT"]);
    await turn();
    expect(framesOf(role, peer.written).at(-1)).toMatch(/^close:1008/);
    expect(connection.socket.destroyed).toBe(false);
    // The peer accepts the Close. That is its last sign of life.
    connection.beat(start + 3300);
    connection.beat(start + 3300 + 4320);
    expect(connection.socket.destroyed).toBe(false);
    connection.beat(start + 3300 + 4321);
    expect(await connection.closed).toEqual({ code: 1006, reason: "", wasClean: false });
  });

  test(`${role}: a peer that does not answer our Close is cut after closeTimeout`, async () => {
    const { connection } = openQuiet(role, { closeTimeout: 1000 });
    await turn();
    const start = now() + 100;
    connection.close();
    await turn();
    connection.beat(start);
    connection.beat(start + 999);
    expect(connection.socket.destroyed).toBe(false);
    connection.beat(start + 1000);
    expect(connection.socket.destroyed).toBe(true);
    expect(await connection.closed).toEqual({ code: 1006, reason: "", wasClean: false });
  });

  test(`${role}: closeTimeout starts again whenever the peer reads waiting data`, async () => {
    const { connection } = openQuiet(role, { closeTimeout: 1000 }, "later");
    await turn();
    for (let i = 0; i < 20; i++) connection.send(new Uint8Array(100_000));
    connection.close();
    await turn();
    let at = now() + 100;
    let beats = 0;
    while (connection.bufferedAmount > 0) {
      connection.beat((at += 900));
      expect(connection.socket.destroyed).toBe(false);
      beats++;
      await turns(2);
    }
    expect(beats).toBeGreaterThan(5);
    connection.beat(at + 999);
    expect(connection.socket.destroyed).toBe(false);
    connection.beat(at + 3000);
    expect(connection.socket.destroyed).toBe(true);
    await connection.closed;
  });

  test(`${role}: a loop that does not ask holds our Close back for closeTimeout`, async () => {
    const { connection, peer } = openQuiet(role, { closeTimeout: 1000 });
    const loop = connection[Symbol.asyncIterator]();
    peer.write(text("a"), close(4000));
    await loop.next();
    await turn();
    const start = now() + 100;
    connection.beat(start);
    connection.beat(start + 999);
    await turn();
    expect(framesOf(role, peer.written)).toEqual([]);
    expect(connection.send("answer")).toBe(true);
    connection.beat(start + 1000);
    await turn();
    expect(framesOf(role, peer.written)).toEqual(["text:answer", "close:4000:"]);
    // The peer's time to answer starts now.
    connection.beat(start + 1001);
    connection.beat(start + 1900);
    expect(connection.socket.destroyed).toBe(false);
    peer.end();
    expect(await connection.closed).toMatchObject({ code: 4000, wasClean: true });
  });

  test(`${role}: a Close that waits for a source without data is sent after closeTimeout, and the message ends`, async () => {
    const { connection, peer } = openQuiet(role, { closeTimeout: 1000 });
    await turn();
    const sent = connection.send(
      (async function* () {
        yield "one";
        await new Promise(() => {});
      })(),
    );
    await turn();
    connection.close(4000);
    const start = now() + 100;
    connection.beat(start);
    connection.beat(start + 900);
    await turn();
    expect(framesOf(role, peer.written)).toEqual(["text:one"]);
    connection.beat(start + 1200);
    expect(await sent).toBe(false);
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["text:one", "close:1011:"]);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: if no piece of the message was sent, the Close keeps its code`, async () => {
    const { connection, peer } = openQuiet(role, { closeTimeout: 1000 });
    await turn();
    const source = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const sent = connection.send(source);
    connection.close(4000, "bye");
    const start = now() + 100;
    connection.beat(start);
    connection.beat(start + 1000);
    expect(await sent).toBe(false);
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["close:4000:bye"]);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: a connection with unread messages reads ahead for the Pong, and finds it`, async () => {
    const { connection, peer } = openQuiet(role, { highWaterMark: 1000, pingInterval: 1000, pongTimeout: 500 });
    await turn();
    for (let i = 0; i < 30; i++) peer.write(text("x".repeat(100)));
    await turns(2);
    expect(connection.socket.isPaused()).toBe(true);
    let at = now() + 100;
    connection.beat(at);
    connection.beat((at += 1100));
    expect(framesOf(role, peer.written)).toEqual(["opcode 9:"]);
    peer.write(pong(""));
    // The Pong comes after the unread messages.
    connection.beat((at += 600));
    await turns(2);
    connection.beat((at += 100));
    await turns(2);
    connection.beat((at += 600));
    expect(connection.readyState).toBe(1);
    expect(connection.error).toBeUndefined();
    connection.on("message", () => {});
    await turns(3);
    expect(connection.socket.isPaused()).toBe(false);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: a connection with unread messages ends if its peer is silent`, async () => {
    const { connection, peer } = openQuiet(role, { highWaterMark: 1000, pingInterval: 1000, pongTimeout: 500 });
    await turn();
    for (let i = 0; i < 30; i++) peer.write(text("x".repeat(100)));
    await turns(2);
    let at = now() + 100;
    for (let i = 0; i < 12; i++) {
      connection.beat((at += 600));
      await turns(2);
    }
    expect(connection.error).toMatchObject({ code: "WS_ERR_PONG_TIMEOUT" });
    connection.terminate();
    await connection.closed;
  });
}
