// Every form of bytes is accepted everywhere: from another realm, as in vm contexts and test runners, and in shared
// memory.

import { createContext, runInContext, runInNewContext, runInThisContext } from "node:vm";
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type * as wsframe from "../src/index.ts";
import {
  type Bytes,
  encodeFrame,
  FrameDecoder,
  FrameEncoder,
  mask,
  PreparedMessage,
  Protocol,
  type ProtocolEvent,
  RequestParser,
} from "../src/index.ts";
import { FrameDecoderStream, FrameEncoderStream, openWebSocketStream } from "../src/streams/index.ts";
import { all, duplexes, from } from "./streams/support.ts";

const CODE: Record<string, string> = {
  "an ArrayBuffer": "new ArrayBuffer(length)",
  "a SharedArrayBuffer": "new SharedArrayBuffer(length)",
  "a Uint8Array": "new Uint8Array(new ArrayBuffer(length + 9), 5, length)",
  "a Uint8Array in shared memory": "new Uint8Array(new SharedArrayBuffer(length + 9), 5, length)",
  "a DataView": "new DataView(new ArrayBuffer(length + 9), 5, length)",
  "an Int8Array in shared memory": "new Int8Array(new SharedArrayBuffer(length + 9), 5, length)",
};
const forms = Object.entries(CODE).flatMap(([name, code]) => {
  type Make = (length: number) => Bytes;
  return [
    [name, runInThisContext(`(length) => ${code}`) as Make] as const,
    [`${name} from another realm`, runInNewContext(`(length) => ${code}`) as Make] as const,
  ];
});

function viewOf(bytes: Bytes): Uint8Array {
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

/** Compare strings, because comparing large arrays takes seconds. */
const show = (bytes: Bytes): string => Buffer.from(viewOf(bytes)).toString("latin1");
const shown = (events: readonly ProtocolEvent[]): unknown[] =>
  events.map((event) =>
    "data" in event && typeof event.data !== "string" ? { ...event, data: show(event.data) } : event,
  );
/** Joins the taken parts, and checks that none is in shared memory. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  for (const { buffer } of parts) expect(Object.prototype.toString.call(buffer)).toBe("[object ArrayBuffer]");
  return new Uint8Array(Buffer.concat(parts));
}

const server = { role: "server" } as const;
const client = { role: "client" } as const;

const letters = (length: number): string => "abcdefghijklmnopqrstuvwxyz".repeat(length / 26 + 1).slice(0, length);

describe.each(forms)("%s", (_, make) => {
  /** Converts the bytes to this form. */
  const fill = (content: string | Uint8Array): Bytes => {
    const bytes = make(content.length);
    viewOf(bytes).set(typeof content === "string" ? Buffer.from(content) : content);
    return bytes;
  };

  test.each([0, 3, 5000, 70_000])("sends %i bytes as binary and as text", (length) => {
    const content = letters(length);
    for (const [role, receiver] of [
      [client, server],
      [server, client],
    ] as const) {
      const sender = new Protocol(role);
      expect(sender.send(fill(content))).toBe(true);
      expect(sender.send(fill(content), { binary: false })).toBe(true);
      expect(sender.send(new PreparedMessage(fill(content)))).toBe(true);
      expect(shown(new Protocol(receiver).receive(joined(sender.take())))).toEqual([
        { type: "binary", data: content },
        { type: "text", data: content },
        { type: "binary", data: content },
      ]);
      const encoder = new FrameEncoder(role);
      encoder.text(fill(content));
      encoder.binary(fill(content));
      encoder.frame({ opcode: 2, payload: fill(content) });
      const frames = new FrameDecoder(receiver).decode(joined(encoder.take()));
      expect(frames.map(({ opcode }) => opcode)).toEqual([1, 2, 2]);
      for (const { payload } of frames) expect(show(payload)).toEqual(content);
    }
  });

  test("sends them in pings and pongs", () => {
    const sender = new Protocol(client);
    sender.ping(fill(letters(3)));
    sender.pong(fill(letters(125)));
    const encoder = new FrameEncoder(client);
    encoder.ping(fill(letters(3)));
    encoder.pong(fill(letters(125)));
    for (const from of [sender, encoder]) {
      expect(shown(new Protocol(server).receive(joined(from.take())))).toEqual([
        { type: "ping", data: letters(3) },
        { type: "pong", data: letters(125) },
      ]);
    }
  });

  test("checks text in bytes", () => {
    const sender = new Protocol(server);
    expect(() => sender.send(fill(Uint8Array.of(0xff)), { binary: false })).toThrow(/UTF-8/);
    expect(sender.take()).toEqual([]);
  });

  test.each([5, 200])("mask() changes %i bytes in place", (length) => {
    const data = fill(letters(length));
    mask(data, Uint8Array.of(1, 2, 3, 4));
    expect(show(data)).toEqual(show(Buffer.from(letters(length)).map((byte, i) => byte ^ ((i & 3) + 1))));
    mask(data, fill(Uint8Array.of(1, 2, 3, 4)));
    expect(show(data)).toEqual(letters(length));
  });

  test.each([3, 5000, 200_000])("decodes a chunk with a frame of %i bytes, whole and in two parts", (length) => {
    for (const [role, receiver] of [
      [client, server],
      [server, client],
    ] as const) {
      const stream = encodeFrame({ opcode: 2, payload: letters(length) }, role);
      for (const cut of [stream.length, length >> 1]) {
        const parts = [stream.subarray(0, cut), stream.subarray(cut)];
        const decoder = new FrameDecoder(receiver);
        const frames = parts.flatMap((part) => decoder.decode(fill(part)));
        expect(show(joined(frames.map(({ payload }) => payload)))).toEqual(letters(length));

        const pieces: Uint8Array[] = [];
        const pushed = new FrameDecoder(receiver);
        const sink = {
          header() {},
          payload(window: Uint8Array<ArrayBuffer>, start: number, end: number) {
            expect(Object.prototype.toString.call(window.buffer)).toBe("[object ArrayBuffer]");
            pieces.push(window.slice(start, end));
          },
          end() {},
        };
        for (const part of parts) pushed.push(fill(part), sink);
        expect(show(joined(pieces))).toEqual(letters(length));

        const protocol = new Protocol(receiver);
        expect(shown(parts.flatMap((part) => protocol.receive(fill(part))))).toEqual([
          { type: "binary", data: letters(length) },
        ]);
      }
    }
  });

  test("restores a state, and parses the head of a request", () => {
    const stream = encodeFrame({ opcode: 2, payload: letters(100) }, client);
    const decoder = new FrameDecoder(server);
    decoder.decode(stream.slice(0, 50));
    const restored = FrameDecoder.restore(fill(decoder.save()), server);
    expect(show(restored.decode(stream.slice(50))[0]!.payload)).toEqual(letters(100));
    const head = Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nrest");
    const found = new RequestParser().push(fill(head));
    expect(found?.request.headers).toEqual([["Host", "localhost"]]);
    expect(show(found!.rest)).toBe("rest");
  });

  test("the streams accept it in messages, frames and chunks, and count its bytes", async () => {
    const { near, far } = duplexes();
    const a = openWebSocketStream(near, { ...client, writableHighWaterMark: 1000 });
    const b = openWebSocketStream(far, server);
    const writer = a.writable.getWriter();
    const written = writer.write(fill(letters(700)));
    expect(writer.desiredSize).toBe(298);
    const prepared = writer.write(new PreparedMessage(fill(letters(200))));
    expect(writer.desiredSize).toBe(96);
    await Promise.all([written, prepared]);
    void writer.close();
    expect((await all(b.readable)).items.map((item) => show(item as Uint8Array))).toEqual([letters(700), letters(200)]);
    await Promise.all([a.closed, b.closed]);

    const frames = from([
      fill(letters(3)),
      new PreparedMessage(fill(letters(4))),
      { opcode: 2, payload: fill(letters(5)) },
    ]);
    const bytes = joined((await all(frames.pipeThrough(new FrameEncoderStream(client)))).items);
    const decoded = await all(from([fill(bytes)]).pipeThrough(new FrameDecoderStream(server)));
    expect(decoded.items.map(({ payload }) => show(payload))).toEqual([letters(3), letters(4), letters(5)]);
  });
});

