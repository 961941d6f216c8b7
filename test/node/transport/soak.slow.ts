// Connections that open, misbehave and close, for several seconds (SOAK_SECONDS=600 for ten minutes). Memory does not
// grow, and no connection sees a byte of another.

import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { FrameDecoder } from "../../../src/index.ts";
import { connect, type Connection, serve } from "../../../src/node/index.ts";
import { binary, close, text, toRole, utf8 } from "../../support/wire.ts";
import { Random } from "../../support/random.ts";
import { canary } from "../support/bytes.ts";
import { CA, request, TLS } from "../support/peer.ts";
import { freeSlots, SLOTS } from "../support/slots.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 8);
/** How many visitors there are at a time. */
const VISITORS = 16;
/** The parts of a run. After each, all visitors have left, and the remaining memory is compared. */
const PHASES = 6;
const MIB = 1_048_576;
const DIRECT = { directReads: true, directWrites: true };

interface Sample {
  readonly heap: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly rss: number;
}

/** The faults found, and the number of visits of each kind. */
const faults: string[] = [];
const visits: Map<string, number> = new Map();

function check(isTrue: boolean, what: string): void {
  if (!isTrue) faults.push(what);
}

/** A client that is only a socket. */
class Raw {
  readonly socket: Socket;
  readonly payloads: string[] = [];
  /** The code of the server's Close. */
  code = 0;
  ended = false;
  #head = Buffer.alloc(0);
  readonly #decoder = new FrameDecoder({ role: "client" });
  #open = false;
  #wake: () => void = () => {};

