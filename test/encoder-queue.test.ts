// The queue of a FrameEncoder: its size in bytes, how it is taken in parts, and the keys that mask it.

import { describe, expect, test } from "vitest";
import { FrameDecoder, FrameEncoder, type FrameInit, PreparedMessage, type Role } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";

const KEY = [0x11, 0x22, 0x33, 0x44];
const cores = ["wasm", "portable"] as const;
const roles = ["server", "client"] as const;

const long = "long ".repeat(110);
const wide = "漢é".repeat(300);
/** Frames that wait in segments of every kind, in several orders. */
const queues: Record<string, readonly FrameInit[]> = {
  "short frames": [
    { opcode: 1, payload: "one" },
    { opcode: 2, payload: Buffer.from("two") },
    { opcode: 9, payload: Buffer.from("ping") },
    { opcode: 1, payload: "drei größer" },
    { opcode: 1 },
    { opcode: 2, payload: Buffer.alloc(126, 6) },
  ],
  "long frames between short ones": [
    { opcode: 1, payload: long },
    { opcode: 1, payload: "a" },
    { opcode: 2, payload: Buffer.from("b") },
    { opcode: 1, payload: wide },
    { opcode: 1, payload: long, fin: false },
    { opcode: 0, payload: "é" },
    { opcode: 10, payload: Buffer.from("pong") },
    { opcode: 1, payload: wide },
  ],
  "halves of a surrogate pair": ["a\ud83d", "\ude00b", "\ud83d", "\ude00", "", "\ude00"].map((payload) => ({
    opcode: 1,
    payload,
  })),
  "a single text": [{ opcode: 1, payload: "größe" }],
  "a single long text": [{ opcode: 1, payload: wide, rsv: 4 }],
  "only empty frames": [{ opcode: 1 }, { opcode: 2 }, { opcode: 1, payload: "" }],
};

function wanted(role: Role, frames: readonly FrameInit[], keyOf: (i: number) => number[] = () => KEY): Buffer[] {
  return frames.map(({ opcode, payload = "", fin = true, rsv = 0 }, i) => {
    const bytes = Buffer.from(payload as string);
    const maskKey = role === "client" ? keyOf(i) : undefined;
    return Buffer.from(serialize({ opcode, payload: bytes, fin, rsv, maskKey }));
  });
}

