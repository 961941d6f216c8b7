// A Socket.IO server: node --expose-gc server.js ENGINE, with a channel to its parent.

import { createServer } from "node:http";
import { once } from "node:events";
import { setImmediate, setTimeout } from "node:timers/promises";
import { BROADCAST, textOf } from "./cases.js";
import { answer } from "./channel.js";
import { ENGINES } from "./engines.js";
import { IdleLoad } from "./idle-engine.js";
import { startProfile } from "./profile.js";

const engine = process.argv[2];
const options = await ENGINES[engine]();
const { Server } = await import("socket.io");

const http = createServer();
const io = new Server(http, { serveClient: false, transports: ["websocket"], ...options });
io.on("connection", (socket) => {
  socket.on("echo", (text, acknowledge) => acknowledge(text));
});
http.listen(0, "127.0.0.1");
await once(http, "listening");

let before;
let endProfile;

answer({
  ...loadHere(),
  port: () => http.address().port,
  async broadcast({ size, messages, perTurn }) {
    for (let i = 0; i < messages; i++) {
      if (i % perTurn === 0) await setImmediate();
      io.emit(BROADCAST, textOf(size, i));
    }
  },
  async begin({ profiled }) {
    if (profiled) endProfile = await startProfile();
    before = { cpu: process.cpuUsage(), time: performance.now() };
  },
  async end() {
    const { user, system } = process.cpuUsage(before.cpu);
    return { user, system, wall: (performance.now() - before.time) * 1000, profile: await endProfile?.() };
  },
  async memory() {
    // The leftovers of the handshakes are freed over several turns.
    for (let i = 0; i < 5; i++) {
      await setTimeout(50);
      globalThis.gc?.();
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed + external, rss, connections: io.engine.clientsCount };
  },
});

/** Without an engine there are no sockets, so the load runs in this process. */
function loadHere() {
  if (engine !== "none") return {};
  const load = new IdleLoad(io);
  return Object.fromEntries(["open", "echo", "expect", "received"].map((name) => [name, (about) => load[name](about)]));
}
