// The members of peers and messages.

import { inspect } from "node:util";
import type { Message, Peer } from "crossws";
import { expect } from "vitest";
import { both, count, type Make, open, start, until } from "./support/adapters.ts";

/** A server that records its peers and messages. */
async function watched(make: Make, options: Parameters<Make>[0] = {}) {
  const peers: Peer[] = [];
  const messages: Message[] = [];
  const ends: { code?: number; reason?: string }[] = [];
  const started = await start(
    make({
      ...options,
      hooks: {
        open: (peer) => void peers.push(peer),
        message: (_peer, message) => void messages.push(message),
        close: (_peer, details) => void ends.push(details),
        ...options.hooks,
      },
    }),
  );
  const received = async (number: number) => {
    await until(() => messages.length >= number, `${number} messages`);
    return messages[number - 1]!;
  };
  return { ...started, peers, messages, ends, received };
}

/** More bytes than the sockets can buffer while the client does not read. */
const LARGE = 16_000_000;
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

both("a peer has its request, address and context", async (make) => {
  const { peers, port, url } = await watched(make, { hooks: { upgrade: () => ({ context: { user: "alice" } }) } });
  await open(`${url}/a/b?foo=bar`, { headers: { "X-Test": "1" }, protocols: [] });
  const [peer] = peers as [Peer];
  expect(peer.id).toMatch(UUID);
  expect(peer.id).toBe(peer.id);
  expect(`${peer}`).toBe(peer.id);
  expect(String(peer)).toBe(peer.id);
  expect(inspect(peer)).toBe(inspect({ peer: { id: peer.id, ip: "127.0.0.1" } }));
  expect(peer.remoteAddress).toBe("127.0.0.1");
  expect(peer.namespace).toBe("/a/b");
  expect(peer.context).toEqual({ user: "alice" });
  const { request } = peer;
  expect(request).toBeInstanceOf(Request);
  expect(request.url).toBe(`http://127.0.0.1:${port}/a/b?foo=bar`);
  expect(request.method).toBe("GET");
  expect(request.headers.get("x-test")).toBe("1");
  expect(request.headers.get("upgrade")).toBe("websocket");
  expect(request.signal).toBeInstanceOf(AbortSignal);
  expect(request.body).toBe(null);
  expect(await request.clone().text()).toBe("");
  expect(peer.topics).toEqual(new Set());
  expect([...peer.peers]).toEqual([peer]);
});

both("peer.websocket has the members of a WebSocket", async (make) => {
  const { peers, url } = await watched(make);
  const client = await open(`${url}/chat?foo=bar`, { headers: { "Sec-WebSocket-Extensions": "x-test; a=1" } });
  const { websocket } = peers[0]!;
  expect(websocket).toBe(peers[0]!.websocket);
  expect(websocket.readyState).toBe(1);
  expect(websocket.OPEN).toBe(1);
  expect(websocket.url).toBe(`${url}/chat?foo=bar`);
  expect(websocket.protocol).toBe("");
  expect(websocket.extensions).toBe("x-test; a=1");
  expect(websocket.binaryType).toBe("nodebuffer");
  expect(websocket.bufferedAmount).toBe(0);
  const events: unknown[] = [];
  websocket.addEventListener!("message", ({ data }) => events.push(data));
  websocket.addEventListener!("close", ({ type, code, reason }) => events.push([type, code, reason]));
  websocket.send!("direct");
  expect(await client.next()).toBe("direct");
  client.socket.send("text");
  await until(() => events.length === 1, "an event");
  websocket.close!(4000, "bye");
  expect(websocket.readyState).toBe(2);
  expect(await client.closed).toEqual([4000, "bye"]);
  await until(() => events.length === 2, "the end");
  expect(events).toEqual(["text", ["close", 4000, "bye"]]);
  expect(websocket.readyState).toBe(3);
});

