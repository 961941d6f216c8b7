// Load on real servers: compares the report with what the servers have counted.

import type { IncomingMessage } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { load, type LoadOptions, type LoadProgress, type LoadReport } from "../../src/load/index.ts";
import { type Connection, serve } from "../../src/node/index.ts";
import { perMessageDeflate } from "../../src/index.ts";
import { atEnd, CERTIFICATE, start, type Started } from "./support/servers.ts";

const SHORT = { connections: 4, warmUp: 100, duration: 300, answerTimeout: 10_000, closeTimeout: 10_000 } as const;

/** Like start(), but with a server of this package. */
async function startOurs(options: { compress?: boolean } = {}): Promise<Started> {
  const extensions = options.compress ? [perMessageDeflate({ threshold: 0 })] : [];
  const server = await serve({ host: "127.0.0.1", extensions }, (connection: Connection) => {
    started.connections++;
    connection.on("message", (data) => {
      started.received++;
      started.bytes += typeof data === "string" ? Buffer.byteLength(data) : data.length;
      connection.send(data);
    });
    connection.on("close", (code) => started.closed.push(code));
  });
  atEnd(() => server.close());
  const { port } = server;
  const started: Started = { url: `ws://127.0.0.1:${port}/`, port, received: 0, bytes: 0, connections: 0, closed: [] };
  return started;
}

/** Checks the report of a run without errors. */
async function expectExact(report: LoadReport, server: Started, options: LoadOptions): Promise<void> {
  const { total, latency } = report;
  expect(report.errors).toEqual([]);
  expect(report.ok).toBe(true);
  expect(total.sent).toBeGreaterThan(0);
  expect(total).toMatchObject({ received: total.sent, unanswered: 0, mismatches: 0, unexpected: 0 });
  expect(server.received).toBe(total.sent);
  expect(server.bytes).toBe(total.sent * (options.size ?? 32));
  expect(report.messages).toBeGreaterThan(0);
  expect(report.messages).toBeLessThanOrEqual(total.received);
  expect(report.bytes).toBe(report.messages * (options.size ?? 32));
  expect(report.messagesPerSecond).toBeCloseTo(report.messages / report.seconds, 6);
  expect(report.connections).toMatchObject({ opened: options.connections, failed: 0, lost: 0 });
  expect(server.connections).toBe(options.connections);
  // The server has seen the code of our Close.
  for (const end = performance.now() + 10_000; server.closed.length < server.connections && performance.now() < end;) {
    await delay(5);
  }
  expect(server.closed).toEqual(Array.from({ length: server.connections }, () => 1000));
  expect(latency.count).toBeGreaterThan(0);
  expect(latency.count).toBeLessThanOrEqual(total.received);
  expect(latency.min).toBeGreaterThan(0);
  for (const [low, high] of [
    [latency.min, latency.p50],
    [latency.p50, latency.p90],
    [latency.p90, latency.p99],
    [latency.p99, latency.p999],
    [latency.p999, latency.max],
  ]) {
    expect(low).toBeLessThanOrEqual(high!);
  }
  expect(report.load.cpu).toBeGreaterThan(0);
  expect(report.load.eventLoop).toBeGreaterThan(0);
}

describe.each(["ws", "wsframe"])("an echo made with %s", (made) => {
  test.each<LoadOptions>([
    {},
    { binary: true },
    { inFlight: 1000 },
    { inFlight: 1000, binary: true, size: 200 },
    { size: 0 },
    { size: 1, inFlight: 3 },
    { size: 125, inFlight: 7 },
    { size: 126, inFlight: 7 },
    { size: 65_535 },
    { size: 65_536, inFlight: 4 },
    { size: 300_000, inFlight: 3, binary: true },
    { rate: 1000 },
    { rate: 20_000, inFlight: 5 },
    { connections: 1 },
    { connections: 120, inFlight: 2 },
    { warmUp: 0, inFlight: 10 },
  ])("is counted exactly with %o", async (more) => {
    const options = { ...SHORT, ...more };
    const server = await (made === "ws" ? start() : startOurs());
    const report = await load(server.url, options);
    await expectExact(report, server, options);
    // On the wire, a message and its answer differ only by the masking-key.
    const frame = options.size === 0 ? 2 : (options.size ?? 32) + 2;
    expect(report.total.bytesReceived).toBeGreaterThanOrEqual(report.total.received * frame);
    expect(report.total.bytesSent).toBeGreaterThanOrEqual(report.total.sent * (frame + 4));
  });

  test.each<LoadOptions>([{ size: 1000, inFlight: 20 }, { size: 1000, inFlight: 20, binary: true }, { size: 100_000 }])(
    "is counted exactly with compression and %o",
    async (more) => {
      const options = { ...SHORT, ...more, compress: true };
      const server = await (made === "ws"
        ? start(undefined, { perMessageDeflate: { threshold: 0 } })
        : startOurs({ compress: true }));
      const report = await load(server.url, options);
      await expectExact(report, server, options);
      expect(report.connections.compressed).toBe(true);
      expect(report.total.bytesSent).toBeLessThan(0.75 * server.bytes);
      expect(report.total.bytesReceived).toBeLessThan(0.75 * server.bytes);
    },
  );

  test("gets uncompressed messages if it declines compression", async () => {
    const options = { ...SHORT, compress: true };
    const server = await (made === "ws" ? start() : startOurs());
    const report = await load(server.url, options);
    await expectExact(report, server, options);
    expect(report.connections.compressed).toBe(false);
  });
});

