// crossws: hooks, peers, topics, namespaces and heartbeat. Its adapter for Node contains a copy of ws, and gets our server instead.
// ADAPTER may name the module of another adapter.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import crossws from "crossws/adapters/node";
import { WebSocketServer } from "ws";
import { WebSocket } from "./client.js";
import { event, listen, run, until, within } from "./support.js";

const { ADAPTER } = process.env;
const { wsframeAdapter } = ADAPTER === undefined ? {} : await import(ADAPTER);

/** Makes an adapter, with a server of ws if it needs one. */
function makeAdapter(options, serverOptions) {
  if (wsframeAdapter) return { adapter: wsframeAdapter(options) };
  // The options that the adapter uses for its own server.
  const wss = new WebSocketServer({ noServer: true, handleProtocols: () => false, ...serverOptions });
  return { adapter: crossws({ wss, ...options }), wss };
}

async function start(hooks, { server: serverOptions, ...options } = {}) {
  const { adapter, wss } = makeAdapter({ hooks, ...options }, serverOptions);
  const http = createServer((_, response) => response.end("plain"));
  http.on("upgrade", adapter.handleUpgrade);
  return { adapter, http, wss, url: `ws://127.0.0.1:${await listen(http)}` };
}

async function stop({ adapter, http, wss }) {
  adapter.closeAll(undefined, undefined, true);
  wss?.close();
  await within("the end of the server", new Promise((resolve) => http.close(resolve)));
}

async function connect(url, ...rest) {
  const socket = new WebSocket(url, ...rest);
  await event(socket, "open");
  return socket;
}

