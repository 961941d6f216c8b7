// Runs "wsframe/ws" on a runtime that has node:http: its server with its client, and each of them with a peer of ws.

import { createRequire } from "node:module";
import WebSocket, { createWebSocketStream, WebSocketServer } from "wsframe/ws";
import { each } from "./each.mjs";
import { digestOf, makeMessages } from "./messages.mjs";
import { runtime } from "./runtime.mjs";

const [origin] = process.argv.slice(2);
const messages = makeMessages();

const once = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));

async function withServer(options, use) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  await once(server, "listening");
  server.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  try {
    return await use(`ws://127.0.0.1:${server.address().port}/`, server);
  } finally {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Sends all messages, waits for the same number, and closes. Returns what arrived and how the connection ended. */
async function exchange(client) {
  const closed = once(client, "close");
  await Promise.race([once(client, "open"), closed]);
  const echoed = [];
  const all = new Promise((resolve) => {
    client.on("message", (data, isBinary) => {
      echoed.push(isBinary ? new Uint8Array(data) : data.toString());
      if (echoed.length === messages.length) resolve();
    });
  });
  let sent = 0;
  for (const message of messages) client.send(message, () => sent++);
  await Promise.race([all, closed]);
  client.close(4000, "enough");
  const [code, reason] = await closed;
  return { echoed: await digestOf(echoed), extensions: client.extensions, sent, closed: [code, reason.toString()] };
}

const cases = {
  echo: () => withServer({}, (url) => exchange(new WebSocket(url))),

  "echo, compressed": () => withServer({ perMessageDeflate: true }, (url) => exchange(new WebSocket(url))),

  "a server of ws": () => exchange(new WebSocket(`${origin.replace("http", "ws")}/ws`)),

  "a client of ws": () =>
    withServer({ perMessageDeflate: true }, async (url) => {
      const response = await fetch(`${origin}/dial?url=${encodeURIComponent(url)}`);
      return response.json();
    }),

  "a stream": () =>
    withServer({}, async (url) => {
      const client = new WebSocket(url);
      const stream = createWebSocketStream(client, { encoding: "utf8" });
      stream.write("grüße");
      const [data] = await once(stream, "data");
      stream.end();
      await once(client, "close");
      return data;
    }),

  "connection refused": async () => {
    const client = new WebSocket("ws://127.0.0.1:1/");
    const closed = once(client, "close");
    const [error] = await once(client, "error");
    const [code] = await closed;
    return [error.code, code];
  },

  "require() gives the same class": () => {
    const required = createRequire(import.meta.url)("wsframe/ws");
    return required === WebSocket && required.WebSocketServer === WebSocketServer;
  },
};

console.log(JSON.stringify({ runtime: runtime(), ...(await each(cases)) }));
