// The memory of frames: what is lent, shared or allocated.

import { runInNewContext } from "node:vm";
import { describe, expect, test, vi } from "vitest";
import { enginesFor } from "../src/core/engines.ts";
import { copyToSend } from "../src/frame/bytes.ts";
import { FrameDecoder, FrameEncoder, mask, PreparedMessage, Protocol } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";

const KEY = Uint8Array.of(1, 2, 3, 4);
const cores = ["wasm", "portable"] as const;
const ignore = { header() {}, payload() {}, end() {} };

describe.each(cores)("%s core", (core) => {
  test("copies the messages of a chunk together, up to 16 KiB at a time", () => {
    const lengths = [1, 0, 5000, 300, 11_000, 17_000, 16_384, 1, 2, 0, 7];
    const stream = concat(
      lengths.map((length, i) => serialize({ opcode: 1 + (i % 2), payload: Buffer.alloc(length, 0x41 + i) })),
    );
    const copied: number[] = [];
    const copies = {
      copy(window: Uint8Array, start: number, end: number) {
        copied.push(end - start);
        return window.slice(start, end);
      },
      part: (copy: Uint8Array<ArrayBuffer>, start: number, end: number) => copy.subarray(start, end),
    };
    const seen: Uint8Array[] = [];
    const take = (data: Uint8Array): void => void seen.push(data);
    const decoder = new FrameDecoder({ role: "client", core, copies, textBytes: true });
    decoder.push(stream, { ...ignore, binary: () => expect.unreachable(), ownText: take, ownBinary: take });
    expect(seen.map(({ length }) => length)).toEqual(lengths);
    seen.forEach((data, i) => expect(data.every((byte) => byte === 0x41 + i)).toBe(true));
    expect(copied).toEqual([16_384, 17_000, 16_384, 10]);
  });

  test("copies texts that are delivered as bytes", () => {
    const window: Uint8Array[] = [];
    const seen: Uint8Array[] = [];
    const sink = {
      ...ignore,
      payload: (bytes: Uint8Array) => void window.push(bytes),
      ownText: (data: Uint8Array) => void seen.push(data),
    };
    const decoder = new FrameDecoder({ role: "client", core, textBytes: true });
    const frames = [
      [1, true, "one"],
      [1, true, ""],
      [2, true, "binary"],
      [1, false, "begun"],
      [0, true, "ended"],
      [1, true, "two"],
    ] as const;
    decoder.push(
      concat(frames.map(([opcode, fin, text]) => serialize({ opcode, fin, payload: Buffer.from(text) }))),
      sink,
    );
    expect(seen.map((data) => Buffer.from(data).toString())).toEqual(["one", "", "two"]);
    expect(window).toHaveLength(3);
    for (const data of seen) expect(data.byteLength).toBe(data.buffer.byteLength);
  });

  test("the core is free after each call, even one that fails", () => {
    const engines = enginesFor(core);
    const isFree = (): boolean => {
      const free = engines.enter() === engines.first();
      engines.leave();
      return free;
    };
    const wrong = Uint8Array.of(0x83, 0);
    const decoder = (): FrameDecoder => new FrameDecoder({ role: "client", core });
    const client = new FrameEncoder({ role: "client", core, maskKey: KEY });
    const texts = (text: string): void => {
      for (let i = 0; i < 100; i++) client.text(text);
    };
    const calls: Record<string, () => unknown> = {
      decode: () => decoder().decode(serialize({ opcode: 1, payload: Buffer.from("text") })),
      "decode an error": () => expect(() => decoder().decode(wrong.slice())).toThrow(),
      "push an error": () => expect(() => decoder().push(wrong, ignore)).toThrow(),
      commit: () => {
        const receiver = decoder();
        receiver.reserve().set(wrong);
        expect(() => receiver.commit(2, ignore)).toThrow();
      },
      resume: () => {
        const receiver = decoder();
        receiver.pause();
        receiver.push(wrong, ignore);
        expect(() => receiver.resume(ignore)).toThrow();
      },
      "a batch": () => [texts("short"), client.take()],
      "a batch that must be split": () => [texts("漢".repeat(400)), client.take()],
      "a split batch in the caller's buffer": () => [texts("漢".repeat(400)), client.takeInto(new Uint8Array(200_000))],
      "a batch that does not fit": () => [texts("short"), client.takeInto(new Uint8Array(20)), client.take()],
      "a large frame": () => [client.binary(new Uint8Array(70_000)), client.take()],
      "a long text": () => [client.text("é".repeat(70_000)), client.text("after"), client.take()],
      mask: () => mask(new Uint8Array(1000), KEY),
    };
    for (const [name, call] of Object.entries(calls)) {
      call();
      expect([name, isFree()]).toEqual([name, true]);
    }
  });

  describe("a PreparedMessage of a server", () => {
    const short = new PreparedMessage("short");
    const large = new PreparedMessage("large ".repeat(1000));

    test("is not copied if it follows another one, or is large", () => {
      const encoder = new FrameEncoder({ role: "server", core });
      for (const message of [short, short, large]) encoder.prepared(message);
      encoder.text("between");
      encoder.prepared(large);
      const parts = encoder.take();
      expect(parts).toHaveLength(5);
      for (const [i, message] of [short, short, large].entries()) expect(parts[i]).toBe(message.frame);
      expect(parts[4]).toBe(large.frame);
    });

    test("leaves in one buffer with short texts, if it is short", () => {
      const encoder = new FrameEncoder({ role: "server", core });
      encoder.text("before");
      encoder.prepared(short);
      encoder.text("after");
      const parts = encoder.take();
      expect(parts).toHaveLength(1);
      const frames = new FrameDecoder({ role: "client", core }).decode(parts[0]!);
      expect(frames.map(({ text }) => text)).toEqual(["before", "short", "after"]);
    });
  });
});

