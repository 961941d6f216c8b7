// express-ws: routes, routers, middleware and errors.

import assert from "node:assert/strict";
import express from "express";
import expressWs from "express-ws";
import { WebSocket } from "./client.js";
import { event, run, until, within } from "./support.js";

async function start(declare, options) {
  const { app, getWss, applyTo } = expressWs(express(), undefined, options);
  declare(app, applyTo);
  const server = app.listen(0, "127.0.0.1");
  await event(server, "listening");
  return { wss: getWss(), server, url: `ws://127.0.0.1:${server.address().port}` };
}

async function stop({ wss, server }) {
  for (const client of wss.clients) client.terminate();
  await within("the end of the server", new Promise((resolve) => server.close(resolve)));
}

await run({
  async "a route echoes text and binary messages"() {
    const all = await start((app) => {
      app.ws("/echo/:room", (socket, request) => {
        socket.on("message", (data, isBinary) => {
          // express-ws was written for ws 7, where text is a string. In ws 8 it is a Buffer with a flag.
          const isText = typeof data === "string" || isBinary === false;
          socket.send(isText ? `${request.params.room} ${request.query.user} ${data}` : data);
        });
      });
      app.get("/page", (_, response) => response.send("a page"));
    });
    const socket = new WebSocket(`${all.url}/echo/tea?user=ada`);
    await event(socket, "open");
    socket.send("hello");
    assert.equal(String((await event(socket, "message"))[0]), "tea ada hello");
    const bytes = Buffer.alloc(66_000, 7);
    socket.send(bytes);
    assert.deepEqual(await event(socket, "message"), [bytes, true]);
    assert.equal(await (await fetch(`${all.url.replace("ws", "http")}/page`)).text(), "a page");
    await stop(all);
  },

  async "middleware and routers come before a route"() {
    const all = await start((app, applyTo) => {
      app.use((request, _, next) => {
        request.user = request.headers["x-user"];
        next();
      });
      const router = express.Router();
      applyTo(router);
      router.ws("/chat", (socket, request) => socket.send(`hello ${request.user}`));
      app.use("/rooms", router);
    });
    const socket = new WebSocket(`${all.url}/rooms/chat`, { headers: { "x-user": "ada" } });
    assert.equal(String((await event(socket, "message"))[0]), "hello ada");
    await stop(all);
  },

  async "getWss() has the clients, for a broadcast"() {
    const all = await start((app) => app.ws("/", () => {}));
    const sockets = Array.from({ length: 5 }, () => new WebSocket(all.url));
    await Promise.all(sockets.map((socket) => event(socket, "open")));
    await until("five clients", () => all.wss.clients.size === 5);
    const received = sockets.map((socket) => event(socket, "message"));
    for (const client of all.wss.clients) client.send("all of you");
    for (const [data] of await Promise.all(received)) assert.equal(String(data), "all of you");
    await stop(all);
  },

  async "a path without a route, and a refusal of middleware, end the connection"() {
    const all = await start((app) => {
      app.use("/secret", (_, response) => response.status(401).send("not you"));
      app.ws("/secret", () => assert.fail("it is not let in"));
    });
    for (const path of ["nowhere", "secret"]) {
      const socket = new WebSocket(`${all.url}/${path}`);
      assert.equal((await event(socket, "close"))[0], 1005, path);
    }
    await stop(all);
  },

  async "passes an error to the application's error handler"() {
    const errors = [];
    const all = await start((app) => {
      app.ws("/", () => {
        throw new Error("thrown");
      });
      // Express recognizes an error handler by its four parameters.
      app.use((error, request, _response, _next) => {
        errors.push(error.message);
        request.ws.close(1011, "failed");
      });
    });
    const socket = new WebSocket(all.url);
    assert.deepEqual(await event(socket, "close"), [1011, Buffer.from("failed")]);
    assert.deepEqual(errors, ["thrown"]);
    await stop(all);
  },

  async "passes wsOptions to the server"() {
    const all = await start((app) => app.ws("/", (socket) => socket.on("error", () => {})), {
      wsOptions: { maxPayload: 10, perMessageDeflate: true },
    });
    const socket = new WebSocket(all.url);
    await event(socket, "open");
    assert.match(socket.extensions, /permessage-deflate/);
    socket.send("x".repeat(11));
    assert.equal((await event(socket, "close"))[0], 1009);
    await stop(all);
  },
});
