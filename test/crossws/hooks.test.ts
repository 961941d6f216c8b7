// Calls of hooks, their order, and errors that they throw.

import { once } from "node:events";
import type { Hooks, Peer } from "crossws";
import { createWebSocketProxy, defineHooks } from "crossws";
import { expect, vi } from "vitest";
import { WebSocket } from "ws";
import { connectionOf } from "../../src/crossws/index.ts";
import { both, count, dial, handshake, open, ours, refused, start, until } from "./support/adapters.ts";
import { text, toRole } from "../support/wire.ts";

/** Hooks that log their calls. */
function logging(name: string, log: string[]): Partial<Hooks> {
  return {
    upgrade: (request) => void log.push(`${name} upgrade ${new URL(request.url).pathname}`),
    open: () => void log.push(`${name} open`),
    message: (_peer, message) => void log.push(`${name} message ${message.text()}`),
    close: (_peer, { code }) => void log.push(`${name} close ${code}`),
  };
}

both("calls the hooks of resolve() after the others", async (make) => {
  const log: string[] = [];
  const resolve = vi.fn(async (request: Request) =>
    new URL(request.url).pathname === "/a" ? logging("resolved", log) : {},
  );
  const { url } = await start(make({ hooks: logging("own", log), resolve }));
  const client = await open(`${url}/a`);
  client.socket.send("one");
  client.socket.send("two");
  await until(() => log.length === 8, "all messages");
  client.socket.close(4000);
  await until(() => log.length === 10, "the end");
  const events = ["upgrade /a", "open", "message one", "message two", "close 4000"];
  // A hook of one event may be called before the resolved hook of the previous event.
  expect(log.filter((entry) => entry.startsWith("own"))).toEqual(events.map((event) => `own ${event}`));
  expect(log.filter((entry) => entry.startsWith("resolved"))).toEqual(events.map((event) => `resolved ${event}`));
  for (const event of events) expect(log.indexOf(`own ${event}`)).toBeLessThan(log.indexOf(`resolved ${event}`));
  expect(resolve).toHaveBeenCalledTimes(1);
  await open(`${url}/b`);
  expect(resolve).toHaveBeenCalledTimes(2);
});

both("prefers the result of the resolved upgrade hook", async (make) => {
  const { url } = await start(
    make({
      hooks: { upgrade: () => ({ headers: { "X-From": "own" } }) },
      resolve: (request) =>
        request.url.endsWith("?more") ? { upgrade: () => ({ headers: { "X-From": "resolved" } }) } : {},
    }),
  );
  expect((await open(url)).headers["x-from"]).toBe("own");
  expect((await open(`${url}/?more`)).headers["x-from"]).toBe("resolved");
});

both("a resolved hook can refuse a request", async (make) => {
  const { url } = await start(make({ resolve: () => ({ upgrade: () => new Response("no", { status: 403 }) }) }));
  expect(await refused(url)).toMatchObject({ status: 403 });
});

ours("refuses a request if one hook does", async (make) => {
  const { url } = await start(
    make({
      hooks: { upgrade: () => new Response("no", { status: 403 }) },
      resolve: () => ({ upgrade: () => ({ headers: { "X-From": "resolved" } }) }),
    }),
  );
  expect(await refused(url)).toMatchObject({ status: 403 });
});

both("calls hooks that are set later", async (make) => {
  const hooks: Partial<Hooks> = {};
  const { url } = await start(make({ hooks }));
  const client = await open(url);
  hooks.message = (peer, message) => void peer.send(`later ${message.text()}`);
  client.socket.send("one");
  expect(await client.next()).toBe("later one");
});

both("delivers messages in the same chunk as the request after open", async (make) => {
  const log: string[] = [];
  const { port } = await start(make({ hooks: logging("own", log) }));
  const socket = await dial(port);
  socket.write(Buffer.concat([Buffer.from(handshake()), toRole("server", text("early"), text("bird"))]));
  await until(() => log.length === 4, "all events");
  expect(log).toEqual(["own upgrade /", "own open", "own message early", "own message bird"]);
});

both("an invalid frame causes an error, and then 1006", async (make) => {
  const log: unknown[] = [];
  const { adapter, port } = await start(
    make({
      hooks: {
        error: (peer, error) => void log.push([error.name, error instanceof Error, count(adapter), peer.id.length]),
        close: (_peer, details) => void log.push(details),
      },
    }),
  );
  const socket = await dial(port);
  socket.write(Buffer.concat([Buffer.from(handshake()), toRole("server", { opcode: 3, payload: new Uint8Array(0) })]));
  socket.on("end", () => socket.end());
  socket.resume();
  await until(() => log.length === 2, "the end");
  expect(log).toEqual([["WSError", true, 0, 36], { code: 1006, reason: "" }]);
});

