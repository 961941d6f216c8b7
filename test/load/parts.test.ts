// The parts of the load generator that work without sockets.

import { createHistogram } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { FrameDecoder, Opcode, perMessageDeflate, Protocol } from "../../src/index.ts";
import { load } from "../../src/load/index.ts";
import { reasonOf } from "../../src/load/errors.ts";
import { Histogram } from "../../src/load/histogram.ts";
import { Messages, READ_SIZE } from "../../src/load/messages.ts";
import { type LoadOptions, readLoadOptions } from "../../src/load/options.ts";
import { Stream, WRITE_SIZE } from "../../src/load/stream.ts";
import { Waiting } from "../../src/load/waiting.ts";
import { Random } from "../support/random.ts";

describe("options", () => {
  test("have default values", () => {
    expect(readLoadOptions({})).toEqual({
      connections: 50,
      size: 32,
      inFlight: 1,
      binary: false,
      compress: false,
      duration: 10_000,
      warmUp: 1000,
      answers: "echo",
      handshakeTimeout: 5000,
      answerTimeout: 5000,
      closeTimeout: 5000,
    });
    expect(readLoadOptions({ rate: 10 }).inFlight).toBe(Infinity);
    expect(readLoadOptions({ rate: 10, inFlight: 3 }).inFlight).toBe(3);
  });

  test.each<LoadOptions>([
    { connections: 0 },
    { connections: 1.5 },
    { connections: 65537 },
    { size: -1 },
    { size: 104857601 },
    { inFlight: 0 },
    { inFlight: Infinity },
    { rate: 0 },
    { rate: Infinity },
    { rate: Number.NaN },
    { duration: 0 },
    { duration: Infinity },
    { warmUp: -1 },
    { handshakeTimeout: 0 },
    { answerTimeout: -1 },
    { closeTimeout: Infinity },
    { messages: [] },
    { answers: -1 },
    { answers: 1.5 },
    { answers: 0, inFlight: 1 },
    { answers: "any", inFlight: 1 },
  ])("refuse %o with a RangeError", (options) => {
    expect(() => readLoadOptions(options)).toThrow(RangeError);
  });

  test("have other defaults with your own messages, and without answers", () => {
    expect(readLoadOptions({ messages: ["a"] })).toMatchObject({ answers: 1, inFlight: 1 });
    expect(readLoadOptions({ messages: ["a"], answers: "echo" })).toMatchObject({ answers: "echo", inFlight: 1 });
    expect(readLoadOptions({ answers: 0 })).toMatchObject({ answers: 0, inFlight: Infinity });
    expect(readLoadOptions({ answers: "any" })).toMatchObject({ answers: "any", inFlight: Infinity });
  });

  test.each<[unknown, string]>([
    [{ timeout: 1 }, "load() has no option `timeout`: use `handshakeTimeout`, `answerTimeout` or `closeTimeout`"],
    [{ message: "a" }, "load() has no option `message`: use `messages`"],
    [{ warmup: 1 }, "load() has no option `warmup`: did you mean `warmUp`?"],
    [{ "in-flight": 1 }, "load() has no option `in-flight`: did you mean `inFlight`?"],
    [{ connection: 1 }, "load() has no option `connection`: did you mean `connections`?"],
    [{ perMessageDeflate: true }, "load() has no option `perMessageDeflate`: use `compress`"],
    [{ maxPayload: 1 }, "load() has no option `maxPayload`: check its name"],
    [{ toString: 1 }, "load() has no option `toString`: check its name"],
    ["ws://localhost", "The options of load() must be an object"],
    [["a"], "The options of load() must be an object"],
    [null, "The options of load() must be an object"],
    [{ connections: "5" }, "connections must be a number"],
    [{ rate: "5" }, "rate must be a number"],
    [{ duration: "5" }, "duration must be a number"],
    [{ compress: "yes" }, "compress must be true or false"],
    [{ answers: "one" }, 'answers must be a number, "echo" or "any"'],
    [{ messages: "a" }, "messages must be an array of strings or Uint8Arrays"],
    [{ messages: [1] }, "messages must be strings or Uint8Arrays"],
    [{ messages: [new Uint16Array(1)] }, "messages must be strings or Uint8Arrays"],
    [{ messages: ["a"], size: 1 }, "size does not apply to your own messages: leave it out"],
  ])("refuse %o with a TypeError", async (options, message) => {
    const error = await load("ws://127.0.0.1:9", options as LoadOptions).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toBe(message);
  });
});

