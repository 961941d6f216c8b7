// The server of idle.js: node --expose-gc idle-server.js wsframe|wsframe-ws|ws, with a channel to its parent.

import { setTimeout } from "node:timers/promises";

const START = {
  wsframe: async () => {
    const { serve } = await import("wsframe/node");
    const server = await serve({ host: "127.0.0.1" }, (connection) => {
      connection.on("message", (data) => connection.send(data));
    });
    return { port: server.port, count: () => server.connections.size };
  },
  "wsframe-ws": async () => likeWs((await import("wsframe/ws")).WebSocketServer),
  ws: async () => likeWs((await import("ws")).WebSocketServer),
};

async function likeWs(WebSocketServer) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  server.on("connection", (connection) => {
    connection.on("message", (data, isBinary) => connection.send(data, { binary: isBinary }));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  return { port: server.address().port, count: () => server.clients.size };
}

const { port, count } = await START[process.argv[2]]();
process.on("message", async () => {
  // The leftovers of the handshakes are freed over several turns.
  for (let i = 0; i < 5; i++) {
    await setTimeout(50);
    globalThis.gc?.();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ heap: heapUsed + external, rss, connections: count() });
});
process.send?.(port);
