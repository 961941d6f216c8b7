// The text of a frame equals its payload decoded alone, however the stream was cut and the texts were read.

import { describe, expect, test } from "vitest";
import { type Frame, FrameDecoder, type FrameDecoderOptions } from "../src/index.ts";
import { concat, type RawFrame, serialize } from "./reference/serialize.ts";
import { leastKept } from "./support/heap.ts";
import { Random } from "./support/random.ts";
import { byteByByte, cutAt } from "./support/run.ts";

const KEY = [0x12, 0xf4, 0x86, 0x78];
const alone = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

type RawPayload = RawFrame & { payload: Uint8Array };

function text(string: string, more: Partial<RawFrame> = {}): RawPayload {
  return { opcode: 1, ...more, payload: Buffer.from(string) };
}

/** Short and long, ASCII and not, empty, fragments, control frames, and bytes that are not text. */
const MIXED: readonly RawPayload[] = [
  text("one"),
  text(""),
  text("two, as long as a slice has to be"),
  text("\0\0 NUL \0"),
  text("é"),
  text("three"),
  text("four"),
  text("\ufeffa BOM"),
  text("", { opcode: 9 }),
  text("five"),
  text("six 😀", { fin: false }),
  text("ping", { opcode: 9 }),
  text("seven", { opcode: 0, fin: false }),
  text("eight", { opcode: 0 }),
  text("nine"),
  { opcode: 2, payload: Uint8Array.of(0xe2, 0x82, 0xff, 0x41) },
  { opcode: 2, payload: Buffer.from("ASCII in binary") },
  text("ten"),
  text("x".repeat(125)),
  text("y".repeat(126)),
  text("eleven"),
  text("twelve"),
];

/** Reads the texts of frames in the given order. */
function readTexts(frames: readonly Frame[], order: readonly number[]): string[] {
  const texts: string[] = [];
  for (const i of order) texts[i] = frames[i]!.text;
  return texts;
}

function decodeAll(options: FrameDecoderOptions, chunks: readonly Uint8Array[], saveAt = -1): Frame[] {
  let decoder = new FrameDecoder(options);
  return chunks.flatMap((chunk, i) => {
    if (i === saveAt) decoder = FrameDecoder.restore(decoder.save(), options);
    return decoder.decode(Uint8Array.from(chunk));
  });
}

function randomFrame(random: Random): RawPayload {
  const length = random.chance(0.9) ? random.integer(0, 60) : random.integer(0, 400);
  const ascii = random.chance(0.8);
  const characters = Array.from({ length }, () =>
    ascii ? String.fromCharCode(random.integer(0, 127)) : random.pick(["é", "€", "😀", "a"]),
  );
  const opcode = random.pick([1, 1, 1, 1, 2, 9]);
  return text(characters.join(""), { opcode: length > 30 && opcode === 9 ? 1 : opcode });
}

