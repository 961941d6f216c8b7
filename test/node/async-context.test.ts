// The events of a connection run in the async context in which it was made, whatever causes them.

import { AsyncLocalStorage } from "node:async_hooks";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import type { RawFrame } from "../reference/serialize.ts";
import { connect, type Connection, type ConnectionOptions, upgrade } from "../../src/node/index.ts";
import { answer, dialWebSocket, frames, listen, type RawPeer } from "./support/peer.ts";
import { type Role, ROLES } from "./support/roles.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";
import { close, ping, pong, text } from "../support/wire.ts";

watchLeftovers();

interface Store {
  readonly name: string;
}

const als = new AsyncLocalStorage<Store>();
const here = (): string | undefined => als.getStore()?.name;

interface Opened {
  readonly connection: Connection;
  readonly peer: RawPeer;
  /** The events, each with the context in which it ran. */
  readonly log: string[];
}

/** Opens a connection in the context `name`; its listeners are added elsewhere. */
async function openIn(
  where: string | Store,
  role: Role,
  { listens = true, ...options }: ConnectionOptions & { readonly listens?: boolean } = {},
): Promise<Opened> {
  const store = typeof where === "string" ? { name: where } : where;
  const opened = role === "server" ? await upgraded(store, options) : await connected(store, options);
  const log: string[] = [];
  const add = (event: string): void => void log.push(`${event} in ${here()}`);
  const { connection } = opened;
  als.run({ name: "the listener's" }, () => {
    connection.on("ping", () => add("ping"));
    connection.on("pong", () => add("pong"));
    connection.on("error", () => add("error"));
    connection.on("close", () => add("close"));
    if (listens) connection.on("message", (data) => add(`message ${String(data).slice(0, 8)}`));
  });
  return { ...opened, log };
}

type Accept = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * A server that handles its next upgrade with the first of `accepts`. A separate function, because the code that ends
 * the server must not refer to the store.
 */