test("connects over TLS with a trusted certificate, or with any if told so", async () => {
  const server = await start(undefined, { tls: true });
  const options = { ...SHORT, size: 20_000, inFlight: 10 };
  const report = await load(server.url.replace("127.0.0.1", "localhost"), { ...options, tls: { ca: CERTIFICATE } });
  await expectExact(report, server, options);
  const insecure = await load(server.url, { ...options, tls: { rejectUnauthorized: false } });
  expect(insecure.ok).toBe(true);
  const refused = await load(server.url, options);
  expect(refused.connections).toMatchObject({ opened: 0, failed: 4 });
  expect(refused.errors).toMatchObject([{ code: "DEPTH_ZERO_SELF_SIGNED_CERT", count: 4 }]);
});

test("sends the header fields, subprotocols, origin and credentials from its arguments", async () => {
  const seen: (string | undefined)[][] = [];
  const server = await start(undefined, {
    verifyClient: ({ req }: { req: IncomingMessage }) => {
      const { authorization, origin, "x-test": test, "sec-websocket-protocol": protocols } = req.headers;
      seen.push([authorization, origin, test as string, protocols, req.url]);
      return true;
    },
  });
  const url = server.url.replace("127.", "user:secret@127.");
  const report = await load(`${url}path?query`, {
    ...SHORT,
    connections: 1,
    headers: [["X-Test", "yes"]],
    protocols: ["one", "two"],
    origin: "https://example.com",
  });
  expect(report.ok).toBe(true);
  expect(seen).toEqual([["Basic dXNlcjpzZWNyZXQ=", "https://example.com", "yes", "one, two", "/path?query"]]);
  // Reports are shared.
  expect(JSON.stringify(report)).not.toContain("secret");
  expect(report.url).toBe(`${server.url}path?query`);
});

test("connects to a name with several addresses of which one refuses", async () => {
  const server = await start();
  const report = await load(`ws://localhost:${server.port}`, SHORT);
  await expectExact(report, server, SHORT);
});

describe("a rate", () => {
  test("is reached", async () => {
    const server = await start();
    const report = await load(server.url, { ...SHORT, connections: 7, rate: 500, duration: 1000 });
    expect(report.ok).toBe(true);
    expect(report.messagesPerSecond).toBeGreaterThan(400);
    expect(report.messagesPerSecond).toBeLessThan(600);
    expect(report.total.unsent).toBe(0);
    expect(report.options).toMatchObject({ rate: 500, inFlight: null });
  });

  test.each([0, 20])("is exact from the first message to the last after a warm-up of %i ms", async (warmUp) => {
    const server = await start();
    const rate = 500;
    // This process stalls when the run ends, so the last messages are late.
    setTimeout(() => {
      const until = performance.now() + 400;
      while (performance.now() < until);
    }, 800);
    const { messages, seconds, total, ok } = await load(server.url, { ...SHORT, rate, warmUp, duration: 1000 });
    expect(ok).toBe(true);
    expect(total.unsent).toBe(0);
    expect(total.sent).toBe(server.received);
    // The report counts all messages that were due in the measured time. A timer decides how long the warm-up takes.
    const due = Math.floor(seconds * rate) + 1;
    expect(total.sent - due).toBeGreaterThanOrEqual(warmUp === 0 ? -1 : (warmUp / 1000) * rate - 2);
    if (warmUp === 0) expect(total.sent - due).toBeLessThanOrEqual(1);
    expect(messages).toBeLessThanOrEqual(total.sent);
  });

  test("makes latency count from when a message was due, so that a stall shows", async () => {
    // Stall once for 300 ms, in which 300 messages are due.
    let stalled = 0;
    const server = await start((socket, data, isBinary) => {
      if (stalled === 0 && performance.now() - begin > 400) {
        stalled = performance.now();
        while (performance.now() < stalled + 300);
      }
      socket.send(data as Buffer, { binary: isBinary });
    });
    const begin = performance.now();
    // The server runs in this process, so the load generator stalls, too, as in a garbage collection.
    const report = await load(server.url, { ...SHORT, rate: 1000, inFlight: 1, duration: 1000 });
    expect(report.ok).toBe(true);
    expect(report.messages).toBeGreaterThan(700);
    expect(report.latency.max).toBeGreaterThan(290);
    // The messages that were due in the 300 ms have waited for 300 down to 0 ms, evenly.
    expect(report.latency.p90).toBeGreaterThan(100);
    expect(report.latency.mean).toBeGreaterThan(25);
  });

  test("reports messages that were due but could not be sent", async () => {
    const server = await start((socket, data, isBinary) => {
      setTimeout(() => socket.send(data as Buffer, { binary: isBinary }), 50);
    });
    const options = { ...SHORT, connections: 2, rate: 200, inFlight: 1, duration: 1000 };
    const { messages, seconds, total, latency, ok } = await load(server.url, options);
    expect(ok).toBe(true);
    // On each connection, 20 messages per second are answered and 100 are due.
    expect(messages).toBeGreaterThan(5);
    expect(messages).toBeLessThan(45 * seconds);
    expect(total.unsent).toBeGreaterThan(140);
    const rate = (total.sent + total.unsent) / (seconds + 0.1);
    expect(rate).toBeGreaterThan(150);
    expect(rate).toBeLessThan(250);
    expect(latency.max).toBeGreaterThan(500);
  });
});

