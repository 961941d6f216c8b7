// A server in a process of its own that is told to stop while it is busy, or runs out of sockets.

import { describe, expect, test } from "vitest";
import { connect, type Connection } from "../../src/node/index.ts";
import { CA, dial, TLS } from "./support/peer.ts";
import { bundleSources, run } from "./support/program.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

bundleSources();
watchLeftovers();

const server = (options: object): string => `
import { serve } from "./wsframe.mjs";
const server = await serve({ host: "127.0.0.1", closeTimeout: 3000, ...${JSON.stringify(options)} }, (connection) => {
  connection.on("message", (data) => connection.send(data));
});
process.on("SIGTERM", () => void server.close());
console.log(server.port);
`;

/** Sends numbers as fast as their echoes arrive, and records the echoes. */
class Counter {
  readonly seen: number[] = [];
  sent = 0;
  end: unknown[] | undefined;

  constructor(connection: Connection) {
    connection.on("message", (data) => {
      this.seen.push(Number(data));
      this.#send(connection);
    });
    connection.on("close", (...end) => (this.end = end));
    for (let i = 0; i < 20; i++) this.#send(connection);
  }

  #send(connection: Connection): void {
    if (connection.send(String(this.sent))) this.sent++;
  }
}

describe("SIGTERM under load", () => {
  const pem = { key: TLS.key.toString(), cert: TLS.cert.toString() };
  const cases: [name: string, options: object, url: string, client: object][] = [
    ["ws", {}, "ws://127.0.0.1", {}],
    ["wss", { tls: pem }, "wss://localhost", { tls: CA }],
    ["wss over HTTP/2", { tls: pem }, "wss://localhost", { tls: CA, http2: true }],
  ];
  for (const [name, options, url, client] of cases) {
    test(`${name}: every client sees 1001, every echo arrives once and in order, and the process exits`, async () => {
      const program = await run(server(options));
      const address = `${url}:${Number(program.output())}`;
      const connections = await Promise.all(Array.from({ length: 20 }, () => connect(address, client)));
      for (const connection of connections) atEnd(() => connection.terminate());
      const counters = connections.map((connection) => new Counter(connection));
      await until(
        () => counters.every(({ seen }) => seen.length > 200),
        () => "no load",
        20_000,
      );
      const before = performance.now();
      program.process.kill("SIGTERM");
      expect(await program.exited).toBe(0);
      expect(performance.now() - before).toBeLessThan(3000);
      await until(
        () => counters.every(({ end }) => end !== undefined),
        () => "connections are open",
      );
      for (const { seen, sent, end } of counters) {
        expect(end).toEqual([1001, "", true]);
        expect(seen.length).toBeGreaterThan(200);
        expect(sent).toBeGreaterThanOrEqual(seen.length);
        expect(seen.every((number, i) => number === i)).toBe(true);
      }
      expect(program.errors()).toBe("");
    });
  }

  test("the process exits with clients in every kind of bad state", async () => {
    const program = await run(server({ closeTimeout: 200 }));
    const port = Number(program.output());
    const connections = await Promise.all(Array.from({ length: 5 }, () => connect(`ws://127.0.0.1:${port}`)));
    const counters = connections.map((connection) => new Counter(connection));
    for (const connection of connections) atEnd(() => connection.terminate());
    const silent = [await dial(port), await dial(port), await dial(port)];
    await silent[1]!.write("GET / HT");
    await silent[2]!.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await silent[2]!.head();
    program.process.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    await until(
      () => counters.every(({ end }) => end?.[0] === 1001),
      () => `ends: ${counters.map(({ end }) => end?.[0]).join()}`,
    );
    for (const { seen } of counters) expect(seen.every((number, i) => number === i)).toBe(true);
    expect(program.errors()).toBe("");
  });
});

test("clients above the limit for open files are cut, and the server continues", async () => {
  const program = await run(server({}), "ulimit -n 60");
  const port = Number(program.output());
  const peers = await Promise.all(Array.from({ length: 100 }, () => dial(port)));
  await until(
    () => peers.filter(({ ended, closed }) => ended || closed).length >= 30,
    () => `${peers.filter(({ ended, closed }) => ended || closed).length} are cut; ${program.errors()}`,
  );
  for (const { socket } of peers) socket.destroy();
  // The server may notice only after a moment that these clients have gone.
  let connection: Connection | undefined;
  for (const end = performance.now() + 5000; !connection && performance.now() < end;) {
    connection = await connect(`ws://127.0.0.1:${port}`).catch(() => undefined);
  }
  if (!connection) throw new Error("The server accepts no more clients");
  const counter = new Counter(connection);
  await until(
    () => counter.seen.length > 100,
    () => "no echo",
  );
  connection.terminate();
  expect([program.process.exitCode, program.errors()]).toEqual([null, ""]);
});
