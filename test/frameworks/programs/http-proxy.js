// http-proxy-3 in front of our server: upgrades, messages, compression, closes and refusals.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { WebSocketServer } from "ws";
import { WebSocket } from "./client.js";
import { event, listen, run, until, within } from "./support.js";

/** Starts our server, and a proxy in front of it. */
async function start({ onSocket = () => {}, server: serverOptions, proxy: proxyOptions } = {}) {
  const http = createServer((request, response) => response.end(`plain ${request.url}`));
  const server = new WebSocketServer({ server: http, ...serverOptions });
  server.on("connection", onSocket);
  const target = { host: "127.0.0.1", port: await listen(http) };
  const proxy = createProxyServer({ target, ws: true, xfwd: true, ...proxyOptions });
  const errors = [];
  proxy.on("error", (error, _request, socket) => {
    errors.push(error.code);
    socket.end();
  });
  const front = createServer((request, response) => proxy.web(request, response));
  front.on("upgrade", (request, socket, head) => proxy.ws(request, socket, head));
  return { http, server, proxy, front, errors, url: `ws://127.0.0.1:${await listen(front)}` };
}

async function stop({ http, server, front }) {
  for (const client of server.clients) client.terminate();
  for (const one of [front, http]) await within("the end of a server", new Promise((resolve) => one.close(resolve)));
}

const echo = (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));

await run({
  async "passes messages of all sizes in both directions"() {
    const all = await start({ onSocket: echo });
    const socket = new WebSocket(`${all.url}/tea`);
    await event(socket, "open");
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 2_000_000]) {
      const bytes = Buffer.alloc(size, size);
      socket.send(bytes);
      assert.deepEqual(await event(socket, "message"), [bytes, true]);
    }
    socket.send("é");
    assert.deepEqual(await event(socket, "message"), [Buffer.from("é"), false]);
    const received = [];
    socket.on("message", (data) => received.push(Number(String(data))));
    for (let i = 0; i < 5000; i++) socket.send(String(i));
    await until("all of them", () => received.length === 5000);
    assert.deepEqual(
      received,
      Array.from({ length: 5000 }, (_, i) => i),
    );
    assert.equal(await (await fetch(`${all.url.replace("ws", "http")}/page`)).text(), "plain /page");
    await stop(all);
  },

  async "lets the client and the server negotiate compression"() {
    const all = await start({ onSocket: echo, server: { perMessageDeflate: { threshold: 0 } } });
    const socket = new WebSocket(all.url);
    await event(socket, "open");
    assert.match(socket.extensions, /permessage-deflate/);
    const text = "tea and milk ".repeat(20_000);
    socket.send(text);
    assert.equal(String((await event(socket, "message"))[0]), text);
    await stop(all);
  },

  async "passes headers, subprotocols and close codes"() {
    const seen = [];
    const all = await start({
      onSocket(socket, request) {
        seen.push(request.headers["x-forwarded-for"], request.headers["x-user"], socket.protocol);
        socket.on("close", (code, reason) => seen.push(code, String(reason)));
      },
    });
    const socket = new WebSocket(all.url, ["tea"], { headers: { "x-user": "ada" } });
    await event(socket, "open");
    assert.equal(socket.protocol, "tea");
    socket.close(4006, "enough");
    assert.deepEqual(await event(socket, "close"), [4006, Buffer.from("enough")]);
    await until("the other end", () => seen.length === 5);
    assert.deepEqual(seen, ["127.0.0.1", "ada", "tea", 4006, "enough"]);
    await stop(all);
  },

  async "passes the server's pings and its Close to the client"() {
    const all = await start({
      onSocket(socket) {
        socket.ping("there?");
        socket.on("pong", (data) => socket.close(4007, `pong ${data}`));
      },
    });
    const socket = new WebSocket(all.url);
    assert.deepEqual(await event(socket, "close"), [4007, Buffer.from("pong there?")]);
    await stop(all);
  },

  async "loses no message that the server sends with its response"() {
    const all = await start({
      onSocket(socket) {
        for (let i = 0; i < 100; i++) socket.send(`${i}`);
      },
    });
    const received = [];
    const socket = new WebSocket(all.url);
    socket.on("message", (data) => received.push(String(data)));
    await until("all of them", () => received.length === 100);
    assert.deepEqual(
      received,
      Array.from({ length: 100 }, (_, i) => `${i}`),
    );
    await stop(all);
  },

  async "passes a refusal with its status"() {
    const all = await start({ server: { verifyClient: (_, done) => done(false, 403, "not you", { "x-why": "tea" }) } });
    const socket = new WebSocket(all.url);
    const [, response] = await event(socket, "unexpected-response");
    assert.equal(response.statusCode, 403);
    assert.equal(response.headers["x-why"], "tea");
    response.resume();
    socket.on("error", () => {});
    socket.terminate();
    await stop(all);
  },

  async "ends one side if the other is lost"() {
    const ends = [];
    const all = await start({ onSocket: (socket) => socket.on("close", (code) => ends.push(code)) });
    const first = new WebSocket(all.url);
    await event(first, "open");
    first.terminate();
    await until("the server's end", () => ends.length === 1);
    const second = new WebSocket(all.url);
    await event(second, "open");
    const cut = event(second, "close");
    for (const client of all.server.clients) client.terminate();
    assert.equal((await cut)[0], 1006);
    await until("both", () => ends.length === 2);
    assert.deepEqual(ends, [1006, 1006]);
    await stop(all);
  },

  async "a slow client makes the server wait, through the proxy"() {
    let server;
    const all = await start({ onSocket: (socket) => (server = socket) });
    const socket = new WebSocket(all.url);
    await event(socket, "open");
    await until("the server's end", () => server !== undefined);
    socket.pause();
    const chunk = Buffer.alloc(1 << 20);
    for (let i = 0; i < 32; i++) server.send(chunk);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(server.bufferedAmount > 0);
    let received = 0;
    socket.on("message", (data) => (received += data.length));
    socket.resume();
    await until("all bytes", () => received === 32 << 20);
    await until("nothing buffered", () => server.bufferedAmount === 0);
    await stop(all);
  },
});
