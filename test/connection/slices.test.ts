// Long messages are compressed and inflated in slices, in both directions, and only the frames show it.

import { randomBytes } from "node:crypto";
import { deflateRawSync, constants, inflateRawSync } from "node:zlib";
import { expect, vi } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import type { RawFrame } from "../reference/serialize.ts";
import { close, ping } from "../support/wire.ts";
import type { Peer, PeerFrame } from "./support/peer.ts";
import type { Message } from "./support/subject.ts";
import { end, IN_THE_END, sleep, until, within } from "./support/time.ts";
import { allWays, CONSUMERS, each, nodeWays, ROLES, streamsWays } from "./support/ways.ts";

// Run few tests at a time, because they keep the processor busy.
vi.setConfig({ maxConcurrency: 6 });

const ENDS_OF_MARKS = [1 << 20, 0];
const SLICE = 2048;
const extensions = [perMessageDeflate()];
const options = { extensions, sliceSize: SLICE };

/** Rows of JSON, no two of them alike. */
function json(length: number, seed: number = 1): string {
  let random = seed;
  let text = "[";
  while (text.length < length) {
    random = (random * 1103515245 + 12345) & 0x7fffffff;
    text += `{"id":${random},"name":"user ${random % 1000} é","score":${random / 1000}},`;
  }
  return text.slice(0, length);
}

const LONG = json(150_000);
const BYTES = new Uint8Array(Buffer.from(json(150_000, 2)));

/** The messages in frames. Inflates those with RSV1 as a peer would, with the previous ones as context. */
class Inflating {
  #stream: Buffer = Buffer.alloc(0);
  #length = 0;

  of(frames: readonly PeerFrame[]): (string | Buffer)[] {
    const messages: (string | Buffer)[] = [];
    let begun: PeerFrame[] = [];
    for (const frame of frames) {
      if (frame.opcode >= 8) continue;
      begun.push(frame);
      if (!frame.fin) continue;
      const [{ opcode, rsv }] = begun as [PeerFrame];
      const payload = Buffer.concat(begun.map((each) => each.payload));
      begun = [];
      const data = rsv === 4 ? this.#inflate(payload) : payload;
      messages.push(opcode === 1 ? data.toString() : data);
    }
    return messages;
  }

  #inflate(payload: Buffer): Buffer {
    this.#stream = Buffer.concat([this.#stream, payload, Buffer.from([0, 0, 255, 255])]);
    const all = inflateRawSync(this.#stream, { finishFlush: constants.Z_SYNC_FLUSH });
    const data = all.subarray(this.#length);
    this.#length = all.length;
    return data;
  }
}

const sentTo = (peer: Peer): (string | Buffer)[] => new Inflating().of(peer.frames);
const dataFrames = (peer: Peer): readonly PeerFrame[] => peer.frames.filter(({ opcode }) => opcode < 8);

/** A message from a peer that compresses each without context. */
function deflated(data: Message): RawFrame {
  const payload = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  return { opcode: typeof data === "string" ? 1 : 2, rsv: 4, payload: new Uint8Array(payload) };
}

/** A short form of a message: text is abbreviated if it is long, and bytes are shown as their number. */
const short = (data: Message | Buffer): string =>
  typeof data === "string" ? `text ${data.length} ${data.slice(0, 8)}` : `bytes ${data.length}`;

each("long text is sent in slices, each a frame", allWays({ roles: ROLES, marks: ENDS_OF_MARKS }), async (open) => {
  const { subject, peer } = await open({ options });
  const sent = subject.send(LONG);
  expect(await sent).toBe(true);
  await peer.take(1);
  expect(sentTo(peer)[0] === LONG).toBe(true);
  const frames = dataFrames(peer);
  expect(frames.length).toBeGreaterThan(LONG.length / SLICE / 2);
  expect(frames.map(({ opcode }) => opcode)).toEqual([1, ...Array<number>(frames.length - 1).fill(0)]);
});

each("bytes, text as bytes, and text with multi-byte characters", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ options: { ...options, sliceSize: 1001 } });
  const { connection } = subject;
  const faces = `x${"🙂é".repeat(20_000)}\ud83d`;
  connection.send(BYTES);
  connection.send(Buffer.from(faces), { binary: false });
  connection.send(faces);
  connection.send(faces, { binary: true });
  await peer.take(4);
  const asText = Buffer.from(faces).toString();
  const messages = sentTo(peer);
  expect(messages.map(short)).toEqual([BYTES, asText, asText, Buffer.from(asText)].map(short));
  expect(messages[1] === asText && messages[2] === asText).toBe(true);
  expect(Buffer.from(messages[0]!).equals(BYTES)).toBe(true);
  expect(Buffer.from(messages[3]!).equals(Buffer.from(asText))).toBe(true);
});

