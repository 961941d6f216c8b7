// Servers that answer wrongly: each fault is counted exactly.

import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type LookupFunction, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { PreparedMessage, Protocol } from "../../src/index.ts";
import { load, type LoadOptions, type LoadReport } from "../../src/load/index.ts";
import { answer } from "../node/support/peer.ts";
import { atEnd, type Handler, start } from "./support/servers.ts";

const SHORT = {
  connections: 3,
  inFlight: 20,
  warmUp: 0,
  duration: 300,
  answerTimeout: 10_000,
  closeTimeout: 10_000,
} as const;

const echo: Handler = (socket, data, isBinary) => socket.send(data as Buffer, { binary: isBinary });

/** Returns the counts of errors by code. */
function counts({ errors }: LoadReport): Record<string, number> {
  return Object.fromEntries(errors.map(({ code, count }) => [code, count]));
}

/** Checks the relations between counts that hold for every run. */
function expectConsistent({ total, latency, errors, ok, messages }: LoadReport): void {
  const { sent, received, unanswered, mismatches } = total;
  expect(received + unanswered).toBe(sent);
  expect(mismatches).toBeLessThanOrEqual(received);
  expect(latency.count).toBeLessThanOrEqual(received - mismatches);
  expect(messages).toBeLessThanOrEqual(received);
  expect(ok).toBe(errors.length === 0);
}

/** Runs a test with text and with binary messages. */
function both(name: string, run: (options: LoadOptions) => Promise<void>): void {
  for (const binary of [false, true]) {
    test(`${name} (${binary ? "binary" : "text"})`, () => run({ ...SHORT, binary }));
  }
}

both("counts an answer with a changed byte as wrong, and the next one as right", async (options) => {
  let changed = 0;
  const server = await start((socket, data, isBinary, number) => {
    const answer = Buffer.from(data as Buffer);
    if (number % 10 === 3) {
      changed++;
      answer[number % answer.length]! ^= 1;
    }
    socket.send(answer, { binary: isBinary });
  });
  const report = await load(server.url, options);
  expectConsistent(report);
  expect(counts(report)).toEqual({ MISMATCH: changed });
  expect(report.errors[0]!.message).toContain("different content");
  expect(report.total).toMatchObject({ sent: server.received, unanswered: 0, mismatches: changed, unexpected: 0 });
  expect(changed).toBeGreaterThan(0);
});

both("counts a missing answer, and later ones as right", async (options) => {
  let missing = 0;
  const server = await start((socket, data, isBinary, number) => {
    if (number % 50 === 7 || number % 50 === 8) missing++;
    else echo(socket, data, isBinary, number);
  });
  const report = await load(server.url, options);
  expectConsistent(report);
  expect(counts(report)).toEqual({ UNANSWERED: missing });
  expect(report.total).toMatchObject({
    sent: server.received,
    received: server.received - missing,
    unanswered: missing,
    mismatches: 0,
    unexpected: 0,
  });
  expect(missing).toBeGreaterThan(3);
});

both("counts a repeated answer as unexpected", async (options) => {
  let twice = 0;
  const server = await start((socket, data, isBinary, number) => {
    echo(socket, data, isBinary, number);
    if (number % 30 !== 4) return;
    twice++;
    echo(socket, data, isBinary, number);
  });
  const report = await load(server.url, options);
  expectConsistent(report);
  expect(counts(report)).toEqual({ UNEXPECTED: twice });
  expect(report.total).toMatchObject({ sent: server.received, unanswered: 0, mismatches: 0, unexpected: twice });
  expect(twice).toBeGreaterThan(0);
});

