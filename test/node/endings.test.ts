// How connections end, and how long that takes: `closed`, closeTimeout and its limit, server.close().

import { describe, expect, test } from "vitest";
import type { Connection } from "../../src/node/index.ts";
import type { RawFrame } from "../reference/serialize.ts";
import { binary, close, text } from "../support/wire.ts";
import { dialWebSocket, frames, type RawPeer } from "./support/peer.ts";
import { open, type Role, ROLES } from "./support/roles.ts";
import { start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const from = (role: Role, ...list: RawFrame[]): Uint8Array => frames(role === "server" ? "client" : "server", ...list);
const sleep = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

async function timed(promise: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await promise;
  return performance.now() - began;
}

const ABNORMAL = { code: 1006, reason: "", wasClean: false };

/** Each way to end a connection with short times, and its result. */
const ENDS: Record<string, [end: (connection: Connection, peer: RawPeer, role: Role) => void, ending: object]> = {
  "the peer's Close": [
    (_, peer, role) => (peer.socket.write(from(role, close(4001, "x"))), peer.socket.end()),
    { code: 4001, reason: "x", wasClean: true },
  ],
  "a Close without a code": [
    (_, peer, role) => (peer.socket.write(from(role, close())), peer.socket.end()),
    { code: 1005, reason: "", wasClean: true },
  ],
  "our Close, answered": [
    (connection, peer, role) => (connection.close(4002), peer.socket.end(from(role, close(4002, "yes")))),
    { code: 4002, reason: "yes", wasClean: true },
  ],
  "our Close, not answered": [(connection) => connection.close(1000), ABNORMAL],
  "our Close, with a malformed answer": [
    (connection, peer, role) => (connection.close(1000), peer.socket.end(from(role, { opcode: 3 }))),
    ABNORMAL,
  ],
  "the peer's FIN": [(_, peer) => peer.socket.end(), ABNORMAL],
  "the peer's reset": [(_, peer) => peer.reset(), ABNORMAL],
  "a broken rule": [(_, peer, role) => peer.socket.end(from(role, { opcode: 3 })), ABNORMAL],
  "a Ping without an answer": [() => {}, ABNORMAL],
  "terminate()": [(connection) => connection.terminate(), ABNORMAL],
  "terminate() after close()": [(connection) => (connection.close(1000), connection.terminate()), ABNORMAL],
  "an error of the socket": [(connection) => connection.socket.destroy(new Error("cut")), ABNORMAL],
};

describe.each(ROLES)("closed, %s", (role) => {
  test.each(Object.entries(ENDS))("%s", async (_, [end, ending]) => {
    const { connection, peer } = await open(role, { pingInterval: 80, pongTimeout: 80, closeTimeout: 80 });
    const log: string[] = [];
    connection.on("close", (code, reason, wasClean) => {
      log.push("close");
      expect({ code, reason, wasClean }).toEqual(ending);
      expect(connection.ending).toEqual(ending);
    });
    const early = connection.closed.then((ending) => (log.push("closed"), ending));
    expect(connection.ending).toBeUndefined();
    end(connection, peer, role);
    expect(await early).toEqual(ending);
    expect(log).toEqual(["close", "closed"]);
    // `closed` gives the same ending after the end, even if it is read for the first time.
    expect(await connection.closed).toEqual(ending);
    expect(connection.closed).toBe(connection.closed);
    // It does not change.
    connection.terminate();
    connection.close(1000);
    expect(await connection.closed).toEqual(ending);
  });

  test("resolves if it is first read after the end", async () => {
    const { connection } = await open(role);
    connection.terminate();
    await new Promise((resolve) => connection.on("close", resolve));
    expect(await connection.closed).toEqual(ABNORMAL);
  });
});

describe.each(ROLES)("a message after terminate(), %s", (role) => {
  test("is refused", async () => {
    const { connection } = await open(role);
    connection.terminate();
    expect(connection.send("text")).toBe(false);
    expect(connection.send(new Uint8Array(3))).toBe(false);
    expect(connection.send(new Uint8Array(3), { callback: () => expect.unreachable() })).toBe(false);
    expect(connection.ping()).toBe(false);
    expect(connection.pong()).toBe(false);
    await connection.closed;
  });
});

describe("a Close that has waited until earlier messages were read", () => {
  const WAKES: Record<string, (connection: Connection) => void> = {
    "a listener": (connection) => connection.on("message", () => {}),
    "a loop": (connection) =>
      void (async () => {
        for await (const _ of connection);
      })(),
    "resume()": (connection) => {
      connection.on("message", () => {});
      connection.resume();
    },
  };

  test.each(Object.entries(WAKES))("ends the socket of a server at once after %s", async (name, wake) => {
    const { connection, peer } = await open("server", { closeTimeout: 10_000 });
    if (name === "resume()") connection.pause();
    peer.socket.write(from("server", text("first"), close(1000)));
    await sleep(30);
    const began = performance.now();
    wake(connection);
    await peer.sees(() => peer.ended, "the end");
    expect(performance.now() - began).toBeLessThan(500);
  });

  test("gives the server a second to end the socket after that", async () => {
    const { connection, peer } = await open("client", { closeTimeout: 10_000 });
    peer.socket.write(from("client", text("first"), close(1000)));
    await sleep(30);
    connection.on("message", () => {});
    expect(await timed(connection.closed)).toBeLessThan(1400);
  });
});

/** Reads a little every millisecond, so that the kernel gets room for more again and again. */
function takeNowAndThen(peer: RawPeer): void {
  peer.socket.pause();
  peer.socket.removeAllListeners("data");
  const timer = setInterval(() => peer.socket.read(), 1);
  atEnd(() => clearInterval(timer));
}

/** Sends more than such a peer reads during a test. */
function fill(connection: Connection): void {
  const data = new Uint8Array(1 << 20);
  for (let i = 0; i < 512; i++) connection.send(data, { copy: false });
}

describe("a peer that reads a little from time to time", () => {
  test("is cut after 30 times closeTimeout", async () => {
    const closeTimeout = 100;
    const { connection, peer } = await open("server", { closeTimeout });
    fill(connection);
    takeNowAndThen(peer);
    connection.close(1000);
    const time = await timed(connection.closed);
    expect(connection.bufferedAmount).toBeGreaterThan(0);
    // Reading extended the peer's time, but only up to the limit.
    expect(time).toBeGreaterThan(2 * closeTimeout);
    expect(time).toBeLessThan(30 * closeTimeout + 1000);
    expect(await connection.closed).toEqual(ABNORMAL);
  });

  test("does not delay server.close() beyond closeTimeout and a second", async () => {
    const { server, port, connections } = await start({ closeTimeout: 100 });
    const peer = await dialWebSocket(port);
    await until(
      () => connections.length === 1,
      () => "no connection",
    );
    fill(connections[0]!);
    takeNowAndThen(peer);
    expect(await timed(server.close())).toBeLessThan(1100 + 1000);
    expect(connections[0]!.ending).toEqual(ABNORMAL);
  });
});

describe("a full inbox", () => {
  test.each([true, false])("does not delay server.close(); the client answers: %s", async (answers) => {
    const { server, port, connections } = await start({ closeTimeout: 300, highWaterMark: 1000 }, () => {});
    const peer = await dialWebSocket(port);
    for (let i = 0; i < 8; i++) await peer.write(from("server", binary(new Uint8Array(50_000))));
    await sleep(20);
    const closed = server.close();
    await peer.sees(() => peer.received.includes("\x88\x02\x03\xe9", 0, "latin1"), "1001");
    if (answers) await peer.write(from("server", close(1001)));
    peer.socket.end();
    expect(await timed(closed)).toBeLessThan(answers ? 250 : 1500);
    expect(connections[0]!.ending).toMatchObject(answers ? { code: 1001, wasClean: true } : ABNORMAL);
  });

  test.each(ROLES)(
    "does not hide the peer's answer to our close(), even with a loop that has stopped: %s",
    async (role) => {
      for (const loops of [false, true]) {
        const { connection, peer } = await open(role, { closeTimeout: 1000, highWaterMark: 1000 });
        let go!: () => void;
        const gate = new Promise<void>((resolve) => (go = resolve));
        const loop = async (): Promise<void> => {
          for await (const data of connection) if (data === "first") await gate;
        };
        const looping = loops ? loop() : undefined;
        await peer.write(from(role, text("first"), text("x".repeat(5000)), text("y".repeat(5000))));
        await sleep(20);
        connection.close(4003);
        await peer.write(from(role, text("z"), close(4003)));
        peer.socket.end();
        expect(await connection.closed).toEqual({ code: 4003, reason: "", wasClean: true });
        go();
        await looping;
      }
    },
  );

  test.each(ROLES)('goes to a listener that exists when the socket closes, before "close": %s', async (role) => {
    for (const cut of [false, true]) {
      const { connection, peer } = await open(role, { highWaterMark: 1000 });
      const log: string[] = [];
      connection.on("close", (code) => {
        log.push(`close ${code}`);
        connection.on("message", () => log.push("late"));
      });
      await peer.write(from(role, text("a".repeat(800)), text("b".repeat(800))));
      await sleep(20);
      // A listener that is added in the turn in which the socket is cut, or before the peer's end arrives.
      connection.on("message", (data) => log.push(String(data)[0]!));
      if (cut) connection.socket.destroy();
      else peer.socket.end(from(role, text("c"), close(1000)));
      await connection.closed;
      await sleep(10);
      expect(log).toEqual(cut ? ["a", "b", "close 1006"] : ["a", "b", "c", "close 1000"]);
    }
  });
});
