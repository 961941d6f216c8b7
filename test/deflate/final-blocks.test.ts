// RFC 7692 §7.2.3.4: blocks with BFINAL set. zlib reads each as a stream of its own, so their number in a message is limited.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DeflateCodec } from "../../src/deflate/codec/codec.ts";
import { type Zlib, zlibCodec } from "../../src/deflate/codec/zlib.ts";
import { WebSocketError } from "../../src/frame/errors.ts";
import { encodeFrame, perMessageDeflate, Protocol } from "../../src/index.ts";
import { Random } from "../support/random.ts";
import { pakoCodec } from "./support/pako-codec.ts";
import { json } from "./support/messages.ts";
import { KINDS } from "./support/kinds.ts";
import { hex, open, receive } from "./support/session.ts";

const MIB = 1 << 20;
/** The most final blocks in a message. */
const MOST = 64;

interface Cost {
  calls: number;
  /** Input bytes of all calls. */
  input: number;
  /** The chunk sizes that zlib was told to allocate, summed over all calls. */
  chunks: number;
}

/** Node's zlib with a counter, or one that ignores dictionaries like Deno's. */
function counting(dictionaries: "honoured" | "ignored"): { zlib: Zlib; cost: Cost } {
  const cost: Cost = { calls: 0, input: 0, chunks: 0 };
  const zlib: Zlib = {
    constants,
    deflateRawSync,
    inflateRawSync(data, options) {
      cost.calls++;
      cost.input += data.length;
      cost.chunks += options.chunkSize;
      return inflateRawSync(data, dictionaries === "honoured" ? options : { ...options, dictionary: undefined });
    },
  };
  return { zlib, cost };
}

/** Makes the codec test its zlib first, so that the test does not count. */
function warmedUp(zlib: Zlib, cost: Cost): DeflateCodec {
  const codec = zlibCodec(zlib);
  const receiver = open("server", [], { codec });
  receive(receiver, hex("f2 48 cd c9 c9 07 00"));
  receive(receiver, hex("f2 00 11 00 00"));
  Object.assign(cost, { calls: 0, input: 0, chunks: 0 });
  return codec;
}

/** A final stored block. */
function stored(data: Uint8Array): Uint8Array {
  const { length } = data;
  return Buffer.concat([Uint8Array.of(1, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255), data]);
}

