// Compares FrameEncoder, encodeFrame() and PreparedMessage with bytes from test/reference/.

import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameEncoder,
  type FrameInit,
  Opcode,
  PreparedMessage,
} from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";
import { Random } from "./support/random.ts";

const KEY = [0x11, 0x22, 0x33, 0x44];
const cores = ["wasm", "portable"] as const;
const LENGTHS = [
  0, 1, 2, 15, 16, 17, 124, 125, 126, 127, 128, 1000, 4094, 4095, 4096, 4097, 21845, 65535, 65536, 65537, 200_000,
];

const require = createRequire(import.meta.url);
const { Receiver } = require("ws") as { Receiver: new (options: object) => NodeJS.WritableStream };

/** A string of `length` code units, with characters of one, two, three or four bytes. */
function textOf(length: number, alphabet: string): string {
  return alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length);
}

for (const core of cores) {
  for (const role of ["server", "client"] as const) {
    const maskKey = role === "client" ? KEY : undefined;
    const make = () => new FrameEncoder({ role, core, maskKey: Uint8Array.from(KEY) });
    const expected = (opcode: number, payload: Uint8Array, rest: object = {}) =>
      Buffer.from(serialize({ opcode, payload, maskKey, ...rest }));

    describe(`role ${role}, ${core} core`, () => {
      test("every class of lengths, alone and together", () => {
        const together = make();
        const all: Uint8Array[] = [];
        for (const length of LENGTHS) {
          const data = new Uint8Array(length).map((_, i) => i * 7);
          const before = data.slice();
          const alone = make();
          alone.binary(data);
          const bytes = expected(2, data);
          expect(bytes.equals(concat(alone.take()))).toBe(true);
          expect(
            Buffer.from(
              encodeFrame({ opcode: 2, payload: data }, { role, core, maskKey: Uint8Array.from(KEY) }),
            ).equals(bytes),
          ).toBe(true);
          together.binary(data);
          together.ping("p");
          all.push(bytes, expected(9, Buffer.from("p")));
          expect(Buffer.compare(data, before)).toBe(0);
        }
        expect(Buffer.from(concat(together.take())).equals(concat(all))).toBe(true);
        expect(together.take()).toEqual([]);
      });

      test("strings of every width, in batches, with other frames in between", () => {
        const random = new Random(11);
        const encoder = make();
        const all: Uint8Array[] = [];
        for (let i = 0; i < 3000; i++) {
          const alphabet = random.pick(["plain ascii ", "größe ", "漢字かな", "😀👋", "a😀é漢"]);
          const text = textOf(random.pick([0, 1, 2, 3, 15, 16, 17, 33, 200]), alphabet);
          encoder.text(text);
          all.push(expected(1, Buffer.from(text)));
          if (random.chance(0.1)) {
            // The bytes after a text may look like its continuation.
            const data = random.chance(0.5) ? random.bytes(random.integer(0, 20)) : new Uint8Array(20).fill(0xa5);
            encoder.binary(data);
            all.push(expected(2, data));
          }
        }
        expect(Buffer.from(concat(encoder.take())).equals(concat(all))).toBe(true);
      });

      test("more text than fits in a window, in batches of every kind", () => {
        for (const alphabet of ["plain ascii ", "größe ", "漢字かな", "😀👋"]) {
          for (const length of [5, 90, 900, 4095]) {
            const text = textOf(length, alphabet);
            const data = new Uint8Array(length).fill(0xa5);
            const encoder = make();
            const all: Uint8Array[] = [];
            for (let size = 0, i = 0; size < 150_000; size += length, i++) {
              if (i % 7 === 3) {
                encoder.binary(data);
                all.push(expected(2, data));
              } else {
                encoder.text(i % 5 === 0 ? "" : text);
                all.push(expected(1, Buffer.from(i % 5 === 0 ? "" : text)));
              }
            }
            expect(Buffer.from(concat(encoder.take())).equals(concat(all))).toBe(true);
          }
        }
      });

      test("thousands of small frames, with random keys and with one key for all", () => {
        for (const encoder of [make(), new FrameEncoder({ role, core })]) {
          for (let i = 0; i < 2500; i++) {
            encoder.text(String(i));
            encoder.binary(Uint8Array.of(i));
          }
          const decoder = new FrameDecoder({ role: role === "client" ? "server" : "client", core });
          const frames = decoder.decode(concat(encoder.take()));
          expect(frames).toHaveLength(5000);
          const isRight = ({ opcode, text, payload }: Frame, i: number): boolean =>
            i % 2 === 0 ? opcode === 1 && text === String(i / 2) : opcode === 2 && payload[0] === ((i / 2) & 255);
          expect(frames.every(isRight)).toBe(true);
        }
      });

      test("bytes that do not fit in a window with the texts before them", () => {
        const encoder = make();
        const text = "漢".repeat(500);
        for (let i = 0; i < 40; i++) encoder.text(text);
        for (let i = 0; i < 3; i++) encoder.binary(new Uint8Array(4000).fill(i));
        const wanted = [
          ...Array.from({ length: 40 }, () => expected(1, Buffer.from(text))),
          ...[0, 1, 2].map((byte) => expected(2, new Uint8Array(4000).fill(byte))),
        ];
        expect(Buffer.from(concat(encoder.take())).equals(concat(wanted))).toBe(true);
      });

      test("lone surrogates where a batch is split", () => {
        const encoder = make();
        const all: Uint8Array[] = [];
        for (let i = 0; i < 60; i++) {
          const text = `\ude00${"漢".repeat(1000)}\ud83d`;
          encoder.text(text);
          all.push(expected(1, Buffer.from(text)));
        }
        expect(Buffer.from(concat(encoder.take())).equals(concat(all))).toBe(true);
      });

      test("queuedBytes is never less than take() returns, and exact except for texts", () => {
        const random = new Random(12);
        const message = new PreparedMessage("prepared");
        for (const texts of [false, true]) {
          const encoder = make();
          expect(encoder.queuedBytes).toBe(0);
          for (let round = 0; round < 40; round++) {
            let characters = 0;
            let count = 0;
            for (let i = random.integer(1, 300); i > 0; i--) {
              const length = random.pick([0, 1, 32, 125, 126, 1000, 4095, 4096, 70_000]);
              if (texts && random.chance(0.5)) {
                const text = textOf(length, random.pick(["ascii", "größe ", "漢字かな", "😀"]));
                encoder.text(text);
                characters += text.length;
                count++;
              } else if (random.chance(0.2)) {
                encoder.prepared(message);
              } else {
                encoder.binary(new Uint8Array(length));
              }
            }
            const queued = encoder.queuedBytes;
            const taken = concat(encoder.take()).length;
            expect(queued).toBeGreaterThanOrEqual(taken);
            expect(queued).toBeLessThanOrEqual(taken + 2 * characters + 4 * count);
            if (!texts) expect(queued).toBe(taken);
            expect(encoder.queuedBytes).toBe(0);
          }
        }
      });

      test("long strings of every width", () => {
        for (const alphabet of ["plain ascii ", "größe ", "漢字かな", "😀👋"]) {
          for (const length of [1365, 1366, 4095, 4096, 21845, 70_000]) {
            const text = textOf(length, alphabet);
            const encoder = make();
            encoder.text(text);
            expect(expected(1, Buffer.from(text)).equals(concat(encoder.take()))).toBe(true);
          }
        }
      });

      test("lone surrogates become U+FFFD, even where two messages meet", () => {
        const encoder = make();
        const texts = ["\ud83d", "\ude00", "a\ud83d", "", "\ude00b", "😀", "\ud83d\ud83d", "\ude00\ude00", "end"];
        for (const text of texts) encoder.text(text);
        encoder.text("\ud83d");
        encoder.ping();
        encoder.text("\ude00");
        const wanted = [
          ...texts.map((text) => expected(1, Buffer.from(text))),
          expected(1, Buffer.from("�")),
          expected(9, new Uint8Array()),
          expected(1, Buffer.from("�")),
        ];
        expect(Buffer.from(concat(encoder.take())).equals(concat(wanted))).toBe(true);
      });

      test("control frames", () => {
        const encoder = make();
        const data = Buffer.from("payload");
        encoder.ping(data);
        encoder.pong("pöng");
        encoder.pong();
        encoder.close();
        encoder.close(1000);
        encoder.close(4999, "r".repeat(123));
        // Payloads of control frames are copied at once.
        data.fill(0);
        const reason = concat([Uint8Array.of(0x13, 0x87), Buffer.from("r".repeat(123))]);
        const wanted = [
          expected(9, Buffer.from("payload")),
          expected(10, Buffer.from("pöng")),
          expected(10, new Uint8Array()),
          expected(8, new Uint8Array()),
          expected(8, Uint8Array.of(3, 232)),
          expected(8, reason),
        ];
        expect(Buffer.from(concat(encoder.take())).equals(concat(wanted))).toBe(true);
      });

      test("close codes at the limits of what may be sent", () => {
        const encoder = make();
        const codes = [1000, 1003, 1007, 1014, 3000, 4999];
        for (const code of codes) encoder.close(code);
        for (const code of [999, 1004, 1006, 1015, 2999, 5000]) expect(() => encoder.close(code)).toThrow(RangeError);
        const wanted = codes.map((code) => expected(8, Uint8Array.of(code >> 8, code)));
        expect(Buffer.from(concat(encoder.take())).equals(concat(wanted))).toBe(true);
      });

      test("any opcode, fin and rsv", () => {
        const encoder = make();
        const wanted: Uint8Array[] = [];
        for (let opcode = 0; opcode < 16; opcode++) {
          for (let rsv = 0; rsv < 8; rsv++) {
            encoder.frame({ opcode, rsv, fin: false, payload: "frame" });
            encoder.frame({ opcode, rsv });
            wanted.push(
              expected(opcode, Buffer.from("frame"), { rsv, fin: false }),
              expected(opcode, new Uint8Array(), { rsv }),
            );
          }
        }
        expect(Buffer.from(concat(encoder.take())).equals(concat(wanted))).toBe(true);
      });

      test("invalid arguments throw, and queue nothing", () => {
        const encoder = make();
        const bad: (() => void)[] = [
          () => encoder.text(5 as never),
          () => encoder.binary("text" as never),
          () => encoder.binary({ byteLength: 4 } as never),
          () => encoder.ping([1] as never),
          () => encoder.ping("x".repeat(126)),
          () => encoder.pong(new Uint8Array(126)),
          () => encoder.close(1000, "é".repeat(62)),
          () => encoder.close(undefined, "why"),
          () => encoder.close(1000, Buffer.from("reason") as never),
          () => encoder.frame({ opcode: 16 }),
          () => encoder.frame({ opcode: 1, rsv: 8 }),
          () => encoder.frame({ opcode: 1, payload: 7 as never }),
          () => encoder.prepared({} as never),
          ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN, "1000"].map(
            (code) => () => encoder.close(code as never),
          ),
        ];
        for (const call of bad) expect(call).toThrow();
        expect(encoder.take()).toEqual([]);
      });

      test("ws reads the output", () => {
        const encoder = make();
        const texts = Array.from({ length: 700 }, (_, i) => `${i} größe 😀`.repeat(i % 40));
        for (const text of texts) encoder.text(text);
        const found: string[] = [];
        const receiver = new Receiver({
          isServer: role === "client",
          allowSynchronousEvents: true,
        });
        receiver.on("message", (data: Buffer) => found.push(data.toString()));
        receiver.on("error", (error: Error) => expect.fail(error.message));
        for (const part of encoder.take()) receiver.write(part as Buffer);
        expect(found).toEqual(texts);
      });

      test("a PreparedMessage sends the original message", () => {
        for (const length of LENGTHS) {
          const data = new Uint8Array(length).fill(5);
          const binary = new PreparedMessage(data);
          data.fill(6);
          const text = new PreparedMessage("é".repeat(length));
          const encoder = make();
          encoder.prepared(binary);
          encoder.text("between");
          encoder.prepared(text);
          encoder.prepared(binary);
          const wanted = [
            expected(2, new Uint8Array(length).fill(5)),
            expected(1, Buffer.from("between")),
            expected(1, Buffer.from("é".repeat(length))),
            expected(2, new Uint8Array(length).fill(5)),
          ];
          expect(Buffer.from(concat(encoder.take())).equals(concat(wanted))).toBe(true);
        }
      });
    });
  }

  test(`large unmasked payloads are not copied, ${core} core`, () => {
    const encoder = new FrameEncoder({ role: "server", core });
    const large = new Uint8Array(65_536);
    encoder.text("before");
    encoder.binary(large);
    encoder.text("after");
    const parts = encoder.take();
    expect(parts).toHaveLength(4);
    expect(parts[2]).toBe(large);
    expect(parts[1]).toEqual(Uint8Array.of(0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0));
  });

  test(`a thousand small frames leave in one buffer without spare room, ${core} core`, () => {
    const encoder = new FrameEncoder({ role: "server", core });
    for (let i = 0; i < 500; i++) encoder.text("small");
    const parts = encoder.take();
    expect(parts).toHaveLength(1);
    expect(parts[0]!.byteOffset).toBe(0);
    expect(parts[0]!.buffer.byteLength).toBe(500 * 7);
  });

  test(`a prepared message that is sent alone is not copied, ${core} core`, () => {
    const message = new PreparedMessage("to all");
    const taken = Array.from({ length: 3 }, () => {
      const encoder = new FrameEncoder({ role: "server", core });
      encoder.prepared(message);
      return encoder.take();
    });
    for (const parts of taken) expect(parts).toEqual([message.frame]);
    expect(taken[0]![0]).toBe(taken[2]![0]);
  });
}