each("messages that are short or not compressed are not sliced", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ options });
  subject.connection.send(LONG, { compress: false });
  subject.connection.send("x".repeat(SLICE));
  subject.connection.send("x".repeat(3 * SLICE), { compress: false });
  await peer.take(3);
  expect(dataFrames(peer).every(({ fin }) => fin)).toBe(true);
});

each("Infinity turns it off", allWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ options: { ...options, sliceSize: Infinity } });
  void subject.send(LONG);
  await peer.take(1);
  expect(dataFrames(peer)).toHaveLength(1);
  expect(sentTo(peer)[0] === LONG).toBe(true);
});

each(
  "messages sent in the meantime follow in order, and a Close last",
  nodeWays({ roles: ROLES, marks: ENDS_OF_MARKS }),
  async (open) => {
    const { subject, peer } = await open({ options });
    expect(subject.send(LONG)).toBe(true);
    expect(subject.send("short")).toBe(true);
    const pieces = subject.connection.send(
      (async function* () {
        yield LONG.slice(0, 30_000);
        yield "end";
      })(),
    );
    expect(subject.send(BYTES)).toBe(true);
    expect(subject.send("last")).toBe(true);
    subject.close(4001);
    expect(subject.connection.readyState).toBe(2);
    expect(subject.send("late")).toBe(false);
    await peer.until(() => peer.close !== undefined, "no Close");
    expect(peer.close).toBe("close:4001");
    expect(peer.frames.at(-1)!.opcode).toBe(8);
    expect(await pieces).toBe(true);
    const texts = [LONG, "short", `${LONG.slice(0, 30_000)}end`, Buffer.from(BYTES), "last"];
    expect(sentTo(peer).map(short)).toEqual(texts.map(short));
    peer.write(close(4001));
    peer.line.end();
    expect((await end(subject)).wasClean).toBe(true);
  },
);

each("a Close waits for a write of streams", streamsWays({ roles: ROLES, marks: ENDS_OF_MARKS }), async (open) => {
  const { subject, peer } = await open({ options });
  const sent = subject.send(LONG);
  await until(
    () => peer.frames.length > 0,
    () => "no slice",
  );
  expect(() => subject.close(999)).toThrow(RangeError);
  subject.close(4002, "bye");
  expect(await within(Promise.resolve(sent), "not sent")).toBe(true);
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(sentTo(peer)[0] === LONG).toBe(true);
  expect(peer.close).toBe("close:4002");
  peer.write(close(4002));
  peer.line.end();
  expect((await end(subject)).wasClean).toBe(true);
});

each("a Ping goes between the slices", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ options });
  const callback = (): void => void subject.connection.ping("between");
  subject.connection.send("first", { callback });
  subject.send(LONG.repeat(4));
  await peer.take(2);
  const at = peer.frames.findIndex(({ opcode }) => opcode === 9);
  expect(at).toBeGreaterThanOrEqual(0);
  expect(at).toBeLessThan(peer.frames.length - 1);
});

each("other connections get their turn between the slices", nodeWays({ roles: ROLES }), async (open) => {
  const [one, other] = [await open({ options }), await open({ options })];
  one.subject.send(LONG.repeat(20));
  other.subject.send(LONG.slice(0, 10_000));
  await other.peer.take(1);
  expect(one.peer.messages).toHaveLength(0);
  await one.peer.take(1);
});

each("bytes are copied once, before send() returns", nodeWays({ roles: ROLES, marks: ENDS_OF_MARKS }), async (open) => {
  const { subject, peer } = await open({ options });
  const mine = new Uint8Array(BYTES);
  subject.send(mine);
  mine.fill(0);
  subject.send(mine);
  mine.set(BYTES);
  await peer.take(2);
  const [first, second] = sentTo(peer) as [Buffer, Buffer];
  expect(first.equals(BYTES)).toBe(true);
  expect(second.equals(Buffer.alloc(BYTES.length))).toBe(true);
});