describe("the histogram", () => {
  test("returns 0 for everything while it is empty", () => {
    const histogram = new Histogram();
    expect([histogram.count, histogram.mean, histogram.percentile(50), histogram.max]).toEqual([0, 0, 0, 0]);
  });

  test("agrees with node:perf_hooks and with the sorted values to 0.1 %", () => {
    const random = new Random(7);
    const histogram = new Histogram();
    const theirs = createHistogram({ lowest: 1, highest: 1e12, figures: 4 });
    const all: number[] = [];
    for (let i = 0; i < 20_000; i++) {
      // The times are from 1 µs to 10 s, each order of magnitude equally often.
      const time = 10 ** (random.integer(0, 6999) / 1000 - 3);
      const weight = random.integer(1, 4);
      histogram.record(time, weight);
      for (let j = 0; j < weight; j++) {
        theirs.record(Math.max(1, Math.round(time * 1e6)));
        all.push(time);
      }
    }
    all.sort((a, b) => a - b);
    expect(histogram.count).toBe(all.length);
    expect(histogram.max).toBe(all.at(-1));
    expect(histogram.min).toBe(all[0]);
    expect(histogram.mean).toBeCloseTo(all.reduce((a, b) => a + b) / all.length, 6);
    for (const percent of [1, 10, 50, 90, 99, 99.9, 99.99, 100]) {
      const value = histogram.percentile(percent);
      const exact = all[Math.ceil((all.length * percent) / 100) - 1]!;
      // The histogram's unit is a tenth of a microsecond.
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(exact * 0.001 + 0.0001);
      expect(Math.abs(value - theirs.percentile(percent) / 1e6)).toBeLessThanOrEqual(exact * 0.0015 + 0.0001);
    }
  });

  test("accepts values below its unit and beyond its end", () => {
    const histogram = new Histogram();
    histogram.record(-1, 1);
    histogram.record(1e9, 1);
    expect(histogram.percentile(50)).toBe(0);
    expect(histogram.max).toBe(1e9);
    expect(histogram.percentile(100)).toBeGreaterThan(200_000);
  });
});

describe("waiting messages", () => {
  test("leave the queue in order, in parts of any size", () => {
    const random = new Random(3);
    const waiting = new Waiting();
    const expected: number[] = [];
    for (let round = 0, time = 0; round < 5000; round++) {
      if (random.chance(0.5) || expected.length === 0) {
        if (random.chance(0.75)) time++;
        const count = random.integer(1, 100);
        waiting.add(count, time);
        for (let i = 0; i < count; i++) expected.push(time);
      } else {
        for (let left = Math.min(expected.length, random.integer(1, 150)); left > 0;) {
          const { time: since } = waiting;
          const taken = waiting.take(left);
          expect(taken).toBeGreaterThan(0);
          expect(taken).toBeLessThanOrEqual(left);
          expect(expected.splice(0, taken).every((one) => one === since)).toBe(true);
          left -= taken;
        }
      }
    }
  });
});

describe("your own messages", () => {
  test("are text or binary, are sent as UTF-8 with `binary`, and are copied", () => {
    const bytes = Uint8Array.of(1, 2);
    const list = ["ä", bytes, "\ud800"];
    const messages = Messages.own(list, { binary: false });
    bytes.fill(9);
    expect([0, 1, 2, 3].map((i) => messages.data(i))).toEqual(["ä", Buffer.from([1, 2]), "\ufffd", "ä"]);
    expect(messages.is(0, "ä")).toBe(true);
    expect(messages.is(0, Buffer.from("ä"))).toBe(false);
    expect(messages.count % 3).toBe(0);
    expect([messages.bytes(0, 3), messages.bytes(2, 2), messages.bytes(1, messages.count)]).toEqual([
      7,
      5,
      (7 * messages.count) / 3,
    ]);
    expect(messages.frame).toBe(undefined);
    const binary = Messages.own(list, { binary: true });
    expect(binary.data(0)).toEqual(Buffer.from("ä"));
  });

  test("can be compared as bytes if all have the same length", () => {
    const { count, frame, due } = Messages.own(["ab", "cd"], { binary: false });
    expect([frame, due.length]).toEqual([4, count * 4 + READ_SIZE]);
    expect(due.subarray(0, 12).toString("latin1")).toBe("\x81\x02ab\x81\x02cd\x81\x02ab");
  });

  test("can be larger or more numerous than a period, or empty", () => {
    const many = Array.from({ length: 200_000 }, (_, i) => String(i));
    expect(Messages.own(many, { binary: false }).count).toBe(200_000);
    expect(new Stream(Messages.own(many, { binary: false }), []).offsets.length).toBeGreaterThan(200_000);
    expect(Messages.own(["x".repeat(3_000_000)], { binary: false }).count).toBe(1);
    expect(Messages.own([""], { binary: false })).toMatchObject({ frame: 2 });
  });

  test("are found at the nearest place before and after", () => {
    const messages = Messages.own(["a", "b", "a", "c", "d".repeat(1_000_000)], { binary: false });
    expect(messages.count).toBe(5);
    expect(messages.locate("a", 0)).toEqual({ ahead: 0, back: 3 });
    expect(messages.locate("a", 1)).toEqual({ ahead: 1, back: 1 });
    expect(messages.locate("a", 3)).toEqual({ ahead: 2, back: 1 });
    expect(messages.locate("b", 1)).toEqual({ ahead: 0, back: 5 });
    expect(messages.locate("c", 1)).toEqual({ ahead: 2, back: 3 });
    expect(messages.locate(Buffer.from("a"), 0)).toEqual({ ahead: Infinity, back: Infinity });
  });
});

