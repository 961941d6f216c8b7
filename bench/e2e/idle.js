// Measures the cost of an idle connection in the server's process, while this process keeps the other ends open.

import { createConnection } from "node:net";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { fork } from "node:child_process";

const REQUEST =
  "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/** The number of simultaneous handshakes, less than the server's backlog. */
const BATCH = 100;

async function open(port) {
  const socket = createConnection(port, "127.0.0.1");
  socket.write(REQUEST);
  const [chunk] = await once(socket, "data");
  if (!String(chunk).startsWith("HTTP/1.1 101")) throw new Error(`Not accepted: ${chunk}`);
  return socket;
}

/**
 * @param {string} name "wsframe", "wsframe-ws" or "ws"
 * @param {number} connections
 * @param {string} node the Node for the server
 * @returns {Promise<{ heap: number, rss: number }>} bytes per connection
 */
export async function measureIdle(name, connections, node) {
  const script = fileURLToPath(new URL("./idle-server.js", import.meta.url));
  const server = fork(script, [name], { execPath: node, execArgv: ["--expose-gc"] });
  const [port] = await once(server, "message");
  const memory = async () => {
    server.send("measure");
    return (await once(server, "message"))[0];
  };
  const sockets = [];
  const openMany = async (count) => {
    while (sockets.length < count) {
      const batch = Math.min(BATCH, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: batch }, () => open(port)))));
    }
  };
  try {
    // The first connections also cause one-time allocations.
    await openMany(BATCH);
    const before = await memory();
    await openMany(BATCH + connections);
    const after = await memory();
    if (after.connections !== BATCH + connections) throw new Error(`${after.connections} connections are open`);
    const each = (key) => Math.round((after[key] - before[key]) / connections);
    return { heap: each("heap"), rss: each("rss") };
  } finally {
    for (const socket of sockets) socket.destroy();
    server.kill("SIGKILL");
  }
}
