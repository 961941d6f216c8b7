// Compares assembly/deflate/inflate.ts with zlib, and tests what zlib cannot check.

import { once } from "node:events";
import { constants, createDeflateRaw, deflateRawSync, type ZlibOptions } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  INFLATE_DONE,
  INFLATE_ERROR_BLOCK_TYPE,
  INFLATE_ERROR_CODE_LENGTHS,
  INFLATE_ERROR_COUNTS,
  INFLATE_ERROR_DISTANCE,
  INFLATE_ERROR_DISTANCE_CODES,
  INFLATE_ERROR_END,
  INFLATE_ERROR_FINAL_BLOCKS,
  INFLATE_ERROR_LITERAL_CODES,
  INFLATE_ERROR_NO_END,
  INFLATE_ERROR_REPEAT,
  INFLATE_ERROR_STORED_LENGTH,
  INFLATE_ERROR_SYMBOL,
  INFLATE_NEEDS_INPUT,
  INFLATE_SLOT_COUNT,
  MAX_FINAL_BLOCKS,
  MAX_WINDOW,
} from "../../../assembly/deflate/memory.ts";
import { Random } from "../../support/random.ts";
import { BitWriter, FIXED_DISTANCES, huffmanCodes, lengths } from "./bit-writer.ts";
import { corpora, sample } from "./corpora.ts";
import { inflateMessage, InflateStream, type InflateStreamOptions } from "./inflate-stream.ts";
import { zlibInflate } from "./zlib-inflate.ts";

const NOTHING = new Uint8Array(0);

/** A message compressed by zlib, without its tail. */
function compress(data: Uint8Array, options: ZlibOptions = {}): Uint8Array {
  return deflateRawSync(data, { ...options, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Pushes a message in pieces of these lengths, with the tail in the last one or by itself. */
function inPieces(payload: Uint8Array, length: () => number, options: InflateStreamOptions): [number, Uint8Array] {
  const stream = new InflateStream(options);
  let result = 0;
  for (let at = 0, end = 0; at < payload.length && result === INFLATE_NEEDS_INPUT; at = end) {
    end = at + length();
    result = stream.push(payload.subarray(at, end));
  }
  if (result === INFLATE_NEEDS_INPUT) result = stream.push(NOTHING, "last");
  return [result, stream.output];
}

function expectOutput([result, output]: readonly [number, Uint8Array], data: Uint8Array, what?: unknown): void {
  // A failure of toEqual() on large buffers would take minutes to print.
  expect([result, output.length, Buffer.compare(output, data)], JSON.stringify(what)).toEqual([
    INFLATE_DONE,
    data.length,
    0,
  ]);
}

function expectInflated(payload: Uint8Array, data: Uint8Array, options: InflateStreamOptions, what?: unknown): void {
  const { result, output } = inflateMessage(payload, options);
  expectOutput([result, output], data, what);
}

/** Random lengths of pieces and rooms, many of them short. */
function anyLength(random: Random): () => number {
  return () => Math.floor(2 ** (12 * random.next())) - 1;
}

describe("inflates the output of zlib", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])("at level %i, with all windows, strategies and memLevels", (level) => {
    const random = new Random(level);
    for (let windowBits = 8; windowBits <= 15; windowBits++) {
      for (let strategy = 0; strategy <= 4; strategy++) {
        for (let memLevel = 1; memLevel <= 9; memLevel++) {
          const settings = { level, windowBits, strategy, memLevel };
          const data = sample(random, Math.floor(2 ** (random.next() * 14)));
          const reach = 2 ** windowBits;
          expectInflated(compress(data, settings), data, { reach }, settings);
          if (memLevel % 4 !== 0) continue;
          const options = { reach, room: anyLength(random) };
          expectOutput(inPieces(compress(data, settings), anyLength(random), options), data, settings);
        }
      }
    }
  });

  test.each(Object.keys(corpora))("%s", (name) => {
    const corpus = corpora[name]!;
    for (const level of [1, 6, 9]) {
      const compressed = compress(corpus, { level });
      expectInflated(compressed, corpus, {});
      const random = new Random(level);
      expectOutput(inPieces(compressed, anyLength(random), { room: anyLength(random) }), corpus);
    }
  });

  test("with earlier messages as context", () => {
    const random = new Random(20);
    for (const windowBits of [9, 12, 15]) {
      const stream = new InflateStream({ reach: 2 ** windowBits, slot: 1 });
      let history: Uint8Array = NOTHING;
      for (let i = 0; i < 100; i++) {
        const data = sample(random, Math.floor(2 ** (random.next() * 13)));
        const dictionary = history.subarray(-(2 ** windowBits));
        const payload = compress(data, { windowBits, ...(dictionary.length > 0 ? { dictionary } : {}) });
        const cut = random.integer(0, payload.length);
        expect(stream.push(payload.subarray(0, cut))).toBe(INFLATE_NEEDS_INPUT);
        expectOutput([stream.push(payload.subarray(cut), "last"), stream.output], data);
        stream.next();
        history = Buffer.concat([history, data]);
      }
    }
  });

  test("with flushes of all kinds in between", async () => {
    const random = new Random(21);
    const { Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK } = constants;
    for (let i = 0; i < 60; i++) {
      const deflater = createDeflateRaw({ level: random.integer(0, 9), strategy: random.integer(0, 4) });
      const compressed: Uint8Array[] = [];
      deflater.on("data", (chunk: Uint8Array) => compressed.push(chunk));
      const parts = Array.from({ length: random.integer(1, 8) }, () => sample(random, random.integer(0, 2000)));
      for (const part of parts) {
        deflater.write(part);
        const kind = random.pick([Z_PARTIAL_FLUSH, Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_BLOCK]);
        await new Promise<void>((resolve) => deflater.flush(kind, resolve));
      }
      deflater.end();
      await once(deflater, "end");
      // The last block is final.
      const payload = Buffer.concat(compressed);
      const data = Buffer.concat(parts);
      expectInflated(payload, data, {});
      expectInflated(Buffer.concat([payload, Uint8Array.of(0)]), data, {});
      expectOutput(inPieces(payload, anyLength(random), { room: anyLength(random) }), data);
    }
  });
});