test("reasonOf() returns the message of an error, or the best alternative", () => {
  const inner = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
  const all = Object.assign(new AggregateError([inner("A"), inner("B"), inner("A")]), { code: "A" });
  expect(reasonOf(new Error("why"))).toBe("why");
  expect(reasonOf(all)).toBe("connect A; connect B");
  expect(reasonOf(Object.assign(new AggregateError([]), { code: "A" }))).toBe("A");
  expect(reasonOf(new AggregateError([]))).toBe("AggregateError");
  expect(reasonOf(new AggregateError([new AggregateError([inner("C")])]))).toBe("connect C");
  expect(reasonOf("text")).toBe("text");
});

describe.each([0, 1, 2, 32, 125, 126, 1024, 65535, 65536, 300_000])("messages of %d bytes", (size) => {
  for (const binary of [false, true]) {
    const messages = Messages.made(size, binary);
    const kind = binary ? "binary" : "text";

    test(`${kind}: \`due\` is the bytes of an echo server, then READ_SIZE bytes of them again`, () => {
      const decoder = new FrameDecoder({ role: "client" });
      const period = messages.count * messages.frame!;
      const frames = decoder.decode(messages.due.subarray(0, period));
      expect(frames.length).toBe(messages.count);
      for (const [i, frame] of frames.entries()) {
        expect(frame.opcode).toBe(binary ? Opcode.Binary : Opcode.Text);
        expect(messages.payloads[i]!.equals(frame.payload)).toBe(true);
      }
      expect(messages.due.length).toBe(period + READ_SIZE);
      for (let at = period; at < messages.due.length; at++) {
        if (messages.due[at] !== messages.due[at % period]) expect(at).toBe(-1);
      }
    });

    test(`${kind}: each message differs from the others, and is found`, () => {
      if (size < 2) return;
      expect(new Set(messages.payloads.map((payload) => payload.toString("latin1"))).size).toBe(messages.count);
      for (let i = 0; i < messages.count; i++) {
        const data = messages.data(i);
        expect(messages.is(i, data)).toBe(true);
        expect(messages.locate(data, i)).toEqual({ ahead: 0, back: messages.count });
        expect(messages.locate(data, (i + 1) % messages.count)).toEqual({ ahead: messages.count - 1, back: 1 });
        const other = binary ? (data as Buffer).toString("latin1") : messages.payloads[i]!;
        expect(messages.locate(other, i)).toEqual({ ahead: Infinity, back: Infinity });
        const changed = Buffer.from(messages.payloads[i]!);
        changed[size - 1]! ^= 1;
        expect(messages.is(i, binary ? changed : changed.toString("latin1"))).toBe(false);
      }
    });

    test(`${kind}: any batch is one contiguous piece, masked with different keys`, () => {
      const stream = new Stream(messages, []);
      const { bytes, offsets, batch } = stream;
      expect(batch * (size + 14) <= WRITE_SIZE + 14 * batch || batch === 1).toBe(true);
      expect(offsets.length).toBe(messages.count + batch);
      expect(offsets.at(-1)).toBe(bytes.length);
      const keys = new Set<number>();
      for (const first of [0, 1, messages.count - 1]) {
        const piece = Buffer.from(bytes.subarray(offsets[first]!, offsets[first + batch]!));
        const frames = new FrameDecoder({ role: "server" }).decode(piece);
        expect(frames.length).toBe(batch);
        for (const [i, frame] of frames.entries()) {
          keys.add(Buffer.from(frame.maskKey!).readUInt32BE());
          expect(messages.payloads[(first + i) % messages.count]!.equals(frame.payload)).toBe(true);
        }
      }
      expect(keys.size).toBeGreaterThan(Math.min(batch, messages.count) * 0.99 - 1);
    });
  }
});

test("a compressed stream can be repeated, and started at any message", () => {
  const messages = Messages.made(1000, false);
  const extension = perMessageDeflate();
  const { bytes, offsets } = new Stream(messages, [{ extension, parameters: [] }]);
  expect(offsets[messages.count]! / messages.count).toBeLessThan(700);
  const protocol = new Protocol({ role: "server", extensions: [extension] });
  const period = bytes.subarray(0, offsets[messages.count]!);
  const texts = [protocol.receive(period), protocol.receive(period), protocol.receive(bytes.subarray(offsets[5]!))]
    .flat()
    .map((event) => (event.type === "text" ? event.data : event.type));
  const expected = Array.from({ length: texts.length }, (_, i) =>
    messages.data((i < 2 * messages.count ? i : i + 5) % messages.count),
  );
  expect(texts.length).toBeGreaterThan(3 * messages.count - 6);
  expect(texts).toEqual(expected);
});
