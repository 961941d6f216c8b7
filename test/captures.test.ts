// Every recorded connection decodes to the frames that an independent decoder found, however it is cut, and encodes
// back to the recorded bytes. exhaustive/prefixes.test.ts cuts and ends them after each byte.

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { encodeFrame, FrameDecoder, FrameEncoder } from "../src/index.ts";
import { concat } from "./reference/serialize.ts";
import { type Direction, readCaptures } from "./support/captures.ts";
import { Random } from "./support/random.ts";
import { cutAt, difference, type Seen, type SeenFrame, viaDecode, viaPush } from "./support/run.ts";

const captures = readCaptures();

function assertExpected(direction: Direction, seen: Seen): void {
  const { httpLength } = direction;
  expect(seen.error).toBeUndefined();
  const found = seen.frames.map((frame) => ({
    fin: frame.fin,
    rsv: frame.rsv,
    opcode: frame.opcode,
    masked: frame.maskKey !== undefined,
    maskKey: frame.maskKey ?? null,
    payloadLength: frame.payloadLength,
    headerOffset: httpLength + frame.headerOffset,
    payloadOffset: httpLength + frame.payloadOffset,
    payloadSha256: createHash("sha256").update(frame.payload).digest("hex"),
  }));
  const expected = direction.frames.map((frame) => ({ ...frame, maskKey: frame.maskKey ?? null }));
  // A matcher takes ten times as long.
  if (!isDeepStrictEqual(found, expected)) expect(found).toEqual(expected);
}

/** Payloads of up to this many bytes are cut everywhere. splits.test.ts does that for longer ones. */
const SHORT = 2048;
/** A distance from a header, in bytes. */
const NEAR = 64;

/** The positions outside long payloads, or near their ends. */
function awayFromInsides(frames: Direction["frames"], httpLength: number, positions: readonly number[]): number[] {
  const long = frames.filter(({ payloadLength }) => payloadLength > SHORT);
  let next = 0;
  return positions.filter((position) => {
    const at = position + httpLength;
    while (next < long.length && at > endOf(long[next]!) - NEAR) next++;
    return next === long.length || at < long[next]!.payloadOffset + NEAR;
  });
}

const endOf = ({ payloadOffset, payloadLength }: Direction["frames"][number]) => payloadOffset + payloadLength;

/** The stream up to the end of the Close. */
function framesOf(direction: Direction): Uint8Array {
  const { trailing, stream, httpLength } = direction;
  return trailing ? stream.subarray(0, trailing.offset - httpLength) : stream;
}

function reencode(direction: Direction, frames: readonly SeenFrame[], core: "wasm" | "portable"): Uint8Array {
  const keys = frames.map((frame) => frame.maskKey);
  let next = 0;
  const encoder = new FrameEncoder({
    role: direction.role === "server" ? "client" : "server",
    maskKey: () => Uint8Array.from(Buffer.from(keys[next++]!, "hex")),
    core,
  });
  for (const frame of frames) encoder.frame(frame);
  return concat(encoder.take());
}

test("has all twelve captures, with both directions", () => {
  expect(captures).toHaveLength(12);
  expect(captures.flatMap(({ directions }) => directions)).toHaveLength(24);
});

for (const capture of captures) {
  for (const direction of capture.directions) {
    for (const core of ["wasm", "portable"] as const) {
      const { role, stream } = direction;
      const options = { role, core, rsv: capture.deflate ? 4 : 0 };
      /** The result for the whole stream in one chunk, which was compared with the recorded frames. */
      let whole: Seen;
      const assertSame = (seen: Seen): void => {
        const wrong = difference(whole, seen, { partial: false });
        if (wrong !== undefined) expect.fail(wrong);
      };
      describe(`${capture.name}, decoded as ${role}, ${core} core`, () => {
        beforeAll(() => {
          whole = viaDecode(options, [stream]);
          assertExpected(direction, whole);
        });

        test("in one chunk", () => {
          assertSame(viaPush(options, [stream]));
        });

        test("in the recorded chunks", () => {
          assertSame(viaDecode(options, direction.chunks));
          assertSame(viaDecode({ ...options, copy: true }, direction.chunks));
          assertSame(viaPush(options, direction.chunks));
          assertSame(viaPush(options, direction.chunks, { commit: true }));
        });

        test("in random splits", () => {
          const random = new Random(7);
          for (let round = 0; round < 3; round++) {
            const largest = random.pick([3, 40, 700, 9000, 70_000]);
            let cuts: number[] = [];
            for (let at = random.integer(0, largest); at < stream.length; at += random.integer(0, largest))
              cuts.push(at);
            if (largest < NEAR) cuts = awayFromInsides(direction.frames, direction.httpLength, cuts);
            assertSame(viaDecode(options, cutAt(stream, cuts)));
            assertSame(viaPush(options, cutAt(stream, cuts)));
          }
        });

        test("encodes to the same bytes", () => {
          const { frames } = whole;
          expect(Buffer.from(reencode(direction, frames, core)).equals(framesOf(direction))).toBe(true);
          for (const frame of frames.slice(0, 20)) {
            const { maskKey } = frame;
            const bytes =
              maskKey === undefined
                ? encodeFrame(frame, { role: "server", core })
                : encodeFrame(frame, { role: "client", core, maskKey: Uint8Array.from(Buffer.from(maskKey, "hex")) });
            const end = frame.payloadOffset + frame.payloadLength;
            expect(Buffer.from(bytes).equals(stream.subarray(frame.headerOffset, end))).toBe(true);
          }
        });

        test("ignores bytes after a Close", () => {
          const decoder = new FrameDecoder(options);
          decoder.push(stream, { header() {}, payload() {}, end() {} });
          expect(decoder.bytesDecoded).toBe(framesOf(direction).length);
        });
      });
    }
  }
}