function failure(run: () => unknown): WebSocketError {
  try {
    run();
  } catch (error) {
    if (error instanceof WebSocketError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

/** A message in final blocks, each with earlier data as context, like those of a peer that flushes this way. */
function inBlocks(random: Random, count: number): { encoded: Uint8Array; message: Uint8Array } {
  const blocks: Uint8Array[] = [];
  let message: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < count; i++) {
    const part = json(random, random.integer(0, 3000));
    const dictionary = message.subarray(-32768);
    blocks.push(deflateRawSync(part, dictionary.length > 0 ? { dictionary } : {}));
    message = Buffer.concat([message, part]);
  }
  return { encoded: Buffer.concat(blocks), message };
}

describe("accepts messages of peers that flush with BFINAL", () => {
  const codecs = {
    core: undefined,
    zlib: zlibCodec(counting("honoured").zlib),
    "zlib without dictionaries": zlibCodec(counting("ignored").zlib),
    pako: pakoCodec,
  };
  for (const [name, codec] of Object.entries(codecs)) {
    test.each([1, 2, 3, 10, MOST])(`%i blocks in a message, ${name}`, (count) => {
      const random = new Random(count);
      for (const end of [hex(""), hex("00")]) {
        const { encoded, message } = inBlocks(random, count);
        const receiver = open("server", [], { codec });
        expect(Buffer.compare(receive(receiver, Buffer.concat([encoded, end])), message)).toBe(0);
        // The context continues with the next message.
        const dictionary = message.subarray(-32768);
        const next = deflateRawSync(message.subarray(-100), { dictionary, finishFlush: constants.Z_SYNC_FLUSH });
        expect(Buffer.compare(receive(receiver, next.subarray(0, -4)), message.subarray(-100))).toBe(0);
      }
    });

    test(`a long block after a short one, ${name}`, () => {
      const message = json(new Random(1), 3 * MIB);
      const head = deflateRawSync(message.subarray(0, 10));
      const rest = deflateRawSync(message.subarray(10), { dictionary: message.subarray(0, 10) });
      const got = receive(open("server", [], { codec }), Buffer.concat([head, rest, hex("00")]));
      expect(Buffer.compare(got, message)).toBe(0);
    });
  }

  test.each(KINDS)("one block in each of a thousand messages, %s", (_, { open }) => {
    const receiver = open("server");
    const random = new Random(2);
    for (let i = 0; i < 1000; i++) {
      const message = json(random, 100);
      expect(Buffer.compare(receive(receiver, deflateRawSync(message)), message)).toBe(0);
    }
  });
});

describe.each(KINDS)("%s", (_, { open }) => {
  test.each([
    ["without the empty block after them", hex("")],
    ["with it", hex("00")],
  ])("refuses one too many, %s", (_, end) => {
    const { encoded } = inBlocks(new Random(3), MOST + 1);
    const receiver = open("server");
    const { code, closeCode, rule, byteOffset, message } = failure(() =>
      receive(receiver, Buffer.concat([encoded, end])),
    );
    expect([code, closeCode, rule, byteOffset]).toEqual([
      "WS_ERR_TOO_MANY_FINAL_BLOCKS",
      1008,
      "RFC 7692 §7.2.3.4",
      1000,
    ]);
    expect(message).toContain(String(MOST));
    expect(receiver.held).toBe(0);
  });

  test("refuses one too many of any size", () => {
    for (const block of [hex("03 00"), stored(Buffer.alloc(246, "A")), stored(Buffer.alloc(8192, "A"))]) {
      const receiver = open("server");
      const all = (count: number): Uint8Array => Buffer.concat(Array.from({ length: count }, () => block));
      const length = receive(receiver, block).length;
      expect(receive(receiver, all(MOST)).length).toBe(MOST * length);
      expect(failure(() => receive(receiver, all(MOST + 1))).code).toBe("WS_ERR_TOO_MANY_FINAL_BLOCKS");
    }
  });

  test("the cost of a message with too many does not depend on its length", () => {
    const payload = Buffer.alloc(16 * MIB, hex("03 00"));
    const receiver = open("server");
    const start = performance.now();
    expect(failure(() => receive(receiver, payload)).code).toBe("WS_ERR_TOO_MANY_FINAL_BLOCKS");
    expect(performance.now() - start).toBeLessThan(500);
  });

  test("maxMessage and maxInflateRatio apply after each block", () => {
    const block = deflateRawSync(new Uint8Array(1000));
    const payload = Buffer.concat([...Array.from({ length: 10 }, () => block), hex("00")]);
    expect(receive(open("server"), payload, 10_000).length).toBe(10_000);
    for (const most of [0, 1, 999, 1000, 1001, 5000, 9999]) {
      expect(failure(() => receive(open("server"), payload, most)).rule).toBe("maxMessage");
    }
    const ratio = { maxInflateRatio: 2000 / payload.length };
    expect(failure(() => receive(open("server", [], ratio), payload)).rule).toBe("maxInflateRatio");
  });
});

describe("the cost of a message of final blocks does not depend on its length", () => {
  const shapes: [string, (size: number) => Uint8Array][] = [
    ["empty blocks", (size) => Buffer.alloc(size, hex("03 00"))],
    ["blocks of 246 bytes", (size) => Buffer.alloc(size - (size % 251), stored(Buffer.alloc(246, "A")))],
    ["blocks of 8 KiB", (size) => Buffer.alloc(size - (size % 8197), stored(Buffer.alloc(8192, "A")))],
  ];
  for (const dictionaries of ["honoured", "ignored"] as const) {
    for (const [name, make] of shapes) {
      test.each([MIB, 16 * MIB])(`${name}, %i bytes, dictionaries ${dictionaries}`, (size) => {
        const { zlib, cost } = counting(dictionaries);
        const receiver = open("server", [], { codec: warmedUp(zlib, cost) });
        const payload = make(size);
        // Makes a dictionary available from the first block on.
        receive(receiver, hex("f2 48 cd c9 c9 07 00"));
        const start = performance.now();
        expect(failure(() => receive(receiver, payload)).code).toBe("WS_ERR_TOO_MANY_FINAL_BLOCKS");
        expect(performance.now() - start).toBeLessThan(500);
        expect(cost.calls).toBeLessThanOrEqual(2 * (MOST + 2));
        // The first call knows nothing yet.
        expect(cost.chunks).toBeLessThanOrEqual(3 * MIB);
        if (dictionaries === "ignored") expect(cost.input).toBeLessThanOrEqual(2 * size + 8 * MIB);
      });
    }
  }
});

test("does not call zlib for a final block if the limits leave no room", () => {
  const block = deflateRawSync(new Uint8Array(1000));
  const payload = Buffer.concat([...Array.from({ length: 10 }, () => block), hex("00")]);
  for (const most of [0, 1, 999, 1000, 1001, 5000, 9999]) {
    const { zlib, cost } = counting("honoured");
    const receiver = open("server", [], { codec: warmedUp(zlib, cost) });
    expect(failure(() => receive(receiver, payload, most)).rule).toBe("maxMessage");
    expect(cost.calls).toBe(Math.floor(most / 1000) + 1);
  }
});

test("a Protocol fails with 1008", () => {
  const server = new Protocol({ role: "server", extensions: [perMessageDeflate()] });
  const payload = new Uint8Array(Buffer.alloc(MIB, hex("03 00")));
  const events = server.receive(encodeFrame({ opcode: 2, rsv: 4, payload }, { role: "client" }));
  expect(events.map(({ type }) => type)).toEqual(["error", "close"]);
  expect(server.error?.code).toBe("WS_ERR_TOO_MANY_FINAL_BLOCKS");
  expect(Buffer.concat(server.take()).readUInt16BE(2)).toBe(1008);
});
