// deflate() of the DEFLATE core: zlib inflates its output for every level, window, flush and cut, and it depends only on the
// connection's own bytes.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  DEFLATE_AT,
  DEFLATE_BASE,
  DEFLATE_BUCKET_SIZE,
  DEFLATE_LEAST_BITS,
  DEFLATE_LEVEL,
  DEFLATE_MOST_BITS,
  DEFLATE_PAGES,
  DEFLATE_REACH,
  DEFLATE_SLOT_COUNT,
  DEFLATE_SLOT_SIZE,
  DEFLATE_SLOTS,
  DEFLATE_STATE_SIZE,
  DEFLATE_TABLE,
  DEFLATE_TABLE_BITS,
  DEFLATE_TABLE_SIZE,
  DEFLATE_TABLES,
  DEFLATE_WINDOW,
  DEFLATE_WINDOW_SIZE,
  FLUSH_END,
  FLUSH_NONE,
  FLUSH_SYNC,
  INPUT,
  INPUT_SIZE,
  MAX_SEGMENT,
  MAX_WINDOW,
  OUTPUT,
  OUTPUT_SIZE,
} from "../../../assembly/deflate/memory.ts";
import { Random } from "../../support/random.ts";
import { json, mixed } from "../support/messages.ts";
import { referenceInflate } from "../support/reference-inflate.ts";
import { Compressor, Core, FLUSHES, TAIL, type Flush } from "./compressor.ts";
import { streams } from "./streams.ts";

const core = new Core();
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15];

/** Inflates blocks that end with a sync flush. */
function inflate(blocks: readonly Uint8Array[]): Buffer {
  return inflateRawSync(Buffer.concat(blocks), { finishFlush: constants.Z_SYNC_FLUSH });
}