/** Short messages with all kinds of blocks, symbols and copies. */
const everyKind: Readonly<Record<string, { payload: Uint8Array; data: Uint8Array; history?: Uint8Array }>> = (() => {
  const prose = bytes("Whether 'tis nobler in the mind to suffer the slings and arrows of outrageous fortune, or to ");
  const long = sample(new Random(30), 700);
  const run = new Uint8Array(600).fill(7);
  const kinds = {
    stored: { payload: compress(prose, { level: 0 }), data: prose },
    fixed: { payload: compress(prose, { strategy: constants.Z_FIXED }), data: prose },
    dynamic: { payload: compress(long, { level: 9 }), data: long },
    "only literals": { payload: compress(prose, { strategy: constants.Z_HUFFMAN_ONLY }), data: prose },
    "a run": { payload: compress(run), data: run },
    "a match in the history": { payload: compress(long, { dictionary: long }), data: long, history: long },
    "stored, fixed and dynamic": {
      payload: Buffer.concat(
        [0, 1, 9].map((level, i) => deflateRawSync(long.subarray(i * 200, i * 200 + 200), { level })),
      ),
      data: long.subarray(0, 600),
    },
    "an empty block in each byte": { payload: new BitWriter().fixed().bytes(), data: NOTHING },
  };
  // The three header bits of a stored block, and as many more to the next byte.
  kinds["an empty block in each byte"].payload = Buffer.alloc(51, Uint8Array.of(0, 0, 0, 0xff, 0xff)).subarray(0, 51);
  return kinds;
})();