async function serverFor(accepts: Accept[]): Promise<number> {
  const server = createServer().on("upgrade", (...upgrade) => accepts.pop()!(...upgrade));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function upgraded(store: Store, options: ConnectionOptions): Promise<Omit<Opened, "log">> {
  const connections: (Connection | undefined)[] = [];
  const port = await serverFor([
    (...request) => {
      connections.push(als.run(store, () => upgrade(...request, { closeTimeout: 200, ...options })));
    },
  ]);
  const peer = await dialWebSocket(port);
  return { connection: connections.pop()!, peer };
}

async function connected(store: Store, options: ConnectionOptions): Promise<Omit<Opened, "log">> {
  const { port, peers } = await listen(async (peer) => {
    const head = await peer.head();
    peer.received = peer.received.subarray(head.length);
    await peer.write(answer(head));
  });
  const connection = await als.run(store, () => connect(`ws://127.0.0.1:${port}`, { closeTimeout: 200, ...options }));
  return { connection, peer: peers[0]! };
}

const from = (role: Role, ...list: RawFrame[]): Uint8Array => frames(role === "server" ? "client" : "server", ...list);

function logs({ log }: Opened, ...entries: string[]): Promise<void> {
  return until(
    () => log.length >= entries.length,
    () => `${log.join()}; expected ${entries.join()}`,
  ).then(() => expect(log).toEqual(entries));
}

test.each(ROLES)("events that the socket causes run in the connection's context: %s", async (role) => {
  const [one, two] = [await openIn("one", role), await openIn("two", role)];
  for (const opened of [one, two]) await opened.peer.write(from(role, text("a"), ping("b"), pong("c")));
  await logs(one, "message a in one", "ping in one", "pong in one");
  await logs(two, "message a in two", "ping in two", "pong in two");
  await one.peer.write(from(role, close(1000)));
  one.peer.socket.end();
  two.peer.reset();
  await until(
    () => one.log.length === 4 && two.log.length >= 4,
    () => `${one.log.join()} ${two.log.join()}`,
  );
  expect(one.log[3]).toBe("close in one");
  expect(two.log.slice(3).every((entry) => entry.endsWith(" in two"))).toBe(true);
});

test.each(ROLES)("the events of a frame that breaks a rule run in the connection's context: %s", async (role) => {
  const one = await openIn("one", role);
  await one.peer.write(from(role, { opcode: 3 }));
  one.peer.socket.end();
  await logs(one, "error in one", "close in one");
});

test.each(ROLES)("events that the shared timer causes run in the connection's context: %s", async (role) => {
  const idle = { idleTimeout: 100 };
  const silent = { pingInterval: 50, pongTimeout: 50 };
  // The first connection of each kind starts the timer in its context.
  const opened = await Promise.all([
    openIn("one", role, idle),
    openIn("two", role, idle),
    openIn("three", role, silent),
    openIn("four", role, silent),
  ]);
  const five = await openIn("five", role, { closeTimeout: 100 });
  als.run({ name: "the closer's" }, () => five.connection.close(1000));
  await logs(opened[0], "close in one");
  await logs(opened[1], "close in two");
  await logs(opened[2], "error in three", "close in three");
  await logs(opened[3], "error in four", "close in four");
  await logs(five, "close in five");
});

test.each(ROLES)(
  "messages that waited for a listener or a loop arrive in the connection's context: %s",
  async (role) => {
    const one = await openIn("one", role, { highWaterMark: 0, listens: false });
    await one.peer.write(from(role, text("a"), text("b"), ping("c")));
    await new Promise((resolve) => setTimeout(resolve, 20));
    als.run({ name: "elsewhere" }, () => one.connection.on("message", (data) => one.log.push(`${data} in ${here()}`)));
    await logs(one, "a in one", "b in one", "ping in one");

    // A loop runs in the context where it was started; the events that its steps cause do not.
    const two = await openIn("two", role, { highWaterMark: 0, listens: false });
    await two.peer.write(from(role, text("a"), ping("b"), text("c"), ping("d"), text("e")));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await als.run({ name: "the loop's" }, async () => {
      for await (const data of two.connection) {
        two.log.push(`${data} in ${here()}`);
        if (data === "e") break;
      }
    });
    expect(two.log.toSorted()).toEqual([
      "a in the loop's",
      "c in the loop's",
      "e in the loop's",
      "ping in two",
      "ping in two",
    ]);
  },
);

test("events that another connection causes run in the connection's context", async () => {
  const one = await openIn("one", "server", { highWaterMark: 1000 });
  const two = await openIn("two", "server");
  two.connection.on("message", (data) => {
    if (data === "fill") one.connection.send(new Uint8Array(16 << 20));
    else one.connection.close(1000);
  });
  /** The server stops reading because of unsent messages, while more arrives. */
  const stop = async (): Promise<void> => {
    one.log.length = 0;
    one.peer.socket.pause();
    await two.peer.write(from("server", text("fill")));
    await until(
      () => one.connection.bufferedAmount > 1 << 20,
      () => "nothing waits",
    );
    // This makes it notice.
    await one.peer.write(from("server", text("first")));
    await logs(one, "message first in one");
    await one.peer.write(from("server", text("a"), ping("b"), text("c")));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await logs(one, "message first in one");
  };
  const all = ["message first in one", "message a in one", "ping in one", "message c in one"];
  await stop();
  one.peer.socket.resume();
  await logs(one, ...all);

  await stop();
  await two.peer.write(from("server", text("close")));
  await logs(one, ...all);
});

test.each(ROLES)("the shared timer keeps no store of a connection that has ended: %s", async (role) => {
  // No other connection in this file uses this interval. The first connection starts its timer, and the other one
  // keeps the timer running.
  const options = { closeTimeout: 3330 };
  const ends: (() => Promise<unknown>)[] = [];
  const openFirst = async (): Promise<WeakRef<object>> => {
    const store = { name: "first" };
    const { connection } = await openIn(store, role, options);
    ends.push(() => (connection.terminate(), connection.closed));
    return new WeakRef(store);
  };
  const store = await openFirst();
  const other = await openIn("other", role, options);
  expect(store.deref()).toBeDefined();
  // The function that ends the connection refers to the store, so drop that function, too. Now only the timer could
  // keep the store.
  await ends.pop()!();
  await until(
    () => (globalThis.gc!(), store.deref() === undefined),
    () => "the store is alive",
  );
  expect(other.connection.readyState).toBe(1);
});
