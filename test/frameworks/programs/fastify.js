// @fastify/websocket: routes, hooks, errors, streams, injectWS, and closing the server.

import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import websocket from "@fastify/websocket";
import fastify from "fastify";
import { createWebSocketStream as serverStream } from "ws";
import { createWebSocketStream, WebSocket } from "./client.js";
import { event, run, until, within } from "./support.js";

/** Starts a server. Returns it and the URL of its root. */
async function start(options, declare) {
  const app = fastify();
  await app.register(websocket, options);
  await app.register(async (routes) => declare(routes));
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { app, url: `ws://127.0.0.1:${app.server.address().port}` };
}

async function connect(url, options) {
  const socket = new WebSocket(url, options);
  await event(socket, "open");
  return socket;
}

/** The response of a server that refuses an upgrade. */
async function refusal(url, options) {
  const socket = new WebSocket(url, options);
  const [error] = await event(socket, "error");
  return error.message;
}

await run({
  async "exchanges text and binary messages in both directions"() {
    const { app, url } = await start({}, (routes) => {
      routes.get("/echo/:room", { websocket: true }, (socket, request) => {
        socket.on("message", (data, isBinary) => {
          assert.ok(Buffer.isBuffer(data));
          if (isBinary) socket.send(data);
          else socket.send(`${request.params.room} ${request.query.user}: ${data}`);
        });
      });
    });
    const socket = await connect(`${url}/echo/tea?user=ada`);
    socket.send("hello");
    const [text, isBinary] = await event(socket, "message");
    assert.equal(String(text), "tea ada: hello");
    assert.equal(isBinary, false);
    const bytes = Buffer.alloc(100_000, "abc");
    socket.send(bytes);
    assert.deepEqual(await event(socket, "message"), [bytes, true]);
    assert.equal(app.websocketServer.clients.size, 1);
    socket.close(4001, "enough");
    assert.deepEqual((await event(socket, "close"))[0], 4001);
    await until("no clients", () => app.websocketServer.clients.size === 0);
    await app.close();
  },

  async "plain HTTP and WebSocket share a route"() {
    const { app, url } = await start({}, (routes) => {
      routes.route({
        method: "GET",
        url: "/both",
        handler: (_, reply) => reply.send({ hello: "HTTP" }),
        wsHandler: (socket) => socket.send("hello WebSocket"),
      });
    });
    const response = await fetch(`${url.replace("ws", "http")}/both`);
    assert.deepEqual(await response.json(), { hello: "HTTP" });
    const socket = new WebSocket(`${url}/both`);
    const [data] = await event(socket, "message");
    assert.equal(String(data), "hello WebSocket");
    await app.close();
  },

  async "hooks run before the upgrade, and can refuse it"() {
    const seen = [];
    const { app, url } = await start({}, (routes) => {
      routes.addHook("onRequest", async (request) => void seen.push(`onRequest ${request.ws}`));
      routes.addHook("preValidation", async (request, reply) => {
        seen.push("preValidation");
        if (request.headers.authorization !== "Bearer tea") await reply.code(401).send("not you");
      });
      routes.addHook("preHandler", async () => void seen.push("preHandler"));
      routes.get("/", { websocket: true }, (socket) => {
        seen.push("handler");
        socket.send("in");
      });
    });
    assert.match(await refusal(url), /401/);
    assert.deepEqual(seen, ["onRequest true", "preValidation"]);
    seen.length = 0;
    const socket = new WebSocket(url, { headers: { authorization: "Bearer tea" } });
    assert.equal(String((await event(socket, "message"))[0]), "in");
    assert.deepEqual(seen, ["onRequest true", "preValidation", "preHandler", "handler"]);
    assert.match(await refusal(`${url}/nowhere`, { headers: { authorization: "Bearer tea" } }), /404|socket hang up/);
    await app.close();
  },

  async "passes on verifyClient, maxPayload, perMessageDeflate and handleProtocols"() {
    const options = {
      maxPayload: 1000,
      perMessageDeflate: { threshold: 10, zlibDeflateOptions: { level: 9 } },
      handleProtocols: (protocols) => (protocols.has("tea") ? "tea" : false),
      verifyClient: ({ req }, next) => next(req.headers["x-name"] !== "mallory", 403, "Forbidden"),
    };
    const failed = [];
    const { app, url } = await start(
      { options, errorHandler: (error, socket) => (failed.push(error.code), socket.terminate()) },
      (routes) => {
        routes.get("/", { websocket: true }, (socket) => socket.on("message", (data) => socket.send(String(data))));
      },
    );
    assert.match(await refusal(url, { headers: { "x-name": "mallory" } }), /403/);
    const socket = new WebSocket(url, ["milk", "tea"]);
    await event(socket, "open");
    assert.equal(socket.protocol, "tea");
    assert.match(socket.extensions, /permessage-deflate/);
    const text = "tea and milk. ".repeat(60);
    socket.send(text);
    assert.equal(String((await event(socket, "message"))[0]), text);
    socket.send("x".repeat(1001));
    const [code] = await event(socket, "close");
    assert.equal(code, 1009);
    assert.deepEqual(failed, ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"]);
    await app.close();
  },

  async "passes an error of a handler, thrown or rejected, to the errorHandler"() {
    const errors = [];
    const errorHandler = (error, socket, request) => {
      errors.push(`${request.url} ${error.message}`);
      socket.close(1011, "failed");
    };
    const { app, url } = await start({ errorHandler }, (routes) => {
      routes.get("/throws", { websocket: true }, () => {
        throw new Error("thrown");
      });
      routes.get("/rejects", { websocket: true }, async () => {
        await new Promise(setImmediate);
        throw new Error("rejected");
      });
    });
    for (const path of ["throws", "rejects"]) {
      const socket = new WebSocket(`${url}/${path}`);
      const [code, reason] = await event(socket, "close");
      assert.equal(code, 1011);
      assert.equal(String(reason), "failed");
    }
    assert.deepEqual(errors, ["/throws thrown", "/rejects rejected"]);
    await app.close();
  },

  async "ends the connection after an error without an errorHandler, and keeps the server running"() {
    const { app, url } = await start({}, (routes) => {
      routes.get("/throws", { websocket: true }, () => {
        throw new Error("thrown");
      });
      routes.get("/", { websocket: true }, (socket) => socket.send("here"));
    });
    const socket = new WebSocket(`${url}/throws`);
    assert.equal((await event(socket, "close"))[0], 1006);
    const next = new WebSocket(url);
    assert.equal(String((await event(next, "message"))[0]), "here");
    await app.close();
  },

  async "a socket is a duplex stream"() {
    const { app, url } = await start({}, (routes) => {
      routes.get("/", { websocket: true }, (socket) => {
        const stream = serverStream(socket);
        stream.pipe(stream);
      });
    });
    const socket = await connect(url);
    const stream = createWebSocketStream(socket);
    const sent = Buffer.alloc(300_000);
    for (let i = 0; i < sent.length; i += 4) sent.writeUInt32LE(i, i);
    for (let i = 0; i < sent.length; i += 50_000) stream.write(sent.subarray(i, i + 50_000));
    const parts = [];
    let length = 0;
    const all = new Promise((resolve) => {
      stream.on("data", (part) => {
        parts.push(part);
        length += part.length;
        if (length >= sent.length) resolve();
      });
    });
    await within("all that was sent", all);
    assert.ok(Buffer.concat(parts).equals(sent));
    stream.end();
    const [code] = await event(socket, "close");
    assert.equal(code, 1005);
    await app.close();
  },

  async "keeps messages in the same chunk as the request"() {
    const { app, url } = await start({}, (routes) => {
      routes.addHook("preValidation", () => new Promise((resolve) => setTimeout(resolve, 30)));
      routes.get("/", { websocket: true }, (socket) => socket.on("message", (data) => socket.send(String(data))));
    });
    const { port } = new URL(url);
    const tcp = connectTcp(Number(port), "127.0.0.1");
    const request = [
      "GET / HTTP/1.1",
      "Host: localhost",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ].join("\r\n");
    // A frame with the text "early", masked with zeros.
    tcp.write(
      Buffer.concat([Buffer.from(`${request}\r\n\r\n`), Buffer.from([0x81, 0x85, 0, 0, 0, 0]), Buffer.from("early")]),
    );
    let received = "";
    const answered = new Promise((resolve) => {
      tcp.on("data", (data) => {
        received += data.toString("latin1");
        if (received.endsWith("\x81\x05early")) resolve();
      });
    });
    await within("the echo", answered);
    assert.match(received, /^HTTP\/1.1 101 /);
    tcp.destroy();
    await app.close();
  },

  async "injectWS connects without a port"() {
    const app = fastify();
    await app.register(websocket, { options: { closeTimeout: 300 } });
    await app.register(async (routes) => {
      routes.addHook("preValidation", async (request, reply) => {
        if (request.headers["x-name"] === "mallory") await reply.code(401).send();
      });
      routes.get("/echo", { websocket: true }, (socket, request) => {
        socket.send(`hello ${request.headers["x-name"]}`);
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
      });
    });
    await app.ready();
    let first;
    const socket = await app.injectWS(
      "/echo",
      { headers: { "x-name": "ada" } },
      { onInit: (ws) => (first = event(ws, "message")), onOpen: (ws) => assert.equal(ws.readyState, WebSocket.OPEN) },
    );
    assert.equal(String((await first)[0]), "hello ada");
    for (const size of [1, 125, 126, 65_536, 300_000]) {
      const bytes = Buffer.alloc(size, size);
      socket.send(bytes);
      assert.deepEqual(await event(socket, "message"), [bytes, true]);
    }
    socket.send("text");
    assert.deepEqual(await event(socket, "message"), [Buffer.from("text"), false]);
    const pong = event(socket, "pong");
    socket.ping("are you there");
    assert.equal(String((await pong)[0]), "are you there");
    assert.equal(app.websocketServer.clients.size, 1);
    await assert.rejects(
      app.injectWS("/echo", { headers: { "x-name": "mallory" } }),
      /Unexpected server response: 401/,
    );
    socket.terminate();
    await until("no clients", () => app.websocketServer.clients.size === 0);
    await app.close();
  },

  async "injectWS: the server's close reaches the client"() {
    const app = fastify();
    await app.register(websocket, { options: { closeTimeout: 300 } });
    await app.register(async (routes) => {
      routes.get("/", { websocket: true }, (socket) => socket.on("message", () => socket.close(4000, "bye")));
    });
    await app.ready();
    const socket = await app.injectWS("/");
    const closed = event(socket, "close");
    socket.send("leave");
    const [code, reason] = await closed;
    assert.equal(code, 4000);
    assert.equal(String(reason), "bye");
    await app.close();
  },

  async "closing the server closes its connections"() {
    const closed = [];
    const { app, url } = await start({}, (routes) => {
      routes.get("/", { websocket: true }, (socket) => socket.on("close", (code) => closed.push(code)));
    });
    const sockets = await Promise.all([connect(url), connect(url), connect(url)]);
    const ends = sockets.map((socket) => event(socket, "close"));
    await app.close();
    for (const [code] of await Promise.all(ends)) assert.equal(code, 1005);
    await until("the server's side", () => closed.length === 3);
    assert.deepEqual(closed, [1005, 1005, 1005]);
    await assert.rejects(connect(url));
  },

  async "closes connections as the option preClose does"() {
    const preClose = function (done) {
      for (const client of this.websocketServer.clients) client.close(1012, "restart");
      this.websocketServer.close();
      done();
    };
    const { app, url } = await start({ preClose }, (routes) => {
      routes.get("/", { websocket: true }, () => {});
    });
    const socket = await connect(url);
    const closed = event(socket, "close");
    await app.close();
    const [code, reason] = await closed;
    assert.equal(code, 1012);
    assert.equal(String(reason), "restart");
  },
});