describe("resumes at every byte", () => {
  for (const [name, { payload, data, history = NOTHING }] of Object.entries(everyKind)) {
    test(`of the input: ${name}`, () => {
      for (let at = 0; at <= payload.length; at++) {
        const stream = new InflateStream({ history });
        expect(stream.push(payload.subarray(0, at))).toBe(INFLATE_NEEDS_INPUT);
        expectOutput([stream.push(payload.subarray(at), "last"), stream.output], data, at);
      }
      for (const length of [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 18, 31]) {
        expectOutput(
          inPieces(payload, () => length, { history }),
          data,
          length,
        );
      }
    });

    test(`of the output: ${name}`, () => {
      for (let most = 1; most <= 320; most++) {
        let calls = 0;
        for (const room of [
          () => most,
          () => (calls++ % 3 === 0 ? 0 : most),
          () => (calls++ === 0 ? most : Infinity),
        ]) {
          expectInflated(payload, data, { history, room }, most);
        }
      }
    });

    test(`of both: ${name}`, () => {
      const random = new Random(31);
      for (let i = 0; i < 100; i++) {
        const most = random.integer(1, 40);
        const options = { history, room: () => random.integer(0, most) };
        expectOutput(
          inPieces(payload, () => random.integer(0, most), options),
          data,
        );
      }
    });
  }

  test("returns each output byte as soon as its bits are there", () => {
    // zlib's own bounds: a fixed code for a literal takes 8 bits, after a header of 3 bits.
    const stream = new InflateStream({});
    const payload = compress(bytes("abcdefgh"), { strategy: constants.Z_FIXED });
    payload.forEach((byte, i) => {
      stream.push(Uint8Array.of(byte));
      expect(stream.output.length).toBe(Math.min(8, Math.max(0, Math.floor((8 * (i + 1) - 3) / 8))));
    });
  });
});

describe("messages that take turns", () => {
  test("do not mix, whatever slots they are in", () => {
    const random = new Random(40);
    const free = Array.from({ length: INFLATE_SLOT_COUNT }, (_, slot) => slot);
    const takeSlot = (): number => free.splice(random.integer(0, free.length - 1), 1)[0]!;
    const open = () => {
      const data = sample(random, random.integer(2000, 40_000));
      const slot = takeSlot();
      const stream = new InflateStream({ slot, room: anyLength(random) });
      return { slot, stream, data, payload: compress(data, { memLevel: random.pick([1, 8]) }), at: 0 };
    };
    const messages = Array.from({ length: INFLATE_SLOT_COUNT - 2 }, open);
    for (let left = 150; left > 0;) {
      const message = random.pick(messages);
      const { stream, payload } = message;
      const end = message.at + Math.floor(2 ** (random.next() * 13));
      const result = stream.push(payload.subarray(message.at, end), end < payload.length ? "more" : "last");
      message.at = end;
      if (end < payload.length) {
        expect(result).toBe(INFLATE_NEEDS_INPUT);
        if (random.chance(0.5)) {
          const from = message.slot;
          message.slot = takeSlot();
          stream.moveTo(message.slot);
          free.push(from);
        }
      } else {
        expectOutput([result, stream.output], message.data);
        free.push(message.slot);
        Object.assign(message, open());
        left--;
      }
    }
  });

  test("do not mix even if their state was in the same slot", () => {
    // The two messages have different codes, and each is interrupted while it uses its own.
    const [one, two] = [corpora.json!, corpora["minified JavaScript"]!].map((corpus) => {
      const data = corpus.subarray(0, 9000);
      return { data, payload: compress(data) };
    });
    const first = new InflateStream({ slot: 0 });
    first.push(one!.payload.subarray(0, 1000));
    first.moveTo(5);
    const second = new InflateStream({ slot: 0 });
    second.push(two!.payload.subarray(0, 1000));
    second.moveTo(6);
    first.moveTo(0);
    expectOutput([first.push(one!.payload.subarray(1000), "last"), first.output], one!.data);
    second.moveTo(0);
    expectOutput([second.push(two!.payload.subarray(1000), "last"), second.output], two!.data);
  });

  test("do not mix after one failed while its codes were built", () => {
    const data = corpora.json!.subarray(0, 9000);
    const payload = compress(data);
    const stream = new InflateStream({ slot: 0 });
    stream.push(payload.subarray(0, 1000));
    const literals = lengths(257, { 65: 1, 256: 1 });
    const wrong = new BitWriter().codes(literals, [1, 1, 1]).bytes();
    expect(inflateMessage(wrong, { slot: 1 }).result).toBe(INFLATE_ERROR_DISTANCE_CODES);
    expectOutput([stream.push(payload.subarray(1000), "last"), stream.output], data);
  });
});

