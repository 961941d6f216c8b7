// Compares publish() to 500 subscribers in wsframe/crossws and in crossws's own adapter for Node, and prints the
// server's processor time per publish: node bench/once/crossws.js. Run the build first. It takes about a minute.

import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const SUBSCRIBERS = 500;
const PAYLOAD = "x".repeat(100);
/** The length of a frame, whose header has two bytes. */
const FRAME = PAYLOAD.length + 2;
/** The number of publishes in one turn of the event loop, and the number of measured turns. */
const CASES = [
  { inTurn: 1, turns: 200 },
  { inTurn: 10, turns: 40 },
];
const ROUNDS = 3;
const ADAPTERS = {
  crossws: async () => (await import("crossws/adapters/node")).default,
  wsframe: async () => (await import("wsframe/crossws")).wsframeAdapter,
};

if (process.send === undefined) await measure();
else await serve(process.argv[2]);

/** The server process: publishes on request and reports its processor time. */
async function serve(name) {
  const make = await ADAPTERS[name]();
  const adapter = make({ idleTimeout: 0, hooks: { open: (peer) => peer.subscribe("news") } });
  const server = createServer().on("upgrade", adapter.handleUpgrade).listen(0, "127.0.0.1");
  await once(server, "listening");
  process.on("message", (/** @type {number} */ inTurn) => {
    for (let i = 0; i < inTurn; i++) adapter.publish("news", PAYLOAD);
    const { user, system } = process.cpuUsage();
    process.send?.({ cpu: user + system });
  });
  process.send?.({ port: server.address().port });
}

async function measure() {
  for (const { inTurn, turns } of CASES) {
    const times = { crossws: Infinity, wsframe: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      for (const name of Object.keys(ADAPTERS)) {
        times[name] = Math.min(times[name], await timeOf(name, inTurn, turns));
      }
    }
    const { crossws, wsframe } = times;
    console.log(
      `${inTurn} in one turn: crossws ${crossws.toFixed(0)} us, wsframe ${wsframe.toFixed(0)} us, ${(crossws / wsframe).toFixed(2)} x`,
    );
  }
}

/** Microseconds of the server's processor time per publish. */
async function timeOf(name, inTurn, turns) {
  const child = fork(fileURLToPath(import.meta.url), [name]);
  const [{ port }] = await once(child, "message");
  const sockets = await Promise.all(Array.from({ length: SUBSCRIBERS }, () => subscribe(port)));
  let received = 0;
  let wanted = 0;
  let arrived = () => {};
  for (const socket of sockets) {
    socket.on("data", ({ length }) => {
      received += length;
      if (received === wanted) arrived();
    });
  }
  const turn = async () => {
    wanted += inTurn * SUBSCRIBERS * FRAME;
    const all = /** @type {Promise<void>} */ (new Promise((resolve) => (arrived = resolve)));
    child.send(inTurn);
    const [{ cpu }] = await once(child, "message");
    await all;
    return cpu;
  };
  // Each turn reports its time before its messages have been written. The next turn includes that work.
  for (let i = 0; i < turns / 4; i++) await turn();
  const begun = await turn();
  let ended = begun;
  for (let i = 0; i < turns; i++) ended = await turn();
  child.kill();
  for (const socket of sockets) socket.destroy();
  return (ended - begun) / turns / inTurn;
}

/** A client whose handshake is done. */
async function subscribe(port) {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const key = "dGhlIHNhbXBsZSBub25jZQ==";
  socket.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await once(socket, "data");
  socket.removeAllListeners("data");
  return socket;
}
