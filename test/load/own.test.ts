// The user's own messages, and servers that do not echo.

import { describe, expect, test } from "vitest";
import { load, type LoadReport } from "../../src/load/index.ts";
import { start } from "./support/servers.ts";

const SHORT = { connections: 3, warmUp: 0, duration: 300, answerTimeout: 10_000, closeTimeout: 10_000 } as const;

/** Returns the counts of errors by code. */
function counts({ errors }: LoadReport): Record<string, number> {
  return Object.fromEntries(errors.map(({ code, count }) => [code, count]));
}

const messages = ['{"type":"subscribe"}', "ä€🚀", "", Uint8Array.of(0, 255), "x".repeat(70_000)];

test("sends your own messages unchanged and in turn on each connection", async () => {
  const seen = new Map<unknown, (string | Uint8Array)[]>();
  const server = await start((socket, data, isBinary) => {
    if (!seen.has(socket)) seen.set(socket, []);
    seen.get(socket)!.push(isBinary ? new Uint8Array(data as Buffer) : (data as Buffer).toString());
    socket.send("ok");
  });
  const report = await load(server.url, { ...SHORT, messages });
  expect(report.errors).toEqual([]);
  expect(report.options).toMatchObject({ size: null, messages: 5, answers: 1, inFlight: 1 });
  expect(report.total).toMatchObject({ sent: server.received, received: server.received, unanswered: 0 });
  expect(seen.size).toBe(3);
  for (const received of seen.values()) {
    expect(received.length).toBeGreaterThan(messages.length);
    expect(received.every((data, i) => Buffer.from(data).equals(Buffer.from(messages[i % 5]!)))).toBe(true);
    expect(received.slice(0, 5).map((data) => typeof data)).toEqual(messages.map((data) => typeof data));
  }
});

test("sends strings as UTF-8 with `binary`", async () => {
  const seen: string[] = [];
  const server = await start((socket, data, isBinary) => {
    if (isBinary) seen.push((data as Buffer).toString());
    socket.send("ok");
  });
  const report = await load(server.url, { ...SHORT, connections: 1, messages: ["ä", "€"], binary: true });
  expect(report.ok).toBe(true);
  expect(seen.slice(0, 3)).toEqual(["ä", "€", "ä"]);
  expect(seen).toHaveLength(report.total.sent);
});

describe("a server that sends other answers", () => {
  test.each([1, 3])("is right if it sends %d of them", async (answers) => {
    const server = await start((socket) => {
      for (let i = 0; i < answers; i++) socket.send(i % 2 === 0 ? "an answer" : Buffer.from([i]));
    });
    for (const more of [{}, { inFlight: 50 }, { rate: 500 }, { messages: ["a"], binary: true }]) {
      server.received = server.bytes = 0;
      const report = await load(server.url, { ...SHORT, answers, ...more });
      expect(report.errors).toEqual([]);
      expect(report.messages).toBeGreaterThan(0);
      expect(report.total).toMatchObject({ sent: server.received, received: answers * server.received, unanswered: 0 });
      expect(report.latency.count).toBeGreaterThan(0);
      expect(report.latency.count).toBeLessThanOrEqual(report.total.sent);
      // Nothing is sent before the measured time, but some of it may be answered later.
      expect(report.bytes).toBeLessThanOrEqual(server.bytes);
      expect(report.bytes).toBe((report.messages * server.bytes) / server.received);
    }
  });

  test("is reported if it sends one too many or one too few", async () => {
    const server = await start((socket, _data, _isBinary, number) => {
      socket.send("one");
      if (number !== 5) socket.send("two");
      if (number === 5) for (let i = 0; i < 4; i++) socket.send("more");
    });
    const more = await load(server.url, { ...SHORT, answers: 2 });
    expect(counts(more)).toEqual({ UNEXPECTED: 9 });
    const fewer = await load(server.url, { ...SHORT, messages: ["a"], answers: 3, answerTimeout: 200 });
    expect(counts(fewer)).toEqual({ UNANSWERED: 3 });
    expect(fewer.total).toMatchObject({ sent: 3, received: 6, unanswered: 3 });
    expect(fewer.messages).toBe(0);
  });
});

