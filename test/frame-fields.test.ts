// Compares the fields of frames, headers and errors with what was serialized.

import { describe, expect, test } from "vitest";
import { type Frame, FrameDecoder, type FrameHeader, type FrameSink, WebSocketError } from "../src/index.ts";
import { concat, serialize, type RawFrame } from "./reference/serialize.ts";

const cores = ["wasm", "portable"] as const;
const frames: readonly RawFrame[] = [
  { opcode: 1, payload: Buffer.from("one") },
  { opcode: 2, fin: false, rsv: 4, payload: Buffer.alloc(126, 7) },
  { opcode: 9, payload: Buffer.from("?") },
  { opcode: 0, payload: Buffer.alloc(0) },
  { opcode: 2, rsv: 6, payload: Buffer.alloc(70_000, 8) },
  { opcode: 1, payload: Buffer.from("größe") },
  { opcode: 8, payload: Buffer.from([3, 232]) },
];

interface Fields {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  maskKey: number[] | undefined;
  headerLength: number;
  headerOffset: number;
  payloadOffset: number;
  payloadLength: number;
}

function fieldsOf(frame: Frame | FrameHeader): Fields {
  const { fin, rsv, opcode, masked, maskKey, headerLength, headerOffset, payloadOffset, payloadLength } = frame;
  const key = maskKey && [...maskKey];
  // A new array each time, because callers may change it.
  maskKey?.fill(0xff);
  expect(`${frame.maskKey}`).toBe(`${key}`);
  return { fin, rsv, opcode, masked, maskKey: key, headerLength, headerOffset, payloadOffset, payloadLength };
}

describe.each(cores)("%s core", (core) => {
  test.each(["server", "client"] as const)("frames and headers have the fields of the stream, role %s", (role) => {
    const wanted: Fields[] = [];
    const wire = frames.map((frame, i) => {
      const maskKey = role === "server" ? [i, 2, 3, 0x84] : undefined;
      const bytes = serialize({ ...frame, maskKey });
      const { fin = true, rsv = 0, opcode, payload } = frame;
      const before = wanted.at(-1);
      const headerOffset = before === undefined ? 0 : before.payloadOffset + before.payloadLength;
      const payloadLength = payload!.length;
      const headerLength = bytes.length - payloadLength;
      const payloadOffset = headerOffset + headerLength;
      const masked = role === "server";
      wanted.push({ fin, rsv, opcode, masked, maskKey, headerLength, headerOffset, payloadOffset, payloadLength });
      return bytes;
    });
    const stream = concat(wire);
    const cuts = new Set([stream.length, 40_000]);
    for (const { headerOffset } of wanted) for (let i = -1; i < 15; i += 2) cuts.add(Math.max(0, headerOffset + i));
    for (const cut of cuts) {
      const make = (copy: boolean): FrameDecoder => new FrameDecoder({ role, core, rsv: 6, copy });
      const parts = (): Uint8Array[] => [stream.slice(0, cut), stream.slice(cut)];
      for (const copy of [false, true]) {
        const decoder = make(copy);
        const decoded = parts().flatMap((part) => decoder.decode(part));
        expect(decoded.map((frame) => fieldsOf(frame))).toEqual(wanted);
      }
      const seen: Fields[] = [];
      const sink: FrameSink = { header: (header) => void seen.push(fieldsOf(header)), payload() {}, end() {} };
      const pushed = make(false);
      for (const part of parts()) pushed.push(part, sink);
      expect(seen).toEqual(wanted);
    }
  });

  test("an error of decode() has the frames before it, an error of push() has none", () => {
    const wrong = concat([
      serialize({ opcode: 1, fin: false, payload: Buffer.from("begun") }),
      serialize({ opcode: 1, payload: Buffer.from("another") }),
    ]);
    const failed = (call: (decoder: FrameDecoder) => unknown): WebSocketError => {
      const decoder = new FrameDecoder({ role: "client", core });
      expect(() => call(decoder)).toThrow(WebSocketError);
      return decoder.error!;
    };
    const found = { code: "WS_ERR_INVALID_OPCODE", closeCode: 1002, byteOffset: 7, value: 1 };
    const decoded = failed((decoder) => decoder.decode(wrong.slice()));
    expect(decoded).toMatchObject(found);
    expect(decoded.frames.map(({ text }) => text)).toEqual(["begun"]);
    const pushed = failed((decoder) => decoder.push(wrong, { header() {}, payload() {}, end() {} }));
    expect(pushed).toMatchObject(found);
    expect(pushed.frames).toEqual([]);
  });
});

test("a new WebSocketError has no frames unless some are passed", () => {
  const details = { closeCode: 1007, byteOffset: 5, rule: "RFC 7692 §7.2.2" };
  const error = new WebSocketError("WS_ERR_INVALID_COMPRESSED_DATA", "Not DEFLATE", details);
  expect(error).toMatchObject({ ...details, code: "WS_ERR_INVALID_COMPRESSED_DATA", message: "Not DEFLATE" });
  expect([error.frames, error.value]).toEqual([[], undefined]);
});
