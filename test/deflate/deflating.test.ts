// How messages are compressed (RFC 7692 §7.2.1).

import { constants, inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DeflateCodec } from "../../src/deflate/codec/codec.ts";
import { zlibCodec } from "../../src/deflate/codec/zlib.ts";
import type { ExtensionSession } from "../../src/frame/extension.ts";
import { Random } from "../support/random.ts";
import { json, mixed } from "./support/messages.ts";
import { pakoCodec } from "./support/pako-codec.ts";
import { referenceInflate } from "./support/reference-inflate.ts";
import { KINDS } from "./support/kinds.ts";
import { bytes, hex, open as openOwn, parameters, receive, send, sendParts } from "./support/session.ts";

const FLUSH = hex("00 00 ff ff");

function part(
  session: ExtensionSession,
  payload: Uint8Array,
  first: boolean,
  last: boolean,
  compress?: boolean,
): Uint8Array | undefined {
  return session.encode({ payload, text: true, first, last, compress });
}

describe.each(KINDS)("%s", (kind, { open }) => {
  describe("compresses", () => {
    const message = json(new Random(1), 3000);

    test("messages from the threshold on", () => {
      const a = bytes("a".repeat(1024));
      expect(send(open("server"), a, "auto")).not.toBe(undefined);
      expect(send(open("server"), a.subarray(1), "auto")).toBe(undefined);
      expect(send(open("server", [], { threshold: 10 }), a.subarray(0, 10), "auto")).not.toBe(undefined);
      expect(send(open("server", [], { threshold: 10 }), a.subarray(0, 9), "auto")).toBe(undefined);
      expect(send(open("server", [], { threshold: Infinity }), message, "auto")).toBe(undefined);
    });

    test("any message if the sender says so, whatever the threshold", () => {
      expect(send(open("server"), bytes("a"), true)).not.toBe(undefined);
      expect(send(open("server"), message, false)).toBe(undefined);
    });

    test("messages in pieces, whose length is unknown", () => {
      const session = open("server");
      expect(part(session, bytes("a"), true, false)).not.toBe(undefined);
      expect(part(session, bytes("a"), false, true)).not.toBe(undefined);
      expect(part(session, bytes("a"), true, false, false)).toBe(undefined);
    });

    test("no message that would not get shorter, unless the sender says so; then it grows by a few bytes", () => {
      const random = new Random(2);
      for (const length of [0, 1, 1024, 5000, 100_000, 1_000_000]) {
        const noise = random.bytes(length);
        expect(send(open("server", [], { threshold: 0 }), noise, "auto")).toBe(undefined);
        const encoded = send(open("server"), noise, true)!;
        expect(encoded.length).toBeLessThanOrEqual(length + 10 + 5 * Math.ceil(length / 10_000));
      }
    });
  });

  test("an uncompressed message is in neither side's window", () => {
    const random = new Random(3);
    const sender = open("client");
    const receiver = open("server");
    const [first, second] = [json(random, 2000), json(random, 2000)];
    const alone = send(open("client"), first)!.length;
    expect(send(sender, first, false)).toBe(undefined);
    expect(send(sender, first.subarray(0, 1000), "auto")).toBe(undefined);
    expect(send(sender, random.bytes(2000), "auto")).toBe(undefined);
    expect(sender.held).toBe(0);
    // As if nothing had been sent before.
    const encoded = send(sender, first)!;
    expect(encoded.length).toBe(alone);
    expect(receive(receiver, encoded)).toEqual(first);
    expect(send(sender, random.bytes(2000), "auto")).toBe(undefined);
    expect(receive(receiver, send(sender, second)!)).toEqual(second);
  });

  describe("fragments", () => {
    test("flushes each fragment; the last loses 00 00 ff ff, and an empty last one is 00", () => {
      const session = open("server");
      const message = json(new Random(4), 4000);
      const first = part(session, message.subarray(0, 1000), true, false, true)!;
      expect([...first.subarray(-4)]).toEqual([...FLUSH]);
      // The receiver can read this part before the rest.
      expect(new Uint8Array(inflateRawSync(first, { finishFlush: constants.Z_SYNC_FLUSH }))).toEqual(
        message.subarray(0, 1000),
      );
      const empty = part(session, message.subarray(0, 0), false, false)!;
      expect(empty.length).toBe(0);
      const second = part(session, message.subarray(1000), false, false)!;
      const last = part(session, message.subarray(0, 0), false, true)!;
      expect([...last]).toEqual([0]);
      expect(receive(open("client"), Buffer.concat([first, empty, second, last]))).toEqual(message);
    });

    test("a message of empty fragments is empty", () => {
      const none = new Uint8Array(0);
      expect([...sendParts(open("server"), [none, none, none])]).toEqual([0]);
    });

    test("without context takeover, the window continues within a message and is dropped after it", () => {
      const message = json(new Random(5), 2000);
      const agreed = parameters("server_no_context_takeover");
      const session = open("server", agreed);
      const once = part(session, message, true, false, true)!;
      const again = part(session, message, false, true)!;
      expect(again.length).toBeLessThan(once.length / 4);
      expect(session.held).toBe(0);
      const receiver = open("client", agreed);
      expect(receive(receiver, Buffer.concat([once, again]))).toEqual(
        new Uint8Array(Buffer.concat([message, message])),
      );
      expect(receiver.held).toBe(0);
    });
  });

  describe("prepared messages", () => {
    const random = new Random(6);
    const message = json(random, 3000);

    test("are compressed once per set of parameters, and join each window", () => {
      const encoded = new Map<string, Uint8Array>();
      const known: number[] = [];
      for (const agreed of [
        "",
        "",
        "server_max_window_bits=10",
        "server_max_window_bits=10; server_no_context_takeover",
      ]) {
        const sender = open("server", parameters(agreed));
        const receiver = open("client", parameters(agreed));
        for (let round = 0; round < 3; round++) {
          const other = json(random, 2000);
          expect(receive(receiver, send(sender, other)!)).toEqual(other);
          expect(receive(receiver, sender.encodePrepared(message, encoded)!)).toEqual(message);
          // The prepared message is in the window, so its repetition is short.
          const again = send(sender, message)!;
          if (agreed === "") expect(again.length).toBeLessThan(message.length / 20);
          expect(receive(receiver, again)).toEqual(message);
        }
        known.push(encoded.size);
      }
      expect(known).toEqual([1, 1, 2, 2]);
    });

    test("are not compressed if they are below the threshold or do not get shorter", () => {
      const encoded = new Map<string, Uint8Array>();
      expect(open("server").encodePrepared(message.subarray(0, 1000), encoded)).toBe(undefined);
      expect(encoded.size).toBe(0);
      const session = open("server");
      expect(session.encodePrepared(random.bytes(2000), encoded)).toBe(undefined);
      expect(session.held).toBe(0);
    });

    test("hold no more memory than their bytes", () => {
      const encoded = new Map<string, Uint8Array>();
      open("server").encodePrepared(message, encoded);
      for (const value of encoded.values()) expect(value.buffer.byteLength).toBe(value.length);
    });
  });

  test("a payload that waits for a slow reader holds only itself and its flush", () => {
    const session = open("server");
    for (const length of [1, 1000, 30_000, 100_000, 3_000_000]) {
      const encoded = send(session, json(new Random(9), length))!;
      const whole = new Uint8Array(encoded.buffer);
      expect(encoded.byteOffset).toBe(0);
      expect(whole.subarray(encoded.length)).toEqual(kind === "zlib" ? hex("00 00 ff ff") : new Uint8Array(0));
    }
  });
});