describe("a server that does not answer", () => {
  test.each([{}, { compress: true }, { rate: 1000 }, { messages: ["a", "bc"] }, { size: 100_000 }])(
    "gets all messages, which count when they are sent: %o",
    async (more) => {
      const server = await start(() => {}, { perMessageDeflate: true });
      const report = await load(server.url, { ...SHORT, answers: 0, ...more });
      expect(report.errors).toEqual([]);
      expect(report.total).toMatchObject({ sent: server.received, received: 0, unanswered: 0 });
      expect(report.messages).toBeGreaterThan(100);
      expect(report.messages).toBeLessThanOrEqual(report.total.sent);
      expect(report.latency).toMatchObject({ count: 0, max: 0 });
      expect(report.options.inFlight).toBe(null);
    },
  );

  test("may send messages if answers is `any`, but not if it is 0", async () => {
    const server = await start((socket, _data, _isBinary, number) => {
      if (number % 10 === 0) socket.send("by the way");
    });
    const options = { ...SHORT, messages: ["a"], rate: 300 };
    const none = await load(server.url, { ...options, answers: 0 });
    expect(Object.keys(counts(none))).toEqual(["UNEXPECTED"]);
    const any = await load(server.url, { ...options, answers: "any" });
    expect(any.errors).toEqual([]);
    expect(any.total.received).toBeGreaterThan(3);
    expect(any.total).toMatchObject({ unexpected: 0, unanswered: 0 });
  });

  test("does not fill the memory of the load generator if it reads slowly", async () => {
    const server = await start(() => {
      for (const end = performance.now() + 2; performance.now() < end;);
    });
    const before = process.memoryUsage().rss;
    const report = await load(server.url, { ...SHORT, answers: 0, size: 65_536, closeTimeout: 500 });
    expect(report.total.sent).toBeGreaterThan(10);
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  test("is reported, and gets a limited amount, if it does not answer Pings either", async () => {
    const server = await start(() => {}, { autoPong: false });
    const report = await load(server.url, { ...SHORT, answers: 0, size: 1000, answerTimeout: 200 });
    expect(counts(report)).toEqual({ NO_PONG: 3 });
    expect(report.total.sent).toBe(server.received);
    expect(report.total.sent * 1000).toBeLessThan(3 * 4 * 65_536);
  });

  test("does not keep other connections and a signal from getting a turn", async () => {
    const server = await start(() => {});
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 300);
    const begin = performance.now();
    const options = { ...SHORT, connections: 10, duration: 60_000, signal: controller.signal };
    const report = await load(server.url, { ...options, answers: 0 });
    expect(performance.now() - begin).toBeLessThan(15_000);
    expect(report).toMatchObject({ interrupted: true, ok: true });
    expect(server.received).toBe(report.total.sent);
  });
});

describe("a server that echoes your own messages", () => {
  test.each([
    [messages],
    [["same"]],
    [["one", "two", "six"]],
    [[Uint8Array.of(1), "1"]],
    [Array.from({ length: 5000 }, (_, i) => `{"id":${i}}`)],
  ])("is found right: %#", async (messages) => {
    const server = await start();
    for (const inFlight of [1, 40]) {
      server.received = server.bytes = 0;
      const report = await load(server.url, { ...SHORT, messages, answers: "echo", inFlight });
      expect(report.errors).toEqual([]);
      expect(report.total).toMatchObject({ sent: server.received, received: server.received });
    }
  });

  test.each([[messages], [["one", "two", "six"]]])("is reported as wrong: %#", async (messages) => {
    let changed = 0;
    let missing = 0;
    const server = await start((socket, data, isBinary, number) => {
      if (number % 25 === 7) {
        changed++;
        socket.send("else");
      } else if (number % 25 === 15 && number < 100) missing++;
      else socket.send(data as Buffer, { binary: isBinary });
    });
    const report = await load(server.url, { ...SHORT, messages, answers: "echo", inFlight: 4, duration: 500 });
    expect(counts(report)).toEqual({ MISMATCH: changed, UNANSWERED: missing });
    expect(missing).toBeGreaterThan(0);
    expect(changed).toBeGreaterThan(0);
  });
});