await run({
  async "calls hooks for the connection, its messages and its end"() {
    const seen = [];
    const all = await start({
      open: (peer) => seen.push(`open ${peer.remoteAddress} ${new URL(peer.request.url).pathname}`),
      message(peer, message) {
        seen.push(`message ${message.text().slice(0, 10)}`);
        peer.send(message.rawData);
      },
      ping: (_, data) => seen.push(`ping ${data}`),
      pong: (_, data) => seen.push(`pong ${data}`),
      close: (_, { code, reason }) => seen.push(`close ${code} ${reason}`),
    });
    const socket = await connect(`${all.url}/tea`);
    socket.send("hello");
    assert.deepEqual(await event(socket, "message"), [Buffer.from("hello"), false]);
    const bytes = Buffer.alloc(100_000, "b");
    socket.send(bytes);
    assert.deepEqual(await event(socket, "message"), [bytes, true]);
    socket.ping("1");
    await event(socket, "pong");
    for (const peer of all.adapter.peers.get("/tea")) peer.ping("2");
    await event(socket, "ping");
    await until("the pong", () => seen.includes("pong 2"));
    socket.close(4003, "enough");
    await until("the end", () => seen.length === 6);
    assert.deepEqual(seen, [
      "open 127.0.0.1 /tea",
      "message hello",
      "message bbbbbbbbbb",
      "ping 1",
      "pong 2",
      "close 4003 enough",
    ]);
    await stop(all);
  },

  async "upgrade refuses with a response, adds headers, and sets a context"() {
    const all = await start({
      async upgrade(request) {
        if (request.headers.get("authorization") !== "Bearer tea") {
          return new Response("not you", { status: 401, headers: { "x-why": "no token" } });
        }
        return { headers: { "x-served-by": "crossws" }, context: { user: "ada" } };
      },
      open: (peer) => peer.send({ user: peer.context.user }),
    });
    const refused = new WebSocket(all.url);
    const [, response] = await event(refused, "unexpected-response");
    assert.equal(response.statusCode, 401);
    assert.equal(response.headers["x-why"], "no token");
    response.resume();
    refused.on("error", () => {});
    refused.terminate();
    const socket = new WebSocket(all.url, { headers: { authorization: "Bearer tea" } });
    const first = event(socket, "message");
    const [upgrade] = await event(socket, "upgrade");
    assert.equal(upgrade.headers["x-served-by"], "crossws");
    assert.deepEqual(JSON.parse(String((await first)[0])), { user: "ada" });
    await stop(all);
  },

  async "uses the subprotocol that handleProtocols of crossws chooses"() {
    const all = await start({}, { handleProtocols: (offered) => (offered.has("tea") ? "tea" : undefined) });
    const socket = await connect(all.url, ["milk", "tea"]);
    assert.equal(socket.protocol, "tea");
    await stop(all);
  },

  async "peer.websocket is the socket"() {
    const seen = [];
    const all = await start({
      open(peer) {
        const { websocket } = peer;
        seen.push(websocket.readyState, websocket.protocol, peer.bufferedAmount);
        websocket.send("by the socket");
        websocket.close(4004, "that is all");
      },
    });
    const socket = new WebSocket(all.url);
    const first = event(socket, "message");
    const closed = event(socket, "close");
    assert.equal(String((await first)[0]), "by the socket");
    assert.deepEqual(await closed, [4004, Buffer.from("that is all")]);
    assert.deepEqual(seen, [1, "", 0]);
    await stop(all);
  },

  async "topics: a publish reaches the subscribers of a namespace"() {
    const all = await start({
      open: (peer) => peer.subscribe("news"),
      message: (peer, message) => peer.publish("news", message.rawData),
    });
    const sockets = await Promise.all(Array.from({ length: 10 }, () => connect(`${all.url}/a`)));
    const other = await connect(`${all.url}/b`);
    other.on("message", () => assert.fail("a message of another namespace"));
    const received = sockets.slice(1).map((socket) => event(socket, "message"));
    sockets[0].send("tea is ready");
    for (const message of await Promise.all(received)) assert.deepEqual(message, [Buffer.from("tea is ready"), false]);
    const all10 = sockets.map((socket) => event(socket, "message"));
    all.adapter.publish("news", new Uint8Array([1, 2, 3]), { namespace: "/a" });
    for (const message of await Promise.all(all10)) assert.deepEqual(message, [Buffer.from([1, 2, 3]), true]);
    await stop(all);
  },

  async "compression is chosen for each connection"() {
    const all = await start(
      {
        upgrade: (request) => ({ perMessageDeflate: new URL(request.url).pathname === "/small" }),
        message: (peer, message) => peer.send(message.text(), { compress: true }),
      },
      { server: { perMessageDeflate: false } },
    );
    const [small, plain] = await Promise.all([connect(`${all.url}/small`), connect(`${all.url}/plain`)]);
    assert.match(small.extensions, /permessage-deflate/);
    assert.equal(plain.extensions, "");
    for (const socket of [small, plain]) {
      socket.send("tea and milk ".repeat(1000));
      assert.equal(String((await event(socket, "message"))[0]).length, 13_000);
    }
    await stop(all);
  },

  async "backpressure: waitForDrain resolves when the peer has read"() {
    let peer;
    const all = await start({ open: (opened) => void (peer = opened) });
    const socket = await connect(all.url);
    await until("the peer", () => peer !== undefined);
    socket.pause();
    const chunk = Buffer.alloc(1 << 20);
    let received = 0;
    socket.on("message", (data) => (received += data.length));
    for (let i = 0; i < 16; i++) peer.send(chunk);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(peer.bufferedAmount > 0, `${peer.bufferedAmount}`);
    const drained = peer.waitForDrain({ threshold: 1 << 20, pollInterval: 5 });
    socket.resume();
    await within("the drain", drained);
    assert.ok(peer.bufferedAmount <= 1 << 20);
    await until("all bytes", () => received === 16 << 20);
    await stop(all);
  },

  async "the drain hook is called"() {
    let drains = 0;
    const all = await start({ drain: () => drains++, open: (peer) => peer.send(new Uint8Array(8 << 20)) });
    const socket = new WebSocket(all.url);
    await event(socket, "message");
    await until("a drain", () => drains > 0);
    await stop(all);
  },

  async "ends peers that do not answer the heartbeat, and keeps others"() {
    const ends = [];
    const all = await start({ close: (_, { code }) => ends.push(code) }, { idleTimeout: 0.05 });
    const [alive, dead] = await Promise.all([connect(all.url), connect(all.url, { autoPong: false })]);
    assert.equal((await event(dead, "close"))[0], 1006);
    await until("the end", () => ends.length === 1);
    assert.deepEqual(ends, [1006]);
    assert.equal(alive.readyState, WebSocket.OPEN);
    await stop(all);
  },

  async "closeAll closes with a code, or destroys the sockets"() {
    const all = await start({});
    const sockets = await Promise.all([connect(all.url), connect(all.url)]);
    const ends = sockets.map((socket) => event(socket, "close"));
    all.adapter.closeAll(4005, "night");
    for (const end of await Promise.all(ends)) assert.deepEqual(end, [4005, Buffer.from("night")]);
    const last = await connect(all.url);
    const cut = event(last, "close");
    all.adapter.closeAll(undefined, undefined, true);
    assert.equal((await cut)[0], 1006);
    await stop(all);
  },
});