both("a client that resets the connection causes no error", async (make) => {
  const log: unknown[] = [];
  const { port } = await start(
    make({
      hooks: {
        open: () => void log.push("open"),
        error: (_peer, error) => void log.push(error),
        close: (_peer, details) => void log.push(details),
      },
    }),
  );
  const socket = await dial(port);
  socket.write(handshake());
  await until(() => log.length === 1, "it is open");
  socket.resetAndDestroy();
  await until(() => log.length === 2, "the end");
  expect(log).toEqual(["open", { code: 1006, reason: "" }]);
});

/** Runs a function, and returns the uncaught exceptions and unhandled rejections meanwhile. */
async function failing(run: () => Promise<unknown>): Promise<unknown[]> {
  const caught: unknown[] = [];
  const names = ["uncaughtException", "unhandledRejection"] as const;
  const others = names.map((name) => process.rawListeners(name));
  for (const name of names) process.removeAllListeners(name).on(name, (error) => caught.push(error));
  try {
    await run();
  } finally {
    for (const [i, name] of names.entries()) {
      process.removeAllListeners(name);
      for (const listener of others[i]!) process.on(name, listener as () => void);
    }
  }
  return caught;
}

both("does not catch the rejection of a hook, and keeps the connection", async (make) => {
  const reason = new Error("rejected");
  const { url } = await start(
    make({
      hooks: {
        message(peer, message) {
          if (message.text() === "reject") return Promise.reject(reason);
          peer.send(message.text());
          return undefined;
        },
      },
    }),
  );
  const client = await open(url);
  const caught = await failing(async () => {
    client.socket.send("reject");
    client.socket.send("fine");
    expect(await client.next()).toBe("fine");
    await new Promise((resolve) => setTimeout(resolve, 5));
  });
  expect(caught).toEqual([reason]);
});

ours("does not catch the exception of a hook, and removes the peer", async (make) => {
  for (const resolved of [false, true]) {
    const boom = (name: string) => () => {
      throw new Error(name);
    };
    const hooks = { open: boom("open"), message: boom("message"), close: boom("close"), ping: boom("ping") };
    const { adapter, url } = await start(make(resolved ? { hooks: {}, resolve: () => hooks } : { hooks }));
    const caught = await failing(async () => {
      const client = await open(url);
      client.socket.send("one");
      client.socket.ping();
      client.socket.close();
      await client.closed;
      await until(() => adapter.peers.size === 0, "it has left");
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    expect(caught.map((error) => (error as Error).message)).toEqual(["open", "message", "ping", "close"]);
  }
});

both("supports a proxy of crossws in both directions", async (make) => {
  const upstream = await start(
    make({ hooks: { message: (peer, message) => void peer.send(`${message.text()} ${peer.request.url}`) } }),
  );
  const hooks = createWebSocketProxy({
    target: `${upstream.url}/target`,
    // ws has all members that the proxy needs.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  const { url } = await start(make({ hooks }));
  const client = await open(url);
  client.socket.send("hello");
  expect(await client.next()).toBe(`hello http://127.0.0.1:${upstream.port}/target`);
  const [{ value: peer }] = [[...upstream.adapter.peers.get("/target")!].values().next()];
  peer!.close(4005, "from upstream");
  expect(await client.closed).toEqual([4005, "from upstream"]);
});

both("accepts hooks that an app returns", async (make) => {
  const app = (request: Request) =>
    Object.assign(new Response(null, { status: 426 }), {
      crossws: defineHooks({ message: (peer) => void peer.send(`from ${new URL(request.url).pathname}`) }),
    });
  const { url } = await start(make({ resolve: async (request) => app(request).crossws }));
  const client = await open(`${url}/app`);
  client.socket.send("hello");
  expect(await client.next()).toBe("from /app");
});

ours("connectionOf() returns the connection of wsframe/node", async (make) => {
  const peers: Peer[] = [];
  const { url } = await start(make({ hooks: { open: (peer) => void peers.push(peer) } }));
  const client = await open(url);
  const connection = connectionOf(peers[0]!)!;
  expect(connection.readyState).toBe(1);
  async function* pieces() {
    yield "in ";
    yield "pieces";
  }
  expect(await connection.send(pieces())).toBe(true);
  expect(await client.next()).toBe("in pieces");
  expect(connectionOf({ ...peers[0]! } as Peer)).toBe(undefined);
  client.socket.close();
  await once(client.socket, "close");
});
