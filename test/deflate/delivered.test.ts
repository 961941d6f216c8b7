// The delivery of compressed messages: complete, early, and in the requested form.

import { constants, deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { encodeFrame, perMessageDeflate, Protocol, type MessageSink, type ProtocolOptions } from "../../src/index.ts";
import { Random } from "../support/random.ts";
import { evict } from "./support/evict.ts";
import { json } from "./support/messages.ts";

const ignored = (): void => {};
const sinkWith = (more: Partial<MessageSink>): MessageSink => ({
  text: ignored,
  binary: ignored,
  ping: ignored,
  pong: ignored,
  error: (error) => expect.fail(error.code),
  close: ignored,
  ...more,
});

function client(options: Partial<ProtocolOptions> = {}): Protocol {
  return new Protocol({ role: "client", extensions: [perMessageDeflate()], ...options });
}

/** The frame of a compressed message. Without `fin`, it is the first fragment and ends with a flush. */
function frame(opcode: number, data: Uint8Array, { fin = true, level = 6 } = {}): Uint8Array<ArrayBuffer> {
  const flushed = deflateRawSync(data, { level, finishFlush: constants.Z_SYNC_FLUSH });
  const payload = new Uint8Array(fin ? flushed.subarray(0, -4) : flushed);
  return encodeFrame({ opcode, fin, rsv: 4, payload }, { role: "server" });
}

test("delivers a text as bytes if asked to, whether it is inflated at once or not", () => {
  const text = Buffer.from("Grüße, 漢字 ".repeat(20_000));
  for (const step of [1 << 20, 500]) {
    const got: Uint8Array[] = [];
    const sink = sinkWith({
      textBytes: (data: Uint8Array) => void got.push(data),
      binary: () => expect.fail("binary"),
    });
    const subject = client({ textBytes: true });
    const stream = Buffer.concat([frame(1, text), frame(1, Buffer.from("é"))]);
    for (let at = 0; at < stream.length; at += step) subject.push(new Uint8Array(stream.subarray(at, at + step)), sink);
    expect(got.map((bytes) => Buffer.from(bytes).toString())).toEqual([text.toString(), "é"]);
  }
});

test("delivers no empty piece of text, wherever its characters are cut", () => {
  const text = "a😀漢é".repeat(5);
  const pieces: string[] = [];
  const subject = client({ fragments: true });
  // Stored: each byte is one of the text.
  const stream = frame(1, Buffer.from(text), { level: 0 });
  for (let at = 0; at < stream.length; at++) {
    subject.push(
      stream.subarray(at, at + 1),
      sinkWith({ start: ignored, piece: (data) => void pieces.push(String(data)), end: ignored }),
    );
  }
  expect(pieces.join("")).toBe(text);
  expect(pieces).not.toContain("");
});

test("delivers all data of a fragment with it, even if its last bytes exceed the core's window", () => {
  const wrong: number[] = [];
  for (let size = 65_000; size < 74_000; size += 257) {
    let length = 0;
    client({ fragments: true }).push(
      frame(2, new Uint8Array(size), { fin: false }),
      sinkWith({ start: ignored, piece: (data) => void (length += data.length), end: ignored }),
    );
    if (length !== size) wrong.push(size);
  }
  expect(wrong).toEqual([]);
});

test("a chunk is free after push(), other connections may push, and kept bytes shrink while they are inflated", () => {
  const message = json(new Random(3), 400_000);
  const got: Uint8Array[] = [];
  const piece = (data: Uint8Array | string): void => void got.push(data as Uint8Array);
  const sink = sinkWith({ start: ignored, piece, end: ignored });
  const subject = client({ sliceSize: 1000, fragments: true });
  const chunk = frame(2, message);
  subject.push(chunk, sink);
  chunk.fill(0xee);
  // The core now holds bytes of other connections.
  client().push(frame(2, new Random(4).bytes(60_000), { level: 0 }), sinkWith({}));
  const held: number[] = [];
  for (; subject.unfinished; subject.resume(sink)) held.push(subject.heldBytes);
  expect(Buffer.compare(Buffer.concat(got), message)).toBe(0);
  expect(held[0]).toBeLessThan(chunk.length);
  expect(held[Math.floor(0.75 * held.length)]).toBeLessThan(0.6 * held[0]!);
});

test("delivers a byte order mark as content, also in pieces", () => {
  const text = "\ufeffGrüße";
  const stream = frame(1, Buffer.from(text), { level: 0 });
  for (const fragments of [true, false]) {
    const got: string[] = [];
    const take = (data: Uint8Array | string): void => void got.push(String(data));
    const subject = client({ fragments });
    const sink = sinkWith({ start: ignored, piece: take, end: ignored, text: take });
    for (let at = 0; at < stream.length; at++) subject.push(stream.subarray(at, at + 1), sink);
    expect(got.join("")).toBe(text);
  }
});

test("delivers a message whole although other connections take all slots in between", () => {
  const message = json(new Random(5), 20_000);
  const got: Uint8Array[] = [];
  const subject = client();
  const stream = frame(2, message);
  const sink = sinkWith({ binary: (data) => void got.push(data) });
  for (let at = 0; at < stream.length; at += 2000) {
    subject.push(stream.subarray(at, at + 2000), sink);
    evict();
  }
  expect(got.map((bytes) => Buffer.compare(bytes, message))).toEqual([0]);
});
