// The channels of node:diagnostics_channel that connections publish to.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { connect, type Connection } from "../../src/node/index.ts";
import { close } from "../support/wire.ts";
import { CA, frames, TLS } from "./support/peer.ts";
import { open, ROLES } from "./support/roles.ts";
import { start } from "./support/server.ts";
import { atEnd, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const CHANNELS = ["open", "close", "error"] as const;

interface Published {
  readonly channel: (typeof CHANNELS)[number];
  readonly message: unknown;
}

/** Everything that is published during a test. */
function published(): Published[] {
  const list: Published[] = [];
  for (const channel of CHANNELS) {
    const add = (message: unknown): void => void list.push({ channel, message });
    subscribe(`wsframe:connection:${channel}`, add);
    atEnd(() => unsubscribe(`wsframe:connection:${channel}`, add));
  }
  return list;
}

describe.each(ROLES)("%s", (role) => {
  test("publishes open, error and close with their connection, before the events", async () => {
    const list = published();
    const { connection, peer } = await open(role);
    expect(list).toEqual([{ channel: "open", message: { connection } }]);
    expect((list[0]!.message as { connection: Connection }).connection).toBe(connection);
    const events: string[] = [];
    connection.on("error", () => events.push(`error after ${list.at(-1)!.channel}`));
    connection.on("close", () => events.push(`close after ${list.at(-1)!.channel}`));
    peer.socket.end(frames(role === "server" ? "client" : "server", { opcode: 3 }));
    await connection.closed;
    const { error } = connection;
    expect(list.slice(1)).toEqual([
      { channel: "error", message: { connection, error } },
      { channel: "close", message: { connection, code: 1006, reason: "", wasClean: false } },
    ]);
    expect((list[1]!.message as { error: unknown }).error).toBe(error);
    expect(events).toEqual(["error after error", "close after close"]);
  });

  test("a clean end has no error, and its code and reason", async () => {
    const list = published();
    const { connection, peer } = await open(role);
    peer.socket.end(frames(role === "server" ? "client" : "server", close(4000, "bye")));
    await connection.closed;
    expect(list.slice(1)).toEqual([
      { channel: "close", message: { connection, code: 4000, reason: "bye", wasClean: true } },
    ]);
  });

  test("a malformed answer to our Close is no error here either", async () => {
    const list = published();
    const { connection, peer } = await open(role);
    connection.close(1000);
    peer.socket.end(frames(role === "server" ? "client" : "server", { opcode: 3 }));
    await connection.closed;
    expect(connection.error).toBeInstanceOf(Error);
    expect(list.map(({ channel }) => channel)).toEqual(["open", "close"]);
  });
});

test("if a signal aborts while the open connection is published, connect() rejects and cuts it", async () => {
  const { port } = await start({ tls: TLS });
  for (const http2 of [false, true]) {
    const controller = new AbortController();
    const opened: Connection[] = [];
    const abort = (message: unknown): void => {
      const { connection } = message as { connection: Connection };
      if (connection.response === undefined) return;
      opened.push(connection);
      controller.abort(new Error("not any more"));
    };
    subscribe("wsframe:connection:open", abort);
    try {
      const attempt = connect(`wss://localhost:${port}`, { http2, tls: CA, signal: controller.signal });
      await expect(attempt).rejects.toThrow("not any more");
    } finally {
      unsubscribe("wsframe:connection:open", abort);
    }
    expect(opened).toHaveLength(1);
    expect(opened[0]!.readyState).toBe(3);
    expect(await opened[0]!.closed).toMatchObject({ code: 1006 });
  }
});

test("publishes both ends over HTTP/2", async () => {
  const list = published();
  const { port } = await start({ tls: TLS });
  const connection = await connect(`wss://localhost:${port}`, { http2: true, tls: CA });
  expect(list.map(({ channel }) => channel)).toEqual(["open", "open"]);
  connection.close(1000);
  await connection.closed;
  expect(list.filter(({ message }) => (message as { connection: Connection }).connection === connection)).toEqual([
    { channel: "open", message: { connection } },
    { channel: "close", message: { connection, code: 1000, reason: "", wasClean: true } },
  ]);
});
