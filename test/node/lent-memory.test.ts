// send() copies into memory that is reused, but never while the system may still read it.

import { expect, test } from "vitest";
import { FrameDecoder } from "../../src/index.ts";
import type { RawPeer } from "./support/peer.ts";
import { open, type Role, ROLES } from "./support/roles.ts";
import { until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const KIB = 1024;
const WAYS = ROLES.flatMap((role) => [false, true].map((tls) => [role, tls] as const));

/** The data that a peer receives. RawPeer joins all its data for each chunk, which is too slow for several MiB. */
class Received {
  bytes = 0;
  readonly #chunks: Buffer[];
  readonly #decoder: FrameDecoder;

  constructor({ socket, received }: RawPeer, role: Role) {
    this.#chunks = [received];
    this.#decoder = new FrameDecoder({ role: role === "server" ? "client" : "server" });
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.bytes += chunk.length;
    });
  }

  until(length: number): Promise<void> {
    return until(
      () => this.bytes >= length,
      () => `${this.bytes} of ${length} bytes`,
    );
  }

  /** The canary and length of each message; -1 if its bytes are not all equal. */
  messages(): [canary: number, length: number][] {
    const frames = this.#decoder.decode(Buffer.concat(this.#chunks)).filter(({ opcode }) => opcode < 8);
    return frames.map(({ payload }) => {
      const [canary = 0] = payload;
      return [Buffer.alloc(payload.length, canary).equals(payload) ? canary : -1, payload.length];
    });
  }
}

test.each(WAYS)("each message keeps its bytes while the peer does not read: %s, tls: %s", async (role, tls) => {
  const { connection, peer } = await open(role, { tls });
  const received = new Received(peer, role);
  const expected: [number, number][] = [];
  let total = 0;
  const send = (size: number): void => {
    const canary = expected.length % 255;
    const buffer = new Uint8Array(size).fill(canary);
    expect(connection.send(buffer)).toBe(true);
    buffer.fill(255);
    expected.push([canary, size]);
    total += size;
  };
  peer.socket.pause();
  // Send in several turns, so that some messages are in the kernel, some in the socket, and some still waiting.
  for (let turn = 0; connection.bufferedAmount < 2048 * KIB; turn++) {
    for (const size of [4, 5, 16, 64, 65, 256, 1024]) send(size * KIB - (turn & 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  peer.socket.resume();
  await connection.drained();
  // These messages reuse the memory.
  for (let i = 0; i < 3; i++) for (const size of [4, 16, 64, 256]) send(size * KIB);
  await received.until(total);
  expect(received.messages()).toEqual(expected);
});

test.each(WAYS)("messages that wait for one in pieces keep their bytes: %s, tls: %s", async (role, tls) => {
  const { connection, peer } = await open(role, { tls });
  const received = new Received(peer, role);
  let go!: () => void;
  const gate = new Promise<void>((resolve) => (go = resolve));
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(8 * KIB).fill(100);
    await gate;
    yield new Uint8Array(8 * KIB).fill(100);
  }
  const sent = connection.send(source());
  const buffer = new Uint8Array(8 * KIB);
  for (let i = 0; i < 20; i++) {
    connection.send(buffer.fill(i));
    connection.ping("now");
    // Wait for everything that is sent before the end of the pieces.
    await received.until(8 * KIB + 5 * i);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  go();
  expect(await sent).toBe(true);
  await received.until(22 * 8 * KIB);
  await connection.drained();
  // The last frame of the pieces is empty.
  const pieces = [100, 100, 0].map((canary) => [canary, canary === 0 ? 0 : 8 * KIB]);
  const whole = Array.from({ length: 20 }, (_, i) => [i, 8 * KIB]);
  expect(received.messages()).toEqual([...pieces, ...whole]);
});

test("waiting messages take little more memory than their bytes", async () => {
  const { connection, peer } = await open("server");
  peer.socket.pause();
  // Memory is reused only if its size is a power of two.
  const buffer = new Uint8Array(64 * KIB + 1);
  const count = 400;
  globalThis.gc!();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < count; i++) connection.send(buffer);
  const growth = process.memoryUsage().arrayBuffers - before;
  expect(growth / (count * buffer.length)).toBeLessThan(1.1);
});

test.each(ROLES)("borrowed bytes are read until drained() resolves, and are not copied: %s", async (role) => {
  const { connection, peer } = await open(role);
  const received = new Received(peer, role);
  peer.socket.pause();
  const size = 256 * KIB;
  const buffers = Array.from({ length: 40 }, (_, i) => new Uint8Array(size).fill(i));
  globalThis.gc!();
  const before = process.memoryUsage().arrayBuffers;
  for (const buffer of buffers) expect(connection.send(buffer, { copy: false })).toBe(true);
  // A client masks a copy, which it makes when it writes.
  if (role === "server") expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(size);
  peer.socket.resume();
  await connection.drained();
  for (const buffer of buffers) buffer.fill(255);
  await received.until(buffers.length * size);
  expect(received.messages()).toEqual(buffers.map((_, i) => [i, size]));
});
