// partysocket: a WebSocket that reconnects, with the class that it is given.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { PartySocket, WebSocket as ReconnectingWebSocket } from "partysocket";
import { WebSocketServer } from "ws";
import { Constructor } from "./client.js";
import { listen, run, until, within } from "./support.js";

const options = { WebSocket: Constructor, minReconnectionDelay: 5, maxReconnectionDelay: 20, minUptime: 1 };

async function start(onSocket, port) {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", onSocket);
  return { http, server, port: await listen(http, port) };
}

async function stop({ http, server }) {
  for (const client of server.clients) client.terminate();
  server.close();
  await within("the end of the server", new Promise((resolve) => http.close(resolve)));
}

const echo = (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
const on = (socket, type) =>
  within(`'${type}'`, new Promise((resolve) => socket.addEventListener(type, resolve, { once: true })));

await run({
  async "exchanges text and binary messages"() {
    const server = await start(echo);
    const socket = new ReconnectingWebSocket(`ws://127.0.0.1:${server.port}`, ["tea"], options);
    socket.binaryType = "arraybuffer";
    // Messages that are sent before the socket is open arrive, too.
    socket.send("hello");
    assert.equal((await on(socket, "message")).data, "hello");
    assert.equal(socket.protocol, "tea");
    assert.equal(socket.readyState, ReconnectingWebSocket.OPEN);
    socket.send(new Uint8Array([1, 2, 255]));
    const { data } = await on(socket, "message");
    assert.ok(data instanceof ArrayBuffer);
    assert.deepEqual([...new Uint8Array(data)], [1, 2, 255]);
    const closed = on(socket, "close");
    socket.close();
    assert.equal((await closed).code, 1000);
    await stop(server);
  },

  async "reconnects after a lost connection, and sends waiting messages"() {
    let server = await start(echo);
    const socket = new ReconnectingWebSocket(`ws://127.0.0.1:${server.port}`, [], options);
    const seen = [];
    for (const type of ["open", "close", "error"]) socket.addEventListener(type, () => seen.push(type));
    await on(socket, "open");
    await stop(server);
    await until("the end", () => seen.includes("close"));
    socket.send("waits");
    await until("an attempt that fails", () => seen.filter((type) => type === "error").length >= 2);
    server = await start(echo, server.port);
    assert.equal((await on(socket, "message")).data, "waits");
    assert.equal(seen.filter((type) => type === "open").length, 2);
    socket.close();
    await stop(server);
  },

  async "emits the server's Close, and reconnects"() {
    let connections = 0;
    const server = await start((socket) => {
      if (++connections < 3) socket.close(4000 + connections, "again");
      else socket.send("stay");
    });
    const socket = new ReconnectingWebSocket(`ws://127.0.0.1:${server.port}`, [], options);
    const codes = [];
    socket.addEventListener("close", ({ code, reason, wasClean }) => codes.push([code, reason, wasClean]));
    assert.equal((await on(socket, "message")).data, "stay");
    assert.deepEqual(codes, [
      [4001, "again", true],
      [4002, "again", true],
    ]);
    socket.close();
    await stop(server);
  },

  async "connects to a room of a PartyKit server"() {
    const server = await start((socket, request) => {
      const url = new URL(request.url, "ws://localhost");
      socket.send(`${url.pathname} ${url.searchParams.get("_pk")}`);
    });
    const socket = new PartySocket({ host: `127.0.0.1:${server.port}`, room: "tea", id: "ada", ...options });
    assert.equal((await on(socket, "message")).data, "/parties/main/tea ada");
    socket.close();
    await stop(server);
  },
});
