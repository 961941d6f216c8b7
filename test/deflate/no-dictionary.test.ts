// A zlib that ignores dictionaries of raw DEFLATE, like Deno's, still inflates messages with context.

import zlib from "node:zlib";
import { expect, test } from "vitest";
import { zlibCodec } from "../../src/deflate/codec/zlib.ts";
import { MAX_FINAL_BLOCKS } from "../../assembly/deflate/memory.ts";
import { Random } from "../support/random.ts";
import { json } from "./support/messages.ts";
import { open, receive, send } from "./support/session.ts";

let calls = 0;
const codec = zlibCodec({
  ...zlib,
  inflateRawSync(data: Uint8Array, options: zlib.ZlibOptions) {
    calls++;
    return zlib.inflateRawSync(data, { ...options, dictionary: undefined });
  },
} as typeof zlib);

/** Blocks that inflate to `data`, each of them final. */
function finalBlocks(data: Uint8Array, size: number): Buffer {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += size) {
    const dictionary = at > 0 ? { dictionary: data.subarray(Math.max(0, at - 32_768), at) } : {};
    blocks.push(zlib.deflateRawSync(data.subarray(at, at + size), dictionary));
  }
  return Buffer.concat([...blocks, Uint8Array.of(0)]);
}

test("messages refer to earlier ones", () => {
  const random = new Random(1);
  const sender = open("server");
  const receiver = open("client", [], { codec });
  for (const length of [2000, 1, 500, 40_000, 3000]) {
    const message = json(random, length);
    expect(Buffer.compare(receive(receiver, send(sender, message)!), message)).toBe(0);
  }
});

test("blocks after a final one refer to earlier ones, too, with as little copying as possible", () => {
  const random = new Random(2);
  const sender = open("server");
  const receiver = open("client", [], { codec });
  const first = json(random, 5000);
  receive(receiver, send(sender, first)!);
  for (const size of [600, 2500, 30_000]) {
    const message = json(random, Math.min(90_000, 20 * size));
    expect(message.length / size).toBeLessThan(MAX_FINAL_BLOCKS);
    calls = 0;
    expect(Buffer.compare(receive(receiver, finalBlocks(message, size)), message)).toBe(0);
    expect(calls).toBeLessThan((4 * message.length) / size + 4);
  }
});

test("refuses invalid data and too much of it", () => {
  const receiver = (): ReturnType<typeof open> => {
    const session = open("client", [], { codec });
    receive(session, send(open("server"), json(new Random(3), 2000))!);
    return session;
  };
  const long = zlib
    .deflateRawSync(json(new Random(4), 5000).subarray(0, 5000), { finishFlush: zlib.constants.Z_SYNC_FLUSH })
    .subarray(0, -4);
  expect(receive(receiver(), long, 5000)).toHaveLength(5000);
  expect(() => receive(receiver(), long, 4999)).toThrow(
    expect.objectContaining({ code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" }),
  );
  for (const [payload, code] of [
    [Uint8Array.of(7), "WS_ERR_INVALID_COMPRESSED_DATA"],
    [long.subarray(0, 300), "WS_ERR_INVALID_COMPRESSED_DATA"],
  ] as const) {
    expect(() => receive(receiver(), payload)).toThrow(expect.objectContaining({ code }));
  }
});