describe("blocks with BFINAL set (RFC 7692 §7.2.3.4)", () => {
  /** A message in final blocks, each with earlier data as context. */
  function inFinalBlocks(random: Random, count: number): { payload: Uint8Array; data: Uint8Array } {
    const blocks: Uint8Array[] = [];
    let data: Uint8Array = NOTHING;
    for (let i = 0; i < count; i++) {
      const part = sample(random, random.integer(0, 1000));
      const dictionary = data.subarray(-MAX_WINDOW);
      const settings = { level: random.integer(0, 9), memLevel: 9 };
      blocks.push(deflateRawSync(part, dictionary.length > 0 ? { ...settings, dictionary } : settings));
      data = Buffer.concat([data, part]);
    }
    return { payload: Buffer.concat(blocks), data };
  }

  test.each([1, 2, 3, 10, MAX_FINAL_BLOCKS])(
    "accepts %i of them, with and without an empty block at the end",
    (count) => {
      const random = new Random(50 + count);
      for (let i = 0; i < 10; i++) {
        const { payload, data } = inFinalBlocks(random, count);
        for (const message of [payload, Buffer.concat([payload, Uint8Array.of(0)])]) {
          expectInflated(message, data, {});
          expectOutput(
            inPieces(message, () => random.integer(0, 300), { room: anyLength(random) }),
            data,
          );
        }
        const rest = compress(data.subarray(0, 100));
        expectInflated(Buffer.concat([payload, rest]), Buffer.concat([data, data.subarray(0, 100)]), {});
      }
    },
  );

  test("refuses one too many where it ends", () => {
    const { payload, data } = inFinalBlocks(new Random(60), MAX_FINAL_BLOCKS + 1);
    for (const message of [payload, Buffer.concat([payload, Uint8Array.of(0)])]) {
      const { result, output } = inflateMessage(message);
      expect([result, Buffer.compare(output, data)]).toEqual([INFLATE_ERROR_FINAL_BLOCKS, 0]);
      expect(inPieces(message, () => 1, {})[0]).toBe(INFLATE_ERROR_FINAL_BLOCKS);
    }
  });

  test("does not end an unfinished message after a final block", () => {
    const stream = new InflateStream({});
    const block = deflateRawSync(bytes("one"));
    expect(stream.push(block)).toBe(INFLATE_NEEDS_INPUT);
    expect(stream.push(new BitWriter().stored(bytes(" two")).bytes())).toBe(INFLATE_NEEDS_INPUT);
    // These bytes are the beginning of a stored block, not the end of the message.
    expect(stream.push(Uint8Array.of(0x00, 0x00, 0x00, 0xff, 0xff))).toBe(INFLATE_NEEDS_INPUT);
    expectOutput([stream.push(Uint8Array.of(0x00), "last"), stream.output], bytes("one two"));
  });
});

/** A match with fixed codes: symbol and extra bits of the length, symbol and extra bits of the distance. */
function fixedMatch(length: number, lengthBits: string, distance: number, distanceBits: string): (number | string)[] {
  return [length, lengthBits, FIXED_DISTANCES[distance]!, distanceBits];
}

