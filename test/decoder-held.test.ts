// Pauses in special places: in the last callback of a chunk, among more frames than one call of the core finds, and
// before a Close.

import { describe, expect, test } from "vitest";
import { FrameDecoder, type FrameSink } from "../src/index.ts";
import { concat, type RawFrame, serialize } from "./reference/serialize.ts";

const cores = ["wasm", "portable"] as const;
const text = (content: string): RawFrame => ({ opcode: 1, payload: Buffer.from(content) });
const wire = (frames: readonly RawFrame[]): Uint8Array => concat(frames.map((frame) => serialize(frame)));
const close = serialize({ opcode: 8, payload: Uint8Array.of(3, 232) });

describe.each(cores)("%s core", (core) => {
  /** A decoder that pauses after frame `at`, and the number of frames that it has delivered. */
  function pausing(at: number): { decoder: FrameDecoder; sink: FrameSink; count(): number } {
    const decoder = new FrameDecoder({ role: "client", core });
    let frames = 0;
    const ended = (): void => {
      if (frames++ === at) decoder.pause();
    };
    return { decoder, sink: { header() {}, payload() {}, end: ended, text: ended }, count: () => frames };
  }

  test.each<[name: string, frames: RawFrame[]]>([
    ["a text", [text("alone")]],
    ["the last text of a run", [text("one"), text("two"), text("three")]],
    ["a binary message", [text("one"), { opcode: 2, payload: Buffer.from("two") }]],
    ["an empty frame", [text("one"), { opcode: 9 }]],
    ["an unfinished message", [text("one"), { opcode: 2, fin: false, payload: Buffer.from("two") }]],
  ])("holds nothing after a pause in the last callback of a chunk: %s", (_, frames) => {
    const { decoder, sink, count } = pausing(frames.length - 1);
    decoder.push(wire(frames), sink);
    expect([decoder.paused, count(), decoder.heldBytes]).toEqual([true, frames.length, 0]);
    decoder.resume(sink);
    expect([decoder.paused, count()]).toEqual([false, frames.length]);
  });

  test("is closed after a Close, even if the callback pauses", () => {
    const { decoder, sink } = pausing(0);
    decoder.push(concat([close, wire([text("late")])]), sink);
    expect([decoder.closed, decoder.paused, decoder.heldBytes]).toEqual([true, true, 0]);
  });

  test("drops everything that arrived after a Close during a pause", () => {
    for (const chunks of [
      [close, wire([text("late")])],
      [close.subarray(0, 3), close.subarray(3), new Uint8Array(5)],
    ]) {
      const { decoder, sink, count } = pausing(-1);
      decoder.pause();
      for (const chunk of chunks) decoder.push(chunk, sink);
      expect(decoder.closed).toBe(false);
      decoder.resume(sink);
      expect([decoder.closed, decoder.heldBytes, count()]).toEqual([true, 0, 1]);
      expect(decoder.bytesDecoded).toBe(close.length);
    }
  });

  test("pauses anywhere among more frames than one call of the core finds", () => {
    const binary = wire(Array.from({ length: 5000 }, (_, i) => ({ opcode: 2, payload: Buffer.of(i & 255) })));
    const texts = wire(Array.from({ length: 5000 }, (_, i) => text(String(i))));
    for (const stream of [binary, texts]) {
      for (const at of [0, 2046, 2047, 4095, 4999]) {
        const { decoder, sink, count } = pausing(at);
        decoder.push(stream, sink);
        expect([count(), decoder.paused, decoder.heldBytes > 0]).toEqual([at + 1, true, at < 4999]);
        decoder.resume(sink);
        expect([count(), decoder.paused, decoder.heldBytes]).toEqual([5000, false, 0]);
        expect(decoder.bytesDecoded).toBe(stream.length);
      }
    }
  });
});