each("bufferedAmount, drained() and callbacks", nodeWays({ roles: ROLES, marks: ENDS_OF_MARKS }), async (open) => {
  const { subject, peer } = await open({ options });
  const { connection } = subject;
  const log: string[] = [];
  const done = (name: string) => (error?: Error) => void log.push(error ? `${name} failed` : name);
  connection.send(LONG, { callback: done("long") });
  connection.send("short", { callback: done("short") });
  expect(connection.bufferedAmount).toBeGreaterThan(LONG.length / 4);
  expect(log).toEqual([]);
  await within(connection.drained(), "not drained");
  expect(connection.bufferedAmount).toBe(0);
  await until(
    () => log.length === 2,
    () => log.join(),
  );
  expect(log).toEqual(["long", "short"]);
  await peer.take(2);
});

each("overflow counts uncompressed data", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ options: { ...options, maxBufferedAmount: 200_000, overflow: "drop" } });
  expect(subject.send(LONG)).toBe(true);
  expect(subject.send(BYTES)).toBe(false);
  await within(subject.connection.drained(), "not drained");
  expect(subject.send(BYTES)).toBe(true);
  await peer.take(2);
});

const tcpWays = nodeWays({ roles: ROLES }).filter(({ transport }) => transport === "tcp");

each("while the peer reads nothing, no more than the mark is compressed", tcpWays, async (open) => {
  const mark = 20_000;
  const { subject, peer } = await open({ options: { ...options, highWaterMark: mark } });
  const { connection } = subject;
  peer.line.pause();
  const noise = randomBytes(12_000_000);
  expect(connection.send(noise)).toBe(true);
  let before = -1;
  while (connection.bufferedAmount !== before) {
    before = connection.bufferedAmount;
    await sleep(50);
  }
  // Beyond the data that was written, only the mark and one slice have been compressed.
  expect(before).toBeGreaterThan(100_000);
  expect(connection.endpoint.bufferedAmount).toBeLessThan(mark + 2 * SLICE);
  peer.line.resume();
  await peer.take(1, 20_000);
  expect(Buffer.from(sentTo(peer)[0]!).equals(noise)).toBe(true);
  await within(connection.drained(), "not drained");
});

each("terminate() in the middle", nodeWays({ roles: ROLES, marks: ENDS_OF_MARKS }), async (open) => {
  const { subject, peer } = await open({ options });
  const { connection } = subject;
  const log: string[] = [];
  const callback = (name: string) => (error?: Error) => void log.push(error ? `${name} failed` : name);
  connection.on("close", () => log.push("close"));
  connection.send(LONG, { callback: callback("long") });
  connection.send("short", { callback: callback("short") });
  const drained = connection.drained();
  connection.terminate();
  await end(subject);
  await within(drained, "not drained");
  await peer.gone();
  await sleep(20);
  expect(log).toEqual(["long failed", "short failed", "close"]);
  expect(connection.send("late")).toBe(false);
  expect(peer.messages).toEqual([]);
});

each("the peer cuts the connection in the middle", allWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ options });
  const sent = subject.send(LONG + LONG + LONG);
  await until(
    () => peer.frames.length > 0,
    () => "no slice",
  );
  peer.line.reset();
  expect((await end(subject)).wasClean).toBe(false);
  await within(Promise.resolve(sent), "still being sent");
});

each(
  "the next part of a message must be of the same kind, whatever waits",
  nodeWays({ roles: ROLES }),
  async (open) => {
    const { subject, peer } = await open({ options });
    const { connection } = subject;
    connection.send(LONG);
    connection.send(LONG, { fin: false });
    expect(() => connection.send(BYTES)).toThrow(TypeError);
    expect(() => connection.send(Buffer.concat([Buffer.of(0xff), BYTES]), { binary: false })).toThrow(TypeError);
    connection.send(LONG);
    await peer.take(2);
    expect(sentTo(peer).map(short)).toEqual([LONG, LONG + LONG].map(short));
  },
);

const CONSUMING = { roles: ROLES, marks: ENDS_OF_MARKS, consumers: CONSUMERS };

