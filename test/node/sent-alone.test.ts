// Messages with a callback when nothing is queued: when they are written, and what leaves with them.

import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { FrameDecoder, PreparedMessage } from "../../src/index.ts";
import type { Connection } from "../../src/node/connection.ts";
import type { RawPeer } from "./support/peer.ts";
import { open, type Role, ROLES } from "./support/roles.ts";
import { freeSlots } from "./support/slots.ts";
import { until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const MESSAGES = { text: "a", binary: Uint8Array.of(1), prepared: new PreparedMessage("p") };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Counts the writes that a socket starts. */
function countWrites(socket: Duplex): () => number {
  let count = 0;
  const { _write: write } = socket;
  socket._write = function counted(...args) {
    count++;
    write.apply(this, args);
  };
  return () => count;
}

/** The texts that arrived from a connection of this role. */
function textsAt(peer: RawPeer, role: Role, start: number): string[] {
  const decoder = new FrameDecoder({ role: role === "server" ? "client" : "server" });
  return decoder.decode(new Uint8Array(peer.received.subarray(start))).map(({ text }) => text);
}

/**
 * Sends messages in order. Like Socket.IO, it waits for the callback of the first message of a turn before it sends
 * more.
 */
function sendInTurn(connection: Connection, texts: readonly string[], log: string[]): void {
  const [first, ...others] = texts;
  connection.sendEagerly(new PreparedMessage(first!), () => {
    log.push(first!);
    for (const text of others) connection.sendEagerly(new PreparedMessage(text), () => void log.push(text));
  });
}

for (const role of ROLES) {
  for (const [kind, message] of Object.entries(MESSAGES)) {
    test(`${role}, ${kind}: send() writes the message, and its callback comes later`, async () => {
      const { connection } = await open(role);
      const writes = countWrites(connection.socket);
      let called = 0;
      expect(connection.send(message, { callback: () => called++ })).toBe(true);
      expect({ writes: writes(), called }).toEqual({ writes: 1, called: 0 });
      expect(connection.bufferedAmount).toBe(0);
      await turn();
      expect({ writes: writes(), called }).toEqual({ writes: 1, called: 1 });
      connection.terminate();
      await connection.closed;
    });
  }

  test(`${role}: messages sent before the callback, and by it, leave in one more write`, async () => {
    const { connection, peer } = await open(role);
    // Wait for the remaining work of the handshake.
    await turn();
    const writes = countWrites(connection.socket);
    const log: string[] = [];
    const start = peer.received.length;
    const received = (): string[] => textsAt(peer, role, start);
    const callback = (name: string) => () => {
      log.push(name);
      if (name === "1") for (const more of ["4", "5"]) connection.send(more, { callback: callback(more) });
    };
    connection.send("1", { callback: callback("1") });
    connection.send("2");
    connection.send("3", { callback: callback("3") });
    await until(
      () => received().length === 5,
      () => received().join(),
    );
    expect(received()).toEqual(["1", "2", "3", "4", "5"]);
    expect(log).toEqual(["1", "3", "4", "5"]);
    expect(writes()).toBe(2);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: a message follows queued ones, and its callback follows theirs`, async () => {
    const { connection, peer } = await open(role);
    // Wait for the remaining work of the handshake.
    await turn();
    const log: string[] = [];
    const start = peer.received.length;
    const received = (): string[] => textsAt(peer, role, start);
    const callback = (name: string) => ({ callback: () => void log.push(name) });
    connection.send("1");
    connection.send("2", callback("2"));
    await turn();
    connection.send("3", callback("3"));
    connection.send("4", callback("4"));
    // Writes the queued data in this turn.
    connection.pause();
    connection.resume();
    expect(log).toEqual(["2"]);
    await until(
      () => received().length === 4,
      () => received().join(),
    );
    expect(received()).toEqual(["1", "2", "3", "4"]);
    expect(log).toEqual(["2", "3", "4"]);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: if a callback only asks for the next message, all leave in one write from the second time on`, async () => {
    const { connection, peer } = await open(role);
    // Wait for the remaining work of the handshake.
    await turn();
    const writes = countWrites(connection.socket);
    const log: string[] = [];
    const start = peer.received.length;
    const received = (): string[] => textsAt(peer, role, start);
    const expected: string[] = [];
    for (const [texts, count] of [
      [["a", "b", "c"], 2],
      [["d", "e", "f"], 3],
      [["g"], 4],
      [["h"], 5],
      [["i", "j"], 7],
      [["k", "l"], 8],
    ] as const) {
      sendInTurn(connection, texts, log);
      expected.push(...texts);
      await until(
        () => received().length === expected.length && log.length === expected.length,
        () => received().join(),
      );
      expect({ texts, count: writes() }).toEqual({ texts, count });
    }
    expect(received()).toEqual(expected);
    expect(log).toEqual(expected);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: while the peer does not read, no callback is called for data that the system has not accepted`, async () => {
    const { connection, peer } = await open(role);
    peer.socket.pause();
    await turn();
    const bytes = new Uint8Array(100_000);
    const waiting: number[] = [];
    let calls = 0;
    for (let sent = 0; calls === sent && sent < 500; sent++) {
      // Header and payload are two parts of one write.
      connection.send(bytes, {
        copy: false,
        callback: () => {
          calls++;
          waiting.push(connection.bufferedAmount);
        },
      });
      await turn();
      await turn();
    }
    expect(waiting.filter((count) => count > 0)).toEqual([]);
    expect(connection.bufferedAmount).toBeGreaterThan(0);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: the memory that a message is written from is free again, even if it needed none`, async () => {
    const { connection } = await open(role);
    const bytes = new Uint8Array(100_000);
    const before = freeSlots();
    for (const copy of [true, false]) {
      await new Promise((resolve) => connection.send(bytes, { copy, callback: resolve }));
      expect(freeSlots()).toBe(before);
    }
    connection.terminate();
    await connection.closed;
  });
}

for (const role of ROLES) {
  for (const options of [{}, { copy: false }]) {
    test(`${role}, ${JSON.stringify(options)}: the callback waits until the system has accepted the message`, async () => {
      const { connection, peer } = await open(role);
      peer.socket.pause();
      const message = new Uint8Array(100_000);
      let waited: number[] | undefined;
      // At some point, the system accepts only part of a message.
      for (let i = 0; i < 400 && waited === undefined; i++) {
        const waiting: number[] = [];
        connection.send(message, { ...options, callback: () => waiting.push(connection.bufferedAmount) });
        await turn();
        if (connection.bufferedAmount > 0) waited = waiting;
      }
      expect(waited).toEqual([]);
      peer.socket.resume();
      await until(
        () => waited!.length === 1,
        () => "no callback",
      );
      expect(waited).toEqual([0]);
      connection.terminate();
      await connection.closed;
    });
  }
}
