// Topics, namespaces, and other instances.

import type { Peer, SyncDriver, SyncMessage } from "crossws";
import { broadcastChannel } from "crossws/sync";
import { expect } from "vitest";
import { both, count, type Client, type Make, open, start, until } from "./support/adapters.ts";

/** A server whose peers subscribe to the topic "chat", and publish all received messages there. */
async function chat(make: Make, options: Parameters<Make>[0] = {}) {
  const peers: Peer[] = [];
  const started = await start(
    make({
      ...options,
      hooks: {
        open(peer) {
          peers.push(peer);
          peer.subscribe("chat");
        },
        message: (peer, message) => peer.publish("chat", message.text()),
        ...options.hooks,
      },
    }),
  );
  return { ...started, peers };
}

/** The next message of each client. */
function nextOf(...clients: Client[]): Promise<(string | Buffer)[]> {
  return Promise.all(clients.map((client) => client.next()));
}

both("publish() of a peer reaches the other peers of its namespace", async (make) => {
  const { adapter, peers, url } = await chat(make);
  const [a, b, c] = [await open(url), await open(url), await open(url)];
  const elsewhere = await open(`${url}/elsewhere`);
  expect(count(adapter)).toBe(3);
  expect(count(adapter, "/elsewhere")).toBe(1);
  expect(peers[0]!.peers).toBe(peers[1]!.peers);
  a.socket.send("hello");
  expect(await nextOf(b, c)).toEqual(["hello", "hello"]);
  for (const client of [a, elsewhere]) {
    peers[[a, b, c, elsewhere].indexOf(client)]!.send("nothing before this");
    expect(await client.next()).toBe("nothing before this");
  }
});

both("publish() of the adapter reaches all namespaces, or only one", async (make) => {
  const { adapter, url } = await chat(make);
  const [a, b, c] = [await open(`${url}/x`), await open(`${url}/x`), await open(`${url}/y`)];
  adapter.publish("chat", "to all");
  expect(await nextOf(a, b, c)).toEqual(["to all", "to all", "to all"]);
  adapter.publish("chat", "to y", { namespace: "/y" });
  expect(await c.next()).toBe("to y");
  adapter.publish("chat", "to nobody", { namespace: "/z" });
  adapter.publish("other", "to nobody");
  adapter.publish("chat", { a: 1 });
  expect(await nextOf(a, b, c)).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  adapter.publish("chat", new Uint8Array([1, 2]));
  expect(await nextOf(a, b, c)).toEqual([1, 2, 3].map(() => Buffer.from([1, 2])));
  adapter.publish("chat", new Blob(["blob"]));
  adapter.publish("chat", undefined);
  expect(await nextOf(a, b, c)).toEqual([1, 2, 3].map(() => Buffer.from("blob")));
  expect(await nextOf(a, b, c)).toEqual(["", "", ""]);
});

both("sends nothing to peers that have unsubscribed or left", async (make) => {
  const { adapter, peers, url } = await chat(make);
  const [a, b, c] = [await open(url), await open(url), await open(url)];
  peers[0]!.subscribe("news");
  expect(peers[0]!.topics).toEqual(new Set(["chat", "news"]));
  peers[0]!.unsubscribe("chat");
  peers[0]!.unsubscribe("never");
  expect(peers[0]!.topics).toEqual(new Set(["news"]));
  b.socket.close();
  await b.closed;
  await until(() => count(adapter) === 2, "two are left");
  adapter.publish("chat", "one");
  adapter.publish("news", "two");
  expect(await nextOf(a, c)).toEqual(["two", "one"]);
  // A subscription after the end has no effect.
  peers[1]!.subscribe("late");
  adapter.publish("late", "nobody");
  expect(peers[1]!.topics).toEqual(new Set(["chat", "late"]));
});

both("getNamespace and the upgrade hook choose the namespace", async (make) => {
  const { adapter, peers, url } = await chat(make, {
    getNamespace: (request) => `host of ${new URL(request.url).pathname}`,
    hooks: {
      upgrade: (request) => (request.url.endsWith("?own") ? { namespace: "own" } : undefined),
      open: (peer) => void peers.push(peer),
    },
  });
  await open(`${url}/a`);
  await open(`${url}/a?own`);
  expect(peers.map(({ namespace }) => namespace)).toEqual(["host of /a", "own"]);
  expect([...adapter.peers.keys()]).toEqual(["host of /a", "own"]);
});