both("peer.websocket has on-properties", async (make) => {
  const { peers, url } = await watched(make);
  const client = await open(url);
  const { websocket } = peers[0]!;
  const events: string[] = [];
  Object.assign(websocket, { onmessage: ({ data }: MessageEvent) => events.push(`old ${data}`) });
  Object.assign(websocket, { onmessage: ({ data }: MessageEvent) => events.push(`new ${data}`) });
  Object.assign(websocket, { onclose: () => events.push("never") });
  Object.assign(websocket, { onclose: null });
  expect(websocket.onclose).toBe(null);
  client.socket.send("a");
  client.socket.send("b");
  await until(() => events.length === 2, "two events");
  client.socket.close();
  await client.closed;
  expect(events).toEqual(["new a", "new b"]);
});

both("a message can be read in any form", async (make) => {
  const { peers, url, received } = await watched(make);
  const client = await open(url);
  client.socket.send('{"a":1}');
  const text = await received(1);
  expect(text.id).toMatch(UUID);
  expect(text.peer).toBe(peers[0]);
  expect(text.rawData).toBe('{"a":1}');
  expect(text.text()).toBe('{"a":1}');
  expect(`${text}`).toBe('{"a":1}');
  expect(String(text)).toBe('{"a":1}');
  expect(text.json()).toEqual({ a: 1 });
  expect(Buffer.from(text.uint8Array()).toString()).toBe('{"a":1}');
  expect(text.uint8Array()).toBe(text.uint8Array());
  expect(Buffer.from(text.arrayBuffer() as ArrayBuffer).toString()).toBe('{"a":1}');
  expect(await text.blob().text()).toBe('{"a":1}');
  expect(text.data).toEqual(Buffer.from('{"a":1}'));
  expect(inspect(text)).toContain(text.id);

  client.socket.send(Buffer.from([1, 2, 3]));
  const binary = await received(2);
  expect(binary.rawData).toEqual(Buffer.from([1, 2, 3]));
  expect([...binary.uint8Array()]).toEqual([1, 2, 3]);
  expect(binary.data).toEqual(Buffer.from([1, 2, 3]));
  expect(binary.text()).toBe("\u0001\u0002\u0003");
  expect(new Uint8Array(await binary.blob().arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));

  client.socket.send("");
  expect((await received(3)).text()).toBe("");
  client.socket.send(Buffer.alloc(0));
  expect((await received(4)).uint8Array().length).toBe(0);
  client.socket.send("null");
  expect((await received(5)).json()).toBe(null);
});

both("message.data follows peer.websocket.binaryType", async (make) => {
  const { peers, url, received } = await watched(make);
  const client = await open(url);
  peers[0]!.websocket.binaryType = "arraybuffer";
  client.socket.send(Buffer.from([1, 2, 3]));
  const message = await received(1);
  expect(message.data).toBeInstanceOf(ArrayBuffer);
  expect(new Uint8Array(message.data as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]));
  Object.assign(peers[0]!.websocket, { binaryType: "nonsense" });
  expect(peers[0]!.websocket.binaryType).toBe("arraybuffer");
});

both("send() accepts any value", async (make) => {
  const { peers, url } = await watched(make);
  const client = await open(url);
  const peer = peers[0]!;
  const values: [value: unknown, received: string | Buffer][] = [
    ["text", "text"],
    ["", ""],
    [undefined, ""],
    [null, ""],
    [42, "42"],
    [true, "true"],
    [7n, "7"],
    [{ a: [1, null] }, '{"a":[1,null]}'],
    [Object.create(null), "{}"],
    [() => {}, "{}"],
    [Symbol("x"), "{}"],
    [new Uint8Array([1, 2]), Buffer.from([1, 2])],
    [new Uint8Array([3, 4]).buffer, Buffer.from([3, 4])],
    [Buffer.from("bytes"), Buffer.from("bytes")],
    [new Uint16Array([1]), Buffer.from([1, 0])],
    [new DataView(new ArrayBuffer(2)), Buffer.from([0, 0])],
    [[1, 2, 300], Buffer.from([1, 2, 44])],
    [new Blob(["a blob"]), Buffer.from("a blob")],
    ["after the blob", "after the blob"],
  ];
  for (const [value] of values) peer.send(value);
  for (const [, received] of values) expect(await client.next()).toEqual(received);
  expect(() => peer.send(new Map())).toThrow(TypeError);
  expect(() => peer.send(new URL(url))).toThrow(TypeError);
});