describe("how far matches may reach", () => {
  // The distances 1 to 4 have no extra bits, 257 to 384 have symbol 16 and 7 bits, 24,577 to 32,768 symbol 29 and 13
  // bits.
  const bits = (value: number, count: number): string =>
    [...value.toString(2).padStart(count, "0")].toReversed().join("");
  const reaching = (distance: number): Uint8Array => {
    const writer = new BitWriter().header(1);
    if (distance <= 4) writer.fixed(...fixedMatch(257, "", distance - 1, ""));
    else if (distance <= 256) writer.fixed(...fixedMatch(257, "", 15, bits(distance - 193, 6)));
    else if (distance <= 384) writer.fixed(...fixedMatch(257, "", 16, bits(distance - 257, 7)));
    else writer.fixed(...fixedMatch(257, "", 29, bits(distance - 24577, 13)));
    return writer.fixed(256).header(0).align().bytes();
  };

  test.each([
    [256, 40_000, 256],
    [384, 40_000, 384],
    [32_767, 40_000, 32_767],
    [32_768, 40_000, 32_768],
    // A match cannot reach back beyond the history.
    [32_768, 30_000, 30_000],
    [32_768, 300, 300],
    [256, 200, 200],
    [32_768, 1, 1],
  ])("reach %i, %i bytes of history: %i", (reach, length, most) => {
    const history = new Random(70).bytes(length);
    // The output has room for a whole copy, or only for a single byte.
    for (const room of [() => Infinity, () => 1]) {
      const { result, output } = inflateMessage(reaching(most), { reach, history, room });
      const kept = history.subarray(-MAX_WINDOW);
      const pattern = kept.subarray(kept.length - most, kept.length - most + 3);
      expectOutput(
        [result, output],
        Uint8Array.from([0, 1, 2], (i) => pattern[i % pattern.length]!),
      );
      if (most === MAX_WINDOW) continue;
      expect(inflateMessage(reaching(most + 1), { reach, history, room }).result).toBe(INFLATE_ERROR_DISTANCE);
    }
  });

  test("nowhere without history", () => {
    expect(inflateMessage(reaching(1)).result).toBe(INFLATE_ERROR_DISTANCE);
  });

  test("not to history that was dropped in the middle of a match", () => {
    const history = new Random(71).bytes(300);
    const inMatch = (kept: number): number => {
      let calls = 0;
      const stream: InflateStream = new InflateStream({
        history,
        room: () => {
          if (++calls === 2) stream.forgetBut(kept);
          return 1;
        },
      });
      return stream.push(reaching(300), "last");
    };
    expect(inMatch(300)).toBe(INFLATE_DONE);
    expect(inMatch(299)).toBe(INFLATE_ERROR_DISTANCE);
  });

  test("to bytes in the output", () => {
    const payload = (distance: number) =>
      new BitWriter()
        .header(1)
        .fixed(97, 98, ...fixedMatch(257, "", distance - 1, ""), 256)
        .header(0)
        .align()
        .bytes();
    expectInflated(payload(2), bytes("ababa"), {});
    const { result, output } = inflateMessage(payload(3));
    expect([result, output]).toEqual([INFLATE_ERROR_DISTANCE, Buffer.from("ab")]);
  });
});

/** All code lengths as codes of 4 bits, without the repetitions. */
const PLAIN = lengths(19, Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, 4])));
const A = 97;
const ONLY_END = lengths(257, { 256: 1 });
const A_AND_END = lengths(257, { [A]: 1, 256: 1 });
/** A, a length of 3 and the end: 00 is A, 01 is the end, 10 and 11 are lengths of 3 and 4. */
const WITH_LENGTHS = lengths(259, { [A]: 2, 256: 2, 257: 2, 258: 2 });

