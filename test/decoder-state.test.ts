// A decoder that is saved and restored anywhere goes on as if nothing had happened.

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

/** Takes chunks, and notes what comes of them. */
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
        seen.push([opcode, fin, maskKey, Buffer.from(payload).toString("hex"), payloadOffset, headerLength]);
      }
    },
  }),
  "push()": (decoder, seen = []) => {
    const sink: FrameSink = {
      header: ({ opcode, fin, maskKey, payloadOffset, payloadLength }) =>
        void seen.push(`${opcode} ${fin} ${maskKey} ${payloadOffset} ${payloadLength} `),
      // Pieces are joined: where they are cut is nobody's concern.
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

    test.each(Object.keys(ways))("between any two bytes, and twice: %s", (way) => {
      const taker = ways[way]!;
      const wanted = taker(make());
      wanted.take(stream.slice());
      expect(wanted.seen).toHaveLength(7);
      for (let cut = 0; cut <= stream.length; cut++) {
        const first = taker(make());
        first.take(stream.slice(0, cut));
        const state = first.decoder.save();
        const before = first.decoder.bytesDecoded;
        const second = taker(FrameDecoder.restore(state, options), first.seen);
        // The bytes of a state are the caller's.
        expect(second.decoder.save()).toEqual(state);
        state.fill(0xff);
        expect([second.decoder.bytesDecoded, second.decoder.closed]).toEqual([before, first.decoder.closed]);
        second.take(stream.slice(cut, cut + 5));
        const third = taker(FrameDecoder.restore(second.decoder.save(), options), first.seen);
        third.take(stream.slice(cut + 5));
        expect(third.seen).toEqual(wanted.seen);
        expect([third.decoder.bytesDecoded, third.decoder.closed]).toEqual([wanted.decoder.bytesDecoded, true]);
      }
    });

    test("what a restored decoder finds wrong is at its place in the stream", () => {
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
          // The error is a part of the state.
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

    test("a state is of a role, and not of a decoder that is paused or in use", () => {
      const decoder = make();
      const other = role === "server" ? "client" : "server";
      expect(() => FrameDecoder.restore(decoder.save(), { ...options, role: other })).toThrow(
        new TypeError(`The state is of the role ${role}`),
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
});