for (const core of ["wasm", "portable"] as const) {
  for (const role of ["server", "client"] as const) {
    const maskKey = role === "server" ? KEY : undefined;
    const streamOf = (frames: readonly RawFrame[]) => concat(frames.map((frame) => serialize({ ...frame, maskKey })));

    describe(`${role}, ${core} core`, () => {
      test("equals the payload for every cut, in any order, with and without copy", () => {
        const stream = streamOf(MIXED);
        const expected = MIXED.map(({ payload }) => alone(payload));
        const forward = expected.map((_, i) => i);
        const backward = forward.toReversed();
        for (let cut = 0; cut <= stream.length; cut++) {
          for (const copy of [false, true]) {
            const frames = decodeAll({ role, core, copy }, cutAt(stream, [cut]), copy ? -1 : 1);
            expect(readTexts(frames, cut % 2 ? forward : backward)).toEqual(expected);
            expect(readTexts(frames, forward)).toEqual(expected);
            expect(frames.map(({ payload }) => alone(payload))).toEqual(expected);
          }
        }
        expect(readTexts(decodeAll({ role, core }, byteByByte(stream)), forward)).toEqual(expected);
      });

      test("decodes text that is not UTF-8, and frames with an RSV bit", () => {
        const payload = Uint8Array.of(0x41, 0xe2, 0x82, 0xf0, 0x90, 0x80);
        const raw = [text("before"), { opcode: 1, payload }, { opcode: 1, payload: Uint8Array.of(0x80) }];
        const withRsv = [...raw.map((frame) => ({ ...frame, rsv: 4 })), text("after"), text("and after", { rsv: 4 })];
        const invalid = [...raw, text("after"), text("and after")];
        for (const [options, frames] of [
          [{ rsv: 4 }, withRsv],
          [{ allowInvalidUtf8: true }, invalid],
        ] as const) {
          const found = decodeAll({ role, core, ...options }, [streamOf(frames)]);
          expect(found.map((frame) => frame.text)).toEqual(frames.map((frame) => alone(frame.payload)));
        }
      });

      test("is correct for any textSlack, with many frames", () => {
        const random = new Random(7);
        for (const textSlack of [undefined, 0, 1, 50, 300, 65536]) {
          const raw = Array.from({ length: core === "wasm" ? 4000 : 500 }, () => randomFrame(random));
          const expected = raw.map(({ payload }) => alone(payload));
          const frames = decodeAll({ role, core, textSlack }, [streamOf(raw)]);
          expect(frames.map((frame) => frame.text)).toEqual(expected);
          const order = expected.map(() => random.integer(0, expected.length - 1));
          for (const i of order) expect(frames[i]!.text).toBe(expected[i]);
        }
      });

      test("shows changes to payloads before the text is read", () => {
        const random = new Random(8);
        // These payloads are parts of characters, which the next header or payload must not complete.
        const bytes = [0x7f, 0x80, 0x82, 0xac, 0xe2, 0xf0, 0xff, 0x41];
        for (let round = 0; round < 500; round++) {
          const chunk = streamOf(Array.from({ length: 30 }, () => randomFrame(random)));
          const frames = new FrameDecoder({ role, core }).decode(chunk);
          for (let left = random.pick([1, 3, 50, 1000]); left > 0; left--) {
            const { payload } = random.pick(frames);
            if (payload.length > 0) payload[random.integer(0, payload.length - 1)] = random.pick(bytes);
          }
          expect(frames.map((frame) => frame.text)).toEqual(frames.map(({ payload }) => alone(payload)));
        }
      });

      test("does not throw for a chunk that was overwritten anywhere", () => {
        const random = new Random(9);
        for (let round = 0; round < 500; round++) {
          const chunk = streamOf(Array.from({ length: 30 }, () => randomFrame(random)));
          const frames = new FrameDecoder({ role, core }).decode(chunk);
          for (let i = 0; i < chunk.length; i++) chunk[i] = random.integer(0, 255);
          for (const frame of frames) expect(frame.text.length).toBeLessThanOrEqual(frame.payloadLength);
        }
      });

      test("is correct for frames before an error", () => {
        const raw = [text("one"), text("two"), text("three"), text("four")];
        const chunk = concat([streamOf(raw), Uint8Array.of(0x83, 0)]);
        let frames: readonly Frame[] = [];
        try {
          new FrameDecoder({ role, core }).decode(chunk);
        } catch (error) {
          ({ frames } = error as { frames: readonly Frame[] });
        }
        expect(frames.map((frame) => frame.text)).toEqual(["one", "two", "three", "four"]);
      });
    });
  }
}

test("a kept text holds at most textSlack bytes of other texts in memory", () => {
  const message = serialize({ ...text("a message, long enough to be a slice of others"), maskKey: KEY });
  const count = 60_000 / message.length;
  const master = concat(Array.from({ length: count }, () => message));
  const keep = (textSlack: number) => {
    const count = 1000;
    const kept = leastKept(() => {
      const decoder = new FrameDecoder({ role: "server", textSlack });
      return Array.from({ length: count }, (_, i) => {
        const texts = decoder.decode(master.slice()).map((frame) => frame.text);
        return texts[i % texts.length]!;
      });
    }, 2);
    return kept / count;
  };
  expect(keep(1024)).toBeLessThan(1024 + 600);
  // The kept texts are slices. Otherwise this test would prove nothing.
  expect(keep(16384)).toBeGreaterThan(8000);
});
