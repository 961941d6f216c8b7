// A stall of the event loop is not the peer's fault. Data that the system received during the stall counts.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, serve, type Connection } from "../../src/node/index.ts";
import { ping, toRole } from "../support/wire.ts";
import { open, ROLES } from "./support/roles.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

/**
 * A peer in a process of its own, which keeps running while this one is blocked. In either role, it answers each Ping.
 * It adds a letter to a log for each Ping that it has received, and for each answer that the system has accepted.
 */
const PEER = `
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer, connect } from "node:net";
const [role, port, path] = process.argv.slice(2);
const log = (letter) => appendFileSync(path, letter);
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
function answer(socket) {
  let head = "";
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    let pings = chunk.length;
    if (!head.includes("\\r\\n\\r\\n")) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\\r\\n\\r\\n");
      if (end < 0) return;
      if (role === "server") accept(socket, head);
      pings = head.length - end - 4;
    }
    // All further bytes are empty Pings. Each is answered after a delay, too.
    for (; pings > 0; pings -= role === "server" ? 6 : 2) {
      log("i");
      const pong = Uint8Array.of(0x8a, ...(role === "server" ? [0] : [0x80, 0, 0, 0, 0]));
      setTimeout(() => socket.write(pong, () => log("o")), 50);
    }
  });
}
function accept(socket, head) {
  const key = /sec-websocket-key: (\\S+)/i.exec(head)[1];
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  const reply = () => socket.write([...lines, "Sec-WebSocket-Accept: " + accept, "", ""].join("\\r\\n"), () => log("h"));
  log("r");
  // Write with a delay, so that the other side is already blocked.
  setTimeout(reply, 50);
}
if (role === "server") {
  const server = createServer(answer).listen(0, "127.0.0.1", () => process.send(server.address().port));
} else {
  const socket = connect(+port, "127.0.0.1");
  answer(socket);
  socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n");
}
`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "wsframe-"));
  writeFileSync(join(folder, "peer.mjs"), PEER);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const logFile = () => join(folder, "log");

/** The number of times that a letter is in the peer's log. */
const logged = (letter: string) => readFileSync(logFile(), "latin1").split(letter).length - 1;

function startPeer(role: "server" | "client", port: number = 0): ChildProcess {
  writeFileSync(logFile(), "");
  const child = fork(join(folder, "peer.mjs"), [role, String(port), logFile()], { execArgv: [] });
  const exited = once(child, "exit");
  atEnd(() => {
    child.kill("SIGKILL");
    return exited;
  });
  return child;
}

const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for at least `time` ms, and until the peer's answer has had time to arrive. */
function block(time: number, hasAnswered: () => boolean): void {
  const sleep = (forTime: number) => Atomics.wait(SLEEPER, 0, 0, forTime);
  const start = performance.now();
  const passed = () => performance.now() - start;
  while (!hasAnswered() && passed() < 5000) sleep(5);
  sleep(Math.max(time - passed(), 200));
}

/** The peer sends more Pings than one period allows. */
const PINGS = 8;
const FEW = { maxControlFrames: 2, controlPeriod: 10 };

test.each(ROLES)("Pings that arrived before the first read are counted over the time until then: %s", async (role) => {
  const { connection, peer } = await open(role, { limits: FEW, begin: () => void Atomics.wait(SLEEPER, 0, 0, 100) });
  const errors: unknown[] = [];
  let pings = 0;
  connection.on("error", (error) => errors.push(error));
  connection.on("ping", () => pings++);
  await peer.write(toRole(role, ...Array.from({ length: PINGS }, () => ping("x"))));
  await until(
    () => pings === PINGS || errors.length > 0,
    () => `${pings} Pings`,
  );
  expect(errors).toEqual([]);
});

async function openApart(role: "server" | "client", options: object): Promise<Connection> {
  if (role === "client") {
    const [port] = (await once(startPeer("server"), "message")) as [number];
    return connect(`ws://127.0.0.1:${port}`, options);
  }
  const connections: Connection[] = [];
  const server = await serve({ host: "127.0.0.1", ...options }, (connection) => void connections.push(connection));
  atEnd(() => server.close());
  startPeer("client", server.port);
  await until(
    () => connections.length === 1,
    () => "no connection",
  );
  return connections[0]!;
}

test.each(ROLES)("a Pong that arrived while nothing could read it counts: %s", async (role) => {
  const connection = await openApart(role, { pingInterval: 40, pongTimeout: 500, closeTimeout: 100 });
  const errors: unknown[] = [];
  let pongs = 0;
  connection.on("pong", () => pongs++);
  connection.on("error", (error) => errors.push(error));
  for (let i = 0; i < 2; i++) {
    const before = pongs;
    await until(
      () => logged("i") > pongs,
      () => "no Ping",
    );
    // Block for longer than pongTimeout. The timer is late when this ends, and the Pong arrived long ago.
    block(650, () => logged("o") > pongs);
    await until(
      () => pongs > before || connection.readyState !== 1,
      () => "no Pong",
    );
    expect([connection.readyState, errors]).toEqual([1, []]);
  }
  connection.terminate();
  await connection.closed;
});

test("a handshake response that arrived while nothing could read it counts", async () => {
  const [port] = (await once(startPeer("server"), "message")) as [number];
  const connecting = connect(`ws://127.0.0.1:${port}`, { handshakeTimeout: 500 });
  await until(
    () => logged("r") > 0,
    () => "no request",
  );
  block(650, () => logged("h") > 0);
  const connection = await connecting;
  expect(connection.readyState).toBe(1);
  connection.terminate();
  await connection.closed;
});

test.each(ROLES)("the reason of a timeout has whole milliseconds: %s", async (role) => {
  const { connection, peer } = await open(role, { pingInterval: 33.3, pongTimeout: 33.3, closeTimeout: 50 });
  await connection.closed;
  expect(connection.error!.message).toMatch(/Nothing was received for \d+ ms/);
  expect(connection.error!.message).not.toMatch(/\d\.\d/);
  if (role === "server") expect(peer.text).toMatch(/Nothing was received for \d+ ms/);
});
