// Any split of a stream gives the same frames: every class of lengths, both roles, both cores, cut at every byte.

import { describe, expect, test } from "vitest";
import { concat, serialize } from "./reference/serialize.ts";
import { byteByByte, cutAt, difference, viaDecode, viaPush, viaReference } from "./support/run.ts";

const CLASSES = [0, 1, 125, 126, 127, 65535, 65536, 70_001];
const KEY = [0x12, 0x34, 0x56, 0x78];

/**
 * A stream with a frame of each length, alternately text and binary, with a ping and a fragmented message in between.
 */
function streamOf(role: "server" | "client", lengths: readonly number[]): Uint8Array {
  const maskKey = role === "server" ? KEY : undefined;
  const parts = lengths.flatMap((length, i) => {
    const payload = new Uint8Array(length).map((_, at) => 0x20 + ((at * 7) % 95));
    const text = Buffer.from("é€😀".repeat(2));
    return [
      serialize({ opcode: i % 2 ? 2 : 1, payload, maskKey }),
      serialize({ opcode: 1, fin: false, payload: text.subarray(0, 3), maskKey }),
      serialize({ opcode: 9, payload: Buffer.from("between"), maskKey }),
      serialize({ opcode: 0, payload: text.subarray(3), maskKey }),
    ];
  });
  return concat([...parts, serialize({ opcode: 8, payload: Buffer.from("\u0003\u00e8bye", "latin1"), maskKey })]);
}

for (const role of ["server", "client"] as const) {
  const server = role === "server";
  for (const core of ["wasm", "portable"] as const) {
    describe(`${role}, ${core} core`, () => {
      const options = { role, core };

      test("short frames, with every pair of cuts", () => {
        const stream = streamOf(role, [0, 1, 7]);
        const expected = viaReference({ server }, stream);
        expect(expected.frames).toHaveLength(13);
        for (let a = 0; a <= stream.length; a++) {
          expect(difference(expected, viaPush(options, cutAt(stream, [a])))).toBeUndefined();
          for (let b = a; b <= stream.length; b += 3) {
            expect(difference(expected, viaDecode(options, cutAt(stream, [a, b])))).toBeUndefined();
          }
        }
      });

      test("lengths 0 to 127, with every cut", () => {
        const stream = streamOf(role, [0, 1, 125, 126, 127]);
        const expected = viaReference({ server }, stream);
        expect(expected.closed).toBe(true);
        for (let cut = 0; cut <= stream.length; cut++) {
          const chunks = cutAt(stream, [cut]);
          expect(difference(expected, viaDecode(options, chunks, 1), { partial: false })).toBeUndefined();
          expect(
            difference(expected, viaDecode({ ...options, copy: true }, chunks), { partial: false }),
          ).toBeUndefined();
          expect(difference(expected, viaPush(options, chunks, { saveAt: 1 }))).toBeUndefined();
          expect(difference(expected, viaPush(options, chunks, { commit: true }))).toBeUndefined();
        }
      });

      test("all classes of lengths, byte by byte, and cut around every header and window", () => {
        const stream = streamOf(role, CLASSES);
        const expected = viaReference({ server }, stream);
        expect(expected.frames.map((frame) => frame.payloadLength)).toEqual(expect.arrayContaining(CLASSES));
        expect(difference(expected, viaPush(options, byteByByte(stream)))).toBeUndefined();
        expect(difference(expected, viaDecode(options, byteByByte(stream)))).toBeUndefined();
        const cuts = new Set<number>();
        const near = (position: number) => {
          for (let cut = position - 3; cut <= position + 16; cut++) if (cut > 0 && cut < stream.length) cuts.add(cut);
        };
        for (const frame of expected.frames) near(frame.headerOffset);
        for (let window = 65536; window < stream.length; window += 65536) near(window);
        // The portable core takes a millisecond per cut.
        const step = core === "wasm" ? 1 : 23;
        [...cuts].forEach((cut, i) => {
          if (i % step > 0) return;
          expect(difference(expected, viaDecode(options, cutAt(stream, [cut])))).toBeUndefined();
          expect(difference(expected, viaPush(options, cutAt(stream, [cut])))).toBeUndefined();
        });
      });
    });
  }
}

test("a frame larger than the window, cut at every seventh byte", () => {
  const stream = serialize({ opcode: 2, payload: new Uint8Array(66_000).map((_, i) => i), maskKey: KEY });
  const expected = viaReference({ server: true }, stream);
  for (let cut = 1; cut < stream.length; cut += 7) {
    expect(difference(expected, viaDecode({ role: "server" }, cutAt(stream, [cut])))).toBeUndefined();
  }
});