both("compresses a published message for peers that have negotiated it", async (make) => {
  const big = "x".repeat(65_536);
  const { adapter, url } = await chat(make, {
    hooks: {
      upgrade: (request) => ({ perMessageDeflate: request.url.endsWith("?deflate") }),
      open: (peer) => peer.subscribe("chat"),
    },
  });
  const clients = [
    await open(`${url}/?deflate`, { perMessageDeflate: true }),
    await open(`${url}/?plain`, { perMessageDeflate: true }),
    await open(`${url}/?deflate`, { perMessageDeflate: true }),
  ];
  expect(clients.map(({ socket }) => socket.extensions.split(";")[0])).toEqual([
    "permessage-deflate",
    "",
    "permessage-deflate",
  ]);
  const sizes = clients.map((client) => bytesFor(client));
  adapter.publish("chat", big);
  expect(await nextOf(...clients)).toEqual([big, big, big]);
  const [first, plain, last] = sizes.map((size) => size());
  expect(plain).toBeGreaterThan(big.length);
  expect(first).toBeLessThan(1000);
  expect(last).toBeLessThan(1000);
  const again = bytesFor(clients[0]!);
  adapter.publish("chat", big, { compress: false });
  expect(await clients[0]!.next()).toBe(big);
  expect(again()).toBeGreaterThan(big.length);
});

/** The number of bytes that a client reads from now on. */
function bytesFor({ socket }: Client): () => number {
  const { _socket } = socket as unknown as { _socket: { readonly bytesRead: number } };
  const before = _socket.bytesRead;
  return () => _socket.bytesRead - before;
}

both("instances pass published messages to each other", async (make) => {
  const channel = `test ${Math.random()}`;
  const [one, two] = [
    await chat(make, { sync: broadcastChannel({ channel }) }),
    await chat(make, { sync: broadcastChannel({ channel }) }),
  ];
  const [a, b, c] = [await open(`${one.url}/x`), await open(`${two.url}/x`), await open(`${two.url}/y`)];
  a.socket.send("from a");
  expect(await b.next()).toBe("from a");
  one.adapter.publish("chat", "from one");
  expect(await nextOf(a, b, c)).toEqual(["from one", "from one", "from one"]);
  two.adapter.publish("chat", new Uint8Array([1, 2]), { namespace: "/x" });
  expect(await nextOf(a, b)).toEqual([Buffer.from([1, 2]), Buffer.from([1, 2])]);
  two.adapter.publish("chat", { a: 1 });
  expect(await nextOf(a, b, c)).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  expect(one.adapter.sync).toBeDefined();
});

both("failures of the sync driver are reported, and stop nothing", async (make) => {
  const reported: [message: string, stage: string][] = [];
  const sent: SyncMessage[] = [];
  let deliver: Parameters<SyncDriver["subscribe"]>[0] = () => {};
  let closed = 0;
  const { adapter, url } = await chat(make, {
    sync: ({ id }) => {
      expect(id).toMatch(/^[\da-f-]{36}$/);
      return {
        subscribe(give) {
          deliver = give;
          throw new Error("no subscription");
        },
        publish(message) {
          sent.push(message);
          if (sent.length === 1) throw new Error("thrown");
          return Promise.reject(new Error("rejected"));
        },
        close: () => void closed++,
      };
    },
    onError: (error, { stage }) => void reported.push([(error as Error).message, stage]),
  });
  const client = await open(`${url}/x`);
  adapter.publish("chat", "one");
  adapter.publish("chat", "two", { namespace: "/x" });
  expect([await client.next(), await client.next()]).toEqual(["one", "two"]);
  deliver({ namespace: "", topic: "chat", data: "three" });
  deliver({ namespace: "/x", topic: "chat", data: new Uint8Array([4]) });
  deliver({ namespace: "/y", topic: "chat", data: "five" });
  expect([await client.next(), await client.next()]).toEqual(["three", Buffer.from([4])]);
  await until(() => reported.length === 3, "three reports");
  expect(reported).toEqual([
    ["no subscription", "subscribe"],
    ["thrown", "publish"],
    ["rejected", "publish"],
  ]);
  expect(sent).toEqual([
    { namespace: "", topic: "chat", data: "one" },
    { namespace: "/x", topic: "chat", data: "two" },
  ]);
  await adapter.close();
  expect(closed).toBe(1);
});