for (const core of cores) {
  for (const role of ["server", "client"] as const) {
    test(`copy() keeps no reference, whatever the length: role ${role}, ${core} core`, () => {
      const maskKey = role === "client" ? KEY : undefined;
      for (const source of [Uint8Array.from(KEY), () => Uint8Array.from(KEY)]) {
        const together = new FrameEncoder({ role, core, maskKey: source });
        const all: Uint8Array[] = [];
        for (const length of [0, 125, 4095, 4096, 16_383, 16_384, 16_385, 70_000]) {
          const data = new Uint8Array(length).map((_, i) => i * 7);
          const expected = serialize({ opcode: 2, payload: data.slice(), maskKey });
          const alone = new FrameEncoder({ role, core, maskKey: source });
          for (const encoder of [alone, together]) {
            const lent = data.slice();
            encoder.copy(0x82, lent, { allocate: (size) => new Uint8Array(size).fill(0xee) });
            lent.fill(0xff);
          }
          expect(Buffer.compare(concat(alone.take()), expected)).toBe(0);
          all.push(expected);
        }
        expect(Buffer.compare(concat(together.take()), concat(all))).toBe(0);
      }
    });
  }
}

test("masking-keys are random, and each is used once", () => {
  const keys = new Set<string>();
  const decoder = new FrameDecoder({ role: "server" });
  for (let round = 0; round < 30; round++) {
    const encoder = new FrameEncoder({ role: "client" });
    for (let i = 0; i < 300; i++) encoder.text("x");
    encoder.binary(new Uint8Array(5000));
    for (const frame of decoder.decode(concat(encoder.take()))) keys.add(Buffer.from(frame.maskKey!).toString("hex"));
  }
  // Among 9,030 random 32-bit numbers, two are equal in about one of a hundred runs; five pairs never occur.
  expect(keys.size).toBeGreaterThan(9025);
});

