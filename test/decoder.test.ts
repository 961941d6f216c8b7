// What FrameDecoder guarantees beyond correct frames: who owns which bytes, how much memory it holds, and how it fails.

import { describe, expect, test } from "vitest";
import {
  FrameDecoder,
  type FrameDecoderOptions,
  FrameEncoder,
  type FrameSink,
  Opcode,
  WebSocketError,
} from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";
import { Collector } from "./support/run.ts";

const KEY = [1, 2, 3, 4];
const cores = ["wasm", "portable"] as const;
const ignore: FrameSink = { header() {}, payload() {}, end() {} };

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString();
}

function masked(text: string, opcode: number = Opcode.Text): Uint8Array {
  return serialize({ opcode, payload: Buffer.from(text), maskKey: KEY });
}

for (const core of cores) {
  const server = (options: Partial<FrameDecoderOptions> = {}) => new FrameDecoder({ role: "server", core, ...options });

  describe(`${core} core`, () => {
    test("decode() unmasks in place: payloads are views of the chunk", () => {
      const chunk = concat([masked("one"), masked("two"), masked("three").subarray(0, 8)]);
      const before = chunk.slice();
      const [one, two] = server().decode(chunk);
      expect(one!.text).toBe("one");
      expect(two!.text).toBe("two");
      expect(one!.payload.buffer).toBe(chunk.buffer);
      expect(one!.payload).toBe(one!.payload);
      chunk[6] = 0x4f;
      expect(one!.text).toBe("One");
      // Nothing else has changed: neither the headers nor the unfinished frame.
      expect(chunk.subarray(0, 6)).toEqual(before.subarray(0, 6));
      expect(chunk.subarray(18)).toEqual(before.subarray(18));
    });

    test("with copy, leaves the chunk unchanged", () => {
      const chunk = concat([masked("one"), masked("two"), masked("three").subarray(0, 8)]);
      const before = chunk.slice();
      const frames = server({ copy: true }).decode(chunk);
      expect(chunk).toEqual(before);
      chunk.fill(0);
      expect(frames.map((frame) => frame.text)).toEqual(["one", "two"]);
      expect(frames[0]!.maskKey).toEqual(Uint8Array.from(KEY));
    });

    test("with copy, decodes more frames than a table holds and more bytes than a window", () => {
      const frame = masked("x");
      const chunk = concat(Array.from({ length: 30_000 }, () => frame));
      const frames = server({ copy: true }).decode(chunk);
      expect(frames).toHaveLength(30_000);
      expect(frames.every((each) => each.text === "x")).toBe(true);
    });

    test("frames larger than a window that are whole in their chunk are views of it, without a new buffer", () => {
      const allocate = (): Uint8Array<ArrayBuffer> => expect.unreachable("allocate was called");
      for (const opcode of [Opcode.Text, Opcode.Binary]) {
        for (const maskKey of [KEY, undefined]) {
          const payloads = [70_001, 3, 200_000, 65_536, 5].map((length) =>
            new Uint8Array(length).map((_, i) => 0x20 + ((i * 7) % 95)),
          );
          const raw = concat(payloads.map((payload) => serialize({ opcode, payload, maskKey })));
          // The chunk is in a larger buffer, with an incomplete frame at the end.
          const chunk = concat([new Uint8Array(7), raw, masked("goes on").subarray(0, 9)]).subarray(7);
          const before = chunk.slice();
          const frames = server({ allocate, allowUnmasked: true }).decode(chunk.subarray(0, raw.length + 6));
          expect(frames.map(({ payload }) => Buffer.compare(payload, payloads.shift()!))).toEqual([0, 0, 0, 0, 0]);
          for (const { payload, payloadOffset, headerOffset, headerLength, maskKey: key } of frames) {
            expect(payload.buffer).toBe(chunk.buffer);
            expect(payload.byteOffset).toBe(7 + payloadOffset);
            expect(key).toEqual(maskKey && Uint8Array.from(KEY));
            const header = chunk.subarray(headerOffset, headerOffset + headerLength);
            expect(header).toEqual(before.subarray(headerOffset, headerOffset + headerLength));
          }
          expect(chunk.subarray(raw.length)).toEqual(before.subarray(raw.length));
        }
      }
    });

    test("with copy, a frame larger than a window leaves its chunk unchanged", () => {
      const payload = new Uint8Array(150_000).map((_, i) => i);
      const chunk = concat([masked("one"), serialize({ opcode: Opcode.Binary, payload, maskKey: KEY }), masked("two")]);
      const before = chunk.slice();
      const frames = server({ copy: true }).decode(chunk);
      expect(Buffer.compare(chunk, before)).toBe(0);
      chunk.fill(0);
      expect(
        frames.map((frame) =>
          Buffer.compare(frame.payload, [Buffer.from("one"), payload, Buffer.from("two")][frames.indexOf(frame)]!),
        ),
      ).toEqual([0, 0, 0]);
    });

    test("an error in a later window of a large text keeps the frames before it", () => {
      const payload = new Uint8Array(150_000).fill(0x61);
      payload[140_000] = 0xff;
      const chunk = concat([masked("one"), serialize({ opcode: Opcode.Text, payload, maskKey: KEY }), masked("two")]);
      const decoder = server();
      expect(() => decoder.decode(chunk)).toThrow(WebSocketError);
      expect(decoder.error!.frames.map((frame) => frame.text)).toEqual(["one"]);
      expect(decoder.error!.byteOffset).toBe(9 + 14 + 140_000);
    });

    test("decodes a chunk that is part of a larger buffer", () => {
      const frame = masked("inside");
      const whole = new Uint8Array(100).fill(0xee);
      whole.set(frame, 40);
      const [found] = server().decode(whole.subarray(40, 40 + frame.length));
      expect(found!.text).toBe("inside");
      expect(whole.subarray(0, 40).every((byte) => byte === 0xee)).toBe(true);
      expect(whole.subarray(40 + frame.length).every((byte) => byte === 0xee)).toBe(true);
    });

    test("push() leaves the chunk unchanged", () => {
      const chunk = concat([masked("one"), masked("two")]);
      const before = chunk.slice();
      const sink = new Collector();
      server().push(chunk, sink);
      expect(chunk).toEqual(before);
      expect(sink.frames.map((frame) => frame.payload.toString())).toEqual(["one", "two"]);
    });

    test("allocates for received bytes, not for the announced length", () => {
      const header = serialize({ opcode: 2, claimedLength: 2n ** 53n - 1n, maskKey: KEY });
      const allocated: number[] = [];
      const allocate = (length: number) => {
        allocated.push(length);
        return new Uint8Array(length);
      };
      const decoder = server({ maxFrame: Infinity, allocate });
      decoder.decode(header);
      expect(allocated).toEqual([]);
      for (let i = 0; i < 1000; i++) decoder.decode(new Uint8Array(10));
      const arrived = header.length + 10_000;
      expect(Math.max(...allocated)).toBeLessThanOrEqual(20 * arrived);
      // The growth is geometric, so a stream of small chunks is not copied over and over.
      expect(allocated.length).toBeLessThan(8);
    });

    test("refuses 2^62 bytes at once, whatever the limit", () => {
      for (const maxFrame of [undefined, Infinity]) {
        const decoder = server(maxFrame === undefined ? {} : { maxFrame });
        const header = serialize({ opcode: 2, claimedLength: 2n ** 62n, maskKey: KEY });
        expect(() => decoder.decode(header.slice(0, 10))).toThrow(
          expect.objectContaining({ code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", closeCode: 1009 }),
        );
      }
    });

    test("maxFrame allows exactly this many bytes, and does not apply to control frames", () => {
      const decoder = server({ maxFrame: 4 });
      expect(decoder.decode(concat([masked("1234"), masked("a ping of ten", Opcode.Ping)]))).toHaveLength(2);
      expect(() => decoder.decode(masked("12345"))).toThrow(
        expect.objectContaining({ code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", rule: "maxFrame" }),
      );
      expect(server({ maxFrame: 0 }).decode(masked(""))).toHaveLength(1);
    });

    test("1 GiB passes through push() in constant memory", { skip: core === "portable" }, () => {
      const size = 2 ** 30;
      const decoder = server({ maxFrame: size });
      const chunk = new Uint8Array(65536).map((_, i) => i * 31);
      let seen = 0;
      let ended = 0;
      let sum = 0;
      const sink: FrameSink = {
        header: (header) => expect(header.payloadLength).toBe(size),
        payload(window, start, end) {
          seen += end - start;
          sum = (sum + window[start]! + window[end - 1]!) | 0;
        },
        end: () => ended++,
      };
      decoder.push(serialize({ opcode: 2, claimedLength: BigInt(size), maskKey: KEY }), sink);
      const before = process.memoryUsage().arrayBuffers;
      for (let sent = 0; sent < size; sent += chunk.length) decoder.push(chunk, sink);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
      expect([seen, ended]).toEqual([size, 1]);
      expect(sum).toBe((size / chunk.length) * ((chunk[0]! ^ 1) + (chunk[65535]! ^ 4)));
    });

    test("delivers frames before an error, and then stays failed", () => {
      const chunk = concat([masked("one"), masked("two"), Uint8Array.of(0x83, 0x80), masked("never")]);
      const decoder = server();
      let error: unknown;
      try {
        decoder.decode(chunk.slice());
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(WebSocketError);
      const failure = error as WebSocketError;
      expect(failure.frames.map((frame) => frame.text)).toEqual(["one", "two"]);
      expect(failure.byteOffset).toBe(18);
      expect(failure.message).toBe("The opcode is reserved (RFC 6455 §5.2, byte 18)");
      expect(decoder.error).toBe(failure);
      expect(() => decoder.decode(masked("more"))).toThrow(failure);
      expect(() => decoder.push(masked("more"), ignore)).toThrow(failure);
      expect(() => decoder.reserve()).toThrow(failure);
      const restored = FrameDecoder.restore(decoder.save(), { role: "server", core });
      expect(() => restored.decode(masked("more"))).toThrow(
        expect.objectContaining({ code: failure.code, byteOffset: 18, message: failure.message }),
      );

      const sink = new Collector();
      const pushed = server();
      expect(() => pushed.push(chunk, sink)).toThrow(WebSocketError);
      expect(sink.frames.map((frame) => frame.payload.toString())).toEqual(["one", "two"]);
    });

    test("an error has the number at fault, wherever the stream is cut", () => {
      const close = (code: number) => ({ opcode: 8, payload: Uint8Array.of(code >> 8, code & 0xff) });
      const wrong: [code: string, value: number | undefined, frame: Parameters<typeof serialize>[0]][] = [
        ["WS_ERR_INVALID_OPCODE", 11, { opcode: 11 }],
        ["WS_ERR_INVALID_OPCODE", 3, { opcode: 3, payload: Buffer.from("text") }],
        ["WS_ERR_INVALID_OPCODE", 0, { opcode: 0 }],
        ["WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", 1, { opcode: 8, payload: Uint8Array.of(3) }],
        ["WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", 126, { opcode: 9, payload: new Uint8Array(126) }],
        ["WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", 127, { opcode: 9, payload: new Uint8Array(65536) }],
        ["WS_ERR_INVALID_CLOSE_CODE", 1005, close(1005)],
        ["WS_ERR_INVALID_CLOSE_CODE", 65535, close(65535)],
        ["WS_ERR_UNEXPECTED_RSV_1", undefined, { opcode: 1, rsv: 4 }],
      ];
      for (const [code, value, frame] of wrong) {
        const bytes = concat([masked("before"), serialize({ ...frame, maskKey: KEY })]).slice(0, 64);
        for (let cut = 0; cut < bytes.length; cut++) {
          for (const how of ["decode", "push"] as const) {
            const decoder = server();
            const feed = (chunk: Uint8Array) =>
              how === "decode" ? decoder.decode(chunk) : decoder.push(chunk, { ...ignore, text() {} });
            expect(() => [feed(bytes.slice(0, cut)), feed(bytes.slice(cut))]).toThrow(WebSocketError);
            expect(decoder.error, `${how}, cut at ${cut}`).toMatchObject({ code, value });
            const { error } = FrameDecoder.restore(decoder.save(), { role: "server", core });
            expect(error).toMatchObject({ code, value });
          }
        }
        const paused = server();
        paused.pause();
        paused.push(bytes, ignore);
        expect(() => paused.resume(ignore)).toThrow(expect.objectContaining({ code, value }));
        const pausing = server();
        pausing.push(bytes, { ...ignore, end: () => pausing.pause() });
        expect(() => pausing.resume(ignore)).toThrow(expect.objectContaining({ code, value }));
      }
    });

    test("push() delivers the payload before a wrong byte", () => {
      const sink = new Collector();
      const bytes = serialize({ opcode: 1, payload: Buffer.from([0x61, 0x62, 0xff, 0x63]), maskKey: KEY });
      expect(() => server().push(bytes, sink)).toThrow(expect.objectContaining({ byteOffset: 8 }));
      expect(sink.frames).toEqual([]);
      expect(sink.seen()!.payload.toString()).toBe("ab");
    });

    test("ignores bytes after a Close", () => {
      const decoder = server();
      const close = serialize({ opcode: 8, payload: Uint8Array.of(3, 232), maskKey: KEY });
      const frames = decoder.decode(concat([masked("last"), close, Buffer.from("HTTP/1.1 200 OK\r\n\r\n")]));
      expect(frames.map((frame) => frame.opcode)).toEqual([1, 8]);
      expect(decoder.closed).toBe(true);
      expect(decoder.bytesDecoded).toBe(18);
      expect(decoder.decode(masked("more"))).toEqual([]);
      decoder.push(masked("more"), { ...ignore, header: () => expect.fail("a frame after the Close") });
      expect(FrameDecoder.restore(decoder.save(), { role: "server", core }).decode(masked("more"))).toEqual([]);
    });

    test("is closed after it has delivered a whole Close", () => {
      const close = serialize({ opcode: 8, payload: Uint8Array.of(3, 232), maskKey: KEY });
      const decoder = server();
      expect(decoder.closed).toBe(false);
      decoder.push(concat([masked("last"), close.subarray(0, 7)]), { ...ignore, end: () => decoder.pause() });
      expect(decoder.closed).toBe(false);
      decoder.push(concat([close.subarray(7), masked("more")]), ignore);
      // 16 bytes for the Close's record, one byte of its payload, and 11 bytes of the later chunk.
      expect([decoder.closed, decoder.heldBytes]).toEqual([false, 16 + 1 + 11]);
      decoder.resume(ignore);
      expect([decoder.closed, decoder.heldBytes]).toEqual([true, 0]);
    });

    test("holds an error until the end of a pause", () => {
      const decoder = server();
      decoder.push(concat([masked("one"), Uint8Array.of(0x83)]), { ...ignore, end: () => decoder.pause() });
      expect([decoder.error, decoder.heldBytes]).toEqual([undefined, 16]);
      expect(() => decoder.resume(ignore)).toThrow(WebSocketError);
      expect(decoder.heldBytes).toBe(0);
    });

    test("bytesDecoded counts all bytes up to the end of a Close or the place of an error", () => {
      const close = serialize({ opcode: 8, payload: Uint8Array.of(3, 232), maskKey: KEY });
      const before = concat([masked("one"), masked("x".repeat(200))]);
      for (const end of [concat([close, masked("more")]), Uint8Array.of(0x81, 0x83, 1, 2, 3, 4, 0x60, 0xfd, 0x62)]) {
        const stream = concat([before, end]);
        const last = before.length + (end[0] === 0x88 ? close.length : 7);
        for (const how of ["decode", "push"] as const) {
          const decoder = server();
          for (let at = 0; at < stream.length && decoder.error === undefined; at++) {
            expect(decoder.bytesDecoded).toBe(Math.min(at, last));
            const byte = stream.slice(at, at + 1);
            try {
              if (how === "decode") decoder.decode(byte);
              else decoder.push(byte, ignore);
            } catch {
              expect(decoder.error).toBeInstanceOf(WebSocketError);
            }
          }
          expect(decoder.bytesDecoded).toBe(last);
        }
      }
    });

    test("delivers whole text messages as strings, and other frames in parts", () => {
      const seen: string[] = [];
      const sink: FrameSink = {
        header: (header) => void seen.push(`header ${header.opcode}`),
        payload: (window, start, end) => void seen.push(`payload ${Buffer.from(window.slice(start, end)).toString()}`),
        end: () => void seen.push("end"),
        text: (text) => void seen.push(`text ${text}`),
      };
      const long = "long ".repeat(300);
      const stream = concat([
        masked("one"),
        masked("zwölf"),
        masked(""),
        masked("😀 high"),
        masked("bytes", Opcode.Binary),
        masked("after"),
        masked(long),
        serialize({ opcode: 1, fin: false, payload: Buffer.from("frag"), maskKey: KEY }),
        serialize({ opcode: 9, maskKey: KEY }),
        serialize({ opcode: 0, payload: Buffer.from("ment"), maskKey: KEY }),
      ]);
      server().push(stream, sink);
      expect(seen).toEqual([
        "text one",
        "text zwölf",
        "text ",
        "text 😀 high",
        "header 2",
        "payload bytes",
        "end",
        "text after",
        `text ${long}`,
        "header 1",
        "payload frag",
        "end",
        "header 9",
        "end",
        "header 0",
        "payload ment",
        "end",
      ]);
    });

    test("decodes thousands of messages to strings, for any textSlack", () => {
      const texts = Array.from({ length: 5000 }, (_, i) => ["ascii ", "ümlaut ", "漢字 ", "😀 "][i % 4]! + i);
      const stream = concat(texts.map((text) => masked(text)));
      for (const textSlack of [0, 1, 64, 1024, 100_000]) {
        const seen: string[] = [];
        server({ textSlack }).push(stream, { ...ignore, text: (text) => void seen.push(text) });
        expect(seen).toEqual(texts);
      }
    });

    test("reserve() lends one buffer until commit(), and different ones to different decoders", () => {
      const a = server();
      const b = server();
      const bufferA = a.reserve();
      const bufferB = b.reserve();
      expect(a.reserve()).toBe(bufferA);
      bufferA.set(masked("for a"));
      bufferB.set(masked("for b"));
      const sinkA = new Collector();
      const sinkB = new Collector();
      // In between, another decoder uses the same core.
      server().decode(concat(Array.from({ length: 2000 }, () => masked("between"))));
      b.commit(11, sinkB);
      a.commit(11, sinkA);
      expect(sinkA.frames[0]!.payload.toString()).toBe("for a");
      expect(sinkB.frames[0]!.payload.toString()).toBe("for b");
      expect(() => a.commit(1, sinkA)).toThrow(RangeError);
      const again = a.reserve();
      expect(() => a.commit(again.length + 1, sinkA)).toThrow(RangeError);
      expect(() => a.commit(-1, sinkA)).toThrow(RangeError);
      a.commit(0, sinkA);
    });

    test("invalid arguments throw before anything changes", () => {
      const make = (options: object) => () => new FrameDecoder({ role: "server", core, ...options });
      expect(make({ role: "proxy" })).toThrow(TypeError);
      expect(make({ core: "native" })).toThrow(TypeError);
      expect(make({ maxPayload: 1024 })).toThrow(new TypeError("FrameDecoder has no option `maxPayload`"));
      expect(make({ maxFram: 1024 })).toThrow(new TypeError("FrameDecoder has no option `maxFram`"));
      expect(make({ maxPayload: undefined })).not.toThrow();
      expect(() => new FrameDecoder(undefined as never)).toThrow(new TypeError('role must be "server" or "client"'));
      expect(() => new FrameEncoder(undefined as never)).toThrow(new TypeError('role must be "server" or "client"'));
      for (const maxFrame of [-1, 1.5, NaN]) expect(make({ maxFrame })).toThrow(RangeError);
      for (const rsv of [-1, 8, 0.5]) expect(make({ rsv })).toThrow(RangeError);
      for (const textSlack of [-1, 0.5]) expect(make({ textSlack })).toThrow(RangeError);
      const decoder = server();
      decoder.decode(masked("whole").subarray(0, 3));
      for (const chunk of ["text", null, 3, [1, 2], { byteLength: 3 }]) {
        expect(() => decoder.decode(chunk as never)).toThrow(TypeError);
        expect(() => decoder.push(chunk as never, ignore)).toThrow(TypeError);
      }
      expect(decoder.decode(masked("whole").slice(3))[0]!.text).toBe("whole");
    });

    test("a frame goes through decode() or push(), but not both", () => {
      const frame = masked("halves");
      const collecting = server();
      collecting.decode(frame.slice(0, 9));
      expect(() => collecting.push(frame.slice(9), ignore)).toThrow(TypeError);
      expect(collecting.decode(frame.slice(9))[0]!.text).toBe("halves");
      collecting.push(frame, ignore);

      const streaming = server();
      streaming.push(frame.slice(0, 9), ignore);
      expect(() => streaming.decode(frame.slice(9))).toThrow(TypeError);
      streaming.push(frame.slice(9), ignore);
      expect(streaming.decode(frame.slice())[0]!.text).toBe("halves");
    });

    test("an exception of a sink leaves push(), and makes the decoder unusable", () => {
      const decoder = server();
      const thrown = new Error("from the sink");
      const sink: FrameSink = {
        ...ignore,
        end() {
          throw thrown;
        },
      };
      expect(() => decoder.push(concat([masked("one"), masked("two")]), sink)).toThrow(thrown);
      expect(() => decoder.push(masked("three"), ignore)).toThrow(TypeError);
      // The core is free again.
      expect(server().decode(masked("other"))[0]!.text).toBe("other");
    });

    test("an allocate that throws or returns too little makes the decoder unusable", () => {
      const frame = masked("a message that goes on and on");
      const fail = () => {
        throw new Error("no memory");
      };
      for (const allocate of [fail, () => new Uint8Array(3)]) {
        const decoder = server({ allocate });
        expect(() => decoder.decode(frame.slice(0, 20))).toThrow(/no memory|allocate returned only 3 bytes/);
        expect(() => decoder.decode(frame.slice(20))).toThrow(TypeError);
      }
      const pooled = server({ allocate: (length) => Buffer.allocUnsafe(length) });
      pooled.decode(frame.slice(0, 20));
      expect(pooled.decode(frame.slice(20))[0]!.text).toBe("a message that goes on and on");
    });

    test("each header has its masking-key, with and without pauses", () => {
      const keys = [1, 2, 3].map((byte) => [byte, 7, 8, 9]);
      const stream = concat(keys.map((maskKey) => serialize({ opcode: 2, payload: Uint8Array.of(5), maskKey })));
      for (const pauses of ["never", "always"] as const) {
        const decoder = server();
        const seen: (readonly number[] | undefined)[] = [];
        const sink: FrameSink = {
          header({ maskKey }) {
            seen.push(maskKey && Array.from(maskKey));
            if (pauses === "always") decoder.pause();
          },
          payload() {},
          end() {},
        };
        decoder.push(stream, sink);
        while (decoder.paused) decoder.resume(sink);
        expect(seen).toEqual(keys);
      }
    });

    test("decode() returns the masking-key, wherever frames are cut", () => {
      const keys = [1, 2, 3].map((byte) => [byte, 7, 8, 9]);
      const stream = concat(keys.map((maskKey) => serialize({ opcode: 2, payload: Uint8Array.of(5, 6), maskKey })));
      for (let cut = 0; cut <= stream.length; cut++) {
        const decoder = server();
        const frames = [...decoder.decode(stream.slice(0, cut)), ...decoder.decode(stream.slice(cut))];
        expect(frames.map(({ maskKey }) => maskKey && Array.from(maskKey))).toEqual(keys);
      }
    });

    test("push() during a pause delivers nothing, and keeps a copy", () => {
      const decoder = server();
      const seen: string[] = [];
      const sink: FrameSink = { ...ignore, payload: (bytes, start, end) => void seen.push(text(bytes, start, end)) };
      decoder.pause();
      const chunk = concat([masked("one"), masked("two")]);
      decoder.push(chunk, sink);
      expect([seen, decoder.heldBytes]).toEqual([[], chunk.length]);
      chunk.fill(0);
      decoder.resume(sink);
      expect([seen, decoder.heldBytes]).toEqual([["one", "two"], 0]);
    });

    test("refuses push() in a callback, both after resume() and inside resume()", () => {
      const decoder = server();
      const problems: unknown[] = [];
      let ends = 0;
      const sink: FrameSink = {
        ...ignore,
        end() {
          ends++;
          decoder.resume(sink);
          try {
            decoder.push(masked("more"), sink);
          } catch (error) {
            problems.push(error);
          }
        },
      };
      decoder.push(masked("one"), sink);
      decoder.pause();
      decoder.push(masked("two"), sink);
      decoder.resume(sink);
      expect(problems).toEqual([expect.any(TypeError), expect.any(TypeError)]);
      expect(ends).toBe(2);
    });

    test("resume() first calls goOn() of the sink, even if nothing is kept", () => {
      const decoder = server();
      const seen: string[] = [];
      let isReady = false;
      const sink: FrameSink = {
        ...ignore,
        goOn() {
          seen.push("goOn");
          return isReady;
        },
        end: () => void seen.push("end"),
      };
      decoder.resume(sink);
      decoder.pause();
      decoder.push(masked("one"), sink);
      decoder.resume(sink);
      isReady = true;
      decoder.resume(sink);
      expect(seen).toEqual(["goOn", "goOn", "goOn", "end"]);
    });

    test("refuses invalid states", () => {
      const decoder = server();
      decoder.decode(masked("a message that goes on").slice(0, 10));
      const state = decoder.save();
      expect(() => FrameDecoder.restore(state, { role: "client", core })).toThrow(TypeError);
      for (let length = 0; length < state.length; length++) {
        expect(() => FrameDecoder.restore(state.subarray(0, length), { role: "server", core })).toThrow(RangeError);
      }
      expect(() => FrameDecoder.restore(concat([state, Uint8Array.of(0)]), { role: "server", core })).toThrow(
        RangeError,
      );
      expect(() => FrameDecoder.restore(undefined as never, { role: "server", core })).toThrow(TypeError);
      // No other value is valid at these positions.
      const wrong: [at: number, value: number][] = [
        [0, 99],
        [1, 2],
        [2, 200],
        [3, 20],
        [4, 0xff],
        [12, 1],
        [16, 1],
        [28, 3],
        [30, 1],
        [31, 0xff],
        [32, 0x8b],
      ];
      for (const [at, value] of wrong) {
        const other = state.slice();
        other[at] = value;
        expect(() => FrameDecoder.restore(other, { role: "server", core }), `byte ${at}`).toThrow(RangeError);
      }
    });

    test("restores the state of one core in the other", () => {
      const frame = masked("from one core to the other: 😀");
      const other = core === "wasm" ? "portable" : "wasm";
      for (let cut = 0; cut < frame.length; cut++) {
        const decoder = server();
        decoder.decode(frame.slice(0, cut));
        const restored = FrameDecoder.restore(decoder.save(), { role: "server", core: other });
        expect(restored.decode(frame.slice(cut))[0]!.text).toBe("from one core to the other: 😀");
      }
    });

    test("a decoder reads the output of an encoder", () => {
      const encoder = new FrameEncoder({ role: "client", core });
      const texts = Array.from({ length: 300 }, (_, i) => "é".repeat(i));
      for (const text of texts) encoder.text(text);
      const frames = server().decode(concat(encoder.take()));
      expect(frames.map((frame) => frame.text)).toEqual(texts);
    });
  });
}
