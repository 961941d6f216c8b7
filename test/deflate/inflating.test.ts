// How received messages are inflated, valid and invalid ones (RFC 7692 §7.2.2, §7.2.3).

import { deflateRawSync, constants } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DeflateCodec } from "../../src/deflate/codec/codec.ts";
import { zlibCodec } from "../../src/deflate/codec/zlib.ts";
import { WebSocketError } from "../../src/frame/errors.ts";
import { Random } from "../support/random.ts";
import { json, mixed } from "./support/messages.ts";
import { KINDS } from "./support/kinds.ts";
import { bytes, hex, open as openOwn, parameters, receive, send, sendParts } from "./support/session.ts";

const HELLO = bytes("Hello");

function deflated(data: Uint8Array): Uint8Array {
  return deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Ends with a final block, and nothing after it. */
function finished(data: Uint8Array): Uint8Array {
  return new Uint8Array(deflateRawSync(data));
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

function facts({ code, closeCode, rule, byteOffset }: WebSocketError): unknown[] {
  return [code, closeCode, rule, byteOffset];
}

describe.each(KINDS)("%s", (kind, { open }) => {
  describe("RFC 7692 §7.2.3: examples", () => {
    test("§7.2.3.1: one compressed block", () => {
      expect(receive(open("server"), hex("f2 48 cd c9 c9 07 00"))).toEqual(HELLO);
      const own = send(open("server"), HELLO)!;
      if (kind === "zlib") expect(own).toEqual(hex("f2 48 cd c9 c9 07 00"));
      expect(receive(open("client"), own)).toEqual(HELLO);
    });

    test("§7.2.3.1: in two fragments", () => {
      const payload = Buffer.concat([hex("f2 48 cd"), hex("c9 c9 07 00")]);
      expect(receive(open("server"), payload)).toEqual(HELLO);
      const own = sendParts(open("server"), [bytes("Hel"), bytes("lo")]);
      expect(receive(open("server"), own)).toEqual(HELLO);
    });

    test("§7.2.3.2: sharing the window", () => {
      const receiver = open("server");
      const sender = open("client");
      const own: Uint8Array[] = [];
      for (const encoded of ["f2 48 cd c9 c9 07 00", "f2 00 11 00 00"]) {
        expect(receive(receiver, hex(encoded))).toEqual(HELLO);
        own.push(send(sender, HELLO)!);
        if (kind === "zlib") expect(own.at(-1)).toEqual(hex(encoded));
      }
      // Two different matches are possible, and the compressors choose differently.
      expect(own.map(({ length }) => length)).toEqual([7, kind === "zlib" ? 5 : 4]);
      const other = open("server");
      for (const encoded of own) expect(receive(other, encoded)).toEqual(HELLO);
    });

    test("§7.2.3.2: without context takeover, each message is like the first", () => {
      const sender = open("client", parameters("client_no_context_takeover"));
      const receiver = open("server", parameters("client_no_context_takeover"));
      const first = send(sender, HELLO)!;
      if (kind === "zlib") expect(first).toEqual(hex("f2 48 cd c9 c9 07 00"));
      for (let i = 0; i < 3; i++) {
        expect(send(sender, HELLO)).toEqual(first);
        expect(receive(receiver, first)).toEqual(HELLO);
        expect(receive(receiver, hex("f2 48 cd c9 c9 07 00"))).toEqual(HELLO);
      }
      expect(failure(() => receive(receiver, hex("f2 00 11 00 00"))).code).toBe("WS_ERR_INVALID_COMPRESSED_DATA");
    });

    test("§7.2.3.3: a block without compression", () => {
      expect(receive(open("server"), hex("00 05 00 fa ff 48 65 6c 6c 6f 00"))).toEqual(HELLO);
      expect(send(open("server", [], { level: 0 }), HELLO)).toEqual(hex("00 05 00 fa ff 48 65 6c 6c 6f 00"));
    });

    test("§7.2.3.4: a block with BFINAL set to 1", () => {
      expect(receive(open("server"), hex("f3 48 cd c9 c9 07 00 00"))).toEqual(HELLO);
    });

    test("§7.2.3.5: two blocks in one message", () => {
      expect(receive(open("server"), hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"))).toEqual(HELLO);
    });

    test("§7.2.3.6: an empty message", () => {
      expect(receive(open("server"), hex("00"))).toEqual(new Uint8Array(0));
      expect(send(open("server"), new Uint8Array(0))).toEqual(hex("00"));
    });
  });

  describe("RFC 7692 §7.2.3.4: blocks with BFINAL set", () => {
    test("the window continues after a final block, within the message and in the next", () => {
      const random = new Random(1);
      const parts = [json(random, 3000), json(random, 3000), json(random, 40_000), json(random, 3000)];
      const receiver = open("server");
      let before: Uint8Array = new Uint8Array(0);
      for (let round = 0; round < 3; round++) {
        const blocks: Uint8Array[] = [];
        const message: Uint8Array[] = [];
        for (const part of parts) {
          const dictionary = before.subarray(-32768);
          blocks.push(deflateRawSync(part, dictionary.length > 0 ? { dictionary } : {}));
          before = Buffer.concat([before, part]);
          message.push(part);
        }
        const got = receive(receiver, Buffer.concat([...blocks, hex("00")]));
        expect(Buffer.compare(got, Buffer.concat(message))).toBe(0);
      }
    });

    test("accepts a message that ends with a final block, without an empty one after it", () => {
      const receiver = open("server");
      expect(receive(receiver, finished(HELLO))).toEqual(HELLO);
      expect(receive(receiver, hex("f2 00 11 00 00"))).toEqual(HELLO);
    });
  });

  describe("limits", () => {
    const zeros = deflated(new Uint8Array(1_000_000));

    test("maxLength is the length of the longest accepted message", () => {
      const message = bytes("x".repeat(5000));
      const encoded = deflated(message);
      expect(receive(open("server"), encoded, 5000)).toEqual(message);
      expect(facts(failure(() => receive(open("server"), encoded, 4999)))).toEqual([
        "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
        1009,
        "maxMessage",
        1000,
      ]);
      expect(receive(open("server"), hex("00"), 0).length).toBe(0);
      expect(failure(() => receive(open("server"), deflated(bytes("x")), 0)).rule).toBe("maxMessage");
    });

    test("maxInflateRatio applies to every message if the user sets it", () => {
      const options = { maxInflateRatio: 10 };
      const small = deflated(new Uint8Array(2000));
      expect(facts(failure(() => receive(open("server", [], options), small)))).toEqual([
        "WS_ERR_INFLATE_RATIO",
        1009,
        "maxInflateRatio",
        1000,
      ]);
      expect(failure(() => receive(open("server", [], options), small, 10)).rule).toBe("maxMessage");
      const message = json(new Random(2), 2000);
      expect(receive(open("server", [], options), deflated(message))).toEqual(message);
    });

    test("by default, the ratio is 100 and applies above 16 MiB", () => {
      expect(receive(open("server"), zeros).length).toBe(1_000_000);
      expect(receive(open("server"), deflated(new Uint8Array(16 << 20))).length).toBe(16 << 20);
      const longer = deflated(new Uint8Array((16 << 20) + 1));
      expect(failure(() => receive(open("server"), longer)).rule).toBe("maxInflateRatio");
      expect(receive(open("server", [], { maxInflateRatio: Infinity }), longer).length).toBe((16 << 20) + 1);
      expect(receive(open("server", [], { maxInflateRatio: 1100 }), longer).length).toBe((16 << 20) + 1);
    });

    test("stops 100 MiB of zeros at the limit, not after it", () => {
      const bomb = deflated(new Uint8Array(100 << 20));
      const limit = 1 << 20;
      const receiver = open("server");
      const before = process.memoryUsage().arrayBuffers;
      const peaks: number[] = [];
      for (let i = 0; i < 5; i++) {
        expect(failure(() => receive(receiver, bomb, limit)).rule).toBe("maxMessage");
        peaks.push(process.memoryUsage().arrayBuffers - before);
      }
      // Each attempt may allocate the limit plus a chunk. An inflater that checks the limit afterwards would take 500
      // MiB.
      expect(Math.max(...peaks)).toBeLessThan(5 * 4 * limit);
      expect(receiver.held).toBe(0);
    });
  });

  describe("invalid data", () => {
    const cases: [string, Uint8Array][] = [
      ["an unknown type of block", hex("06")],
      ["a stored block with different lengths", hex("00 05 00 00 00 48 65 6c 6c 6f 00")],
      ["a match that reaches too far back", hex("f2 00 11 00 00")],
      ["an empty payload", new Uint8Array(0)],
      ["noise", new Random(3).bytes(1000)],
      ["noise after a final block", Buffer.concat([finished(HELLO), hex("06 ff 00")])],
    ];
    test.each(cases)("%s", (_, payload) => {
      const receiver = open("server");
      expect(facts(failure(() => receive(receiver, payload)))).toEqual([
        "WS_ERR_INVALID_COMPRESSED_DATA",
        1007,
        "RFC 7692 §7.2.2",
        1000,
      ]);
      expect(receiver.held).toBe(0);
    });

    test("detects nearly every cut inside a block", () => {
      const message = json(new Random(4), 3000);
      for (const level of [0, 1, 6]) {
        const encoded = deflateRawSync(message, { level, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
        let unseen = 0;
        for (let length = 0; length < encoded.length; length++) {
          try {
            receive(open("server"), encoded.subarray(0, length));
            unseen++;
          } catch (error) {
            expect(error).toBeInstanceOf(WebSocketError);
          }
        }
        // A stored block that lacks only the four appended bytes looks complete, and so does its end without them.
        expect(unseen, `level ${level}`).toBeLessThanOrEqual(2);
      }
    });

    test("random changes give a message or a WebSocketError, never more than the limit", () => {
      const random = new Random(5);
      for (let round = 0; round < 3000; round++) {
        const receiver = open("server", [], { maxInflateRatio: Infinity });
        const sender = open("client", [], { level: random.integer(0, 9) });
        for (let i = 0; i < 3; i++) {
          const message = random.chance(0.5)
            ? json(random, random.integer(0, 2000))
            : mixed(random, random.integer(0, 2000));
          const encoded = new Uint8Array(send(sender, message)!);
          const changes = random.integer(1, 3);
          for (let k = 0; k < changes; k++)
            encoded[random.integer(0, encoded.length - 1)]! ^= 1 << random.integer(0, 7);
          const cut = random.chance(0.3) ? encoded.subarray(0, random.integer(0, encoded.length)) : encoded;
          try {
            expect(receive(receiver, cut, 3000).length).toBeLessThanOrEqual(3000);
          } catch (error) {
            expect(error).toBeInstanceOf(WebSocketError);
            break;
          }
        }
      }
    });
  });

  test("without a limit on the ratio, an empty payload is invalid data, not too much data", () => {
    const receiver = open("server", [], { maxInflateRatio: Infinity });
    expect(failure(() => receive(receiver, new Uint8Array(0))).code).toBe("WS_ERR_INVALID_COMPRESSED_DATA");
  });

  test("does not change the payload", () => {
    const payload = deflated(json(new Random(8), 1000));
    const before = new Uint8Array(payload);
    receive(open("server"), payload);
    expect(Buffer.compare(payload, before)).toBe(0);
  });

  test("a delivered message holds only its own memory", () => {
    const random = new Random(6);
    for (const length of [1, 10, 100, 1000, 1500, 4000, 9000, 17_000, 70_000, 300_000]) {
      for (const message of [json(random, length), random.bytes(length), new Uint8Array(length)]) {
        const data = receive(open("server"), deflated(message));
        expect(Buffer.compare(data, message)).toBe(0);
        expect(data.buffer.byteLength).toBe(data.length);
        expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
      }
    }
  });
});

test("a codec may decode on another connection while it decodes", () => {
  const zlib = zlibCodec(process.getBuiltinModule("node:zlib"));
  const random = new Random(7);
  const [outer, inner] = [json(random, 3000), json(random, 5000)];
  const innerReceiver = openOwn("server");
  const got: Uint8Array[] = [];
  const codec: DeflateCodec = {
    deflate: zlib.deflate,
    inflate(data, settings) {
      got.push(receive(innerReceiver, deflated(inner)));
      return zlib.inflate(data, settings);
    },
  };
  got.push(receive(openOwn("server", [], { codec }), deflated(outer)));
  expect(got).toEqual([inner, outer]);
});
