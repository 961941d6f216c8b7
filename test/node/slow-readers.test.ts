// send() to a peer that does not read: `overflow`, `maxBufferedAmount`, `needDrain`.

import { describe, expect, test } from "vitest";
import { FrameDecoder, PreparedMessage } from "../../src/index.ts";
import { connect, type Connection, type MessageOptions, serve } from "../../src/node/index.ts";
import type { RawPeer } from "./support/peer.ts";
import { open, type OpenOptions, type Role, ROLES } from "./support/roles.ts";
import { until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const KIB = 1024;
/** A length that fills a socket, which accepts 16 KiB on Node 20 and 64 KiB later. */
const LIMIT = 128 * KIB;

/** A connection whose socket accepts nothing, so messages wait where the limit counts them. */
async function stuck(role: Role, options: OpenOptions): Promise<{ connection: Connection; peer: RawPeer }> {
  const { connection, peer } = await open(role, {
    ...options,
    begin: (connection) => connection.on("message", () => {}),
  });
  await connection.drained();
  connection.socket.cork();
  return { connection, peer };
}

/** Like stuck(), but with a full socket, so that messages wait in the connection. */
async function full(role: Role, options: OpenOptions): Promise<{ connection: Connection; peer: RawPeer }> {
  const opened = await stuck(role, options);
  const { writableHighWaterMark } = opened.connection.socket;
  opened.connection.send(new Uint8Array(writableHighWaterMark), { copy: false });
  await turn();
  return opened;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The size of a message as frames, computed from RFC 6455 §5.2. */
function sizeOf(role: Role, payload: number, fragment: number = Infinity): number {
  let size = 0;
  let left = payload;
  do {
    const now = Math.min(left, fragment);
    size += now + (now < 126 ? 2 : now < 65_536 ? 4 : 10) + (role === "client" ? 4 : 0);
    left -= now;
  } while (left > 0);
  return size;
}

interface Kind {
  readonly data: string | Uint8Array | PreparedMessage;
  readonly bytes: number;
  readonly options?: MessageOptions;
  readonly fragment?: number;
}

const KINDS: Record<string, Kind> = {
  "ASCII text": { data: "x".repeat(1000), bytes: 1000 },
  "short text": { data: "x", bytes: 1 },
  "text of two bytes each": { data: "é".repeat(500), bytes: 1000 },
  "long text of two bytes each": { data: "é".repeat(20_000), bytes: 40_000 },
  "text of three bytes each": { data: "€".repeat(100), bytes: 300 },
  "text of four bytes each": { data: "🙂".repeat(30), bytes: 120 },
  "empty text": { data: "", bytes: 0 },
  "bytes of 125": { data: new Uint8Array(125), bytes: 125 },
  "bytes of 126": { data: new Uint8Array(126), bytes: 126 },
  "large bytes": { data: new Uint8Array(5000), bytes: 5000 },
  "a prepared message": { data: new PreparedMessage("€".repeat(50)), bytes: 150 },
  "a large prepared message": { data: new PreparedMessage(new Uint8Array(6000)), bytes: 6000 },
  "text in fragments": { data: "é".repeat(500), bytes: 1000, options: { fragmentSize: 300 }, fragment: 300 },
  "bytes in fragments": { data: new Uint8Array(5000), bytes: 5000, options: { fragmentSize: 130 }, fragment: 130 },
};

describe.each(ROLES)("drop, %s", (role) => {
  test.each(Object.entries(KINDS))("the limit is exact: %s", async (_, { data, bytes, options, fragment }) => {
    const size = sizeOf(role, bytes, fragment);
    for (const [count, rest] of [
      [7, 0],
      [7, size - 1],
    ] as const) {
      const { connection, peer } = await stuck(role, { overflow: "drop", maxBufferedAmount: count * size + rest });
      let sent = 0;
      for (let i = 0; i < count + 3; i++) if (connection.send(data, options)) sent++;
      expect(sent).toBe(count);
      await turn();
      expect(connection.bufferedAmount).toBe(count * size);
      expect(connection.send(data, options)).toBe(false);
      connection.socket.uncork();
      await connection.drained();
      expect(connection.send(data, options)).toBe(true);
      await until(
        () => peer.received.length >= (count + 1) * size,
        () => `${peer.received.length} bytes`,
      );
      expect(peer.received.length).toBe((count + 1) * size);
      connection.terminate();
    }
  });

  test("data in the socket does not change while more is sent", async () => {
    const { connection, peer } = await stuck(role, {});
    for (const data of ["a", "bb", "ccc"]) {
      connection.send(data);
      await turn();
    }
    connection.socket.uncork();
    await connection.drained();
    const size = sizeOf(role, 1) + sizeOf(role, 2) + sizeOf(role, 3);
    await until(
      () => peer.received.length === size,
      () => `${peer.received.length} bytes`,
    );
    const frames = new FrameDecoder({ role: role === "server" ? "client" : "server" }).decode(peer.received);
    expect(frames.map(({ text }) => text)).toEqual(["a", "bb", "ccc"]);
    connection.terminate();
  });

  test("a fragmentSize of the connection counts", async () => {
    const size = sizeOf(role, 1000, 10);
    const { connection } = await stuck(role, { overflow: "drop", maxBufferedAmount: 2 * size, fragmentSize: 10 });
    expect([1, 2, 3].map(() => connection.send("x".repeat(1000)))).toEqual([true, true, false]);
    await turn();
    expect(connection.bufferedAmount).toBe(2 * size);
  });

  test("a message that has begun is never dropped, whatever is refused or thrown in between", async () => {
    const { connection, peer } = await full(role, { overflow: "drop", maxBufferedAmount: LIMIT });
    expect(connection.send("begin ", { fin: false })).toBe(true);
    expect(connection.send("x".repeat(2 * LIMIT), { fin: false })).toBe(true);
    // Binary data cannot continue a text message.
    expect(() => connection.send(new Uint8Array(1))).toThrow(TypeError);
    expect(connection.send(" middle", { fin: false })).toBe(true);
    expect(connection.send(" end")).toBe(true);
    // This exceeds the limit.
    expect(connection.send("whole")).toBe(false);
    expect(connection.send("begun", { fin: false })).toBe(false);
    // The refused send() has not begun a message.
    expect(connection.send("whole")).toBe(false);
    expect(() => connection.send(5 as never, { fin: false })).toThrow(TypeError);
    expect(connection.send("whole")).toBe(false);
    connection.socket.uncork();
    await connection.drained();
    expect(connection.send("after")).toBe(true);
    await connection.drained();
    const messages = await read(peer, role, 3);
    expect(messages.slice(1)).toEqual([`begin ${"x".repeat(2 * LIMIT)} middle end`, "after"]);
  });

  test("pieces are never dropped; the messages that wait for them count exactly", async () => {
    const size = sizeOf(role, 3 * 300);
    const { connection, peer } = await open(role, { overflow: "drop", maxBufferedAmount: 5 * size });
    let go!: () => void;
    const gate = new Promise<void>((resolve) => (go = resolve));
    async function* source(): AsyncGenerator<string> {
      yield "a";
      await gate;
      yield "b".repeat(20 * size);
      yield "c";
    }
    const pieces = connection.send(source());
    await until(
      () => peer.received.length > 0 && connection.bufferedAmount === 0,
      () => "no piece",
    );
    const message = "€".repeat(300);
    expect(Array.from({ length: 7 }, () => connection.send(message))).toEqual([
      ...Array.from({ length: 5 }, () => true),
      false,
      false,
    ]);
    expect(connection.bufferedAmount).toBe(5 * size);
    go();
    expect(await pieces).toBe(true);
    expect(await read(peer, role, 6)).toEqual([
      `a${"b".repeat(20 * size)}c`,
      ...Array.from({ length: 5 }, () => message),
    ]);
    expect(connection.send(message)).toBe(true);
  });

  test("control frames and our Close are sent in any case", async () => {
    const { connection, peer } = await full(role, { overflow: "drop", maxBufferedAmount: 0 });
    expect(connection.send("")).toBe(false);
    expect(connection.ping("still here")).toBe(true);
    connection.close(1000);
    connection.socket.uncork();
    await until(
      () => frameOf(peer, role).some(({ opcode }) => opcode === 8),
      () => "no Close",
    );
    expect(frameOf(peer, role).map(({ opcode }) => opcode)).toContain(9);
  });
});

describe.each(ROLES)("a code, %s", (role) => {
  test.each([1008, 1013] as const)("%i closes, after the accepted messages", async (overflow) => {
    const { connection, peer } = await full(role, { overflow, maxBufferedAmount: LIMIT });
    // The socket holds part of the data.
    const before = connection.bufferedAmount;
    let accepted = 0;
    while (connection.send("x".repeat(1000))) accepted++;
    expect(before + (accepted + 1) * sizeOf(role, 1000)).toBeGreaterThan(LIMIT);
    expect(before + accepted * sizeOf(role, 1000)).toBeLessThanOrEqual(LIMIT);
    expect(connection.readyState).toBe(2);
    expect(connection.send("x")).toBe(false);
    connection.socket.uncork();
    const closeOf = () => frameOf(peer, role).find(({ opcode }) => opcode === 8);
    await until(
      () => closeOf() !== undefined,
      () => "no Close",
    );
    expect(frameOf(peer, role).filter(({ opcode }) => opcode === 1)).toHaveLength(accepted);
    expect(Buffer.from(closeOf()!.payload).readUInt16BE(0)).toBe(overflow);
  });

  test("the peer's answer is seen, even if reading has stopped because of unread messages", async () => {
    const { connection, peer } = await open(role, { overflow: 1013, maxBufferedAmount: 0, highWaterMark: 0 });
    const frame = (opcode: number, payload: number[]) =>
      role === "server"
        ? Uint8Array.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0, ...payload)
        : Uint8Array.of(0x80 | opcode, payload.length, ...payload);
    await peer.write(frame(1, [65]));
    await peer.write(frame(1, [66]));
    await turn();
    expect(connection.send("x")).toBe(false);
    await peer.write(frame(8, [3, 245]));
    peer.socket.end();
    expect(await connection.closed).toMatchObject({ code: 1013, wasClean: true });
  });
});

test.each(ROLES)("queue: nothing is refused, and needDrain is true above the mark: %s", async (role) => {
  const { connection } = await full(role, { highWaterMark: LIMIT, maxBufferedAmount: 10 });
  const before = connection.bufferedAmount;
  expect(connection.needDrain).toBe(before > LIMIT);
  let sent = before;
  while (sent <= LIMIT) {
    expect(connection.needDrain).toBe(false);
    expect(connection.send(new Uint8Array(5000))).toBe(true);
    sent += sizeOf(role, 5000);
  }
  expect(connection.needDrain).toBe(true);
  expect(connection.send("more")).toBe(true);
  connection.socket.uncork();
  await connection.drained();
  expect([connection.needDrain, connection.bufferedAmount]).toEqual([false, 0]);
});

test("maxBufferedAmount is highWaterMark by default", async () => {
  const { connection } = await stuck("server", { overflow: "drop", highWaterMark: 1000 });
  expect([connection.send("x".repeat(996)), connection.send("")]).toEqual([true, false]);
});

test.each([
  ["overflow", "Drop"],
  ["overflow", 1000],
  ["overflow", "1008"],
  ["overflow", null],
  ["overflow", true],
  ["maxBufferedAmount", -1],
  ["maxBufferedAmount", Number.NaN],
  ["maxBufferedAmount", "1"],
  ["highWaterMark", -1],
])("%s: %o is a RangeError", async (name, value) => {
  await expect(serve({ [name]: value } as object, () => {})).rejects.toThrow(RangeError);
  await expect(connect("ws://127.0.0.1:1", { [name]: value } as object)).rejects.toThrow(RangeError);
});

test.each([
  ["a callback", () => {}, /no callback.*drained/],
  ["a string", "x", /must be an object/],
  ["true", true, /must be an object/],
])("send() with %s after the data is a TypeError, and nothing is sent", async (_, second, message) => {
  const { connection, peer } = await open("server");
  async function* source(): AsyncGenerator<string> {
    yield "x";
  }
  expect(() => connection.send("data", second as never)).toThrow(TypeError);
  expect(() => connection.send(new Uint8Array(1), second as never)).toThrow(message);
  expect(() => connection.send(source(), second as never)).toThrow(message);
  connection.send("real");
  expect(await read(peer, "server", 1)).toEqual(["real"]);
});

/** All frames so far. The decoder gets a copy, because it unmasks in place. */
function frameOf(peer: RawPeer, role: Role) {
  return new FrameDecoder({ role: role === "server" ? "client" : "server" }).decode(Buffer.from(peer.received));
}

/** Waits for `count` messages. */
async function read(peer: RawPeer, role: Role, count: number): Promise<string[]> {
  const messages = (): string[] => {
    const whole: string[] = [];
    let parts: Uint8Array[] = [];
    for (const { opcode, fin, payload } of frameOf(peer, role)) {
      if (opcode >= 8) continue;
      parts.push(payload);
      if (!fin) continue;
      whole.push(Buffer.concat(parts).toString());
      parts = [];
    }
    return whole;
  };
  await until(
    () => messages().length >= count,
    () => `${messages().length} of ${count} messages`,
  );
  return messages();
}
