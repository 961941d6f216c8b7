// Messages that an extension decodes as they arrive, and the option sliceSize.

import { deflateRawSync, constants } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  perMessageDeflate,
  Protocol,
  type ProtocolOptions,
  type MessageSink,
  type WebSocketError,
} from "../../src/index.ts";
import { FrameEncoder } from "../../src/frame/encoder.ts";
import { serialize } from "../../src/frame/prepared.ts";
import { json, mixed } from "../deflate/support/messages.ts";
import { Random } from "../support/random.ts";

const ROLES = ["client", "server"] as const;

function pair(
  role: "client" | "server",
  options: Partial<ProtocolOptions> = {},
): { peer: Protocol; subject: Protocol } {
  const other = role === "client" ? "server" : "client";
  const extension = (): ReturnType<typeof perMessageDeflate> => perMessageDeflate({ threshold: 0 });
  return {
    peer: new Protocol({ role: other, extensions: [extension()] }),
    subject: new Protocol({ role, extensions: [extension()], ...options }),
  };
}

function taken(protocol: Protocol): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(protocol.take()));
}

function compressed(data: string | Uint8Array): Buffer {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Records the calls of a sink. */
class Log implements MessageSink {
  readonly events: string[] = [];
  readonly pieces: (string | Uint8Array)[] = [];
  onPiece: () => void = () => {};
  text(data: string): void {
    this.events.push(`text ${data.length}`);
    this.pieces.push(data);
  }
  binary(data: Uint8Array): void {
    this.events.push(`binary ${data.length}`);
    this.pieces.push(data);
  }
  start(kind: string): void {
    this.events.push(`start ${kind}`);
  }
  piece(data: string | Uint8Array): void {
    this.pieces.push(data);
    this.onPiece();
  }
  end(): void {
    this.events.push("end");
  }
  ping(): void {
    this.events.push("ping");
  }
  pong(): void {
    this.events.push("pong");
  }
  error(error: WebSocketError): void {
    this.events.push(`error ${error.code}`);
  }
  close(code: number): void {
    this.events.push(`close ${code}`);
  }
}

describe.each(ROLES)("a %s", (role) => {
  test("delivers pieces of a compressed message as its bytes arrive", () => {
    const { peer, subject } = pair(role, { fragments: true });
    const message = json(new Random(1), 300_000);
    peer.send(message, { binary: false });
    const stream = taken(peer);
    const log = new Log();
    let first = 0;
    log.onPiece = () => (first ||= at);
    let at = 0;
    for (; at < stream.length; at += 1000) subject.push(stream.subarray(at, at + 1000), log);
    expect(first).toBeLessThan(5000);
    expect(log.events).toEqual(["start text", "end"]);
    expect(log.pieces.join("")).toBe(Buffer.from(message).toString());
  });

  test("reports invalid UTF-8 before the message ends, after the valid text", () => {
    const { subject } = pair(role, { fragments: true });
    const bad = Buffer.concat([Buffer.from("good "), Buffer.from([0xff]), Buffer.alloc(100_000, "x")]);
    const payload = compressed(bad);
    const frame = masked(role, { opcode: 1, fin: false, rsv: 4, payload: payload.subarray(0, 200) });
    const log = new Log();
    subject.push(frame, log);
    expect(log.events).toEqual(["start text", "error WS_ERR_INVALID_UTF8", "close 1006"]);
  });

  test.each([1, 7, 1000, 20_000])("inflates about %i bytes per call with sliceSize, in order", (sliceSize) => {
    const { peer, subject } = pair(role, { sliceSize });
    const random = new Random(2);
    const messages = [json(random, 200_000), json(random, 100), json(random, 50_000), new Uint8Array(0)];
    for (const message of messages) peer.send(message);
    peer.ping();
    peer.close(1000);
    const log = new Log();
    subject.push(taken(peer), log);
    subject.pushEnd(log);
    let calls = 0;
    while (subject.unfinished) {
      expect(subject.paused).toBe(false);
      const before = log.events.length;
      subject.resume(log);
      expect(log.events.length - before).toBeLessThan(6);
      calls++;
    }
    expect(calls).toBeGreaterThan(2);
    expect(log.events).toEqual([...messages.map(({ length }) => `binary ${length}`), "ping", "close 1000"]);
    expect(Buffer.concat(log.pieces as Uint8Array[]).equals(Buffer.concat(messages))).toBe(true);
  });

  test("keeps bytes that arrive between two slices, and pause() works between them", () => {
    const { peer, subject } = pair(role, { sliceSize: 1000 });
    const log = new Log();
    peer.send("a".repeat(100_000));
    subject.push(taken(peer), log);
    expect(subject.unfinished).toBe(true);
    expect(subject.heldBytes).toBeGreaterThan(0);
    peer.send("b");
    subject.push(taken(peer), log);
    expect(log.events).toEqual([]);
    subject.pause();
    expect(subject.paused).toBe(true);
    subject.resume(log);
    expect(subject.paused).toBe(false);
    while (subject.unfinished) subject.resume(log);
    expect(log.events).toEqual(["text 100000", "text 1"]);
    expect(subject.heldBytes).toBe(0);
  });

  test("pause() from a piece stops within a message, and resume() continues", () => {
    const { peer, subject } = pair(role, { fragments: true });
    peer.send("a".repeat(1_000_000));
    peer.send("b");
    const log = new Log();
    log.onPiece = () => subject.pause();
    subject.push(taken(peer), log);
    const counts = [log.pieces.length];
    while (subject.paused) {
      subject.resume(log);
      counts.push(log.pieces.length);
    }
    expect(counts.length).toBeGreaterThan(10);
    for (let i = 1; i < counts.length; i++) expect(counts[i]! - counts[i - 1]!).toBeLessThanOrEqual(1);
    expect(log.pieces.join("")).toBe(`${"a".repeat(1_000_000)}b`);
    expect(log.events).toEqual(["start text", "end", "start text", "end"]);
  });

  test("resume() within a piece undoes a pause", () => {
    const { peer, subject } = pair(role, { fragments: true });
    peer.send(new Uint8Array(500_000));
    const log = new Log();
    log.onPiece = () => {
      subject.pause();
      subject.resume(log);
    };
    subject.push(taken(peer), log);
    expect(log.events).toEqual(["start binary", "end"]);
    expect(Buffer.concat(log.pieces as Uint8Array[]).length).toBe(500_000);
  });

  test("an empty frame ends a message, also between slices", () => {
    const payload = compressed(Buffer.alloc(100_000, "x"));
    for (const sliceSize of [Infinity, 1000]) {
      const { subject } = pair(role, { sliceSize });
      const log = new Log();
      subject.push(masked(role, { opcode: 2, fin: false, rsv: 4, payload }), log);
      subject.push(masked(role, { opcode: 0, fin: true, rsv: 0, payload: new Uint8Array(0) }), log);
      while (subject.unfinished) subject.resume(log);
      expect(log.events).toEqual(["binary 100000"]);
    }
  });

  test("enforces a limit while the message inflates", () => {
    const { peer, subject } = pair(role, { fragments: true, limits: { maxMessage: 50_000 } });
    peer.send(new Uint8Array(1_000_000));
    const log = new Log();
    subject.push(taken(peer), log);
    expect(log.events).toEqual(["start binary", "error WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "close 1006"]);
    expect(Buffer.concat(log.pieces as Uint8Array[]).length).toBeLessThanOrEqual(50_000);
  });

  test("delivers nothing after the sink ends the connection within a piece", () => {
    const { peer, subject } = pair(role, { fragments: true });
    peer.send(new Uint8Array(1_000_000));
    const log = new Log();
    log.onPiece = () => {
      if (log.pieces.length === 3) log.events.push(...subject.receiveEnd().map(({ type }) => type));
    };
    subject.push(taken(peer), log);
    expect(log.events).toEqual(["start binary", "close"]);
    expect(log.pieces.length).toBe(3);
  });

  test("does not mix unfinished messages of many connections", () => {
    const random = new Random(3);
    const all = Array.from({ length: 100 }, (_, i) => {
      const { peer, subject } = pair(role, { fragments: true });
      const message = Buffer.concat([json(random, 500), json(random, 60_000 + 1000 * i)]);
      peer.send(message.subarray(0, 500));
      peer.send(message.subarray(500));
      const log = new Log();
      const stream = taken(peer);
      return { subject, message, log, stream };
    });
    for (let at = 0; at < 40_000; at += 2500) {
      for (const { subject, log, stream } of all) subject.push(stream.subarray(at, at + 2500), log);
    }
    for (const { message, log } of all) {
      expect(log.events).toEqual(["start binary", "end", "start binary", "end"]);
      expect(Buffer.concat(log.pieces as Uint8Array[]).equals(message)).toBe(true);
    }
  });

  test("release() makes the next message one without context", () => {
    const { peer, subject } = pair(role);
    const message = json(new Random(4), 2000);
    const sizes = [0, 1, 2, 3].map((i) => {
      if (i === 2) peer.release();
      peer.send(message);
      const stream = taken(peer);
      const [event] = subject.receive(stream);
      expect(event).toMatchObject({ type: "binary" });
      return stream.length;
    });
    expect(sizes[1]).toBeLessThan(sizes[0]! / 5);
    expect(sizes[2]).toBe(sizes[0]);
    expect(sizes[3]).toBe(sizes[1]);
  });
});

/** A frame as this role receives it. */
function masked(
  role: "client" | "server",
  { opcode, fin, rsv, payload }: { opcode: number; fin: boolean; rsv: number; payload: Uint8Array },
): Uint8Array {
  const { frame } = serialize((fin ? 128 : 0) | (rsv << 4) | opcode, payload);
  if (role === "client") return frame;
  const header = frame.length - payload.length;
  const result = Buffer.concat([frame.subarray(0, header), Buffer.alloc(4), payload]);
  result[1]! |= 128;
  return result;
}

test("a maskKey function that sends on another connection does not change the message", () => {
  const other = new Protocol({ role: "server", extensions: [perMessageDeflate({ threshold: 0 })] });
  const random = new Random(5);
  // The compressed message is copied to the queue, or becomes a frame in its own memory.
  for (const length of [1000, 9800, 10_900]) {
    const options = { extensions: [perMessageDeflate({ threshold: 0 })] };
    const maskKey = (): Uint8Array => {
      other.send(json(random, 20_000), { binary: false });
      return Uint8Array.of(1, 2, 3, 4);
    };
    const client = new Protocol({ role: "client", maskKey, ...options });
    const server = new Protocol({ role: "server", ...options });
    const text = Array.from({ length }, () => String.fromCharCode(random.integer(33, 126))).join("");
    client.send(text);
    expect(server.receive(taken(client))).toEqual([{ type: "text", data: text }]);
  }
});

test("sends the original bytes of a text that a maskKey function changes", () => {
  const bytes = new Uint8Array(5000).fill(0x61);
  const encoder = new FrameEncoder({
    role: "client",
    maskKey: () => {
      bytes.fill(0x62);
      return new Uint8Array(4);
    },
  });
  encoder.copy(0xc1, bytes);
  expect(encoder.take().at(-1)!.at(-1)).toBe(0x61);
});

test("slices of a large chunk copy the rest only a few times, not once per slice", () => {
  const data = mixed(new Random(1), 4 << 20);
  const stored = deflateRawSync(data, { level: 0, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const subject = new Protocol({ role: "client", extensions: [perMessageDeflate()], sliceSize: 1 });
  const log = new Log();
  subject.push(serialize(0xc2, stored).frame, log);
  const held = new Set<number>();
  let slices = 0;
  for (; subject.unfinished; slices++) {
    held.add(subject.heldBytes);
    subject.resume(log);
  }
  expect(slices).toBeGreaterThan(200);
  expect(held.size).toBeLessThan(20);
  expect(log.pieces).toHaveLength(1);
  expect(Buffer.compare(log.pieces[0] as Uint8Array, data)).toBe(0);
});

test("codes without output use up a slice, too", () => {
  const { peer, subject } = pair("client", { sliceSize: 10_000 });
  const message = json(new Random(5), 3000);
  peer.send(message, { fragmentSize: 1 });
  const log = new Log();
  subject.push(taken(peer), log);
  let slices = 0;
  for (; subject.unfinished; slices++) subject.resume(log);
  expect(slices).toBeGreaterThan(20);
  expect(log.events).toEqual([`binary ${message.length}`]);
});

test("delivers the text before an invalid byte, however the message is cut", () => {
  const good = "Grüße, 世界 😀";
  const wrong = Buffer.concat([Buffer.from(good), Buffer.from([0xe4, 0xb8, 0x41]), Buffer.from("not this")]);
  const frame = serialize(0xc1, compressed(wrong)).frame;
  for (const pauses of [false, true]) {
    for (const size of [1, 5, frame.length]) {
      const subject = new Protocol({ role: "client", extensions: [perMessageDeflate()], fragments: true });
      const log = new Log();
      if (pauses) log.onPiece = () => subject.pause();
      for (let at = 0; at < frame.length; at += size) subject.push(frame.subarray(at, at + size), log);
      for (let turns = 0; subject.paused && turns < 100; turns++) subject.resume(log);
      expect(log.pieces.join("")).toBe(good);
      expect(log.events).toEqual(["start text", "error WS_ERR_INVALID_UTF8", "close 1006"]);
    }
  }
});
