// A decoder that is saved and restored at any byte continues as if nothing had happened.

import { describe, expect, test } from "vitest";
import { FrameDecoder, type FrameDecoderOptions, type FrameSink, WebSocketError } from "../src/index.ts";
import { concat, type RawFrame, serialize } from "./reference/serialize.ts";

const cores = ["wasm", "portable"] as const;
const frames: readonly RawFrame[] = [
  { opcode: 1, payload: Buffer.from("one") },
  { opcode: 1, fin: false, payload: Buffer.from("zw😀") },
  { opcode: 9, payload: Buffer.from("?") },
  { opcode: 0, payload: Buffer.from("ölf") },
  { opcode: 2, rsv: 4, payload: Buffer.alloc(130, 7) },
  { opcode: 2, payload: Buffer.alloc(0) },
  { opcode: 8, payload: Buffer.from([3, 232, 0xc3, 0xa9]) },
  { opcode: 1, payload: Buffer.from("too late") },
];

/** Decodes chunks, and records the results. */
interface Taker {
  readonly decoder: FrameDecoder;
  readonly seen: unknown[];
  take(chunk: Uint8Array): void;
}

const ways: Record<string, (decoder: FrameDecoder, seen?: unknown[]) => Taker> = {
  "decode()": (decoder, seen = []) => ({
    decoder,
    seen,
    take(chunk) {
      for (const { opcode, fin, maskKey, payload, payloadOffset, headerLength } of decoder.decode(chunk)) {
        const bytes = Buffer.from(payload).toString("hex");
        seen.push(`${opcode} ${fin} ${maskKey} ${bytes} ${payloadOffset} ${headerLength}`);
      }
    },
  }),
  "push()": (decoder, seen = []) => {
    const sink: FrameSink = {
      header: ({ opcode, fin, maskKey, payloadOffset, payloadLength }) =>
        void seen.push(`${opcode} ${fin} ${maskKey} ${payloadOffset} ${payloadLength} `),
      // Pieces are joined, because it does not matter where they are cut.
      payload: (bytes, start, end) =>
        void (seen[seen.length - 1] += Buffer.from(bytes.slice(start, end)).toString("hex")),
      end: () => void (seen[seen.length - 1] += " end"),
    };
    return { decoder, seen, take: (chunk) => decoder.push(chunk, sink) };
  },
};

