// The attacked process: an echo server or an echo client of one package. Its parent requests figures over IPC.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const { subject, role, behaviour, options, connections, port } = JSON.parse(process.argv[2]);
const require = createRequire(import.meta.url);
const RESOLUTION = 10;
/** The size of the reply to a one-byte request, and of one part of a broadcast, in bytes. */
const LARGE = 65_536;

/** The behaviour of a connection. `on` adds a message listener. */
function behave(connection) {
  connection.on("error", () => {});
  if (behaviour === "unread") return;
  connection.on("message", (data, isBinary) => {
    if (behaviour === "ignore") return;
    if (behaviour === "large") connection.send(Buffer.alloc(LARGE, 97), { copy: false });
    else if (subject.startsWith("wsframe") && subject !== "wsframe/ws") connection.send(data);
    else connection.send(data, { binary: isBinary ?? typeof data !== "string" });
  });
}

/** Broadcasts repeatedly, whatever the receivers read. */
function broadcast(all, bytes) {
  let left = bytes / LARGE;
  const timer = setInterval(() => {
    const message = Buffer.alloc(LARGE, 97);
    for (const connection of all()) connection.send(message, { copy: false });
    if (--left <= 0) clearInterval(timer);
  }, 1);
}

const wsOf = () =>
  subject === "wsframe/ws" ? require("../../dist/ws.cjs") : require(subject === "ws" ? "ws" : subject);

async function serveVictim() {
  if (subject === "wsframe") {
    const { perMessageDeflate } = await import("../../dist/index.js");
    const { serve } = await import("../../dist/node.js");
    const { deflate, tls, ...rest } = options;
    const file = (name) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
    const server = await serve(
      {
        port: 0,
        host: "127.0.0.1",
        ...(deflate && { extensions: [perMessageDeflate()] }),
        ...(tls && { tls: { key: file("key"), cert: file("cert") } }),
        ...rest,
      },
      behave,
    );
    if (behaviour === "broadcast") {
      process.on("message", (text) => text === "broadcast" && broadcast(() => server.connections, 16 * 1048576));
    }
    return server.port;
  }
  const ws = wsOf();
  const server = new (ws.WebSocketServer ?? ws.Server)({
    port: 0,
    host: "127.0.0.1",
    perMessageDeflate: options.deflate === true,
  });
  server.on("connection", behave);
  server.on("error", () => {});
  if (behaviour === "broadcast") {
    process.on("message", (text) => text === "broadcast" && broadcast(() => server.clients, 16 * 1048576));
  }
  await new Promise((resolve) => server.on("listening", resolve));
  return (server.address?.() ?? server._server.address()).port;
}

async function connectVictim() {
  const url = `ws://127.0.0.1:${port}/`;
  if (subject === "wsframe") {
    const { perMessageDeflate } = await import("../../dist/index.js");
    const { connect } = await import("../../dist/node.js");
    const { deflate, ...rest } = options;
    const extensions = deflate ? [perMessageDeflate()] : [];
    for (let i = 0; i < connections; i++) void connect(url, { ...rest, extensions }).then(behave, () => {});
    return;
  }
  const ws = wsOf();
  const WebSocket = ws.WebSocket ?? ws;
  for (let i = 0; i < connections; i++) {
    const connection = new WebSocket(url, { perMessageDeflate: options.deflate === true });
    connection.on("error", () => {});
    behave(connection);
  }
}

const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
let start;
let peak;

function look() {
  const { rss, external } = process.memoryUsage();
  peak.rss = Math.max(peak.rss, rss);
  peak.external = Math.max(peak.external, external);
}

process.on("message", (text) => {
  if (text === "start") {
    globalThis.gc();
    start = { ...process.memoryUsage(), cpu: process.cpuUsage() };
    peak = { rss: start.rss, external: start.external };
    setInterval(look, 20).unref();
    delay.enable();
    delay.reset();
    if (role === "client") void connectVictim();
    process.send({ started: true });
  } else if (text === "report") {
    look();
    const { user, system } = process.cpuUsage(start.cpu);
    const nanos = (value) => Math.max(0, value / 1e6 - RESOLUTION);
    process.send({
      cpu: (user + system) / 1000,
      rss: peak.rss - start.rss,
      external: peak.external - start.external,
      max: nanos(delay.max),
      p99: nanos(delay.percentile(99)),
    });
  }
});
process.on("disconnect", () => process.exit());

process.send({ port: role === "server" ? await serveVictim() : 0 });