both("send() returns the number of waiting bytes, and does not throw after the end", async (make) => {
  const { peers, url } = await watched(make);
  const client = await open(url);
  const peer = peers[0]!;
  expect(peer.bufferedAmount).toBe(0);
  client.socket.pause();
  const waiting = peer.send("x".repeat(LARGE));
  expect(waiting).toBeGreaterThan(0);
  expect(peer.bufferedAmount).toBe(waiting);
  client.socket.resume();
  await client.next();
  await until(() => peer.bufferedAmount === 0, "nothing waits");
  peer.close();
  await client.closed;
  expect(typeof peer.send("late")).toBe("number");
});

both("close() and terminate() end the connection", async (make) => {
  const { adapter, peers, ends, url } = await watched(make);
  const first = await open(url);
  peers[0]!.close(4001, "enough");
  expect(await first.closed).toEqual([4001, "enough"]);
  const second = await open(url);
  peers[1]!.close();
  expect(await second.closed).toEqual([1005, ""]);
  const third = await open(url);
  peers[2]!.terminate();
  expect(peers[2]!.websocket.readyState).toBe(2);
  expect(await third.closed).toEqual([1006, ""]);
  const fourth = await open(url);
  fourth.socket.close(1000, "mine");
  await fourth.closed;
  const fifth = await open(url);
  fifth.socket.terminate();
  await until(() => ends.length === 5, "all ends");
  expect(ends).toEqual([
    { code: 4001, reason: "enough" },
    { code: 1005, reason: "" },
    { code: 1006, reason: "" },
    { code: 1000, reason: "mine" },
    { code: 1006, reason: "" },
  ]);
  expect(count(adapter)).toBe(0);
  const sixth = await open(url);
  expect(() => peers[5]!.close(1)).toThrow();
  expect(() => peers[5]!.close(1006)).toThrow();
  sixth.socket.close();
});

both("closeAll() and close() reach all peers", async (make) => {
  const { adapter, url } = await watched(make);
  const some = [await open(`${url}/a`), await open(`${url}/b`)];
  adapter.closeAll(4002, Buffer.from("all"));
  for (const client of some) expect(await client.closed).toEqual([4002, "all"]);
  const others = [await open(`${url}/a`), await open(`${url}/b`)];
  adapter.closeAll(1000, "", true);
  for (const client of others) expect(await client.closed).toEqual([1006, ""]);
  const last = [await open(`${url}/a`), await open(`${url}/b`)];
  await adapter.close(1001, "going");
  for (const client of last) expect(await client.closed).toEqual([1001, "going"]);
});

both("calls hooks for Pings and Pongs", async (make) => {
  const log: string[] = [];
  const { peers, url } = await watched(make, {
    hooks: {
      ping: (_peer, data) => void log.push(`ping ${Buffer.from(data).toString()}`),
      pong: (_peer, data) => void log.push(`pong ${Buffer.from(data).toString()}`),
      error: (_peer, error) => void log.push(error.name),
    },
  });
  const client = await open(url);
  const pings: string[] = [];
  client.socket.on("ping", (data) => pings.push(data.toString()));
  client.socket.ping("from the client");
  await until(() => log.length === 1, "a ping");
  peers[0]!.ping("from the server");
  await until(() => log.length === 2, "a pong");
  peers[0]!.ping();
  await until(() => log.length === 3, "an empty pong");
  expect(pings).toEqual(["from the server", ""]);
  peers[0]!.ping("x".repeat(126));
  expect(log).toEqual(["ping from the client", "pong from the server", "pong ", "WSError"]);
  expect(client.socket.readyState).toBe(1);
});