describe.each(cores)("%s core", (core) => {
  describe.each(["server", "client"] as const)("role %s", (role) => {
    const options: FrameDecoderOptions = { role, core, rsv: 4 };
    const make = (): FrameDecoder => new FrameDecoder(options);
    const stream = concat(
      frames.map((frame, i) => serialize({ ...frame, maskKey: role === "server" ? [i, 2, 3, 0x84] : undefined })),
    );

    test.each(Object.keys(ways))("continues after any byte, also twice: %s", (way) => {
      const taker = ways[way]!;
      const wanted = taker(make());
      wanted.take(stream.slice());
      expect(wanted.seen).toHaveLength(7);
      // Skip most positions in the longest payload.
      for (let cut = 0; cut <= stream.length; cut += cut > 70 && cut < 160 ? 30 : 1) {
        const first = taker(make());
        first.take(stream.slice(0, cut));
        const state = first.decoder.save();
        const before = first.decoder.bytesDecoded;
        const second = taker(FrameDecoder.restore(state, options), first.seen);
        // The caller owns the bytes of a state.
        expect(Buffer.compare(second.decoder.save(), state)).toBe(0);
        state.fill(0xff);
        expect([second.decoder.bytesDecoded, second.decoder.closed]).toEqual([before, first.decoder.closed]);
        second.take(stream.slice(cut, cut + 5));
        const third = taker(FrameDecoder.restore(second.decoder.save(), options), first.seen);
        third.take(stream.slice(cut + 5));
        expect(third.seen).toEqual(wanted.seen);
        expect([third.decoder.bytesDecoded, third.decoder.closed]).toEqual([wanted.decoder.bytesDecoded, true]);
      }
    });

    test("a restored decoder reports errors with their offset in the stream", () => {
      const mask = role === "server" ? [1, 2, 3, 4] : undefined;
      const texts = [serialize({ opcode: 1, payload: Buffer.from("ab\xff", "latin1"), maskKey: mask })];
      const wrong = concat([serialize({ opcode: 9, maskKey: mask }), ...texts]);
      for (const way of Object.values(ways)) {
        for (let cut = 0; cut < wrong.length; cut++) {
          const { decoder, take } = way(make());
          take(wrong.slice(0, cut));
          const restored = way(FrameDecoder.restore(decoder.save(), options));
          expect(() => restored.take(wrong.slice(cut))).toThrow(WebSocketError);
          const { error } = restored.decoder;
          expect(error).toMatchObject({ code: "WS_ERR_INVALID_UTF8", byteOffset: wrong.length - 1, value: undefined });
          // The error is part of the state.
          const again = FrameDecoder.restore(restored.decoder.save(), options);
          expect(again.error).toMatchObject({
            message: error!.message,
            byteOffset: error!.byteOffset,
            value: undefined,
          });
          expect(again.error!.frames).toEqual([]);
          expect(() => way(again).take(wrong.slice())).toThrow(WebSocketError);
        }
      }
    });

    test("refuses the state of the other role, and to save while paused or in use", () => {
      const decoder = make();
      const other = role === "server" ? "client" : "server";
      expect(() => FrameDecoder.restore(decoder.save(), { ...options, role: other })).toThrow(
        new TypeError(`state has the role ${role}`),
      );
      const errors: unknown[] = [];
      decoder.push(stream, {
        header() {
          try {
            decoder.save();
          } catch (error) {
            errors.push(error);
          }
        },
        payload() {},
        end: () => decoder.pause(),
      });
      expect(errors).toEqual([expect.any(TypeError)]);
      expect(() => decoder.save()).toThrow(TypeError);
      const paused = make();
      paused.pause();
      expect(() => paused.save()).toThrow(TypeError);
      expect(() => paused.decode(stream.slice())).toThrow(TypeError);
      paused.push(stream, { header() {}, payload() {}, end() {} });
      expect(() => paused.save()).toThrow(TypeError);
      paused.resume({ header() {}, payload() {}, end() {} });
      expect(FrameDecoder.restore(paused.save(), options).closed).toBe(true);
    });
  });

  describe("refuses an invalid state", () => {
    const options = { role: "server", core, rsv: 4 } as const;
    const cutHeader = Uint8Array.of(0x82, 0xfe, 0, 200, 1);
    const maskKey = [1, 2, 3, 4];
    const begun = serialize({ opcode: 2, payload: Buffer.alloc(200), maskKey }).slice(0, 58);
    const open = serialize({ opcode: 1, fin: false, payload: Buffer.from("漢").subarray(0, 2), maskKey });
    const stateOf = (bytes: Uint8Array, way: "decode" | "push"): Uint8Array => {
      const decoder = new FrameDecoder(options);
      if (way === "decode") decoder.decode(bytes.slice());
      else decoder.push(bytes, { header() {}, payload() {}, end() {} });
      return decoder.save();
    };
    const failed = (): Uint8Array => {
      const decoder = new FrameDecoder(options);
      expect(() => decoder.decode(Uint8Array.of(0x83, 0))).toThrow(WebSocketError);
      return decoder.save();
    };
    const states: Record<string, Uint8Array> = {
      "of a new decoder": stateOf(new Uint8Array(0), "decode"),
      "with a cut header": stateOf(cutHeader, "decode"),
      "with an open message": stateOf(open, "decode"),
      "with a collected frame": stateOf(begun, "decode"),
      "with a streamed frame": stateOf(begun, "push"),
      "with an error": failed(),
    };
    const restores = (state: Uint8Array): boolean => {
      try {
        FrameDecoder.restore(state, options);
        return true;
      } catch (error) {
        expect(error).toEqual(new RangeError("state is not from save() of this version"));
        return false;
      }
    };
    /** Replaces a number in a state. */
    const withNumber = (state: Uint8Array, at: number, value: number): Uint8Array => {
      const other = state.slice();
      new DataView(other.buffer).setFloat64(at, value);
      return other;
    };

    test.each(Object.entries(states))("with missing bytes, more bytes, or an invalid number: %s", (_, state) => {
      expect(restores(state)).toBe(true);
      // The same state in a larger buffer.
      expect(restores(concat([Uint8Array.of(1, 2, 3), state]).subarray(3))).toBe(true);
      for (let length = 0; length < state.length; length++) expect(restores(state.subarray(0, length))).toBe(false);
      expect(restores(concat([state, Uint8Array.of(0)]))).toBe(false);
      // These bytes are the version, the role, the number of the error, and the length of the cut header.
      for (const [at, value] of [
        [0, 2],
        [0, 4],
        [1, 2],
        [2, 17],
        [3, 14],
        [3, 255],
      ] as const) {
        expect([at, value, restores(state.with(at, value))]).toEqual([at, value, false]);
      }
      // These fields are the offset, the message bits, the position in a character, and the offset and value of an
      // error.
      for (let i = 0; i < 5; i++) {
        for (const value of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
          expect(restores(withNumber(state, 4 + 8 * i, value))).toBe(false);
        }
      }
      expect([7, 8].map((bits) => restores(withNumber(state, 12, bits)))).toEqual([true, false]);
      expect([0xffffff, 0x1000000].map((place) => restores(withNumber(state, 20, place)))).toEqual([true, false]);
    });

    test("with a cut header that is not shorter than the longest possible header", () => {
      const fixed = states["of a new decoder"]!.subarray(0, 44);
      const withCut = (length: number) => concat([fixed.with(3, length), new Uint8Array(length), Uint8Array.of(0)]);
      expect([1, 13, 14, 15].map((length) => restores(withCut(length)))).toEqual([true, true, false, false]);
    });

    test("with an invalid kind of frame, or invalid numbers in it", () => {
      const kindAt = 44;
      const collected = states["with a collected frame"]!;
      const passing = states["with a streamed frame"]!;
      expect([collected[kindAt], passing[kindAt]]).toEqual([1, 2]);
      for (const state of [collected, passing]) {
        expect(restores(state.with(kindAt, 3))).toBe(false);
        expect(restores(state.with(kindAt, 0))).toBe(false);
        expect(restores(state.with(kindAt, 3 - state[kindAt]!))).toBe(false);
        const numberAt = (i: number): number => kindAt + 1 + 8 * i;
        const change = (i: number, value: number): boolean => restores(withNumber(state, numberAt(i), value));
        for (let i = 0; i < 7; i++) for (const value of [-1, 0.5, Number.NaN]) expect(change(i, value)).toBe(false);
        const flags = new DataView(state.buffer).getFloat64(numberAt(0));
        // These are the opcode, the length of the header, and bits that no incomplete frame has.
        for (const opcode of [3, 7, 11, 15]) expect(change(0, (flags & ~15) | opcode)).toBe(false);
        for (const opcode of [0, 1, 2, 8, 9, 10]) expect(change(0, (flags & ~15) | opcode)).toBe(true);
        const lengths = Array.from({ length: 16 }, (_, length) => change(0, (flags & ~0xf00) | (length << 8)));
        expect(lengths).toEqual(lengths.map((_, length) => length >= 2 && length <= 14));
        for (let bit = 13; bit < 31; bit++) expect(change(0, flags | (1 << bit))).toBe(false);
        // These are the length of the payload, and its missing part.
        for (const left of [0, 201, 1000]) expect(change(5, left)).toBe(false);
        expect([1, 151, 200].map((left) => change(5, left))).toEqual([
          state === passing,
          state === passing,
          state === passing,
        ]);
        expect(change(4, 149)).toBe(false);
        // There is no cut header in the middle of a frame.
        const both = concat([state.subarray(0, kindAt).with(3, 2), Uint8Array.of(0x82, 1), state.subarray(kindAt)]);
        expect(restores(both)).toBe(false);
      }
    });
  });
});
