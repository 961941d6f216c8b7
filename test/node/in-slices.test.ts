// Long messages that are compressed or inflated in slices, over streams in memory. test/connection/slices.test.ts does
// the same over sockets.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import {
  type AgreedExtension,
  type Frame,
  FrameDecoder,
  perMessageDeflate,
  PreparedMessage,
  Protocol,
  type Role,
} from "../../src/index.ts";
import type { ConnectionOptions } from "../../src/node/options.ts";
import { thread } from "../../src/node/thread.ts";
import { Turns } from "../../src/protocol/turns.ts";
import { type NodeEnd, openNode, turn, type Writing } from "../support/connections.ts";
import type { RawFrame } from "../reference/serialize.ts";
import { close, other, ROLES } from "../support/wire.ts";

const SLICE = 1000;
/** Without context takeover, each message can be inflated by itself. */
const COMPRESSION: AgreedExtension = {
  extension: perMessageDeflate({ threshold: 100 }),
  parameters: [
    ["server_no_context_takeover", true],
    ["client_no_context_takeover", true],
  ],
};

function openCompressing(role: Role, options: ConnectionOptions = {}, writing?: Writing): NodeEnd {
  return openNode(role, { sliceSize: SLICE, ...options }, [COMPRESSION], writing);
}

function framesOf(role: Role, { peer }: NodeEnd): Frame[] {
  return new FrameDecoder({ role: other(role), rsv: 4 }).decode(Buffer.concat(peer.written));
}

interface Sent {
  readonly kind: string;
  readonly data: string;
  readonly compressed: boolean;
  readonly frames: number;
}

/** The complete messages that were written, and the control frames between them. */
function sentBy(role: Role, end: NodeEnd): Sent[] {
  const messages: Sent[] = [];
  let begun: Frame[] = [];
  for (const frame of framesOf(role, end)) {
    const kind = { 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" }[frame.opcode] ?? "";
    if (frame.opcode >= 8) {
      messages.push({ kind, data: Buffer.from(frame.payload).toString("latin1"), compressed: false, frames: 1 });
      continue;
    }
    begun.push(frame);
    if (!frame.fin) continue;
    const first = begun[0]!;
    const payload = Buffer.concat(begun.map((each) => each.payload));
    const compressed = first.rsv === 4;
    const data = compressed ? inflate(payload) : payload;
    messages.push({
      kind: first.opcode === 1 ? "text" : "binary",
      data: data.toString(),
      compressed,
      frames: begun.length,
    });
    begun = [];
  }
  return messages;
}

function inflate(payload: Buffer): Buffer {
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 255, 255])]);
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH });
}

function deflated(data: string | Uint8Array): RawFrame {
  const payload = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  return { opcode: typeof data === "string" ? 1 : 2, rsv: 4, payload: new Uint8Array(payload) };
}

/** Text without repetitions, so that its frames are not short. */
function rows(length: number): string {
  let text = "";
  for (let i = 0; text.length < length; i++) text += `${i} ${(i * 2654435761) % 4294967296},`;
  return text.slice(0, length);
}

async function settled({ connection }: NodeEnd): Promise<void> {
  await connection.drained();
  await turn();
}

const LONG = rows(20 * SLICE);

