// Yjs: the provider of y-websocket with our WebSocket, @y/websocket-server with our server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { docs, setupWSConnection } from "@y/websocket-server/utils";
import { WebSocketServer } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { Constructor } from "./client.js";
import { event, freePort, listen, run, until, within } from "./support.js";

async function start(port) {
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", setupWSConnection);
  return { http, server, port: await listen(http, port) };
}

async function stop({ http, server }) {
  for (const client of server.clients) client.terminate();
  server.close();
  await within("the end of the server", new Promise((resolve) => http.close(resolve)));
}

/** Opens a document that is synchronized with those in the same room. */
function open(port, room, options) {
  const document = new Y.Doc();
  const provider = new WebsocketProvider(`ws://127.0.0.1:${port}`, room, document, {
    WebSocketPolyfill: Constructor,
    // Otherwise two documents in one process would synchronize directly.
    disableBc: true,
    maxBackoffTime: 50,
    ...options,
  });
  return { document, provider, text: document.getText("text") };
}

/** Destroys documents and providers, with their timers for awareness. */
function close(...all) {
  for (const { provider, document } of all) {
    provider.destroy();
    document.destroy();
  }
}

const synced = (...all) => until("synced", () => all.every(({ provider }) => provider.synced));

await run({
  async "two documents converge"() {
    const server = await start();
    const [a, b] = [open(server.port, "tea"), open(server.port, "tea")];
    await synced(a, b);
    a.text.insert(0, "hello");
    await until("the insert", () => b.text.toString() === "hello");
    // Both insert at the same position at the same time.
    a.text.insert(5, " from a");
    b.text.insert(5, " from b");
    await until("both", () => a.text.toString() === b.text.toString() && a.text.length === 19);
    a.document.getMap("map").set("bytes", new Uint8Array([0, 128, 255]));
    await until("the map", () => b.document.getMap("map").has("bytes"));
    assert.deepEqual([...b.document.getMap("map").get("bytes")], [0, 128, 255]);
    close(a, b);
    await stop(server);
  },

  async "many edits of many clients converge"() {
    const server = await start();
    const all = Array.from({ length: 5 }, () => open(server.port, "many"));
    await synced(...all);
    for (let i = 0; i < 200; i++) {
      const { text } = all[i % all.length];
      text.insert((i * 7) % (text.length + 1), `${i} `);
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    const last = () => all.map(({ text }) => text.toString());
    await until("the same text", () => new Set(last()).size === 1);
    const words = last()[0].length;
    assert.equal(words, Array.from({ length: 200 }, (_, i) => `${i} `).join("").length);
    assert.equal(docs.get("many").getText("text").toString(), last()[0]);
    close(...all);
    await stop(server);
  },

  async "a document that joins later gets the whole content, also a large one"() {
    const server = await start();
    const a = open(server.port, "large");
    await synced(a);
    a.text.insert(0, "tea ".repeat(300_000));
    const b = open(server.port, "large");
    await until("the text", () => b.text.length === 1_200_000);
    assert.equal(b.text.toString(), a.text.toString());
    close(a, b);
    await stop(server);
  },

  async "awareness shows who is online, and who has left"() {
    const server = await start();
    const [a, b] = [open(server.port, "aware"), open(server.port, "aware")];
    await synced(a, b);
    a.provider.awareness.setLocalStateField("user", { name: "Ada" });
    const ofA = () => b.provider.awareness.getStates().get(a.document.clientID);
    await until("Ada", () => ofA()?.user?.name === "Ada");
    a.provider.shouldConnect = false;
    for (const client of server.server.clients) client.terminate();
    await until("without Ada", () => ofA() === undefined);
    close(a, b);
    await stop(server);
  },

  async "edits made while the server is down are sent after it restarts"() {
    let server = await start();
    const [a, b] = [open(server.port, "away"), open(server.port, "away")];
    await synced(a, b);
    await stop(server);
    await until("the end", () => !a.provider.wsconnected && !b.provider.wsconnected);
    a.text.insert(0, "a");
    b.text.insert(0, "b");
    server = await start(server.port);
    await until("both edits", () => a.text.length === 2 && a.text.toString() === b.text.toString());
    close(a, b);
    await stop(server);
  },

  async "a close code from 4400 to 4499 ends reconnecting"() {
    const server = await start();
    server.server.removeAllListeners("connection");
    server.server.on("connection", (socket) => socket.close(4403, "not you"));
    const a = open(server.port, "secret");
    const [{ code, reason }] = await within(
      "closed",
      new Promise((resolve) => a.provider.on("closed", (...args) => resolve(args))),
    );
    assert.deepEqual([code, String(reason)], [4403, "not you"]);
    assert.equal(a.provider.shouldConnect, false);
    close(a);
    await stop(server);
  },

  async "the executable of @y/websocket-server works"() {
    const manifest = createRequire(import.meta.url).resolve("@y/websocket-server/package.json");
    // This server does not accept port 0.
    const port = await freePort();
    const env = { ...process.env, HOST: "127.0.0.1", PORT: String(port) };
    const server = spawn(process.execPath, [join(dirname(manifest), "src/server.js")], { env });
    await event(server.stdout, "data");
    const [a, b] = [open(port, "tea"), open(port, "tea")];
    await synced(a, b);
    a.text.insert(0, "hello");
    await until("the insert", () => b.text.toString() === "hello");
    close(a, b);
    server.kill();
    await event(server, "exit");
  },
});
// The documents of the server have timers, too.
for (const document of docs.values()) document.destroy();