describe("refuses invalid data with the right error", () => {
  const writer = (): BitWriter => new BitWriter();
  const cases: [string, number, BitWriter][] = [
    ["a block of type 3", INFLATE_ERROR_BLOCK_TYPE, writer().header(3)],
    ["after another block", INFLATE_ERROR_BLOCK_TYPE, writer().header(1).fixed(A, 256).header(3)],
    ["LEN and NLEN differ", INFLATE_ERROR_STORED_LENGTH, writer().header(0).align().number(5, 16).number(5, 16)],
    ["287 literals", INFLATE_ERROR_COUNTS, writer().dynamic(287, 1, PLAIN)],
    ["288 literals", INFLATE_ERROR_COUNTS, writer().dynamic(288, 1, PLAIN)],
    ["31 distances", INFLATE_ERROR_COUNTS, writer().dynamic(257, 31, PLAIN)],
    ["32 distances", INFLATE_ERROR_COUNTS, writer().dynamic(286, 32, PLAIN)],
    ["too many codes for code lengths", INFLATE_ERROR_CODE_LENGTHS, writer().dynamic(257, 1, [1, 1, 1])],
    ["too few codes for code lengths", INFLATE_ERROR_CODE_LENGTHS, writer().dynamic(257, 1, [2, 2, 2])],
    ["only one code for code lengths", INFLATE_ERROR_CODE_LENGTHS, writer().dynamic(257, 1, [1])],
    [
      "a repetition of nothing",
      INFLATE_ERROR_REPEAT,
      writer()
        .dynamic(257, 1, lengths(19, { 8: 1, 16: 1 }))
        .code("100"),
    ],
    [
      "a repetition beyond the end",
      INFLATE_ERROR_REPEAT,
      writer()
        .dynamic(257, 1, lengths(19, { 8: 1, 18: 1 }))
        .code("11111111".repeat(2))
        .code("0".repeat(18))
        .code("11111111"),
    ],
    ["no end of block", INFLATE_ERROR_NO_END, writer().codes(lengths(257, { [A]: 1, 98: 1 }), [1])],
    ["no codes for code lengths", INFLATE_ERROR_NO_END, writer().dynamic(257, 1, []).code("0".repeat(258))],
    ["too many literal codes", INFLATE_ERROR_LITERAL_CODES, writer().codes(lengths(257, { 1: 1, 2: 1, 256: 1 }), [1])],
    ["too few literal codes", INFLATE_ERROR_LITERAL_CODES, writer().codes(lengths(257, { 1: 2, 256: 2 }), [1])],
    ["only one literal code of 2 bits", INFLATE_ERROR_LITERAL_CODES, writer().codes(lengths(257, { 256: 2 }), [1])],
    ["too few long literal codes", INFLATE_ERROR_LITERAL_CODES, writer().codes(lengths(257, { 1: 1, 256: 15 }), [1])],
    ["too many distance codes", INFLATE_ERROR_DISTANCE_CODES, writer().codes(A_AND_END, [1, 1, 1])],
    ["too few distance codes", INFLATE_ERROR_DISTANCE_CODES, writer().codes(A_AND_END, [2, 2])],
    ["only one distance code of 2 bits", INFLATE_ERROR_DISTANCE_CODES, writer().codes(A_AND_END, [2])],
    ["length symbol 286", INFLATE_ERROR_SYMBOL, writer().header(1).fixed(A, 286)],
    ["length symbol 287", INFLATE_ERROR_SYMBOL, writer().header(1).fixed(A, 287)],
    ["distance symbol 30", INFLATE_ERROR_SYMBOL, writer().header(1).fixed(A, 257, FIXED_DISTANCES[30]!)],
    ["distance symbol 31", INFLATE_ERROR_SYMBOL, writer().header(1).fixed(A, 257, FIXED_DISTANCES[31]!)],
    ["a missing literal code", INFLATE_ERROR_SYMBOL, writer().codes(ONLY_END, [1]).code("1")],
    ["a missing distance code", INFLATE_ERROR_SYMBOL, writer().codes(WITH_LENGTHS, [1]).code("00101")],
    ["a distance without distance codes", INFLATE_ERROR_SYMBOL, writer().codes(WITH_LENGTHS, [0]).code("00100")],
    [
      "a distance that is too far",
      INFLATE_ERROR_DISTANCE,
      writer()
        .header(1)
        .fixed(A, ...fixedMatch(257, "", 1, "")),
    ],
    ["no header", INFLATE_ERROR_END, writer()],
    ["the end in a stored block", INFLATE_ERROR_END, writer().header(0).align().number(9, 16).number(0xfff6, 16)],
    ["the end in code lengths", INFLATE_ERROR_END, writer().dynamic(257, 1, PLAIN)],
  ];

  for (const [what, error, stream] of cases) {
    test(what, () => {
      const payload = stream.bytes();
      // More data after the error, enough for decodeFast(), makes no difference.
      const followed = error === INFLATE_ERROR_END ? payload : Buffer.concat([payload, new Uint8Array(40)]);
      const { output } = inflateMessage(payload);
      for (const message of [payload, followed]) {
        expect(zlibInflate(message).result).toBe(error);
        for (const room of [() => Infinity, () => 1]) {
          const whole = inflateMessage(message, { room });
          expect([whole.result, whole.output]).toEqual([error, output]);
          expect(inPieces(message, () => 1, { room })).toEqual([error, output]);
        }
      }
      if (what !== "the end in a stored block") expect(output.toString()).toMatch(/^a?$/);
    });
  }
});

describe("accepts incomplete codes that zlib accepts", () => {
  const end = (stream: BitWriter): Uint8Array => stream.header(0).align().bytes();
  const cases: [string, string, Uint8Array][] = [
    ["only an end of block", "", end(new BitWriter().codes(ONLY_END, [1]).code("0"))],
    ["no distances", "aa", end(new BitWriter().codes(A_AND_END, [0]).code("001"))],
    ["one distance", "aaaa", end(new BitWriter().codes(WITH_LENGTHS, [1]).code("00").code("10").code("0").code("01"))],
    ["one distance, not the first", "abab a".replace(" ", ""), NOTHING],
  ];
  cases[3]![2] = end(
    new BitWriter()
      .codes(lengths(258, { [A]: 2, 98: 2, 256: 2, 257: 2 }), [0, 1])
      .code("00")
      .code("01")
      .code("11")
      .code("0")
      .code("10"),
  );
  test.each(cases)("%s", (_, text, payload) => {
    expect(zlibInflate(payload)).toEqual({ result: INFLATE_DONE, data: Buffer.from(text) });
    expectInflated(payload, bytes(text), {});
    expectOutput(
      inPieces(payload, () => 1, { room: () => 1 }),
      bytes(text),
    );
  });
});