test("a PreparedMessage knows whether it is text", () => {
  expect([new PreparedMessage("a").text, new PreparedMessage(Buffer.from("a")).text]).toEqual([true, false]);
});

test("unmasks a chunk from another realm in place", () => {
  const frame = serialize({ opcode: 1, payload: Buffer.from("text"), maskKey: [...KEY] });
  const chunk = runInNewContext("(length) => new Uint8Array(length)")(frame.length) as Uint8Array<ArrayBuffer>;
  chunk.set(frame);
  const [found] = new FrameDecoder({ role: "server" }).decode(chunk);
  expect(found!.payload.buffer).toBe(chunk.buffer);
  expect(Buffer.from(chunk.subarray(6)).toString()).toBe("text");
});

test("copyToSend() copies; short copies share a buffer, longer ones are in the caller's memory", () => {
  const lengths = [0, 1, 4095, 4096, 70_000, ...Array.from({ length: 50 }, (_, i) => (i * 977) % 4096)];
  const allocated: number[] = [];
  const allocate = (length: number): Uint8Array<ArrayBuffer> => {
    allocated.push(length);
    return new Uint8Array(length);
  };
  const copies = lengths.map((length, i) => {
    const data = new Uint8Array(length).fill(i);
    const copy = copyToSend(data, allocate);
    data.fill(0xff);
    return copy;
  });
  copies.forEach((copy, i) => {
    expect(copy).toHaveLength(lengths[i]!);
    expect(copy.every((byte) => byte === i)).toBe(true);
  });
  expect(allocated).toEqual([4096, 70_000]);
  // Buffers of 64 KiB. Earlier tests may have started to fill the first one.
  const short = new Set(copies.filter(({ length }) => length < 4096).map(({ buffer }) => buffer));
  expect(short.size).toBeLessThanOrEqual(3);
});

test("creates masking-keys for 2048 frames at a time", () => {
  const encoder = new FrameEncoder({ role: "client" });
  const makeKeys = vi.spyOn(crypto, "getRandomValues");
  try {
    const send = (count: number): void => {
      for (let i = 0; i < count; i++) {
        encoder.text("x");
        encoder.take();
      }
    };
    while (makeKeys.mock.calls.length === 0) send(1);
    send(2047);
    expect(makeKeys).toHaveBeenCalledTimes(1);
    send(1);
    expect(makeKeys).toHaveBeenCalledTimes(2);
  } finally {
    makeKeys.mockRestore();
  }
});

test("a message in pieces has its own buffer, at most 1 KiB larger, and zeroed after the message", () => {
  for (const pieces of [[9000], [3, 9000, 2], [5000, 100, 3000], Array.from({ length: 3000 }, () => 1)]) {
    const buffers: ArrayBuffer[] = [];
    const allocate = (length: number): Uint8Array<ArrayBuffer> => {
      const bytes = new Uint8Array(length).fill(0xee);
      buffers.push(bytes.buffer);
      return bytes;
    };
    const stream = concat(
      pieces.map((length, i) =>
        serialize({ opcode: i === 0 ? 2 : 0, fin: i === pieces.length - 1, payload: new Uint8Array(length).fill(1) }),
      ),
    );
    const protocol = new Protocol({ role: "client", allocate });
    const events = Array.from({ length: Math.ceil(stream.length / 1000) }, (_, i) =>
      protocol.receive(stream.slice(1000 * i, 1000 * (i + 1))),
    ).flat();
    expect(events).toHaveLength(1);
    const [event] = events;
    if (event?.type !== "binary") throw new TypeError("Not a binary message");
    const { data } = event;
    expect(data).toHaveLength(pieces.reduce((sum, length) => sum + length, 0));
    expect(data.every((byte) => byte === 1)).toBe(true);
    expect(data.buffer.byteLength - data.length).toBeLessThanOrEqual(1024);
    expect(new Uint8Array(data.buffer, data.length).every((byte) => byte === 0)).toBe(true);
    // If it fits that well, it is the buffer in which the message was collected.
    if (buffers.at(-1)!.byteLength - data.length <= 1024) expect(data.buffer).toBe(buffers.at(-1));
  }
});
