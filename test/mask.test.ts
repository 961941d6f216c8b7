import { describe, expect, test } from "vitest";
import { WINDOW_SIZE } from "../assembly/memory.ts";
import { enginesFor } from "../src/core/engines.ts";
import { maskInto } from "../src/frame/mask.ts";
import { FrameDecoder, FrameEncoder, mask } from "../src/index.ts";
import { Random } from "./support/random.ts";

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const LENGTHS = [0, 1, 3, 4, 5, 15, 16, 17, 95, 96, 97, 1000, WINDOW_SIZE - 1, WINDOW_SIZE, WINDOW_SIZE + 1, 200_001];

/** RFC 6455 §5.3, literally. */
function masked(bytes: Uint8Array, key: Uint8Array, position: number): Uint8Array {
  return bytes.map((byte, i) => byte ^ key[(position + i) % 4]!);
}

describe("mask()", () => {
  test("the example of §5.7", () => {
    const bytes = new TextEncoder().encode("Hello");
    mask(bytes, KEY);
    expect(bytes).toEqual(Uint8Array.of(0x7f, 0x9f, 0x4d, 0x51, 0x58));
    mask(bytes, KEY);
    expect(new TextDecoder().decode(bytes)).toBe("Hello");
  });

  test.each(LENGTHS)("masks %i bytes at any address and position, and no others", (length) => {
    const random = new Random(length + 1);
    for (const position of [0, 1, 2, 3, 4, 6, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER - 2]) {
      const around = random.bytes(length + 32);
      const before = around.slice();
      const at = random.integer(0, 15);
      mask(around.subarray(at, at + length), KEY, position);
      before.set(masked(before.subarray(at, at + length), KEY, position % 4), at);
      expect(around.every((byte, i) => byte === before[i])).toBe(true);
    }
  });

  test.each(["wasm", "portable"] as const)("the %s core masks into another buffer", (core) => {
    for (const length of LENGTHS) {
      const payload = new Random(length + 1).bytes(length);
      const target = new Uint8Array(length + 20).fill(0xee);
      maskInto(enginesFor(core), payload, 0x3d21fa37, target, 10);
      expect(Buffer.compare(target.subarray(10, 10 + length), masked(payload, KEY, 0))).toBe(0);
      expect([...target.subarray(0, 10), ...target.subarray(10 + length)].every((byte) => byte === 0xee)).toBe(true);
    }
  });

  test("the XOR of two keys changes a frame from one to the other", () => {
    const encoder = new FrameEncoder({ role: "client", maskKey: KEY });
    const payload = new Random(7).bytes(50_000);
    encoder.binary(payload);
    const frame = new Uint8Array(Buffer.concat(encoder.take()));
    const change = Uint8Array.of(1, 2, 3, 4);
    const header = frame.length - payload.length;
    mask(frame.subarray(header - 4, header), change);
    // One piece at a time.
    for (let at = 0; at < payload.length; at += 777) mask(frame.subarray(header + at).subarray(0, 777), change, at);
    const [decoded] = new FrameDecoder({ role: "server" }).decode(frame);
    expect(decoded!.maskKey).toEqual(KEY.map((byte, i) => byte ^ change[i]!));
    expect(Buffer.compare(decoded!.payload, payload)).toBe(0);
  });

  test("refuses invalid arguments", () => {
    expect(() => mask("Hello" as never, KEY)).toThrow(TypeError);
    expect(() => mask(new Uint8Array(1), KEY.subarray(1))).toThrow(TypeError);
    expect(() => mask(new Uint8Array(1), 5 as never)).toThrow(TypeError);
    for (const position of [-1, 0.5, Number.NaN, Infinity, 2 ** 53, "1" as never]) {
      expect(() => mask(new Uint8Array(1), KEY, position)).toThrow(RangeError);
    }
  });
});
