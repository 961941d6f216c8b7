// The memory that output is written from: it is not written to while the system may still read it, and it is given
// back.

import { expect, test } from "vitest";
import type { Connection } from "../../../src/node/index.ts";
import { canary, Received } from "../support/bytes.ts";
import { readsDirectly } from "../support/direct.ts";
import { type Opened, open, type Role, ROLES } from "../support/roles.ts";
import { freeSlots, leaveSlots, SLOTS, spoilSlots } from "../support/slots.ts";
import { until, watchLeftovers } from "../support/watch.ts";

watchLeftovers();

const KIB = 1024;
const WAYS = ROLES.flatMap((role) => [false, true].map((tls) => ({ role, tls })));
/** Sizes that take several slices, one slice, or less than a stream has room for. */
const TURNS = [[200 * KIB, 1, 100, 4 * KIB, 70 * KIB], [60 * KIB], [5 * KIB, 5]] as const;
const DIRECT = { directReads: true, directWrites: true };

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Line {
  readonly connection: Connection;
  readonly received: Received;
  readonly peer: Opened["peer"];
  readonly owner: number;
  readonly sent: string[] = [];
  #bytes = 0;

  constructor({ connection, peer }: Opened, role: Role, owner: number) {
    this.connection = connection;
    this.peer = peer;
    this.owner = owner;
    this.received = new Received(peer, role);
    connection.on("error", () => {});
  }

  /** Text that is not ASCII takes another path. */
  send(length: number): void {
    const message =
      this.sent.length % 3 === 1
        ? `é${canary(this.owner, this.sent.length, length)}`
        : canary(this.owner, this.sent.length, length);
    this.sent.push(message);
    this.#bytes += Buffer.byteLength(message);
    // Bytes are copied, text is encoded.
    const isSent = this.connection.send(this.sent.length % 4 === 1 ? Buffer.from(message) : message);
    expect(isSent).toBe(true);
  }

  /** Sends messages of these sizes, in turns, until the system accepts no more data. */
  async block(sizes: readonly number[] = TURNS[0]): Promise<void> {
    this.peer.socket.pause();
    let still = 0;
    for (let before = -1; still < 3;) {
      if (this.connection.bufferedAmount < 200 * KIB) {
        for (const size of sizes) this.send(size);
      }
      await turn();
      const now = this.connection.bufferedAmount;
      still = now > 0 && now === before ? still + 1 : 0;
      before = now;
    }
  }

  async check(): Promise<void> {
    this.peer.socket.resume();
    await this.connection.drained();
    expect(this.connection.bufferedAmount).toBe(0);
    await this.received.until(this.#bytes);
    await until(
      () => this.received.payloads().length >= this.sent.length,
      () => "not all messages",
    );
    const payloads = this.received.payloads();
    expect(payloads.length).toBe(this.sent.length);
    const wrong = this.sent.findIndex((message, i) => payloads[i]!.toString() !== message);
    expect(wrong, `message ${wrong} of ${this.owner}`).toBe(-1);
  }
}

async function openLine(role: Role, tls: boolean, owner: number): Promise<Line> {
  return new Line(await open(role, { tls, closeTimeout: 200, ...DIRECT }), role, owner);
}

test.each(WAYS)(
  "the data of a peer that does not read is unchanged while others receive a lot: $role, tls: $tls",
  async ({ role, tls }) => {
    const others = [await openLine(role, tls, 2), await openLine("server", false, 3)];
    let held = 0;
    for (const sizes of TURNS) {
      const slow = await openLine(role, tls, 1);
      expect(readsDirectly(slow.connection)).toBe(true);
      await slow.block(sizes);
      held += SLOTS - freeSlots();
      for (let round = 0; round < 10; round++) {
        expect(spoilSlots()).toBeGreaterThanOrEqual(SLOTS - 1);
        for (const other of others) for (const size of [10, 3000, 100 * KIB]) other.send(size);
        // More of its own, too.
        slow.send(20 * KIB);
        await turn();
      }
      for (const other of others) await other.check();
      await slow.check();
      expect(freeSlots()).toBe(SLOTS);
    }
    // Some messages did not use a slot.
    expect(held).toBeGreaterThan(0);
  },
);

test("more peers than there are slots may stop reading", async () => {
  const lines: Line[] = [];
  const few = 6;
  const giveBack = leaveSlots(few);
  // There are more peers than slots, so some data is written from other memory.
  while (lines.length < few + 3 || (freeSlots() > 0 && lines.length < 3 * few)) {
    const i = lines.length;
    const line = await openLine(i % 6 === 3 ? "client" : "server", i % 5 === 4, i);
    lines.push(line);
    await line.block(TURNS[i % 3]);
  }
  expect(freeSlots()).toBe(0);
  const fast = await openLine("server", false, 99);
  for (let round = 0; round < 10; round++) {
    for (const size of [10, 3000, 100 * KIB]) fast.send(size);
    await turn();
  }
  await fast.check();
  // Ends the lines in another order than that of their arrival.
  for (const line of [...lines.slice(4), ...lines.slice(0, 4)]) await line.check();
  expect(freeSlots()).toBe(few);
  giveBack();
  expect(freeSlots()).toBe(SLOTS);
  for (let i = 0; i < 3; i++) {
    fast.send(100 * KIB);
    await fast.check();
  }
});

const ENDS: Record<string, (line: Line) => void> = {
  "the peer resets": ({ peer }) => peer.reset(),
  "the peer's socket is destroyed": ({ peer }) => peer.socket.destroy(),
  "terminate()": ({ connection }) => connection.terminate(),
  "the socket is destroyed": ({ connection }) => connection.socket.destroy(),
  "the socket is destroyed with an error": ({ connection }) => connection.socket.destroy(new Error("cut")),
  "close(), and no answer": ({ connection }) => connection.close(1000),
};

test.each(WAYS)("the slot of a slow peer is given back when it ends: $role, tls: $tls", async ({ role, tls }) => {
  for (const [i, [name, end]] of Object.entries(ENDS).entries()) {
    const lines: Line[] = [];
    // There are more peers than slots, so some data is written from other memory.
    while (freeSlots() === SLOTS && lines.length < 8) {
      const line = await openLine(role, tls, lines.length);
      lines.push(line);
      await line.block(TURNS[(i + lines.length) % 3]);
    }
    expect(freeSlots(), name).toBe(SLOTS - 1);
    for (const line of lines) end(line);
    await Promise.all(lines.map(({ connection }) => connection.closed));
    await until(
      () => freeSlots() === SLOTS,
      () => `${freeSlots()} free after: ${name}`,
      2000,
    );
  }
});