both("counts unexpected messages, whether an answer is due or not", async (options) => {
  let pushed = 0;
  const server = await start(
    (socket, data, isBinary, number) => {
      if (number % 20 === 9) {
        pushed++;
        socket.send("by the way");
      }
      if (number % 70 === 9) {
        pushed++;
        socket.send("once more");
      }
      echo(socket, data, isBinary, number);
    },
    {},
    (socket) => socket.send("welcome"),
  );
  for (const more of [{}, { inFlight: 1 }, { rate: 200 }]) {
    pushed = server.received = 0;
    const report = await load(server.url, { ...options, ...more, duration: 500 });
    expectConsistent(report);
    expect(pushed).toBeGreaterThan(0);
    // The other three are the greetings.
    expect(counts(report)).toEqual({ UNEXPECTED: pushed + 3 });
    expect(report.total).toMatchObject({ sent: server.received, mismatches: 0, unanswered: 0, unexpected: pushed + 3 });
  }
});

both("tells wrong, missing and repeated answers apart in one run", async (options) => {
  const expected = { MISMATCH: 0, UNANSWERED: 0, UNEXPECTED: 0 };
  const server = await start((socket, data, isBinary, number) => {
    const wrong = Buffer.from(data as Buffer);
    wrong[20]! ^= 1;
    const step = number % 40;
    if (step === 3) expected.UNANSWERED++;
    else if (step === 10 || step === 11) {
      expected.MISMATCH++;
      socket.send(wrong, { binary: isBinary });
    } else echo(socket, data, isBinary, number);
    if (step === 12 || step === 20) {
      expected.UNEXPECTED++;
      echo(socket, data, isBinary, number);
    }
  });
  const report = await load(server.url, options);
  expectConsistent(report);
  expect(counts(report)).toEqual(expected);
  expect(report.total.sent).toBe(server.received);
});

test("counts a binary answer to text as wrong, even with the same bytes", async () => {
  const server = await start((socket, data) => socket.send(data as Buffer, { binary: true }));
  const report = await load(server.url, SHORT);
  expectConsistent(report);
  expect(counts(report)).toEqual({ MISMATCH: server.received });
  expect(report.total).toMatchObject({ sent: server.received, mismatches: server.received, unanswered: 0 });
  expect(report.latency.count).toBe(0);
  expect(report.errors[0]!.message).toBe("text of 32 bytes was answered with binary of 32 bytes");
});

test("counts a text answer to binary as wrong, and loses a connection to invalid UTF-8", async () => {
  const hex = await start((socket, data) => socket.send((data as Buffer).toString("hex").slice(0, 32)));
  const report = await load(hex.url, { ...SHORT, binary: true });
  expect(counts(report)).toEqual({ MISMATCH: hex.received });
  expect(report.errors[0]!.message).toBe("binary of 32 bytes was answered with text of 32 bytes");
  const raw = await start((socket, data) => socket.send(data as Buffer, { binary: false }));
  const ended = await load(raw.url, { ...SHORT, binary: true, size: 1000 });
  expectConsistent(ended);
  expect(counts(ended)).toMatchObject({ WS_ERR_INVALID_UTF8: 3, UNANSWERED: ended.total.sent });
});

test.each([
  ["longer", (data: string) => `${data}!`],
  ["shorter", (data: string) => data.slice(1)],
  ["empty", () => ""],
  ["of other letters", () => "ä".repeat(16)],
])("counts %s answers as wrong", async (_name, change) => {
  const server = await start((socket, data) => socket.send(change((data as Buffer).toString())));
  const report = await load(server.url, SHORT);
  expectConsistent(report);
  expect(counts(report)).toEqual({ MISMATCH: server.received });
  expect(report.total).toMatchObject({ sent: server.received, mismatches: server.received, unanswered: 0 });
});

test("counts unanswered messages if the server closes, and ends early", async () => {
  let answered = 0;
  const server = await start((socket, data, isBinary, number) => {
    if (number < 40) {
      answered++;
      echo(socket, data, isBinary, number);
    } else if (number === 40) socket.close(1013, "enough");
  });
  const begin = performance.now();
  const report = await load(server.url, { ...SHORT, duration: 60_000 });
  // No connection is left, so the run ends early.
  expect(performance.now() - begin).toBeLessThan(20_000);
  expectConsistent(report);
  expect(answered).toBe(120);
  expect(report.total).toMatchObject({ received: 120, mismatches: 0, unexpected: 0 });
  expect(counts(report)).toEqual({ CLOSED_1013: 3, UNANSWERED: report.total.sent - 120 });
  expect(report.errors[0]!.message).toBe("closed by the server: enough");
  expect(report.connections).toMatchObject({ opened: 3, failed: 0, lost: 3 });
});