/** toEqual() takes seconds for arrays of this size. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) !== 0)
    expect(Buffer.from(actual).toString("hex")).toBe(Buffer.from(expected).toString("hex"));
}

function pieces(random: Random, bytes: Uint8Array, longest: number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = Math.min(bytes.length, at + random.integer(0, Math.min(longest, MAX_SEGMENT)));
    cut.push(bytes.subarray(at, next));
    at = next;
  }
  return cut;
}

function data(random: Random, length: number): Uint8Array {
  return random
    .pick([mixed, mixed, json, (r: Random, size: number) => r.bytes(size)])(random, length)
    .subarray(0, length);
}

test("the regions of the memory map do not overlap, and slots share no cache lines", () => {
  expect(DEFLATE_TABLES).toBeLessThan(INPUT);
  expect(INPUT + INPUT_SIZE).toBeLessThanOrEqual(OUTPUT);
  // Stored blocks with up to 5 bytes each, the tail, leftover bits, and the bytes that an 8-byte write may overwrite.
  expect(OUTPUT_SIZE).toBeGreaterThanOrEqual(MAX_SEGMENT + 3 * 5 + 4 + 1 + 8);
  expect(DEFLATE_STATE_SIZE).toBeLessThanOrEqual(DEFLATE_TABLE);
  expect(DEFLATE_TABLE_SIZE).toBe(DEFLATE_BUCKET_SIZE << DEFLATE_MOST_BITS);
  expect(DEFLATE_TABLE + DEFLATE_TABLE_SIZE).toBeLessThanOrEqual(DEFLATE_WINDOW);
  expect(MAX_WINDOW + MAX_SEGMENT).toBeLessThanOrEqual(DEFLATE_WINDOW_SIZE);
  expect(DEFLATE_WINDOW + DEFLATE_WINDOW_SIZE + 16).toBeLessThanOrEqual(DEFLATE_SLOT_SIZE);
  expect([DEFLATE_SLOTS % 64, DEFLATE_SLOT_SIZE % 64, DEFLATE_TABLE % 64, DEFLATE_WINDOW % 64]).toEqual([0, 0, 0, 0]);
  expect(DEFLATE_SLOT_SIZE % 4096).not.toBe(0);
  expect(DEFLATE_SLOTS + DEFLATE_SLOT_COUNT * DEFLATE_SLOT_SIZE).toBeLessThanOrEqual(DEFLATE_PAGES * 65536);
});

describe("zlib inflates", () => {
  test.each(LEVELS)("level %i with each window, without matches that reach farther", (level) => {
    for (const window of WINDOWS) {
      const random = new Random(100 * level + window);
      const compressor = new Compressor(core, { level, window, slot: window });
      const sent: Uint8Array[] = [];
      const blocks: Uint8Array[] = [];
      for (let i = 0; i < 12; i++) {
        const message = data(random, random.pick([0, 1, 3, 4, 100, 700, 5000]));
        if (random.chance(0.3)) compressor.move(random.integer(0, 5000));
        sent.push(message);
        blocks.push(compressor.message(message), TAIL);
      }
      expectSame(inflate(blocks), Buffer.concat(sent));
      const { data: inflated, farthest } = referenceInflate(Buffer.concat(blocks));
      expectSame(inflated, Buffer.concat(sent));
      expect(farthest).toBeLessThanOrEqual(1 << window);
    }
  });

  test("segments cut anywhere, with any flush between them", () => {
    for (let seed = 0; seed < 120; seed++) {
      const random = new Random(seed);
      const level = seed % 10;
      const window = random.pick(WINDOWS);
      const compressor = new Compressor(core, {
        level,
        window,
        tableBits: random.integer(DEFLATE_LEAST_BITS, DEFLATE_MOST_BITS),
      });
      const all = data(random, random.pick([10, 1000, 20_000]));
      const blocks: Uint8Array[] = [];
      let flush: Flush = FLUSH_END;
      for (const piece of pieces(random, all, random.pick([1, 2, 5, 100, 3000]) + 1)) {
        flush = random.pick(FLUSHES);
        if (random.chance(0.1)) compressor.move(random.integer(0, 100));
        if (random.chance(0.1)) compressor.moveTo(random.integer(0, DEFLATE_SLOT_COUNT - 1));
        blocks.push(compressor.segment(piece, flush));
        if (flush === FLUSH_END) blocks.push(TAIL);
      }
      if (flush === FLUSH_NONE) blocks.push(compressor.segment(new Uint8Array(0), FLUSH_SYNC));
      expectSame(inflate(blocks), all);
    }
  });

  test("every length from 0 to 600, of one byte, of few and of any", () => {
    for (const kinds of [1, 3, 256]) {
      const random = new Random(kinds);
      const all = random.bytes(600).map((byte) => byte % kinds);
      for (let length = 0; length <= all.length; length++) {
        const message = all.subarray(0, length);
        const compressor = new Compressor(core, { level: 1 + (length % 9), tableBits: DEFLATE_LEAST_BITS });
        expectSame(inflate([compressor.message(message), TAIL]), message);
      }
    }
  });

  test("a history of any size up to the window, indexed again or not", () => {
    for (const size of [0, 1, 2, 3, 4, 255, 256, 257, 4095, 16_384, 32_767, 32_768]) {
      for (const indexed of [true, false]) {
        const random = new Random(size);
        const history = json(random, MAX_WINDOW).subarray(0, size);
        const message = json(random, 3000);
        const compressor = new Compressor(core, { slot: 3 });
        const before = compressor.message(history);
        compressor.move(0, size);
        if (indexed) compressor.reindex();
        else compressor.clear();
        const after = compressor.message(message);
        expectSame(inflate([before, TAIL, after, TAIL]), Buffer.concat([history, message]));
      }
    }
  });

  test("a window from DEFLATE_BASE: no match refers to earlier bytes, whatever the table contains", () => {
    const message = json(new Random(5), 1000);
    for (let kept = 0; kept < message.length; kept += 7) {
      const compressor = new Compressor(core);
      compressor.message(message);
      compressor.set(DEFLATE_BASE, compressor.get(DEFLATE_AT) - kept);
      const again = Buffer.concat([compressor.message(message), TAIL]);
      const dictionary = message.subarray(message.length - kept);
      expectSame(referenceInflate(again, dictionary).data, message);
    }
  });

  test("streams in which positions wrap, while the table grows", () => {
    for (const level of [1, 6, 9]) {
      const random = new Random(level);
      const compressor = new Compressor(core, { level, tableBits: DEFLATE_LEAST_BITS });
      const sent: Uint8Array[] = [];
      const blocks: Uint8Array[] = [];
      let total = 0;
      for (let bits = DEFLATE_LEAST_BITS; total < 300_000;) {
        if (total > 64 << bits && bits < DEFLATE_MOST_BITS) {
          compressor.set(DEFLATE_TABLE_BITS, ++bits);
          compressor.reindex();
        }
        // Repeats data from 65,536 bytes back, where 16-bit positions wrap around.
        const old = Buffer.concat(sent).subarray(Math.max(0, total - 65_536 - 100));
        const message = random.chance(0.3) ? Buffer.from(old.subarray(0, 3000)) : data(random, random.integer(1, 9000));
        sent.push(message);
        total += message.length;
        blocks.push(compressor.message(message), TAIL);
      }
      expectSame(inflate(blocks), Buffer.concat(sent));
    }
  });

  test("a message of megabytes", () => {
    const message = Buffer.concat(Array.from({ length: 30 }, (_, i) => data(new Random(i), 70_000)));
    for (const window of [8, 15])
      expectSame(inflate([new Compressor(core, { window }).message(message), TAIL]), message);
  });

  test("codes that would be too long, and codes for a single symbol", () => {
    // Frequencies like Fibonacci numbers make the deepest tree.
    const bytes: number[] = [];
    for (let symbol = 0, [a, b] = [1, 1]; symbol < 20; symbol++, [a, b] = [b, a + b]) {
      for (let i = 0; i < a; i++) bytes.push(symbol * 11);
    }
    const random = new Random(20);
    for (let i = bytes.length - 1; i > 0; i--) {
      const other = random.integer(0, i);
      [bytes[i], bytes[other]] = [bytes[other]!, bytes[i]!];
    }
    for (const message of [Uint8Array.from(bytes.slice(0, MAX_SEGMENT)), new Uint8Array(20_000).fill(65)]) {
      for (const level of LEVELS)
        expectSame(inflate([new Compressor(core, { level }).message(message), TAIL]), message);
    }
  });
});

describe("a flush", () => {
  test("an empty message is the byte 00 (RFC 7692 §7.2.3.6)", () => {
    for (const level of LEVELS) {
      const compressor = new Compressor(core, { level });
      expect([...compressor.segment(new Uint8Array(0), FLUSH_END)]).toEqual([0]);
      expect([...compressor.segment(new Uint8Array(0), FLUSH_SYNC)]).toEqual([0, 0, 0, 0xff, 0xff]);
      expect([...compressor.segment(new Uint8Array(0), FLUSH_NONE)]).toEqual([]);
    }
  });

  test("ends with the tail, without it, or anywhere, as requested", () => {
    for (let seed = 0; seed < 100; seed++) {
      const message = data(new Random(seed), seed * 20);
      const [none, sync, end] = FLUSHES.map((flush) =>
        new Compressor(core, { level: seed % 10 }).message(message, flush),
      );
      expect([...sync!.subarray(-4)]).toEqual([...TAIL]);
      expectSame(sync!.subarray(0, -4), end!);
      expectSame(none!, end!.subarray(0, none!.length));
      // Up to 7 bits are left, and an empty stored block takes 3.
      expect(end!.length - none!.length).toBeLessThanOrEqual(2);
    }
  });

  test("incompressible data grows only by the header of a stored block", () => {
    for (const level of LEVELS) {
      const bytes = new Random(level).bytes(MAX_SEGMENT);
      expect(new Compressor(core, { level }).message(bytes).length).toBeLessThanOrEqual(MAX_SEGMENT + 3 * 5 + 1);
    }
  });
});

describe("output depends only on the connection's own bytes", () => {
  const random = new Random(99);
  const messages = Array.from({ length: 40 }, () => data(random, random.integer(0, 3000)));

  /** The output for the messages, with `fill` wherever nothing was written. */
  function send(level: number, slot: number, fill: (bytes: Uint8Array) => void): Uint8Array {
    const at = DEFLATE_SLOTS + slot * DEFLATE_SLOT_SIZE;
    fill(core.bytes.subarray(at, at + DEFLATE_SLOT_SIZE));
    fill(core.bytes.subarray(OUTPUT, OUTPUT + OUTPUT_SIZE));
    fill(core.bytes.subarray(INPUT, INPUT + INPUT_SIZE));
    const compressor = new Compressor(core, { level, slot, tableBits: 9 });
    const parts = messages.map((message, i) => {
      if (i % 10 === 9) compressor.set(DEFLATE_TABLE_BITS, 9 + (i - 9) / 10);
      if (i % 10 === 9) compressor.reindex();
      if (i % 7 === 3) {
        // Move the window to memory that contains other data.
        compressor.move(((slot + 1) * 777 + i * 100) % 20_000);
      }
      const end = compressor.get(DEFLATE_AT);
      fill(core.bytes.subarray(end, compressor.window + DEFLATE_WINDOW_SIZE));
      fill(core.bytes.subarray(compressor.window, compressor.get(DEFLATE_BASE)));
      return compressor.message(message);
    });
    return Buffer.concat(parts);
  }

  test.each(LEVELS)("level %i: not on the slot's unused memory, nor on the slot", (level) => {
    const clean = send(level, 0, (bytes) => bytes.fill(0));
    const garbage = new Random(level + 1);
    const ones = send(level, 1, (bytes) => bytes.fill(0xff));
    const own = send(level, 2, (bytes) => {
      // The bytes after the data are the most likely to be mistaken for a match.
      for (let at = 0; at < bytes.length;) {
        const from = garbage.pick(messages);
        bytes.set(from.subarray(0, bytes.length - at), at);
        at += Math.max(1, from.length);
      }
    });
    expectSame(ones, clean);
    expectSame(own, clean);
  });

  test("not on what another connection has just sent", () => {
    const alone = new Compressor(core, { slot: 0 });
    const expected = messages.map((message) => alone.message(message));
    const one = new Compressor(core, { slot: 0 });
    const other = new Compressor(core, { slot: 1, level: 9 });
    messages.forEach((message, i) => {
      other.message(messages[(i * 7 + 3) % messages.length]!);
      other.segment(message.subarray(0, 100), FLUSH_NONE);
      expectSame(one.message(message), expected[i]!);
    });
  });

  test("not on what the slot's previous connection sent", () => {
    const message = json(random, 3000);
    const expected = new Compressor(core, { slot: 5 }).message(message);
    const before = new Compressor(core, { slot: 5 });
    before.message(message);
    before.reset();
    expectSame(before.message(message), expected);
    const after = new Compressor(core, { slot: 5 });
    expectSame(after.message(message), expected);
  });
});

