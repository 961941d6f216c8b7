// graphql-ws: its server with our WebSocketServer, its client with our WebSocket.

import assert from "node:assert/strict";
import { buildSchema, GraphQLError } from "graphql";
import { CloseCode, createClient } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";
import { Constructor, WebSocket } from "./client.js";
import { event, run, until, within } from "./support.js";

const schema = buildSchema(`
  type Query { hello(name: String!): String! fails: String! }
  type Subscription { count(to: Int!): Int! forever: Int! breaks: Int! }
`);

let forever = 0;
const roots = {
  query: {
    hello: ({ name }) => `hello ${name}`,
    fails() {
      throw new GraphQLError("no such thing", { extensions: { code: "NOT_FOUND" } });
    },
  },
  subscription: {
    async *count({ to }) {
      for (let i = 1; i <= to; i++) yield { count: i };
    },
    async *forever() {
      forever++;
      try {
        for (let i = 0; ; i++) {
          yield { forever: i };
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      } finally {
        forever--;
      }
    },
    async *breaks() {
      yield { breaks: 1 };
      throw new GraphQLError("broken");
    },
  },
};

/** A server on a free port, and a client. */
async function start({ server: serverOptions, keepAlive, ws: wsOptions, ...clientOptions } = {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/graphql", ...wsOptions });
  await event(server, "listening");
  const handle = useServer({ schema, roots, ...serverOptions }, server, keepAlive);
  const url = `ws://127.0.0.1:${server.address().port}/graphql`;
  const onNonLazyError = () => {};
  const client = createClient({ url, webSocketImpl: Constructor, retryAttempts: 0, onNonLazyError, ...clientOptions });
  return { server, handle, client, url };
}

async function stop({ handle, client }) {
  await client.dispose();
  await handle.dispose();
}

async function collect(client, query, variables) {
  const results = [];
  for await (const result of client.iterate({ query, variables })) results.push(result);
  return results;
}

await run({
  async "answers a query"() {
    const all = await start();
    assert.deepEqual(await collect(all.client, "query ($name: String!) { hello(name: $name) }", { name: "Ada" }), [
      { data: { hello: "hello Ada" } },
    ]);
    await stop(all);
  },

  async "a subscription sends all results, then completes"() {
    const all = await start();
    const results = await collect(all.client, "subscription { count(to: 500) }");
    assert.deepEqual(
      results.map(({ data }) => data.count),
      Array.from({ length: 500 }, (_, i) => i + 1),
    );
    await stop(all);
  },

  async "many operations share one connection"() {
    const all = await start({ lazy: false });
    const both = await Promise.all(
      Array.from({ length: 20 }, (_, i) => collect(all.client, `subscription { count(to: ${i + 1}) }`)),
    );
    assert.deepEqual(
      both.map((results) => results.length),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    assert.equal(all.server.clients.size, 1);
    await stop(all);
  },

  async "the client ends a subscription, and the server's generator returns"() {
    const all = await start({ lazy: false });
    let received = 0;
    for await (const { data } of all.client.iterate({ query: "subscription { forever }" })) {
      assert.equal(data.forever, received++);
      if (received === 10) break;
    }
    await until("the generator to return", () => forever === 0);
    assert.equal(all.server.clients.size, 1);
    await stop(all);
  },

  async "a lost connection ends the server's generator"() {
    const all = await start();
    const failed = assert.rejects(collect(all.client, "subscription { forever }"), ({ code }) => code === 1006);
    await until("the subscription", () => forever === 1);
    for (const socket of all.server.clients) socket.terminate();
    await failed;
    await until("the generator to return", () => forever === 0);
    await stop(all);
  },

  async "reports errors of a resolver, of the document, and within a subscription"() {
    const all = await start();
    const [result] = await collect(all.client, "{ fails }");
    assert.equal(result.errors[0].message, "no such thing");
    assert.equal(result.errors[0].extensions.code, "NOT_FOUND");
    await assert.rejects(collect(all.client, "{ nowhere }"), ([error]) => /Cannot query field/.test(error.message));
    await assert.rejects(collect(all.client, "subscription { breaks }"), ([error]) => error.message === "broken");
    await stop(all);
  },

  async "passes connectionParams to onConnect, which can refuse"() {
    const options = {
      server: { onConnect: ({ connectionParams }) => connectionParams?.token === "tea" },
    };
    const good = await start({ ...options, connectionParams: async () => ({ token: "tea" }) });
    assert.equal((await collect(good.client, '{ hello(name: "x") }')).length, 1);
    await stop(good);
    const bad = await start({ ...options, connectionParams: { token: "milk" } });
    await assert.rejects(collect(bad.client, '{ hello(name: "x") }'), ({ code, reason }) => {
      assert.equal(code, CloseCode.Forbidden);
      assert.equal(reason, "Forbidden");
      return true;
    });
    await stop(bad);
  },

  async "a client without the subprotocol is refused"() {
    const all = await start();
    const other = new WebSocket(all.url, "tea");
    assert.equal((await event(other, "error"))[0].message, "Server sent no subprotocol");
    const socket = new WebSocket(all.url);
    const [code, reason] = await event(socket, "close");
    assert.equal(code, CloseCode.SubprotocolNotAcceptable);
    assert.equal(String(reason), "Subprotocol not acceptable");
    const next = new WebSocket(all.url, ["other", "graphql-transport-ws"]);
    await event(next, "open");
    assert.equal(next.protocol, "graphql-transport-ws");
    next.send("not JSON");
    assert.equal((await event(next, "close"))[0], CloseCode.BadRequest);
    await stop(all);
  },

  async "the server's WebSocket pings keep a connection that answers"() {
    let pongs = 0;
    const all = await start({ keepAlive: 30, lazy: false });
    all.server.on("connection", (socket) => socket.on("pong", () => pongs++));
    await until("pongs", () => pongs >= 4);
    assert.equal(all.server.clients.size, 1);
    assert.equal((await collect(all.client, '{ hello(name: "still") }'))[0].data.hello, "hello still");
    await stop(all);
  },

  async "the server ends a connection that does not answer its pings"() {
    const all = await start({ keepAlive: 30 });
    const socket = new WebSocket(all.url, "graphql-transport-ws", { autoPong: false });
    await event(socket, "open");
    assert.equal((await event(socket, "close"))[0], 1006);
    await stop(all);
  },

  async "the client's own pings are answered"() {
    const seen = [];
    const all = await start();
    await all.client.dispose();
    const client = createClient({
      url: all.url,
      webSocketImpl: Constructor,
      lazy: false,
      keepAlive: 20,
      on: { ping: (received) => seen.push(`ping ${received}`), pong: (received) => seen.push(`pong ${received}`) },
    });
    await until("pongs", () => seen.filter((line) => line === "pong true").length >= 3);
    assert.ok(seen.includes("ping false"));
    await client.dispose();
    await all.handle.dispose();
  },

  async "the client connects and subscribes again after a restart of the server"() {
    const first = await start();
    const { port } = first.server.address();
    const client = createClient({
      url: first.url,
      webSocketImpl: Constructor,
      retryAttempts: 50,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      shouldRetry: () => true,
    });
    let opened = 0;
    client.on("opened", () => opened++);
    let received = 0;
    const ended = new Promise((resolve, reject) => {
      const unsubscribe = client.subscribe(
        { query: "subscription { forever }" },
        { next: () => ++received, error: reject, complete: resolve },
      );
      until("results of the second", async () => opened === 2 && received > 30).then(unsubscribe, reject);
    });
    await until("results of the first", () => received > 5);
    // terminate() simulates a crash.
    for (const socket of first.server.clients) socket.terminate();
    await first.handle.dispose();
    received = 0;
    const second = await start({ ws: { port } });
    await within("the end of the subscription", ended);
    await client.dispose();
    await stop(second);
  },

  async "disposing the server closes its clients with the code for going away"() {
    const all = await start({ lazy: false });
    const closed = new Promise((resolve) => all.client.on("closed", resolve));
    await until("the connection", () => all.server.clients.size === 1);
    await all.handle.dispose();
    const { code, reason, wasClean } = await within("'closed'", closed);
    assert.deepEqual([code, String(reason), wasClean], [1001, "Going away", true]);
    await all.client.dispose();
  },
});