test("continues with the other connections if the server cuts one", async () => {
  let cut = false;
  const server = await start((socket, data, isBinary, number) => {
    echo(socket, data, isBinary, number);
    if (number === 40 && !cut) {
      cut = true;
      socket.terminate();
    }
  });
  const report = await load(server.url, SHORT);
  expectConsistent(report);
  expect(report.connections).toMatchObject({ opened: 3, failed: 0, lost: 1 });
  const { UNANSWERED: unanswered = 0, ...rest } = counts(report);
  expect(Object.values(rest)).toEqual([1]);
  expect(["CLOSED_1006", "ECONNRESET", "EPIPE"]).toContain(Object.keys(rest)[0]);
  expect(unanswered).toBe(report.total.unanswered);
  expect(report.total.received).toBeGreaterThan(200);
});

test.each([
  [503, "WS_ERR_HANDSHAKE_STATUS"],
  [401, "WS_ERR_HANDSHAKE_UNAUTHORIZED"],
  [302, "WS_ERR_HANDSHAKE_REDIRECT"],
])("reports a refusal with %d", async (status, code) => {
  const server = createHttpServer((_, response) => {
    response.writeHead(status, { Location: "/elsewhere" }).end("no");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.close());
  const report = await load(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { ...SHORT, connections: 7 });
  expect(report).toMatchObject({ ok: false, messages: 0, seconds: 0, connections: { opened: 0, failed: 7, lost: 0 } });
  expect(report.errors).toMatchObject([{ code, count: 7 }]);
  expect(report.errors[0]!.message).toContain(String(status));
  expect(report.total).toMatchObject({ sent: 0, received: 0, unanswered: 0 });
});

test("measures the remaining connections if the server refuses every other one", async () => {
  let asked = 0;
  const server = await start(echo, { verifyClient: () => asked++ % 2 === 0 });
  const report = await load(server.url, { ...SHORT, connections: 6 });
  expectConsistent(report);
  expect(counts(report)).toEqual({ WS_ERR_HANDSHAKE_UNAUTHORIZED: 3 });
  expect(report.connections).toMatchObject({ opened: 3, failed: 3, lost: 0 });
  expect(report.total).toMatchObject({ sent: server.received, received: server.received });
  expect(report.messages).toBeGreaterThan(0);
});

/** Starts a server on plain sockets. `handle` gets each socket, after the handshake if `shake` is true. */
async function listen(handle: (socket: Socket) => void, shake = true): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (!shake) return handle(socket);
    socket.once("data", (head: Buffer) => {
      socket.write(answer(head.toString("latin1")), () => handle(socket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test("reports refused connections, and servers that do not respond", async () => {
  const url = await listen(() => {}, false);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  const refused = await load(`ws://127.0.0.1:${port}`, SHORT);
  expect(counts(refused)).toEqual({ ECONNREFUSED: 3 });
  // A server that accepts connections but sends nothing.
  const silent = await load(url, { ...SHORT, handshakeTimeout: 200 });
  expect(counts(silent)).toEqual({ TIMEOUT: 3 });
  expect(silent.connections).toMatchObject({ opened: 0, failed: 3 });
});

test("reports the reason for each address of a name", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  const lookup: LookupFunction = (_host, _options, found) =>
    found(null, [
      { address: "127.0.0.1", family: 4 },
      { address: "127.0.0.2", family: 4 },
    ]);
  const report = await load(`wss://both.test:${port}`, { ...SHORT, tls: { lookup } });
  expect(counts(report)).toEqual({ ECONNREFUSED: 3 });
  expect(report.errors[0]!.message).toBe(
    `connect ECONNREFUSED 127.0.0.1:${port}; connect ECONNREFUSED 127.0.0.2:${port}`,
  );
});

test("accepts a response that arrived in time while this process was busy", async () => {
  // The server sets `seen` when it has the request, and answers 20 ms later.
  const seen = new Int32Array(new SharedArrayBuffer(4));
  const server = new Worker(
    `const { createServer } = require("node:http");
    const { createHash } = require("node:crypto");
    const { parentPort, workerData: seen } = require("node:worker_threads");
    const server = createServer().on("upgrade", ({ headers }, socket) => {
      const key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
      const accept = createHash("sha1").update(key).digest("base64");
      const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
      setTimeout(() => socket.write([...head, "Sec-WebSocket-Accept: " + accept, "", ""].join("\\r\\n")), 20);
      socket.on("error", () => {}).on("end", () => socket.end());
      Atomics.store(seen, 0, 1);
    });
    server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
    { eval: true, workerData: seen },
  );
  atEnd(() => server.terminate());
  const [port] = (await once(server, "message")) as [number];
  const wait = (): void => {
    if (Atomics.load(seen, 0) === 0) setImmediate(wait);
    else for (const end = performance.now() + 1000; performance.now() < end;);
  };
  wait();
  const options = { ...SHORT, connections: 1, handshakeTimeout: 700, answerTimeout: 100, closeTimeout: 100 };
  const report = await load(`ws://127.0.0.1:${port}`, options);
  expect(report.connections).toMatchObject({ opened: 1, failed: 0 });
  expect(counts(report)).not.toHaveProperty("TIMEOUT");
});

test("reports a server that ends the socket instead of responding, or does not speak HTTP", async () => {
  const ended = await load(await listen((socket) => socket.end(), false), SHORT);
  expect(ended.connections).toMatchObject({ opened: 0, failed: 3 });
  expect(counts(ended)).toEqual({ CLOSED_1006: 3 });
  const other = await load(await listen((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"), false), SHORT);
  expect(counts(other)).toEqual({ WS_ERR_HANDSHAKE_START_LINE: 3 });
});

test("ends after its timeouts if the server never answers, and counts all messages as unanswered", async () => {
  let bytes = 0;
  const url = await listen((socket) => socket.on("data", (chunk) => (bytes += chunk.length)));
  const begin = performance.now();
  const report = await load(url, { ...SHORT, answerTimeout: 1000, closeTimeout: 1000 });
  expect(performance.now() - begin).toBeLessThan(300 + 1000 + 1000 + 3000);
  expect(counts(report)).toEqual({ UNANSWERED: 60, NOT_CLOSED: 3 });
  expect(report.total).toMatchObject({ sent: 60, received: 0, unanswered: 60 });
  expect(report.connections).toMatchObject({ opened: 3, lost: 0 });
  expect(report.latency.count).toBe(0);
  // The server receives 60 messages, and three Closes with a code.
  expect(bytes).toBe(60 * 38 + 3 * 8);
});

test("limits what it sends to a server that does not read, and ends in time", async () => {
  const url = await listen((socket) => socket.pause());
  const report = await load(url, {
    ...SHORT,
    size: 65_536,
    inFlight: 100_000,
    answerTimeout: 1000,
    closeTimeout: 1000,
  });
  expectConsistent(report);
  // The limit is the system's buffers for a socket, plus one write.
  expect(report.total.sent * 65_536).toBeLessThan(3 * 32e6);
  expect(report.total.unanswered).toBe(report.total.sent);
});

/** Starts a server on a Protocol. It answers with `reply`, and writes in pieces of `pieces` bytes. */
function listenWith(
  reply: (protocol: Protocol, data: string | Uint8Array) => void,
  pieces = Infinity,
): Promise<string> {
  return listen((socket) => {
    const protocol = new Protocol({ role: "server" });
    const queue: Uint8Array[] = [];
    let writing = false;
    const write = () => {
      writing = queue.length > 0;
      if (writing) socket.write(queue.shift()!, () => setImmediate(write));
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      for (const event of protocol.receive(chunk)) {
        if (event.type === "text" || event.type === "binary") reply(protocol, event.data);
      }
      const all = Buffer.concat(protocol.take());
      for (let at = 0; at < all.length; at += pieces) queue.push(all.subarray(at, at + pieces));
      if (protocol.state === "closed") socket.end();
      else if (!writing) write();
    });
  });
}

test.each([1, 3, 33, 35, 1000])("accepts answers in pieces of %d bytes", async (pieces) => {
  const url = await listenWith((protocol, data) => protocol.send(data), pieces);
  const report = await load(url, { ...SHORT, inFlight: 5 });
  expectConsistent(report);
  expect(report.errors).toEqual([]);
  expect(report.total.received).toBeGreaterThan(10);
});

test.each([1, 10, 31, 32])("accepts answers in fragments of %d bytes", async (fragmentSize) => {
  const url = await listenWith((protocol, data) => protocol.send(data, { fragmentSize }));
  const report = await load(url, SHORT);
  expectConsistent(report);
  expect(report.errors).toEqual([]);
  expect(report.total.received).toBeGreaterThan(100);
});

test.each([7, Infinity])(
  "answers pings between the answers, and does not count them (pieces of %d bytes)",
  async (pieces) => {
    let pings = 0;
    let pongs = 0;
    const url = await listen((socket) => {
      const protocol = new Protocol({ role: "server" });
      socket.on("data", (chunk: Buffer) => {
        for (const event of protocol.receive(chunk)) {
          if (event.type === "pong") pongs++;
          if (event.type !== "text") continue;
          if (pings % 3 === 0) protocol.ping(`ping ${pings}`);
          else protocol.send(new PreparedMessage(event.data));
          if (pings++ % 3 === 0) protocol.send(event.data);
        }
        const all = Buffer.concat(protocol.take());
        for (let at = 0; at < all.length; at += pieces) socket.write(all.subarray(at, at + pieces));
        if (protocol.state === "closed") socket.end();
      });
    });
    const report = await load(url, SHORT);
    expectConsistent(report);
    expect(report.errors).toEqual([]);
    expect(report.total.sent).toBe(pings);
    expect(pongs).toBe(Math.ceil(pings / 3));
  },
);

test("reports a broken rule by its code", async () => {
  const broken = await listen((socket) => {
    let bytes = 0;
    socket.on("data", (chunk) => {
      // A reserved opcode.
      if (bytes === 0) socket.write(Buffer.from([0x83, 0x00]));
      bytes += chunk.length;
    });
  });
  const report = await load(broken, SHORT);
  expectConsistent(report);
  expect(report.connections).toMatchObject({ opened: 3, lost: 3 });
  expect(counts(report)).toEqual({ WS_ERR_INVALID_OPCODE: 3, UNANSWERED: report.total.sent });
});

test("reports invalid UTF-8 by its code", async () => {
  const url = await listen((socket) => {
    socket.once("data", () => socket.write(Buffer.from([0x81, 0x02, 0xc3, 0x28])));
  });
  const report = await load(url, SHORT);
  expect(counts(report)).toEqual({ WS_ERR_INVALID_UTF8: 3, UNANSWERED: report.total.sent });
});

test("cuts and reports a connection that the server does not close", async () => {
  const stubborn = await listen((socket) => {
    const protocol = new Protocol({ role: "server" });
    socket.on("data", (chunk: Buffer) => {
      const events = protocol.receive(chunk);
      if (events.some(({ type }) => type === "close")) return;
      for (const event of events) if (event.type === "text") protocol.send(event.data);
      for (const part of protocol.take()) socket.write(part);
    });
  });
  expect(counts(await load(stubborn, { ...SHORT, answerTimeout: 1000, closeTimeout: 1000 }))).toEqual({
    NOT_CLOSED: 3,
  });
});