test("any other type is refused with a TypeError that names the allowed ones", () => {
  const wrong = [undefined, null, 5, {}, [1, 2, 3], new Blob(["a"]), { byteLength: 3 }] as unknown as Bytes[];
  for (const data of wrong) {
    expect(() => new Protocol(server).send(data)).toThrow(
      new TypeError("data must be a string, bytes or a PreparedMessage"),
    );
    expect(() => new Protocol(server).send(data, { binary: true })).toThrow(/^data must be a string or bytes/);
    expect(() => new FrameEncoder(server).text(data)).toThrow(/^data must be a string or bytes/);
    expect(() => new FrameEncoder(server).binary(data)).toThrow(/^data must be bytes/);
    expect(() => new PreparedMessage(data)).toThrow(/^data must be a string or bytes/);
    expect(() => new FrameDecoder(server).decode(data)).toThrow(/^data must be bytes/);
    expect(() => new Protocol(server).receive(data)).toThrow(/^data must be bytes/);
    expect(() => mask(data, Uint8Array.of(1, 2, 3, 4))).toThrow(/^data must be bytes/);
    expect(() => new RequestParser().push(data)).toThrow(/^data must be bytes/);
  }
});

test("the package runs in a separate realm, with bytes from this one", async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))],
    bundle: true,
    format: "iife",
    globalName: "wsframe",
    target: "es2022",
    write: false,
  });
  const context = createContext({ TextEncoder, TextDecoder, crypto, atob, btoa });
  const inside = runInContext(`${outputFiles[0]!.text}; wsframe`, context) as typeof wsframe;
  const sender = new inside.Protocol(client);
  const receiver = new inside.Protocol(server);
  sender.send(Buffer.from("from outside"));
  sender.send(new Uint8Array(Buffer.from("large ".repeat(1000))));
  sender.send(new inside.PreparedMessage(new Uint8Array([1, 2, 3]).buffer));
  sender.ping(Buffer.from("ping"));
  const events = sender.take().flatMap((part) => receiver.receive(Buffer.from(part)));
  expect(events.map((event) => ("data" in event ? Buffer.from(event.data).toString("latin1") : ""))).toEqual([
    "from outside",
    "large ".repeat(1000),
    "\x01\x02\x03",
    "ping",
  ]);
});
