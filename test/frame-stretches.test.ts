// Consecutive short frames share one string: when, and up to which frame.

import { describe, expect, test } from "vitest";
import { type Frame, FrameDecoder, type FrameDecoderOptions } from "../src/index.ts";
import { concat, type RawFrame, serialize } from "./reference/serialize.ts";

// The portable core does not say which frames are ASCII, so it decodes each text separately.
const core = "wasm";

describe.each(["server", "client"] as const)("role %s", (role) => {
  const maskKey = role === "server" ? [1, 2, 3, 4] : undefined;
  const wire = (frames: readonly (string | RawFrame)[]): Uint8Array =>
    concat(
      frames.map((frame) =>
        serialize(
          typeof frame === "string" ? { opcode: 1, payload: Buffer.from(frame), maskKey } : { ...frame, maskKey },
        ),
      ),
    );
  const decode = (frames: readonly (string | RawFrame)[], options: Partial<FrameDecoderOptions> = {}): Frame[] =>
    new FrameDecoder({ role, core, ...options }).decode(wire(frames));
  /**
   * Reads the text of `first`, then changes all payloads. Returns the frames whose texts were made before the change.
   */
  const madeWith = (frames: readonly Frame[], first: number): number[] => {
    const made = frames[first]!.text;
    expect(made).not.toContain("#");
    for (const { payload } of frames) payload.fill(0x23);
    return frames.flatMap(({ text }, i) => (text.includes("#") ? [] : [i]));
  };
  const header = role === "server" ? 6 : 2;
  const texts = ["one", "two", "three", "four", "five"];

  test("all frames after the first one of a chunk share a string", () => {
    for (const copy of [false, true]) {
      for (const first of [1, 2, 4]) {
        const frames = decode(texts, { copy });
        expect(madeWith(frames, first)).toEqual([1, 2, 3, 4]);
        expect(frames.slice(1).map(({ text }) => text)).toEqual(texts.slice(1));
      }
    }
  });

  test("textSlack limits the length of the string, including headers", () => {
    const size = (count: number): number => count * (header + 3);
    const five = ["aaa", "bbb", "ccc", "ddd", "eee"];
    expect(madeWith(decode(five, { textSlack: size(2) }), 1)).toEqual([1, 2]);
    expect(madeWith(decode(five, { textSlack: size(2) }), 4)).toEqual([3, 4]);
    expect(madeWith(decode(five, { textSlack: size(3) - 1 }), 2)).toEqual([1, 2]);
    expect(madeWith(decode(five, { textSlack: size(3) }), 2)).toEqual([1, 2, 3]);
    expect(madeWith(decode(five, { textSlack: size(2) - 1 }), 2)).toEqual([]);
    expect(madeWith(decode(five, { textSlack: 0 }), 2)).toEqual([]);
  });

  test("ends at a frame that is long or not ASCII", () => {
    const other: RawFrame[] = [
      { opcode: 2, payload: Buffer.from([0x80]) },
      { opcode: 1, payload: Buffer.from("größe") },
      { opcode: 1, payload: Buffer.from("long ".repeat(30)) },
    ];
    for (const between of other) {
      const frames = decode(["zero", "one", "two", between, "four", "five", "six"]);
      expect(madeWith(frames, 2)).toEqual([1, 2]);
      const again = decode(["zero", "one", "two", between, "four", "five", "six"]);
      expect(madeWith(again, 5)).toEqual([5, 6]);
    }
  });

  test("shows earlier changes to payloads", () => {
    const frames = decode(texts);
    for (const { payload } of frames) payload[0] = 0x58;
    expect(frames.map(({ text }) => text)).toEqual(["Xne", "Xwo", "Xhree", "Xour", "Xive"]);

    // A text no longer has one unit per byte.
    const wide = decode(texts);
    wide[2]!.payload.set(Buffer.from("é"), 1);
    wide[4]!.payload[0] = 0xff;
    expect(wide.map(({ text }) => text)).toEqual(["one", "two", "téee", "four", "\ufffdive"]);

    // Change the headers, which say how the string is cut.
    const chunk = wire(texts);
    const broken = new FrameDecoder({ role, core }).decode(chunk);
    const payloads = broken.map(({ payload }) => Buffer.from(payload).toString());
    for (const { headerOffset } of broken) chunk[headerOffset + 1] = 0xfe;
    expect(payloads).toEqual(texts);
    for (const { text } of broken) expect(text.length).toBeGreaterThan(0);
  });

  test("may be as long as a window", () => {
    const many = Array.from({ length: 600 }, (_, i) => `${"x".repeat(100)} ${i}`);
    const frames = decode(many, { textSlack: 65_536 });
    expect(frames.map(({ text }) => text)).toEqual(many);
    // The texts fill a whole window, except the header of the empty frame at its start.
    const room = 65_536 - header;
    const count = Math.floor(room / (header + 124));
    const full = Array.from({ length: count }, () => "x".repeat(124));
    const rest = "y".repeat(room - count * (header + 124) - header);
    const whole = ["", ...full, rest];
    expect(decode(whole, { textSlack: 1e9 }).map(({ text }) => text)).toEqual(whole);
  });
});