test("a source of keys fills its argument or returns a key; an invalid key queues nothing", () => {
  const frame: FrameInit = { opcode: Opcode.Text, payload: "hi" };
  const wanted = serialize({ opcode: 1, payload: Buffer.from("hi"), maskKey: [1, 2, 3, 4] });
  expect(encodeFrame(frame, { role: "client", maskKey: (key) => void key.set([1, 2, 3, 4]) })).toEqual(wanted);
  expect(encodeFrame(frame, { role: "client", maskKey: () => Uint8Array.of(1, 2, 3, 4) })).toEqual(wanted);
  expect(() => new FrameEncoder({ role: "client", maskKey: Uint8Array.of(1, 2, 3) })).toThrow(TypeError);
  const encoder = new FrameEncoder({ role: "client", maskKey: () => new Uint8Array(5) });
  expect(() => encoder.text("hi")).toThrow(TypeError);
  expect(() => encoder.binary(new Uint8Array(10_000))).toThrow(TypeError);
  expect(encoder.take()).toEqual([]);
});

test("a source of keys that resizes the payload neither shortens the frame nor exposes other bytes", () => {
  interface Resizable extends ArrayBuffer {
    resize(length: number): void;
  }
  const make = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => Resizable;
  const canary = new FrameEncoder({ role: "client" });
  for (const length of [20, 4000, 5000]) {
    canary.binary(new Uint8Array(4095).fill(0xee));
    canary.take();
    const buffer = new make(length, { maxByteLength: length });
    const payload = new Uint8Array(buffer).fill(7);
    const encoder = new FrameEncoder({
      role: "client",
      maskKey: (key) => {
        buffer.resize(0);
        key.fill(0);
      },
    });
    encoder.binary(payload);
    const [frame] = new FrameDecoder({ role: "server" }).decode(concat(encoder.take()));
    expect(Buffer.compare(frame!.payload, new Uint8Array(length).fill(7))).toBe(0);
  }
});