describe("compression ratio", () => {
  const kinds = streams(100_000);

  /** Sent bytes per byte of message, with context takeover. */
  function ratio(messages: readonly Uint8Array[], level: number): number {
    const compressor = new Compressor(core, { level });
    let sent = 0;
    for (const message of messages) sent += compressor.message(message).length;
    return sent / Buffer.concat(messages).length;
  }

  /** The same with zlib, which flushes after each message. */
  function zlibRatio(messages: readonly Uint8Array[], level: number): number {
    let sent = 0;
    let history = Buffer.alloc(0);
    for (const message of messages) {
      const options = { level, finishFlush: constants.Z_SYNC_FLUSH };
      sent += deflateRawSync(message, history.length > 0 ? { ...options, dictionary: history } : options).length - 4;
      history = Buffer.concat([history, message]).subarray(-MAX_WINDOW);
    }
    return sent / Buffer.concat(messages).length;
  }

  test("by default is near zlib's level 6: 3 % worse on average, and 6 % at most", () => {
    const worse = Object.entries(kinds).map(([name, messages]) => {
      const all = Buffer.concat(messages);
      const stream = ratio(messages, 6) / zlibRatio(messages, 6) - 1;
      const whole = ratio([all], 6) / zlibRatio([all], 6) - 1;
      expect([name, stream < 0.06, whole < 0.06, stream, whole]).toEqual([name, true, true, stream, whole]);
      return (stream + whole) / 2;
    });
    expect(worse.reduce((sum, value) => sum + value, 0) / worse.length).toBeLessThan(0.03);
  });

  test("does not get worse with the level, on average", () => {
    const means = LEVELS.map((level) => {
      const ratios = Object.values(kinds).map((messages) => Math.log(ratio(messages, level)));
      return ratios.reduce((sum, value) => sum + value, 0) / ratios.length;
    });
    for (const level of LEVELS.slice(1)) expect(means[level]).toBeLessThanOrEqual(means[level - 1]!);
    expect(means[9]).toBeLessThan(means[6]!);
    expect(means[6]).toBeLessThan(means[1]! - 0.05);
  });
});

test("the choice between two matches that reach the end does not depend on the data after it", () => {
  const core = new Core();
  const encoded = ["-one", "-two"].map((after) => {
    const slot = DEFLATE_SLOTS;
    const window = slot + DEFLATE_WINDOW;
    core.bytes.fill(0, slot, slot + DEFLATE_SLOT_SIZE);
    const data = Buffer.from("0123456789-one,0123456789-two;0123456789");
    core.bytes.set(data, window);
    core.bytes.set(Buffer.from(after), window + data.length);
    core.u32[(slot + DEFLATE_AT) >> 2] = window;
    core.u32[(slot + DEFLATE_BASE) >> 2] = window;
    core.u32[(slot + DEFLATE_REACH) >> 2] = MAX_WINDOW;
    core.u32[(slot + DEFLATE_LEVEL) >> 2] = 6;
    core.u32[(slot + DEFLATE_TABLE_BITS) >> 2] = DEFLATE_MOST_BITS;
    return Buffer.from(core.bytes.slice(OUTPUT, core.calls.deflate(slot, window + data.length, FLUSH_END)));
  });
  expect(encoded[0]).toEqual(encoded[1]);
});