for (const role of ROLES) {
  test(`${role}: a message longer than sliceSize has a frame for each slice`, async () => {
    const end = openCompressing(role);
    const { connection } = end;
    const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    expect(connection.extensions).toBe(agreed);
    const bytes = Buffer.from(rows(SLICE + 1));
    const euros = "€".repeat(Math.floor(SLICE / 3) + 1);
    const messages: [data: string | Uint8Array, binary: boolean | undefined, frames: number][] = [
      [rows(SLICE), undefined, 1],
      [rows(SLICE + 1), undefined, 2],
      [bytes.subarray(1), undefined, 1],
      [bytes, undefined, 2],
      [bytes, false, 2],
      [bytes, true, 2],
      [rows(SLICE + 1), true, 2],
      [euros.slice(1), undefined, 1],
      [euros, undefined, 2],
      [rows(10 * SLICE), undefined, 10],
    ];
    for (const [data, binary] of messages) expect(connection.send(data, { binary })).toBe(true);
    await settled(end);
    const isBinary = (data: string | Uint8Array, binary: boolean | undefined): boolean =>
      binary ?? typeof data !== "string";
    expect(sentBy(role, end)).toEqual(
      messages.map(([data, binary, frames]) => ({
        kind: isBinary(data, binary) ? "binary" : "text",
        data: data.toString(),
        compressed: true,
        frames,
      })),
    );
    connection.terminate();
  });

  test(`${role}: a message that is not compressed is not sliced, nor is a prepared one`, async () => {
    const end = openCompressing(role);
    const { connection } = end;
    connection.send(LONG, { compress: false });
    connection.send(new PreparedMessage(LONG));
    connection.send("short");
    connection.send("long enough ".repeat(20));
    await settled(end);
    expect(sentBy(role, end).map(({ compressed, frames }) => [compressed, frames])).toEqual([
      [false, 1],
      [true, 1],
      [false, 1],
      [true, 1],
    ]);
    connection.terminate();
  });

  test(`${role}: pieces with \`fin: false\` are compressed at any length, and long ones are sliced`, async () => {
    const end = openCompressing(role);
    const { connection } = end;
    connection.send("a", { fin: false });
    connection.send(LONG, { fin: false });
    expect(() => connection.send(Buffer.from("x"))).toThrow(TypeError);
    connection.send("z");
    connection.send(Buffer.from(LONG), { binary: false, fin: false });
    connection.send("end");
    await settled(end);
    const messages = sentBy(role, end);
    expect(messages.map(({ kind, data, compressed }) => [kind, data, compressed])).toEqual([
      ["text", `a${LONG}z`, true],
      ["text", `${LONG}end`, true],
    ]);
    connection.terminate();
  });

  test(`${role}: a message without a known length is compressed and sliced`, async () => {
    const large: AgreedExtension = { ...COMPRESSION, extension: perMessageDeflate({ threshold: 10 * SLICE }) };
    const end = openNode(role, { sliceSize: SLICE }, [large]);
    const { connection } = end;
    const part = rows(2 * SLICE);
    connection.send(part);
    connection.send(part, { fin: false });
    connection.send(part, { fin: false });
    connection.send(part);
    connection.send(part);
    await settled(end);
    expect(sentBy(role, end).map(({ compressed, frames }) => [compressed, frames])).toEqual([
      [false, 1],
      [true, 6],
      [false, 1],
    ]);
    connection.terminate();
  });

  test(`${role}: text in bytes must be UTF-8, whether it waits or not`, async () => {
    const end = openCompressing(role);
    const { connection } = end;
    const broken = Buffer.concat([Buffer.from(LONG), Buffer.of(0xff)]);
    expect(() => connection.send(broken, { binary: false })).toThrow(TypeError);
    expect(() => connection.send(LONG, { fragmentSize: 0 })).toThrow(RangeError);
    expect(connection.send(LONG)).toBe(true);
    expect(() => connection.send(broken, { binary: false })).toThrow(TypeError);
    expect(connection.send(broken)).toBe(true);
    await settled(end);
    expect(sentBy(role, end).map(({ kind }) => kind)).toEqual(["text", "binary"]);
    connection.terminate();
  });

  test(`${role}: bytes are copied before send() returns, unless they are borrowed`, async () => {
    const end = openCompressing(role, { highWaterMark: 0 }, "later");
    const { connection } = end;
    connection.send("before");
    const mine = Buffer.from(LONG);
    connection.send(mine);
    mine.fill("-");
    connection.send(mine);
    mine.fill("+");
    connection.send(mine, { copy: false });
    mine.fill("*");
    await settled(end);
    expect(sentBy(role, end).map(({ data }) => data.slice(0, 5))).toEqual([
      "befor",
      LONG.slice(0, 5),
      "-----",
      "*****",
    ]);
    connection.terminate();
  });

  test(`${role}: bufferedAmount includes uncompressed data; drained() and callbacks wait for it`, async () => {
    const end = openCompressing(role, { highWaterMark: SLICE }, "later");
    const { connection } = end;
    const log: string[] = [];
    const callback = (name: string) => (error?: Error) => void log.push(error ? `${name} failed` : name);
    connection.send(LONG, { callback: callback("long") });
    expect(connection.bufferedAmount).toBeGreaterThan(LONG.length - 3 * SLICE);
    expect(connection.needDrain).toBe(true);
    connection.send("short", { callback: callback("short") });
    connection.ping("first");
    let most = 0;
    let before = Infinity;
    while (connection.bufferedAmount > 0) {
      expect(connection.bufferedAmount).toBeLessThanOrEqual(before);
      before = connection.bufferedAmount;
      most = Math.max(most, connection.endpoint.bufferedAmount);
      if (before > 100) expect(log).toEqual([]);
      await turn();
    }
    // No more than the mark and a slice wait as compressed data.
    expect(most).toBeLessThan(3 * SLICE);
    await settled(end);
    expect(log).toEqual(["long", "short"]);
    const sent = sentBy(role, end);
    expect(sent.map(({ kind }) => kind)).toEqual(["ping", "text", "text"]);
    expect(sent[1]!.data === LONG).toBe(true);
    connection.terminate();
  });

  test(`${role}: overflow counts uncompressed data`, async () => {
    const end = openCompressing(role, { overflow: "drop", maxBufferedAmount: LONG.length + 100 }, "later");
    const { connection } = end;
    expect(connection.send(LONG)).toBe(true);
    expect(connection.send(Buffer.from(LONG))).toBe(false);
    expect(connection.send("x".repeat(50))).toBe(true);
    await settled(end);
    expect(connection.send(LONG)).toBe(true);
    await settled(end);
    expect(sentBy(role, end).map(({ data }) => data.length)).toEqual([LONG.length, 50, LONG.length]);
    connection.terminate();
  });

  test(`${role}: later messages keep their order, and a Close comes last`, async () => {
    const end = openCompressing(role, { highWaterMark: 0 }, "later");
    const { connection, peer } = end;
    const sliced = (async function* () {
      yield LONG;
      yield "!";
    })();
    connection.send("1");
    connection.send(LONG);
    connection.send("2");
    const sent = connection.send(sliced);
    connection.send(Buffer.from(LONG));
    connection.close(4001);
    expect(connection.readyState).toBe(2);
    expect(connection.send("late")).toBe(false);
    expect(connection.send(LONG)).toBe(false);
    expect(await sent).toBe(true);
    await settled(end);
    const messages = sentBy(role, end);
    expect(messages.map(({ frames }) => frames)).toEqual([1, 20, 1, 22, 20, 1]);
    const lengths = messages.map(({ kind, data }) => `${kind} ${data.length}`);
    const { length } = LONG;
    expect(lengths).toEqual([
      "text 1",
      `text ${length}`,
      "text 1",
      `text ${length + 1}`,
      `binary ${length}`,
      "close 2",
    ]);
    peer.write(close(4001));
    peer.end();
    expect(await connection.closed).toMatchObject({ code: 4001, wasClean: true });
  });

  for (const how of ["terminate()", "a reset"] as const) {
    test(`${role}: ${how} while slices wait: each callback gets an error, in order, and "close" is last`, async () => {
      const end = openCompressing(role, { highWaterMark: 0 }, "later");
      const { connection, peer } = end;
      const log: string[] = [];
      const callback = (name: string) => (error?: Error) => void log.push(error ? `${name} failed` : name);
      connection.on("close", () => log.push("close"));
      connection.send(LONG, { callback: callback("long") });
      connection.send("short", { callback: callback("short") });
      const drained = connection.drained();
      await turn();
      if (how === "a reset") peer.reset();
      else connection.terminate();
      await drained;
      await connection.closed;
      await turn();
      expect(log).toEqual(["long failed", "short failed", "close"]);
      expect(connection.send(LONG)).toBe(false);
      expect(sentBy(role, end)).toEqual([]);
    });
  }

  test(`${role}: long messages arrive whole and in order, with the frames between them`, async () => {
    const { connection, peer } = openCompressing(role, { limits: { maxMessage: 1e9 } });
    const log: string[] = [];
    connection.on("message", (data) => log.push(`${typeof data} ${data.length}`));
    connection.on("ping", () => log.push("ping"));
    const zeros = new Uint8Array(500_000);
    peer.write(
      deflated(LONG),
      { opcode: 9 },
      deflated(zeros),
      { opcode: 1, payload: Buffer.from("short") },
      close(1000),
    );
    peer.end();
    expect(await connection.closed).toMatchObject({ code: 1000, wasClean: true });
    expect(log).toEqual([`string ${LONG.length}`, "ping", `object ${zeros.length}`, "string 5"]);
  });

  test(`${role}: resume() delivers messages that arrived during a pause, while there is time`, async () => {
    const { connection, peer } = openCompressing(role);
    const got: unknown[] = [];
    connection.on("message", (data) => got.push(data));
    await turn();
    connection.pause();
    peer.write(deflated("a"));
    await turn();
    expect(got).toEqual([]);
    connection.resume();
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(got).toEqual(["a"]);
    connection.terminate();
  });

  test(`${role}: short messages do not wait for a turn`, async () => {
    const { connection, peer } = openCompressing(role);
    const got: unknown[] = [];
    connection.on("message", (data) => got.push(data));
    await turn();
    for (const data of ["a", "b"]) {
      peer.write(deflated(data));
      // The message is delivered before anything else in the event loop.
      for (let i = 0; i < 3; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
      expect(got.at(-1)).toBe(data);
    }
    connection.terminate();
  });

  test(`${role}: in a turn whose time is used up, long chunks wait, and short ones do not`, async () => {
    const shared = thread();
    let time = 0;
    // Each read of the clock takes a millisecond, so two slices use up a turn.
    const turns = new Turns({ now: () => time++, soon: (go) => void setImmediate(go) });
    Protocol.thread = { ...shared, turns };
    try {
      const ends = Array.from({ length: 3 }, () => openCompressing(role));
      const log: string[] = [];
      for (const [i, { connection }] of ends.entries()) connection.on("message", () => log.push("abc"[i]!));
      await turn();
      ends[0]!.peer.write(deflated(new Uint8Array(1_000_000)));
      ends[1]!.peer.write(deflated(LONG));
      ends[2]!.peer.write(deflated("short"));
      while (log.length < 3) await turn();
      expect(log).toEqual(["c", "b", "a"]);
      await turn();
      for (const { connection } of ends) {
        expect(connection.readyState).toBe(1);
        connection.terminate();
        await connection.closed;
      }
    } finally {
      Protocol.thread = shared;
    }
  });

  test(`${role}: data that arrived before the socket closed is inflated to its end`, async () => {
    const { connection, peer } = openCompressing(role, { limits: { maxMessage: 1e9 } });
    const log: string[] = [];
    connection.on("message", (data) => log.push(`${typeof data} ${data.length}`));
    connection.on("close", () => log.push("close"));
    const zeros = new Uint8Array(500_000);
    peer.write(deflated(zeros), deflated(zeros), deflated(LONG));
    await turn();
    connection.socket.destroy();
    await connection.closed;
    expect(log).toEqual(["object 500000", "object 500000", `string ${LONG.length}`, "close"]);
  });
}