test("calls the codec once per prepared message and set of parameters", () => {
  const random = new Random(6);
  const message = json(random, 3000);
  let calls = 0;
  const { deflateRawSync } = process.getBuiltinModule("node:zlib");
  const codec: DeflateCodec = {
    deflate(data, { dictionary, ...rest }) {
      calls++;
      return deflateRawSync(data, {
        ...rest,
        windowBits: Math.max(9, rest.windowBits),
        finishFlush: constants.Z_SYNC_FLUSH,
        dictionary,
      });
    },
    inflate: () => ({ data: message, bytesRead: 0 }),
  };
  const encoded = new Map<string, Uint8Array>();
  for (const agreed of ["", "", "server_max_window_bits=10", "server_max_window_bits=10; server_no_context_takeover"]) {
    const sender = openOwn("server", parameters(agreed), { codec });
    const receiver = openOwn("client", parameters(agreed));
    for (let round = 0; round < 3; round++) {
      const other = json(random, 2000);
      expect(receive(receiver, send(sender, other)!)).toEqual(other);
      const known = encoded.size;
      calls = 0;
      expect(receive(receiver, sender.encodePrepared(message, encoded)!)).toEqual(message);
      expect(calls).toBe(encoded.size - known);
    }
  }
  expect([...encoded.keys()]).toEqual(["permessage-deflate;15;-1;8;0", "permessage-deflate;10;-1;8;0"]);
});