describe("a signal", () => {
  test("ends a run early with a report", async () => {
    const server = await start();
    const controller = new AbortController();
    const begin = performance.now();
    setTimeout(() => controller.abort(), 400);
    const report = await load(server.url, { ...SHORT, duration: 60_000, signal: controller.signal });
    expect(performance.now() - begin).toBeLessThan(20_000);
    expect(report).toMatchObject({ interrupted: true, ok: true, errors: [] });
    expect(report.seconds).toBeLessThan(20);
    expect(report.messages).toBeGreaterThan(0);
    expect(report.total.sent).toBe(server.received);
    expect(report.total.received).toBe(server.received);
  });

  test("ends a run whose connections are not open yet", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    atEnd(() => silent.close());
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const { port } = silent.address() as AddressInfo;
    const report = await load(`ws://127.0.0.1:${port}`, {
      ...SHORT,
      handshakeTimeout: 60_000,
      signal: controller.signal,
    });
    expect(report).toMatchObject({ interrupted: true, messages: 0, connections: { opened: 0, failed: 0 } });
    await expect(load(`ws://127.0.0.1:${port}`, { signal: controller.signal })).rejects.toBe(controller.signal.reason);
  });
});

test("calls onProgress during the run", async () => {
  const server = await start();
  const seen: LoadProgress[] = [];
  const onProgress = (progress: LoadProgress) => void seen.push(progress);
  const report = await load(server.url, { ...SHORT, warmUp: 600, duration: 600, onProgress });
  expect(seen.map(({ phase }) => phase)).toEqual(expect.arrayContaining(["warming up", "measuring"]));
  for (const [i, { phase, connections, received, messagesPerSecond, errors, mismatches }] of seen.entries()) {
    // In the other phases, connections are being opened or closed.
    if (phase === "warming up" || phase === "measuring") expect(connections).toBe(4);
    expect([errors, mismatches]).toEqual([0, 0]);
    expect(received).toBeGreaterThanOrEqual(seen[i - 1]?.received ?? 0);
    expect(messagesPerSecond).toBeGreaterThanOrEqual(0);
  }
  expect(seen.some(({ messagesPerSecond }) => messagesPerSecond > 0)).toBe(true);
  expect(report.total.received).toBeGreaterThanOrEqual(seen.at(-1)!.received);
});

test.each([
  ["ftp://localhost/", {}],
  ["nowhere", {}],
  ["ws://localhost/#fragment", {}],
  ["ws://localhost/", { protocols: ["not a token"] }],
  ["ws://localhost/", { headers: [["Sec-WebSocket-Key", "x"]] }],
] as [string, LoadOptions][])("refuses %s with %o", async (url, options) => {
  await expect(load(url, options)).rejects.toThrow(TypeError);
});

test("leaves no timers, threads or sockets behind", async () => {
  const server = await start();
  const controller = new AbortController();
  const run = () => load(server.url, { ...SHORT, warmUp: 0, duration: 20, rate: 100, signal: controller.signal });
  await run();
  const before = process.getActiveResourcesInfo().toSorted();
  for (let i = 0; i < 15; i++) await run();
  for (const end = performance.now() + 3000; performance.now() < end; await delay(20)) {
    if (process.getActiveResourcesInfo().length <= before.length) break;
  }
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.length);
});
