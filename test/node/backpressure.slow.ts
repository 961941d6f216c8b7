// A slow side makes the other wait, and memory does not grow. The servers run in separate processes.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createRequest, FrameDecoder, type FrameSink, FrameEncoder, serializeRequest } from "../../src/index.ts";

const MIB = 1 << 20;
/** The mark of the server's connections, plus what a process may need otherwise. */
const ALLOWED = MIB + 64 * MIB;
const PIECE = 65_536;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Server {
  readonly port: number;
  report(): Promise<{ readonly growth: number; readonly handled: number }>;
}

async function start(): Promise<Server> {
  const script = fileURLToPath(new URL("./support/backpressure-server.js", import.meta.url));
  const child: ChildProcess = fork(script, { execArgv: ["--expose-gc"] });
  ends.push(() => child.kill("SIGKILL"));
  const [port] = (await once(child, "message")) as [number];
  return {
    port,
    report: async () => {
      child.send("report");
      return ((await once(child, "message")) as [{ growth: number; handled: number }])[0];
    },
  };
}

/** A client that is a plain socket. It reads and writes only when the test tells it to. */
async function open(port: number, path: string): Promise<Socket> {
  const socket = createConnection(port, "127.0.0.1");
  ends.push(() => socket.destroy());
  socket.write(serializeRequest(createRequest(`ws://127.0.0.1:${port}${path}`)));
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    await once(socket, "readable");
    // One byte at a time, so that the data after the head stays in the socket.
    for (let byte = socket.read(1); byte !== null && !head.includes("\r\n\r\n"); byte = socket.read(1)) {
      head += String(byte);
      if (head.endsWith("\r\n\r\n")) break;
    }
  }
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return socket;
}

/** Reads frames, and checks that each stretch of PIECE bytes is as the server wrote it. */
class Checker implements FrameSink {
  bytes = 0;
  wrong = 0;
  readonly #decoder: FrameDecoder = new FrameDecoder({ role: "client" });

  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk, this);
  }

  header(): void {}

  payload(window: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end;) {
      const place = Math.floor(this.bytes / PIECE);
      const stop = Math.min(end, at + (place + 1) * PIECE - this.bytes);
      // Check only the first and the last byte of a stretch. Checking all would take longer than the rest of the test.
      if (window[at] !== (place & 255) || window[stop - 1] !== (place & 255)) this.wrong++;
      this.bytes += stop - at;
      at = stop;
    }
  }

  end(): void {}
}

test.each([
  ["one message in pieces", "/pieces"],
  ["many messages", "/messages"],
])(
  "memory does not grow if a client stops reading while the server sends 1 GiB: %s",
  async (_, path) => {
    const server = await start();
    const count = (1024 * MIB) / PIECE;
    const socket = await open(server.port, `${path}?n=${count}`);
    // The client does not read, so the server fills the kernel's buffers, then its own.
    await setTimeout(1000);
    const paused = await server.report();
    expect(paused.growth).toBeLessThan(ALLOWED);
    const checker = new Checker();
    let stalls = 0;
    socket.on("data", (chunk) => {
      checker.push(chunk);
      // The client stops reading from time to time.
      if (checker.bytes > (stalls + 1) * 256 * MIB) {
        stalls++;
        socket.pause();
        void setTimeout(200).then(() => socket.resume());
      }
    });
    while (checker.bytes < 1024 * MIB) await setTimeout(10);
    expect(checker.bytes).toBe(1024 * MIB);
    expect(checker.wrong).toBe(0);
    expect(stalls).toBe(3);
    expect((await server.report()).growth).toBeLessThan(ALLOWED);
  },
  120_000,
);

/** Writes as much as the other side accepts in `time` ms. Returns the number of messages. */
async function flood(socket: Socket, time: number, message: (i: number) => string): Promise<number> {
  const encoder = new FrameEncoder({ role: "client" });
  const stop = AbortSignal.timeout(time);
  let count = 0;
  while (!stop.aborted) {
    for (let i = 0; i < 1000; i++) encoder.text(message(count++));
    const taken = encoder.take().map((part) => socket.write(part));
    if (taken.includes(false)) await once(socket, "drain", { signal: stop }).catch(() => {});
  }
  return count;
}

test.each([
  ["messages of 1 KiB", (i: number) => String(i).padStart(1024, "0")],
  ["short messages", String],
  ["empty messages", () => ""],
])("a handler that awaits 10 ms for each message of a flood: %s", async (_, message) => {
  const server = await start();
  const socket = await open(server.port, "/slow?n=10");
  await flood(socket, 1500, message);
  // The flood waits in the client.
  expect(socket.writableLength).toBeGreaterThan(0);
  const { growth, handled } = await server.report();
  expect(growth).toBeLessThan(ALLOWED);
  expect(handled).toBeGreaterThan(50);
  expect(handled).toBeLessThan(300);
});

test("memory does not grow if a client writes and does not read its echoes", async () => {
  const server = await start();
  const socket = await open(server.port, "/echo");
  const sent = await flood(socket, 1500, (i) => String(i).padStart(1024, "0"));
  expect(socket.writableLength).toBeGreaterThan(0);
  expect((await server.report()).growth).toBeLessThan(ALLOWED);
  // When the client reads, it gets all echoes in order.
  const decoder = new FrameDecoder({ role: "client" });
  const numbers: number[] = [];
  for await (const chunk of socket) {
    numbers.push(...decoder.decode(chunk).map(({ payload }) => Number(Buffer.from(payload).toString())));
    if (numbers.length === sent) break;
  }
  expect(numbers.every((number, i) => number === i)).toBe(true);
});