  constructor(port: number, isSecure: boolean) {
    const tcp = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket = isSecure ? connectTls({ socket: tcp, servername: "localhost", ...CA }) : tcp;
    tcp.on("error", () => {});
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#read(chunk));
    for (const event of ["end", "close"]) {
      this.socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
    this.socket.write(request());
  }

  async until(done: () => boolean, what: string): Promise<void> {
    const limit = performance.now() + 20_000;
    while (!done() && !this.ended) {
      if (performance.now() > limit) {
        faults.push(`not seen: ${what}`);
        return;
      }
      const timer = setTimeout(() => this.#wake(), 1000);
      await new Promise<void>((wake) => (this.#wake = wake));
      clearTimeout(timer);
    }
  }

  opened(): Promise<void> {
    return this.until(() => this.#open, "101");
  }

  #read(chunk: Buffer): void {
    let bytes: Uint8Array = chunk;
    if (!this.#open) {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#open = true;
      bytes = this.#head.subarray(end + 4);
    }
    for (const frame of this.#decoder.decode(bytes)) {
      if (frame.opcode === 8) this.code = (frame.payload[0]! << 8) | frame.payload[1]!;
      else if (frame.opcode < 8) this.payloads.push(Buffer.from(frame.payload).toString());
    }
    this.#wake();
  }
}

/** Messages of one visitor, some of them not ASCII. */
function messagesOf(owner: number, random: Random, count: number): string[] {
  const sizes = [3, 30, 125, 126, 600, 5000, 70_000];
  return Array.from({ length: count }, (_, i) => {
    const message = canary(owner, i, random.pick(sizes));
    return random.chance(0.2) ? `${message}é😀` : message;
  });
}

function framesOf(messages: readonly string[], random: Random): Uint8Array {
  const frames = messages.map((message) => (random.chance(0.3) ? binary(utf8(message)) : text(message)));
  return toRole("server", ...frames);
}

function checkEcho(seen: readonly string[], messages: readonly string[], what: string): void {
  const wrong = seen.findIndex((message, i) => message !== messages[i]);
  check(wrong < 0, `${what}: message ${wrong} is ${seen[wrong]?.slice(0, 50)}, not ${messages[wrong]?.slice(0, 50)}`);
}

type Visit = (raw: Raw, owner: number, random: Random) => Promise<void>;

const VISITS: Record<string, Visit> = {
  async "messages and a Close"(raw, owner, random) {
    const messages = messagesOf(owner, random, random.integer(1, 200));
    raw.socket.write(framesOf(messages, random));
    await raw.until(() => raw.payloads.length >= messages.length, "echoes");
    check(raw.payloads.length === messages.length, "an echo is missing");
    checkEcho(raw.payloads, messages, "messages and a Close");
    raw.socket.write(toRole("server", close(1000)));
    await raw.until(() => raw.code !== 0, "a Close");
    check(raw.code === 1000, `Close ${raw.code}`);
    raw.socket.end();
  },
  async "byte by byte"(raw, owner, random) {
    const messages = messagesOf(owner, random, 4).map((message) => message.slice(0, 200));
    const bytes = framesOf(messages, random);
    for (let at = 0; at < bytes.length; at++) {
      raw.socket.write(bytes.subarray(at, at + 1));
      if (at % 4 === 0) await sleep(0);
    }
    await raw.until(() => raw.payloads.length >= messages.length, "echoes");
    checkEcho(raw.payloads, messages, "byte by byte");
    raw.socket.end();
    await raw.until(() => raw.ended, "the end");
  },
  async "a reset"(raw, owner, random) {
    const messages = messagesOf(owner, random, 50);
    const bytes = framesOf(messages, random);
    raw.socket.write(bytes.subarray(0, random.integer(0, bytes.length)));
    await sleep(random.integer(0, 20));
    checkEcho(raw.payloads, messages, "a reset");
    raw.socket.resetAndDestroy();
  },
  async "half-closed"(raw, owner, random) {
    const messages = messagesOf(owner, random, 50);
    raw.socket.end(framesOf(messages, random));
    await raw.until(() => raw.ended, "the end");
    check(raw.payloads.length === messages.length, "an echo is missing after the end");
    checkEcho(raw.payloads, messages, "half-closed");
  },
  async "stalled, then read"(raw, owner, random) {
    raw.socket.pause();
    const messages = messagesOf(owner, random, 500);
    raw.socket.write(framesOf(messages, random));
    await sleep(random.integer(50, 300));
    raw.socket.resume();
    await raw.until(() => raw.payloads.length >= messages.length, "echoes");
    check(raw.payloads.length === messages.length, "an echo is missing after the stall");
    checkEcho(raw.payloads, messages, "stalled");
    raw.socket.destroy();
  },
  async "stalled, then reset"(raw, owner, random) {
    raw.socket.pause();
    const messages = messagesOf(owner, random, 500);
    raw.socket.write(framesOf(messages, random));
    await sleep(random.integer(50, 300));
    raw.socket.resetAndDestroy();
  },
  async "a bad frame"(raw, owner, random) {
    const messages = messagesOf(owner, random, 20);
    const bad = random.pick([
      { frame: { opcode: 3 }, code: 1002 },
      { frame: { opcode: 1, payload: Uint8Array.of(0xc3, 0x28) }, code: 1007 },
      { frame: { opcode: 9, payload: new Uint8Array(126) }, code: 1002 },
    ]);
    raw.socket.write(framesOf(messages, random));
    raw.socket.write(toRole("server", bad.frame, text("never seen")));
    await raw.until(() => raw.code !== 0, "a Close");
    check(raw.code === bad.code, `Close ${raw.code}, not ${bad.code}`);
    check(raw.payloads.length === messages.length, "an echo is missing before a bad frame");
    checkEcho(raw.payloads, messages, "a bad frame");
    raw.socket.end();
  },
  async "the server terminates"(raw) {
    raw.socket.write(toRole("server", text("terminate"), text("never seen")));
    await raw.until(() => raw.ended, "the end");
  },
};

/** A visit with our own client. */
async function visitAsOurs(port: number, isSecure: boolean, owner: number, random: Random): Promise<void> {
  const connection = await connect(`${isSecure ? "wss" : "ws"}://localhost:${port}/`, { ...DIRECT, tls: CA });
  const messages = messagesOf(owner, random, random.integer(1, 200));
  const seen: string[] = [];
  const loop = (async () => {
    for await (const data of connection) {
      seen.push(typeof data === "string" ? data : Buffer.from(data).toString());
      if (seen.length % 50 === 0) await sleep(1);
      if (seen.length === messages.length) break;
    }
  })();
  for (const message of messages) connection.send(random.chance(0.3) ? utf8(message) : message);
  if (random.chance(0.2)) {
    await sleep(random.integer(0, 20));
    connection.terminate();
  } else {
    await loop;
    check(seen.length === messages.length, "an echo to ours is missing");
  }
  await loop;
  await connection.closed;
  checkEcho(seen, messages, "ours");
}

/** Each connection gets messages of only one owner. */
function serveOne(connection: Connection): void {
  let owner: string | undefined;
  connection.on("error", () => {});
  connection.on("message", (data) => {
    const message = typeof data === "string" ? data : Buffer.from(data).toString();
    if (message === "terminate") {
      connection.terminate();
      return;
    }
    // The shortest messages do not name their owner.
    const its = message.includes(".") ? message.slice(0, message.indexOf(".")) : owner;
    owner ??= its;
    if (its !== owner) faults.push(`a message of ${its} on the connection of ${owner}`);
    connection.send(data);
  });
}

async function sample(): Promise<Sample> {
  // The memory of native objects is freed some turns later.
  for (let i = 0; i < 5; i++) {
    globalThis.gc!();
    await sleep(20);
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, external, arrayBuffers, rss };
}

function least(samples: readonly Sample[], key: keyof Sample): number {
  return Math.min(...samples.map((one) => one[key]));
}

test("connections that open, misbehave and close", { timeout: (SECONDS + 120) * 1000 }, async () => {
  const options = { host: "127.0.0.1", ...DIRECT, highWaterMark: 262_144, closeTimeout: 5000 };
  const plain = await serve(options, serveOne);
  const secure = await serve({ ...options, tls: TLS, http2: false }, serveOne);
  const random = new Random(12);
  const samples: Sample[] = [];
  let owners = 0;
  const visiting = { stops: false };

  const visit = async (): Promise<void> => {
    while (!visiting.stops) {
      const owner = owners++;
      const isSecure = random.chance(0.25);
      const { port } = isSecure ? secure : plain;
      if (random.chance(0.25)) {
        visits.set("ours", (visits.get("ours") ?? 0) + 1);
        await visitAsOurs(port, isSecure, owner, random);
      } else {
        const [name, behave] = random.pick(Object.entries(VISITS));
        // Only the TCP socket below a TLS socket can be reset.
        if (isSecure && name.endsWith("reset")) continue;
        visits.set(name, (visits.get(name) ?? 0) + 1);
        const raw = new Raw(port, isSecure);
        await raw.opened();
        await behave(raw, owner, random);
        await sleep(5);
        raw.socket.destroy();
      }
      // Low load, because others use this machine, too.
      await sleep(random.integer(10, 100));
    }
  };
  for (let phase = 0; phase < PHASES; phase++) {
    visiting.stops = false;
    const visitors = Array.from({ length: VISITORS }, visit);
    await sleep((SECONDS * 1000) / PHASES);
    visiting.stops = true;
    await Promise.all(visitors);
    const end = performance.now() + 10_000;
    while (plain.connections.size + secure.connections.size > 0 && performance.now() < end) await sleep(20);
    expect([plain.connections.size, secure.connections.size]).toEqual([0, 0]);
    expect(freeSlots()).toBe(SLOTS);
    samples.push(await sample());
  }
  await Promise.all([plain.close(), secure.close()]);
  // By the end of the first part, everything has happened once.
  const early = samples.slice(1, 3);
  const late = samples.slice(-2);
  const keys = ["heap", "external", "arrayBuffers", "rss"] as const;
  const report = keys.map((key) => `${key} ${samples.map((one) => (one[key] / MIB).toFixed(1)).join(" ")}`);
  console.log(`${owners} visits in ${SECONDS} s; MiB after each of ${PHASES} parts: ${report.join("; ")}`);
  console.log(JSON.stringify(Object.fromEntries(visits)));
  expect(faults).toEqual([]);
  for (const key of ["heap", "external", "arrayBuffers"] as const) {
    expect(least(late, key) - least(early, key), key).toBeLessThan(4 * MIB);
  }
  // Pages that were used once are not returned.
  expect(least(late, "rss") - least(early, "rss"), "rss").toBeLessThan(48 * MIB);
  for (const name of Object.keys(VISITS)) expect(visits.get(name), name).toBeGreaterThan(1);
});