describe.each(cores)("%s core", (core) => {
  describe.each(roles)("role %s", (role) => {
    const make = () => new FrameEncoder({ role, core, maskKey: Uint8Array.from(KEY) });

    test.each(Object.entries(queues))("takeInto() writes whole frames, however much room there is: %s", (_, frames) => {
      const all = wanted(role, frames);
      const stream = Buffer.concat(all);
      const ends = new Set([0]);
      for (const frame of all) ends.add(Math.max(...ends) + frame.length);
      for (let room = 0; room <= stream.length + 1; room += stream.length > 100 ? 1 + (stream.length >> 6) : 1) {
        const encoder = make();
        for (const frame of frames) encoder.frame(frame);
        const target = new Uint8Array(room);
        const first = encoder.takeInto(target);
        expect(ends).toContain(first);
        expect(stream.subarray(0, first).equals(target.subarray(0, first))).toBe(true);
        // The same frames again, after the rest.
        const left = encoder.queuedBytes;
        expect(left).toBeGreaterThanOrEqual(stream.length - first);
        for (const frame of frames) encoder.frame(frame);
        const rest = Buffer.concat([stream.subarray(first), stream]);
        expect(rest.equals(concat(encoder.take()))).toBe(true);
        expect([encoder.queuedBytes, encoder.takeInto(target)]).toEqual([0, 0]);
      }
    });

    test("takeInto() writes a frame that fits exactly", () => {
      for (const frames of Object.values(queues)) {
        const encoder = make();
        for (const frame of frames) encoder.frame(frame);
        const stream = Buffer.concat(wanted(role, frames));
        const target = new Uint8Array(stream.length);
        expect(encoder.takeInto(target)).toBe(stream.length);
        expect(stream.equals(target)).toBe(true);
        expect(encoder.take()).toEqual([]);
      }
    });

    test("each frame has the key that was made for it", () => {
      const keyOf = (i: number): number[] => [i & 0xff, 7, i >> 8, 0x80];
      const frames = [
        ...Object.values(queues).flat(),
        { opcode: 2, payload: Buffer.alloc(5000, 1) },
        ...Array.from({ length: 40 }, () => ({ opcode: 1, payload: `\ude00${"漢".repeat(1000)}\ud83d` })),
        ...Array.from({ length: 2100 }, () => ({ opcode: 1, payload: "x" })),
      ];
      const stream = Buffer.concat(wanted(role, frames, keyOf));
      for (const room of [0, 20_000, stream.length]) {
        let made = 0;
        const encoder = new FrameEncoder({ role, core, maskKey: () => Uint8Array.from(keyOf(made++)) });
        for (const frame of frames) encoder.frame(frame);
        expect(made).toBe(role === "client" ? frames.length : 0);
        const target = new Uint8Array(room);
        const first = encoder.takeInto(target);
        expect(stream.equals(concat([target.subarray(0, first), ...encoder.take()]))).toBe(true);
      }
    });

    test("with keys from the pool, every kind of frame is read back unchanged", () => {
      const other = role === "client" ? "server" : "client";
      const frames = Object.values(queues).flat();
      for (const room of [0, 100, 1000, 10_000]) {
        const encoder = new FrameEncoder({ role, core });
        // Each frame alone, and then all of them together.
        const parts = frames.flatMap((frame) => (encoder.frame(frame), encoder.take()));
        for (const frame of frames) encoder.frame(frame);
        const target = new Uint8Array(room);
        parts.push(target.slice(0, encoder.takeInto(target)), ...encoder.take());
        const decoder = new FrameDecoder({ role: other, core, rsv: 4 });
        const texts = wanted("server", [...frames, ...frames]).map((frame) => frame.toString("latin1"));
        const seen = decoder
          .decode(concat(parts))
          .map(({ opcode, payload, fin, rsv }) =>
            Buffer.from(serialize({ opcode, payload, fin, rsv })).toString("latin1"),
          );
        expect(seen).toEqual(texts);
      }
    });

    test("queuedBytes counts three bytes per unit of a text plus its header, and other frames exactly", () => {
      const key = role === "client" ? 4 : 0;
      const encoder = make();
      const message = new PreparedMessage("prepared");
      const steps: [queue: () => void, more: number][] = [
        [() => encoder.text("abc"), 3 * 3 + 4 + key],
        [() => encoder.text("é"), 3 + 4 + key],
        [() => encoder.binary(new Uint8Array(125)), 125 + 2 + key],
        [() => encoder.binary(new Uint8Array(126)), 126 + 4 + key],
        [() => encoder.ping(), 2 + key],
        [() => encoder.prepared(message), 2 + 8 + key],
        [() => encoder.close(1000), 4 + key],
        [() => encoder.copy(0x82, new Uint8Array(10_000)), 10_000 + 14 + key],
      ];
      let sum = 0;
      for (const [queue, more] of steps) {
        queue();
        expect(encoder.queuedBytes).toBe((sum += more));
      }
      // A large frame does not wait, so the frames before it are serialized and have their exact length.
      encoder.binary(new Uint8Array(70_000));
      const bound = encoder.queuedBytes;
      expect(concat(encoder.take())).toHaveLength(bound);
      expect(encoder.queuedBytes).toBe(0);
      encoder.prepared(message);
      expect(encoder.queuedBytes).toBe(2 + 8 + key);
    });

    test("serializes frames when more than 4 MiB wait", () => {
      const encoder = make();
      const text = "x".repeat(500);
      let most = 0;
      for (let i = 0; i < 4000; i++) {
        encoder.text(text);
        most = Math.max(most, encoder.queuedBytes);
      }
      // Texts that are not serialized would count three times as much.
      expect(most).toBeGreaterThan(4_000_000);
      expect(most).toBeLessThan(4_700_000);
      expect(encoder.queuedBytes).toBeLessThan(4_700_000);
      const [frame] = wanted(role, [{ opcode: 1, payload: text }]);
      expect(concat(encoder.take())).toHaveLength(4000 * frame!.length);
    });

    test("never writes to buffers that were taken", () => {
      const taken: Uint8Array[] = [];
      const frames = Object.values(queues).flat();
      const encoder = make();
      for (let round = 0; round < 3; round++) {
        for (const frame of frames) encoder.frame(frame);
        taken.push(...encoder.take());
        const other = make();
        for (let i = 0; i < 50; i++) other.binary(new Uint8Array(100).fill(0xee));
        other.take();
      }
      const stream = Buffer.concat(wanted(role, frames));
      expect(Buffer.concat([stream, stream, stream]).equals(concat(taken))).toBe(true);
    });

    test("copy() builds frames of more than 16 KiB in the caller's memory", () => {
      const allocated: number[] = [];
      const memory = {
        allocate(length: number) {
          allocated.push(length);
          return new Uint8Array(length);
        },
      };
      const encoder = make();
      for (const length of [4095, 4096, 16_384, 16_385]) encoder.copy(0x82, new Uint8Array(length), memory);
      expect(allocated).toEqual([16_385 + 4 + (role === "client" ? 4 : 0)]);
      expect(encoder.take().at(-1)).toHaveLength(allocated[0]!);
    });
  });

  test("takeInto() copies serialized frames of up to 16 KiB", () => {
    for (const [length, fits] of [
      [8192 - 4, true],
      [8192 - 3, false],
    ] as const) {
      const message = new PreparedMessage(new Uint8Array(length));
      const encoder = new FrameEncoder({ role: "server", core });
      encoder.prepared(message);
      encoder.prepared(message);
      expect(encoder.takeInto(new Uint8Array(16_383))).toBe(0);
      const target = new Uint8Array(20_000);
      const size = 2 * message.frame.length;
      expect(encoder.takeInto(target)).toBe(fits ? size : 0);
      expect(encoder.queuedBytes).toBe(fits ? 0 : size);
      expect(encoder.isEmpty).toBe(fits);
      const parts = encoder.take();
      expect(parts).toHaveLength(fits ? 0 : 2);
      for (const part of parts) expect(part).toBe(message.frame);
      expect(encoder.isEmpty).toBe(true);
    }
  });

  test("an invalid opcode or rsv is a RangeError, and queues nothing", () => {
    const encoder = new FrameEncoder({ role: "server", core });
    for (const opcode of [-1, 16, 0.5, Number.NaN]) expect(() => encoder.frame({ opcode })).toThrow(RangeError);
    for (const rsv of [-1, 8, 0.5, Number.NaN]) expect(() => encoder.frame({ opcode: 1, rsv })).toThrow(RangeError);
    expect([encoder.isEmpty, encoder.queuedBytes]).toEqual([true, 0]);
    encoder.frame({ opcode: 0, rsv: 0 });
    encoder.frame({ opcode: 15, rsv: 7 });
    encoder.close(undefined, "");
    encoder.ping(new Uint8Array(125));
    expect(concat(encoder.take()).subarray(0, 8)).toEqual(Uint8Array.of(0x80, 0, 0xff, 0, 0x88, 0, 0x89, 125));
  });
});
