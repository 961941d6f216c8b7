// tRPC: its WebSocket handler with our server, its client with our WebSocket.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC, tracked, TRPCError } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";
import { Constructor, WebSocket } from "./client.js";
import { event, listen, run, until, within } from "./support.js";

const t = initTRPC.context().create();
let running = 0;
const router = t.router({
  hello: t.procedure.input(String).query(({ input, ctx }) => `hello ${input}${ctx.name ?? ""}`),
  add: t.procedure.input((value) => value).mutation(({ input }) => input.reduce((sum, value) => sum + value, 0)),
  fails: t.procedure.query(() => {
    throw new TRPCError({ code: "NOT_FOUND", message: "no tea" });
  }),
  count: t.procedure.input(Number).subscription(async function* ({ input }) {
    for (let i = 1; i <= input; i++) yield i;
  }),
  ticks: t.procedure
    .input((value) => value)
    .subscription(async function* ({ input, signal }) {
      running++;
      try {
        for (let i = Number(input?.lastEventId ?? 0) + 1; !signal.aborted; i++) {
          yield tracked(String(i), i);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      } finally {
        running--;
      }
    }),
});

async function start({ port = 0, ...options } = {}) {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  await listen(http, port);
  const handler = applyWSSHandler({
    wss: server,
    router,
    createContext: ({ info }) => ({ name: info.connectionParams?.name && ` of ${info.connectionParams.name}` }),
    ...options,
  });
  return { http, server, handler, url: `ws://127.0.0.1:${http.address().port}` };
}

function connect(url, options) {
  const states = [];
  const socketClient = createWSClient({
    url,
    WebSocket: Constructor,
    retryDelayMs: () => 10,
    onOpen: () => states.push("open"),
    onClose: (cause) => states.push(`close ${cause?.code}`),
    ...options,
  });
  return { api: createTRPCClient({ links: [wsLink({ client: socketClient })] }), socketClient, states };
}

async function stop({ http, server }, client) {
  await client?.socketClient.close();
  await within("the end of the server", new Promise((resolve) => server.close(resolve)));
  await within("the end of HTTP", new Promise((resolve) => http.close(resolve)));
}

await run({
  async "answers many queries and mutations at once"() {
    const server = await start();
    const client = connect(server.url);
    assert.equal(await client.api.hello.query("Ada"), "hello Ada");
    assert.equal(await client.api.add.mutate([1, 2, 3.5]), 6.5);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => client.api.hello.query(`é${i}`)));
    assert.deepEqual(
      answers,
      Array.from({ length: 200 }, (_, i) => `hello é${i}`),
    );
    assert.equal(server.server.clients.size, 1);
    await stop(server, client);
  },

  async "an error has its code and its message"() {
    const server = await start();
    const client = connect(server.url);
    await assert.rejects(client.api.fails.query(), ({ message, data }) => {
      assert.equal(message, "no tea");
      assert.equal(data.code, "NOT_FOUND");
      return true;
    });
    await stop(server, client);
  },

  async "passes connectionParams to the context"() {
    const server = await start();
    const client = connect(server.url, { connectionParams: async () => ({ name: "tea" }) });
    assert.equal(await client.api.hello.query("leaf"), "hello leaf of tea");
    await stop(server, client);
  },

  async "a subscription sends all results, and completes"() {
    const server = await start();
    const client = connect(server.url);
    const received = [];
    await within(
      "the end of the subscription",
      new Promise((resolve, reject) => {
        client.api.count.subscribe(400, { onData: (n) => received.push(n), onError: reject, onComplete: resolve });
      }),
    );
    assert.deepEqual(
      received,
      Array.from({ length: 400 }, (_, i) => i + 1),
    );
    await stop(server, client);
  },

  async "unsubscribing stops the server's generator"() {
    const server = await start();
    const client = connect(server.url);
    const received = [];
    const subscription = client.api.ticks.subscribe(undefined, { onData: ({ data }) => received.push(data) });
    await until("ticks", () => received.length >= 5);
    subscription.unsubscribe();
    await until("the generator to return", () => running === 0);
    assert.equal(server.server.clients.size, 1);
    await stop(server, client);
  },

  async "broadcastReconnectNotification: clients connect to the next server and continue"() {
    const first = await start();
    const client = connect(first.url);
    const received = [];
    const subscription = client.api.ticks.subscribe(undefined, { onData: ({ data }) => received.push(data) });
    await until("ticks", () => received.length >= 5);
    // The next server listens on the port while the first still has connections.
    const { port } = first.http.address();
    const ended = new Promise((resolve) => first.http.close(resolve));
    const second = await start({ port: port });
    first.handler.broadcastReconnectNotification();
    await until("a connection to the second", () => second.server.clients.size === 1);
    const before = received.length;
    await until("ticks of the second", () => received.length >= before + 5);
    subscription.unsubscribe();
    assert.deepEqual(
      received,
      Array.from({ length: received.length }, (_, i) => i + 1),
    );
    await within("the end of the first", ended);
    assert.equal(first.server.clients.size, 0);
    await stop(second, client);
  },

  async "the client reconnects after a lost connection, and queries wait meanwhile"() {
    const server = await start();
    const client = connect(server.url);
    assert.equal(await client.api.hello.query("1"), "hello 1");
    for (const socket of server.server.clients) socket.terminate();
    await until("the cut", () => client.states.includes("close 1006"));
    assert.equal(await client.api.hello.query("2"), "hello 2");
    assert.deepEqual(client.states, ["open", "close 1006", "open"]);
    await stop(server, client);
  },

  async "keepAlive: the server sends PING, and ends clients that do not answer"() {
    const server = await start({ keepAlive: { enabled: true, pingMs: 20, pongWaitMs: 200 } });
    const client = connect(server.url);
    assert.equal(await client.api.hello.query("1"), "hello 1");
    const mute = new WebSocket(server.url);
    assert.equal(String((await event(mute, "message"))[0]), "PING");
    assert.equal((await event(mute, "close"))[0], 1006);
    assert.deepEqual(client.states, ["open"]);
    await stop(server, client);
  },

  async "keepAlive of the client: the server answers with PONG"() {
    const server = await start();
    const client = connect(server.url, { keepAlive: { enabled: true, intervalMs: 20, pongTimeoutMs: 500 } });
    assert.equal(await client.api.hello.query("1"), "hello 1");
    const pings = [];
    for (const socket of server.server.clients) socket.on("message", (data) => pings.push(String(data)));
    await until("pings", () => pings.filter((text) => text === "PING").length >= 3);
    assert.deepEqual(client.states, ["open"]);
    await stop(server, client);
  },

  async "a lazy client closes when it is idle, and reconnects"() {
    const server = await start();
    const client = connect(server.url, { lazy: { enabled: true, closeMs: 30 } });
    assert.equal(server.server.clients.size, 0);
    assert.equal(await client.api.hello.query("1"), "hello 1");
    await until("no client", () => server.server.clients.size === 0);
    assert.equal(await client.api.hello.query("2"), "hello 2");
    await stop(server, client);
  },

  async "a message that is not JSON is answered with an error"() {
    const server = await start();
    const socket = new WebSocket(server.url);
    await event(socket, "open");
    socket.send("not JSON");
    const { error } = JSON.parse(String((await event(socket, "message"))[0]));
    assert.equal(error.data.code, "PARSE_ERROR");
    socket.close();
    await event(socket, "close");
    await stop(server);
  },
});
