// Shared by the programs in this folder.

import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { connect as connectTcp, createServer as createTcpServer } from "node:net";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";

/**
 * The options of a server that set `wsEngine` to the server of wsframe/ws; none for the ws that is installed with Socket.IO.
 *
 * @param folder where wsframe is installed
 */
export function engineOptions(folder) {
  if (!folder) return {};
  const { WebSocketServer } = createRequire(`${folder}/package.json`)("wsframe/ws");
  return { wsEngine: WebSocketServer };
}

/** Listens on the loopback interface. Resolves with the port. */
export async function listen(server) {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server.address().port;
}

/** Starts a server. Its `open()` connects a client, by default only over WebSocket. */
export async function start(options = {}) {
  const http = createServer();
  const io = new Server(http, options);
  const port = await listen(http);
  const url = `http://127.0.0.1:${port}`;
  const clients = new Set();
  return {
    io,
    http,
    port,
    url,
    open({ namespace = "", at = url, ...options } = {}) {
      const client = connect(`${at}${namespace}`, { transports: ["websocket"], forceNew: true, ...options });
      clients.add(client);
      return client;
    },
    async close() {
      for (const client of clients) client.disconnect();
      await io.close();
    },
  };
}

/** A connected client, and its socket on the server. */
export async function pair(server, options) {
  const accepted = once(server.io.of(options?.namespace ?? "/"), "connection");
  const client = server.open(options);
  const [[socket]] = await Promise.all([accepted, once(client, "connect")]);
  return { client, socket };
}

/** Resolves when the condition is true. Rejects after a time in milliseconds. */
export async function until(condition, within = 10_000) {
  const end = Date.now() + within;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`It never came: ${condition}`);
    await sleep(5);
  }
}

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Forwards bytes to a port, and counts them in each direction. */
export async function countingProxy(port) {
  const counts = { up: 0, down: 0 };
  const server = createTcpServer((socket) => {
    const upstream = connectTcp(port, "127.0.0.1");
    socket.on("data", (chunk) => (counts.up += chunk.length)).pipe(upstream);
    upstream.on("data", (chunk) => (counts.down += chunk.length)).pipe(socket);
    socket.on("error", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  return { counts, url, close: () => server.close() };
}