each("long messages arrive in order, with the frames between them", allWays(CONSUMING), async (open) => {
  const messages: Message[] = [LONG, "short", BYTES, json(80_000, 3), "last"];
  const got: Message[] = [];
  const { subject, peer } = await open({
    options: { ...options, limits: { maxMessage: 1e9 } },
    begin: (subject) => subject.receive((data) => void got.push(data)),
  });
  peer.write(...messages.map(deflated), ping("p"), close(4003));
  await until(
    () => got.length === messages.length,
    () => `${got.length} messages`,
    IN_THE_END,
  );
  expect(got.map(short)).toEqual(messages.map(short));
  expect(got[0] === LONG && got[3] === messages[3]).toBe(true);
  expect(Buffer.from(got[2]!).equals(BYTES)).toBe(true);
  await peer.until(() => peer.close !== undefined, "no answer to the Close");
  expect(peer.log.slice(0, 2)).toEqual(["pong:p", "close:4003"]);
  peer.line.end();
  expect(await end(subject)).toMatchObject({ code: 4003, wasClean: true });
});

each("the event loop turns while one message is inflated", allWays({ roles: ROLES }), async (open) => {
  const zeros = new Uint8Array(16_000_000);
  let turns = 0;
  let got = 0;
  const { subject, peer } = await open({
    options,
    begin: (subject) => subject.receive((data) => void (got = data.length)),
  });
  const counting = (): void => {
    turns++;
    if (got === 0) setImmediate(counting);
  };
  peer.write(deflated(zeros));
  setImmediate(counting);
  await until(
    () => got > 0,
    () => "no message",
    IN_THE_END,
  );
  expect(got).toBe(zeros.length);
  // 250 slices of 64 KiB, and no turn inflates more than 64 of them.
  expect(turns).toBeGreaterThan(3);
  subject.close(1000);
});

each(
  "paused between slices, nothing is delivered before resume()",
  nodeWays({ roles: ROLES, marks: ENDS_OF_MARKS }),
  async (open) => {
    const got: Message[] = [];
    const { subject, peer } = await open({
      options,
      begin: (subject) => subject.receive((data) => void got.push(data)),
    });
    const { connection } = subject;
    connection.once("message", () => connection.pause());
    peer.write(deflated("first".repeat(500)), deflated(LONG), deflated(BYTES));
    await until(
      () => got.length === 1,
      () => "no message",
    );
    await sleep(30);
    expect(got).toHaveLength(1);
    connection.resume();
    await until(
      () => got.length === 3,
      () => `${got.length} messages`,
    );
    expect(got.slice(1).map(short)).toEqual([LONG, BYTES].map(short));
  },
);

each("messages from before the peer ended its side are delivered", allWays(CONSUMING), async (open, { hidesEnd }) => {
  if (hidesEnd) return;
  const got: Message[] = [];
  const { subject, peer } = await open({
    options,
    begin: (subject) => subject.receive((data) => void got.push(data)),
  });
  peer.write(deflated(LONG), deflated(BYTES));
  peer.line.end();
  expect((await end(subject)).wasClean).toBe(false);
  await until(
    () => got.length === 2,
    () => `${got.length} messages`,
  );
  expect(got.map(short)).toEqual([LONG, BYTES].map(short));
});

each(
  "terminate() while slices wait: no message after it, and the end last",
  nodeWays({ roles: ROLES }),
  async (open) => {
    const log: string[] = [];
    const { subject, peer } = await open({
      options,
      begin: (subject) => subject.receive((data) => void log.push(short(data))),
    });
    const { connection } = subject;
    connection.on("close", () => log.push("close"));
    connection.once("message", () => setImmediate(() => connection.terminate()));
    peer.write(deflated("first".repeat(500)), deflated(new Uint8Array(16_000_000)), deflated("second"));
    await end(subject);
    await sleep(30);
    expect(log).toEqual(["text 2500 firstfir", "close"]);
  },
);

each("echoes of long messages", allWays({ roles: ROLES, marks: ENDS_OF_MARKS, consumers: CONSUMERS }), async (open) => {
  const { subject, peer } = await open({ options });
  subject.receive((data) => subject.send(data));
  peer.write(deflated(LONG), deflated(BYTES), deflated(LONG));
  await peer.take(3, IN_THE_END);
  expect(sentTo(peer).map(short)).toEqual([LONG, BYTES, LONG].map(short));
});
