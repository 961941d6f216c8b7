// Calls of handlers while the chunk of their message is still being decoded in the shared window.

import { afterEach, expect, test } from "vitest";
import { connect, type Connection, type ServeOptions } from "../../../src/node/index.ts";
import { binary, close, text, toRole } from "../../support/wire.ts";
import { canary, Received } from "../support/bytes.ts";
import { readsDirectly } from "../support/direct.ts";
import { open, type Opening, ROLES } from "../support/roles.ts";
import { start, type Started } from "../support/server.ts";
import { freeSlots, SLOTS } from "../support/slots.ts";
import { atEnd, until, watchLeftovers } from "../support/watch.ts";

watchLeftovers();
afterEach(() => expect(freeSlots()).toBe(SLOTS));

const DIRECT = { directReads: true, directWrites: true };
const openDirect = (role: "server" | "client", options: Opening = {}) => open(role, { ...DIRECT, ...options });
const startDirect = (options: ServeOptions, handler?: (connection: Connection) => unknown): Promise<Started> =>
  start({ ...DIRECT, ...options }, handler);

/** More frames than one call of the core finds. */
const COUNT = 5000;
const numbered = (role: "server" | "client"): Uint8Array =>
  toRole(role, ...Array.from({ length: COUNT }, (_, i) => (i % 2 === 0 ? text(`${i}`) : binary(Buffer.from(`${i}`)))));

test.each(ROLES)("after terminate() in a handler, no more messages arrive: %s", async (role) => {
  const { connection, peer } = await openDirect(role);
  const seen: string[] = [];
  connection.on("message", (data) => {
    seen.push(String(Buffer.from(data)));
    connection.send(data);
    if (seen.length === 2500) connection.terminate();
  });
  void peer.write(numbered(role));
  expect(await connection.closed).toMatchObject({ code: 1006 });
  expect(seen).toEqual(Array.from({ length: 2500 }, (_, i) => `${i}`));
  await peer.gone();
});

test("a handler may call methods of other connections, add listeners to them, and throw", async () => {
  const others = await Promise.all(Array.from({ length: 4 }, () => openDirect("server")));
  const { connection, peer } = await openDirect("server");
  const received = new Received(others[2]!.peer, "server");
  const late: string[] = [];
  await others[3]!.peer.write(numbered("server"));
  const seen: string[] = [];
  const thrown: unknown[] = [];
  // Vitest listens, too.
  const listeners = process.rawListeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error));
  atEnd(() => {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener as NodeJS.UncaughtExceptionListener);
  });
  connection.on("message", (data) => {
    const index = seen.length;
    seen.push(String(Buffer.from(data)));
    if (index === 100) others[0]!.connection.terminate();
    if (index === 200) others[1]!.connection.close(4001);
    if (index % 100 === 0) others[2]!.connection.send(canary(2, index / 100, 5000));
    if (index === 300) others[3]!.connection.on("message", (message) => late.push(String(Buffer.from(message))));
    connection.send(data);
    if (index === 400) throw new Error("from a handler");
  });
  const expected = Array.from({ length: COUNT }, (_, i) => `${i}`);
  await peer.write(numbered("server"));
  await until(
    () => seen.length === COUNT && late.length === COUNT && thrown.length === 1,
    () => `${seen.length}, ${late.length}, ${thrown.length}`,
  );
  expect(seen).toEqual(expected);
  expect(late).toEqual(expected);
  expect(thrown).toEqual([new Error("from a handler")]);
  await received.until(50 * 5004);
  expect(received.payloads().map(String)).toEqual(Array.from({ length: 50 }, (_, i) => canary(2, i, 5000)));
  await others[0]!.peer.gone();
  await others[1]!.peer.sees(
    () => others[1]!.peer.received.includes(Buffer.from([0x88, 0x02, 0x0f, 0xa1])),
    "no Close",
  );
});

test.each([0, 1024, 1_048_576])(
  "a loop may pause in the middle of a chunk, with a highWaterMark of %i",
  async (highWaterMark) => {
    const { connection, peer } = await openDirect("server", { highWaterMark });
    const other = await openDirect("server");
    other.connection.on("message", (data) => other.connection.send(data));
    const seen: string[] = [];
    const loop = (async () => {
      for await (const data of connection) {
        // Others read into the window in the meantime.
        if (seen.length % 500 === 0) {
          await other.peer.write(toRole("server", text("other".repeat(2000))));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        seen.push(String(Buffer.from(data)));
      }
    })();
    const bytes = numbered("server");
    for (let at = 0; at < bytes.length; at += 7001) await peer.write(bytes.subarray(at, at + 7001));
    await peer.write(toRole("server", close(1000)));
    await loop;
    expect(seen).toEqual(Array.from({ length: COUNT }, (_, i) => `${i}`));
  },
);

test.each(ROLES)("a large message arrives before the Close if close() follows at once: %s", async (role) => {
  for (const size of [100_000, 1_048_576, 10_000_000]) {
    for (const kind of ["text", "binary"]) {
      const { connection, peer } = await openDirect(role, { closeTimeout: 3000 });
      const received = new Received(peer, role);
      const message = canary(1, size, size);
      expect(connection.send(kind === "text" ? message : Buffer.from(message))).toBe(true);
      connection.close(1000);
      const payloads = (): Buffer[] => received.payloads();
      await received.until(size + (role === "client" ? 14 + 8 : 10 + 4));
      await peer.write(toRole(role, close(1000)));
      peer.socket.end();
      expect(await connection.closed).toMatchObject({ code: 1000, wasClean: true });
      expect(payloads().length).toBe(1);
      expect(payloads()[0]!.equals(Buffer.from(message))).toBe(true);
    }
  }
});

test("server.close() under load delivers accepted messages, then a Close, and ends soon", async () => {
  const { server, port } = await startDirect({ closeTimeout: 2000 });
  const clients = await Promise.all(
    Array.from({ length: 12 }, async (_, owner) => {
      const connection = await connect(`ws://127.0.0.1:${port}/`, DIRECT);
      expect(readsDirectly(connection)).toBe(true);
      const line = { connection, sent: 0, got: 0, wrong: 0, goes: true };
      connection.on("message", (data) => {
        if (data !== canary(owner, line.got++, 10 + (line.got % 700))) line.wrong++;
      });
      return { owner, line };
    }),
  );
  const send = setInterval(() => {
    for (const { owner, line } of clients) {
      // The length of a canary depends on its number.
      for (let i = 0; i < 200; i++) line.connection.send(canary(owner, line.sent++, 10 + (line.sent % 700)));
    }
  }, 1);
  await until(
    () => clients.every(({ line }) => line.got > 1000),
    () => `${clients.map(({ line }) => line.got).join()}`,
  );
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(3000);
  clearInterval(send);
  const ends = await Promise.all(clients.map(({ line }) => line.connection.closed));
  expect(ends.map(({ code, wasClean }) => [code, wasClean])).toEqual(clients.map(() => [1001, true]));
  expect(clients.map(({ line }) => line.wrong)).toEqual(clients.map(() => 0));
  expect(server.connections.size).toBe(0);
});
