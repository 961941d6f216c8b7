// Hono with @hono/node-server: upgradeWebSocket with our server.

import assert from "node:assert/strict";
import { serve, upgradeWebSocket } from "@hono/node-server";
import { Hono } from "hono";
import { WebSocketServer } from "ws";
import { WebSocket } from "./client.js";
import { event, run, until, within } from "./support.js";

async function start(declare, options) {
  const app = new Hono();
  declare(app);
  const wss = new WebSocketServer({ noServer: true, ...options });
  const server = serve({ fetch: app.fetch, websocket: { server: wss }, port: 0, hostname: "127.0.0.1" });
  await event(server, "listening");
  return { server, wss, url: `ws://127.0.0.1:${server.address().port}` };
}

const stop = ({ server }) => within("the end of the server", new Promise((resolve) => server.close(resolve)));

await run({
  async "exchanges text and binary messages, and closes"() {
    const seen = [];
    const all = await start((app) => {
      app.get(
        "/ws/:room",
        upgradeWebSocket((c) => ({
          onOpen: (_, ws) =>
            ws.send(`${c.req.param("room")} ${c.req.query("user")} ${ws.readyState} ${ws.url.pathname}`),
          onMessage(message, ws) {
            seen.push(typeof message.data === "string" ? message.data : message.data.constructor.name);
            ws.send(message.data);
          },
          onClose: (end) => seen.push(`close ${end.code} ${end.reason}`),
        })),
      );
    });
    const socket = new WebSocket(`${all.url}/ws/tea?user=ada`);
    assert.equal(String((await event(socket, "message"))[0]), "tea ada 1 /ws/tea");
    socket.send("hello");
    assert.deepEqual(await event(socket, "message"), [Buffer.from("hello"), false]);
    const bytes = Buffer.alloc(70_000, "xyz");
    socket.send(bytes);
    assert.deepEqual(await event(socket, "message"), [bytes, true]);
    socket.close(4002, "done");
    await until("onClose", () => seen.length === 3);
    assert.deepEqual(seen, ["hello", "ArrayBuffer", "close 4002 done"]);
    await stop(all);
  },

  async "many small binary messages do not share a buffer"() {
    const buffers = [];
    const all = await start((app) => {
      app.get(
        "/",
        upgradeWebSocket(() => ({ onMessage: ({ data }) => buffers.push(data) })),
      );
    });
    const socket = new WebSocket(all.url);
    await event(socket, "open");
    for (let i = 0; i < 300; i++) socket.send(Buffer.from([i & 255, 1, 2, 3]));
    await until("all messages", () => buffers.length === 300);
    buffers.forEach((buffer, i) => assert.deepEqual([...new Uint8Array(buffer)], [i & 255, 1, 2, 3]));
    socket.terminate();
    await stop(all);
  },

  async "middleware refuses, and adds headers to the response"() {
    const all = await start((app) => {
      app.use("*", async (c, next) => {
        if (c.req.header("authorization") !== "Bearer tea") return c.text("not you", 401, { "x-why": "no token" });
        await next();
        c.header("x-served-by", "hono");
      });
      app.get(
        "/",
        upgradeWebSocket(() => ({ onOpen: (_, ws) => ws.close(1000, "hello") })),
      );
      app.get("/page", (c) => c.text("a page"));
    });
    const refused = new WebSocket(all.url);
    const [, response] = await event(refused, "unexpected-response");
    assert.equal(response.statusCode, 401);
    response.resume();
    refused.on("error", () => {});
    refused.terminate();
    const headers = { authorization: "Bearer tea" };
    const socket = new WebSocket(all.url, { headers });
    const upgraded = event(socket, "upgrade");
    const closed = event(socket, "close");
    assert.equal((await upgraded)[0].headers["x-served-by"], "hono");
    assert.deepEqual(await closed, [1000, Buffer.from("hello")]);
    const page = await fetch(`${all.url.replace("ws", "http")}/page`, { headers });
    assert.equal(await page.text(), "a page");
    const notForSockets = new WebSocket(`${all.url}/page`, { headers });
    assert.match((await event(notForSockets, "error"))[0].message, /Unexpected server response/);
    await stop(all);
  },

  async "supports subprotocols and compression, and exposes the socket"() {
    const all = await start(
      (app) => {
        app.get(
          "/",
          upgradeWebSocket(() => ({
            onOpen(_, ws) {
              ws.raw.on("ping", (data) => ws.send(`ping ${data}`));
            },
            onMessage: ({ data }, ws) => ws.send(`${ws.protocol} ${ws.raw.extensions} ${data}`, { compress: true }),
          })),
        );
      },
      { perMessageDeflate: { threshold: 0 } },
    );
    const socket = new WebSocket(all.url, ["tea", "milk"]);
    await event(socket, "open");
    assert.equal(socket.protocol, "tea");
    socket.send("leaf");
    assert.equal(String((await event(socket, "message"))[0]), "tea permessage-deflate leaf");
    socket.ping("there?");
    assert.equal(String((await event(socket, "message"))[0]), "ping there?");
    assert.equal(all.wss.clients.size, 1);
    socket.close();
    await event(socket, "close");
    await stop(all);
  },

  async "calls onError for an error of the connection"() {
    const seen = [];
    const all = await start(
      (app) => {
        app.get(
          "/",
          upgradeWebSocket(() => ({
            onError: ({ error }) => seen.push(error.code),
            onClose: ({ code }) => seen.push(code),
          })),
        );
      },
      { maxPayload: 10 },
    );
    const socket = new WebSocket(all.url);
    await event(socket, "open");
    socket.send("x".repeat(11));
    assert.equal((await event(socket, "close"))[0], 1009);
    await until("both", () => seen.length === 2);
    assert.deepEqual(seen, ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1006]);
    await stop(all);
  },
});