test("short payloads are copied at once, so later changes do not matter", () => {
  for (const role of ["server", "client"] as const) {
    for (const core of cores) {
      const encoder = new FrameEncoder({ role, core, maskKey: Uint8Array.of(1, 2, 3, 4) });
      const payload = new Uint8Array(4095);
      const expected: Uint8Array[] = [];
      for (const length of [0, 1, 19, 300, 4095]) {
        payload.fill(length);
        encoder.binary(payload.subarray(0, length));
        const frame = { opcode: Opcode.Binary, payload: payload.slice(0, length) };
        expected.push(encodeFrame(frame, { role, core, maskKey: Uint8Array.of(1, 2, 3, 4) }));
      }
      payload.fill(0xee);
      expect(Buffer.compare(concat(encoder.take()), concat(expected))).toBe(0);
    }
  }
});

describe("takeInto()", () => {
  const maskKey = Uint8Array.of(9, 8, 7, 6);
  const texts = [
    "",
    "a",
    "short",
    "x".repeat(16),
    "x".repeat(17),
    "y".repeat(125),
    "z".repeat(126),
    "é",
    "é".repeat(63),
  ];
  const longer = [
    "l".repeat(511),
    "l".repeat(512),
    "é".repeat(600),
    "m".repeat(5000),
    "\u{1f600}".repeat(400),
    "n".repeat(70_000),
  ];
  const halves = ["\ud83d", "\ude00", "a\ud83d".repeat(200)];

  /** Queues any kind of frame. */
  function queue(encoder: FrameEncoder, random: Random): void {
    const kind = random.integer(0, 9);
    if (kind < 5) encoder.text(random.pick(texts));
    else if (kind < 6) encoder.text(random.pick(longer));
    else if (kind < 7) encoder.text(random.pick(halves));
    else if (kind < 9)
      encoder.binary(new Uint8Array(random.pick([0, 1, 2, 125, 126, 4000])).fill(random.integer(0, 255)));
    else if (random.integer(0, 3) > 0) encoder.ping("p");
    else encoder.binary(new Uint8Array(random.pick([4096, 20_000])).fill(random.integer(0, 255)));
  }

  for (const core of cores) {
    for (const role of ["server", "client"] as const) {
      test(`and take() write the same as take() alone, ${core} core, ${role}`, () => {
        for (let seed = 1; seed <= 5; seed++) {
          const encoder = new FrameEncoder({ role, core, maskKey });
          const other = new FrameEncoder({ role, core, maskKey });
          const random = new Random(seed);
          const target = new Uint8Array(random.pick([0, 1, 30, 1000, 10_000, 300_000]));
          const written: Uint8Array[] = [];
          for (let round = 0; round < 5; round++) {
            const count = random.pick([1, 2, 3, 40, 3000]);
            for (let i = 0; i < count; i++) {
              const number = seed * 1_000_000 + round * 100_000 + i;
              queue(encoder, new Random(number));
              queue(other, new Random(number));
            }
            for (let length; (length = encoder.takeInto(target)) > 0;) {
              written.push(target.slice(0, length));
              target.fill(0xaa);
              expect(encoder.queuedBytes).toBeGreaterThanOrEqual(0);
            }
            if (random.integer(0, 1) === 0) written.push(...encoder.take());
          }
          written.push(...encoder.take());
          expect(encoder.queuedBytes).toBe(0);
          expect(Buffer.compare(concat(written), concat(other.take()))).toBe(0);
        }
      });
    }
  }

  test("writes prepared messages before others, or nothing if they do not fit", () => {
    const encoder = new FrameEncoder({ role: "server" });
    for (const text of ["one", "two"]) encoder.prepared(new PreparedMessage(text));
    encoder.text("three");
    expect(encoder.takeInto(new Uint8Array(9))).toBe(0);
    const target = new Uint8Array(100);
    const length = encoder.takeInto(target);
    const frames = new FrameDecoder({ role: "client" }).decode(target.subarray(0, length));
    expect(frames.map(({ text }) => text)).toEqual(["one", "two", "three"]);
    expect([encoder.takeInto(target), encoder.queuedBytes]).toEqual([0, 0]);
  });

  test("fills its target to the last byte, and never writes beyond the returned length", () => {
    for (const text of [...texts, ...longer]) {
      const frame = encodeFrame({ opcode: Opcode.Text, payload: text }, { role: "server" });
      for (const room of [frame.length - 1, frame.length, frame.length + 1]) {
        const memory = new Uint8Array(room + 10).fill(0xaa);
        const encoder = new FrameEncoder({ role: "server" });
        encoder.text(text);
        const length = encoder.takeInto(memory.subarray(0, room));
        expect(length).toBe(room < frame.length ? 0 : frame.length);
        expect(memory.subarray(room).every((byte) => byte === 0xaa)).toBe(true);
        expect(encoder.takeInto(memory.subarray(0, room))).toBe(0);
        if (length > 0) expect(Buffer.compare(memory.subarray(0, length), frame)).toBe(0);
        else expect(Buffer.compare(concat(encoder.take()), frame)).toBe(0);
      }
    }
  });

  test("queuedBytes is an upper bound at all times", () => {
    const encoder = new FrameEncoder({ role: "client" });
    const target = new Uint8Array(3000);
    for (let round = 0; round < 200; round++) {
      const random = new Random(round);
      for (let i = 0; i < 20; i++) queue(encoder, random);
      encoder.takeInto(target);
      const bound = encoder.queuedBytes;
      const rest = concat(encoder.take()).length;
      expect(rest).toBeLessThanOrEqual(bound);
      expect(encoder.queuedBytes).toBe(0);
    }
  });
});

test("refuses a payload of 4 GiB instead of sending a wrong length", () => {
  const huge = Object.defineProperty(new Uint8Array(5000), "length", { value: 2 ** 32 });
  expect(() => new FrameEncoder({ role: "server" }).binary(huge)).toThrow(RangeError);
});

test("a source of keys may use another encoder", () => {
  const inner = new FrameEncoder({ role: "client", maskKey: Uint8Array.from(KEY) });
  const outer = new FrameEncoder({
    role: "client",
    maskKey: (key) => {
      inner.text("inner");
      inner.take();
      key.set(KEY);
    },
  });
  outer.text("outer");
  outer.binary(new Uint8Array(9000));
  const wanted = [
    serialize({ opcode: 1, payload: Buffer.from("outer"), maskKey: KEY }),
    serialize({ opcode: 2, payload: new Uint8Array(9000), maskKey: KEY }),
  ];
  expect(Buffer.from(concat(outer.take())).equals(concat(wanted))).toBe(true);
});