test("accepts codes of all lengths, in subtables of all sizes", () => {
  const random = new Random(80);
  for (let i = 0; i < 150; i++) {
    const literals = randomCode(random, 286, 256);
    const distances = randomCode(random, 30);
    const codes = huffmanCodes(literals);
    const text = Array.from({ length: 600 }, () => random.integer(0, 255)).filter((symbol) => literals[symbol]! > 0);
    const writer = new BitWriter().codes(literals, distances);
    for (const symbol of text) writer.code(codes[symbol]!);
    const payload = writer.code(codes[256]!).header(0).align().bytes();
    expectInflated(payload, Uint8Array.from(text), {});
    // Random bits contain matches and everything else.
    const noise = new BitWriter().codes(literals, distances).align().bytes();
    const history = sample(random, MAX_WINDOW);
    expectAsZlib(Buffer.concat([noise, random.bytes(500)]), history);
  }
});

/** The lengths of a complete code for some of the symbols, including `always`. Leaves are split to make more. */
function randomCode(random: Random, symbols: number, always = 0): number[] {
  const leaves = [1, 1];
  const count = random.integer(2, symbols);
  const deep = random.chance(0.5);
  while (leaves.length < count) {
    const at = deep
      ? leaves.length - 1 - random.integer(0, Math.min(3, leaves.length - 1))
      : random.integer(0, leaves.length - 1);
    const length = leaves[at]!;
    if (length < 15) leaves.splice(at, 1, length + 1, length + 1);
    else if (leaves.every((leaf) => leaf > 12)) break;
    else leaves.sort((a, b) => b - a);
  }
  const result = lengths(symbols, {});
  result[always] = leaves.pop()!;
  for (const length of leaves) {
    let symbol = random.integer(0, symbols - 1);
    while (result[symbol] !== 0) symbol = (symbol + 1) % symbols;
    result[symbol] = length;
  }
  return result;
}

/** Expects zlib's result and bytes, whole and in pieces. */
function expectAsZlib(payload: Uint8Array, history: Uint8Array, room?: () => number, piece?: () => number): number {
  const expected = zlibInflate(payload, history);
  const { result, output } = inflateMessage(payload, { history });
  const hex = Buffer.from(payload).toString("hex");
  expect(result, hex).toBe(expected.result);
  if (expected.data !== undefined) expect(Buffer.compare(output, expected.data), hex).toBe(0);
  if (room !== undefined && piece !== undefined) {
    const [again, pieces] = inPieces(payload, piece, { history, room });
    expect([again, Buffer.compare(pieces, output)], hex).toEqual([result, 0]);
  }
  return result;
}

test("ends like zlib for corrupt data", () => {
  const random = new Random(90);
  const results = new Map<number, number>();
  for (let i = 0; i < 2500; i++) {
    const data = sample(random, random.integer(1, 2000));
    const history = random.chance(0.5) ? NOTHING : sample(random, random.integer(1, 3000));
    const settings = { level: random.integer(0, 9), strategy: random.integer(0, 4) };
    let payload = Buffer.from(compress(data, history.length > 0 ? { ...settings, dictionary: history } : settings));
    if (random.chance(0.1)) payload = Buffer.from(random.bytes(random.integer(0, 200)));
    else if (random.chance(0.2)) payload = payload.subarray(0, random.integer(0, payload.length));
    else {
      // Cut more often near the start, where the codes are.
      for (let flips = random.integer(1, 3); flips > 0; flips--) {
        const at = Math.floor(payload.length * random.next() * random.next());
        payload[at]! ^= 1 << random.integer(0, 7);
      }
    }
    const result = expectAsZlib(payload, history, anyLength(random), anyLength(random));
    results.set(result, (results.get(result) ?? 0) + 1);
  }
  // All results except INFLATE_ERROR_FINAL_BLOCKS occurred.
  expect([...results.keys()].toSorted((a, b) => a - b)).toEqual([-11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 2]);
});
