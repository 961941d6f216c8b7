// Strings of short frames that follow one another are made together: when that is seen, and where it ends.

import { describe, expect, test } from "vitest";
import { type Frame, FrameDecoder, type FrameDecoderOptions } from "../src/index.ts";
import { concat, type RawFrame, serialize } from "./reference/serialize.ts";

// The portable core does not say which frames are ASCII: there each text is made alone.
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
  /** Which texts do not show what is written to their payloads after that of `first` has been asked for. */
  const madeWith = (frames: readonly Frame[], first: number): number[] => {
    const made = frames[first]!.text;
    expect(made).not.toContain("#");
    for (const { payload } of frames) payload.fill(0x23);
    return frames.flatMap(({ text }, i) => (text.includes("#") ? [] : [i]));
  };
  const header = role === "server" ? 6 : 2;
  const texts = ["one", "two", "three", "four", "five"];

  test("all that follow the first frame of a chunk are one string", () => {
    for (const copy of [false, true]) {
      for (const first of [1, 2, 4]) {
        const frames = decode(texts, { copy });
        expect(madeWith(frames, first)).toEqual([1, 2, 3, 4]);
        expect(frames.slice(1).map(({ text }) => text)).toEqual(texts.slice(1));
      }
    }
  });

  test("textSlack is the most that such a string has, headers included", () => {
    const size = (count: number): number => count * (header + 3);
    const five = ["aaa", "bbb", "ccc", "ddd", "eee"];
    expect(madeWith(decode(five, { textSlack: size(2) }), 1)).toEqual([1, 2]);
    expect(madeWith(decode(five, { textSlack: size(2) }), 4)).toEqual([3, 4]);
    expect(madeWith(decode(five, { textSlack: size(3) - 1 }), 2)).toEqual([1, 2]);
    expect(madeWith(decode(five, { textSlack: size(3) }), 2)).toEqual([1, 2, 3]);
    expect(madeWith(decode(five, { textSlack: size(2) - 1 }), 2)).toEqual([]);
    expect(madeWith(decode(five, { textSlack: 0 }), 2)).toEqual([]);
  });

  test("frames that are long or not ASCII end it", () => {
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

  test("what is written to them before is in them, whatever that is", () => {
    const frames = decode(texts);
    for (const { payload } of frames) payload[0] = 0x58;
    expect(frames.map(({ text }) => text)).toEqual(["Xne", "Xwo", "Xhree", "Xour", "Xive"]);

    // No longer one unit for each byte.
    const wide = decode(texts);
    wide[2]!.payload.set(Buffer.from("é"), 1);
    wide[4]!.payload[0] = 0xff;
    expect(wide.map(({ text }) => text)).toEqual(["one", "two", "téee", "four", "\ufffdive"]);

    // Headers, which say how the string is to be cut.
    const chunk = wire(texts);
    const broken = new FrameDecoder({ role, core }).decode(chunk);
    const payloads = broken.map(({ payload }) => Buffer.from(payload).toString());
    for (const { headerOffset } of broken) chunk[headerOffset + 1] = 0xfe;
    expect(payloads).toEqual(texts);
    for (const { text } of broken) expect(text.length).toBeGreaterThan(0);
  });

  test("it may be as long as a window", () => {
    const many = Array.from({ length: 600 }, (_, i) => `${"x".repeat(100)} ${i}`);
    const frames = decode(many, { textSlack: 65_536 });
    expect(frames.map(({ text }) => text)).toEqual(many);
    // All of a window but the header of an empty frame, which comes first.
    const room = 65_536 - header;
    const count = Math.floor(room / (header + 124));
    const full = Array.from({ length: count }, () => "x".repeat(124));
    const rest = "y".repeat(room - count * (header + 124) - header);
    const whole = ["", ...full, rest];
    expect(decode(whole, { textSlack: 1e9 }).map(({ text }) => text)).toEqual(whole);
  });
});