test("detects a codec that does not flush", () => {
  const codec: DeflateCodec = {
    deflate: () => hex("f3 48 cd c9 c9 07 00"),
    inflate: (data) => ({ data, bytesRead: data.length }),
  };
  expect(() => send(openOwn("server", [], { codec }), bytes("Hello"))).toThrow("sync flush");
});

test.each(["f2 01 00 ff ff", "f2 00 01 ff ff", "f2 00 00 fe ff", "f2 00 00 ff fe", "00 00 ff ff"])(
  "detects an end that is almost a flush: %s",
  (end) => {
    const codec: DeflateCodec = { deflate: () => hex(end), inflate: (data) => ({ data, bytesRead: data.length }) };
    expect(() => send(openOwn("server", [], { codec }), bytes("Hello"))).toThrow("sync flush");
  },
);

test.each([1, 2, 3, 4])("strategy %i reaches the codec and separates prepared messages", (strategy) => {
  const message = json(new Random(9), 4000);
  for (const codec of [zlibCodec(process.getBuiltinModule("node:zlib")), pakoCodec]) {
    const usual = send(openOwn("server", [], { codec }), message)!;
    const session = openOwn("server", [], { codec, strategy });
    const encoded = send(session, message)!;
    // Without matches, repeated data takes more bytes.
    if (strategy === 2 || strategy === 3) expect(encoded.length).toBeGreaterThan(1.5 * usual.length);
    if (strategy === 4) expect(encoded).not.toEqual(usual);
    expect(receive(openOwn("client"), encoded)).toEqual(message);
    const prepared = new Map<string, Uint8Array>();
    openOwn("server", [], { codec }).encodePrepared(message, prepared);
    session.encodePrepared(message, prepared);
    expect([...prepared.values()].map(({ length }) => length)).toEqual([usual.length, encoded.length]);
  }
});

describe("RFC 7692 §7.1.2: no match reaches farther back than the agreed window", () => {
  test.each([8, 9, 10, 11, 12, 13, 14, 15])("%i bits", (bits) => {
    const random = new Random(100 + bits);
    const agreed = parameters(`server_max_window_bits=${bits}`);
    let ever = 0;
    for (const codec of [undefined, zlibCodec(process.getBuiltinModule("node:zlib")), pakoCodec]) {
      for (const [level, memLevel] of [
        [1, 8],
        [3, 1],
        [6, 8],
        [9, 9],
      ] as const) {
        const session = openOwn("server", agreed, { codec, level, memLevel, history: 32768 });
        let before: Uint8Array = new Uint8Array(0);
        for (const length of [300, 1, 700, 257, 255, 256, 5000, 40, 40, 2 ** bits, random.integer(1, 3000)]) {
          const message = random.chance(0.5) ? json(random, length) : mixed(random, length);
          // Repeated at all distances, so that a compressor with a larger reach would use it.
          const back = random.integer(1, 2 ** bits);
          const repeated = Buffer.concat([message, before.subarray(-back), message]);
          const encoded = Buffer.concat([send(session, repeated)!, FLUSH]);
          const result = referenceInflate(encoded, before.subarray(-32768));
          expect(Buffer.compare(result.data, repeated)).toBe(0);
          expect(result.finalBlocks).toBe(0);
          expect(result.farthest).toBeLessThanOrEqual(2 ** bits);
          // zlib cannot do 8 bits. With 9, its matches reach back 262 bytes less than the window.
          if (bits <= 9 && codec !== undefined) expect(result.farthest).toBeLessThanOrEqual(250);
          ever = Math.max(ever, result.farthest);
          before = Buffer.concat([before, repeated]);
        }
      }
    }
    expect(ever).toBeGreaterThan(2 ** (bits - 1));
  });

  test("also if only this side's own option limits the window", () => {
    for (const [, { open }] of KINDS) {
      const session = open("client", [], { clientMaxWindowBits: 8 });
      const random = new Random(7);
      const block = random.bytes(400);
      send(session, block);
      const encoded = Buffer.concat([send(session, Buffer.concat([block, block]))!, FLUSH]);
      expect(referenceInflate(encoded, block).farthest).toBeLessThanOrEqual(256);
    }
  });
});
