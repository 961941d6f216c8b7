// FrameDecoderStream and FrameEncoderStream: their output, and how much they hold.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Frame, FrameEncoder, WebSocketError } from "../../src/index.ts";
import { FrameDecoderStream, FrameEncoderStream } from "../../src/streams/index.ts";
import { concat } from "../reference/serialize.ts";
import { readCaptures } from "../support/captures.ts";
import { Random } from "../support/random.ts";
import { binary, text, toRole } from "../support/wire.ts";
import { all, from, settled } from "./support.ts";

const sizeOf = ({ headerLength, payloadLength }: Frame): number => headerLength + payloadLength;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function* cut(stream: Uint8Array, next: () => number): Generator<Uint8Array> {
  for (let at = 0; at < stream.length;) {
    const end = Math.min(stream.length, at + next());
    yield stream.slice(at, end);
    at = end;
  }
}

describe("FrameDecoderStream", () => {
  for (const capture of readCaptures()) {
    for (const { role, stream, frames } of capture.directions) {
      test(`${capture.name}, decoded as ${role}, in odd chunks`, async () => {
        const random = new Random(7);
        for (const next of [() => random.integer(1, 7), () => random.integer(1, 3000), () => 1 << 20]) {
          const decoded = from(cut(stream, next)).pipeThrough(
            new FrameDecoderStream({ role, rsv: capture.deflate ? 4 : 0 }),
          );
          const { items, error } = await all(decoded);
          expect(error).toBeUndefined();
          expect(items.map(({ opcode, payload }) => [opcode, sha256(payload)])).toEqual(
            frames.map(({ opcode, payloadSha256 }) => [opcode, payloadSha256]),
          );
        }
      });
    }
  }

  for (const mark of [0, 1, 500, 65536]) {
    test(`holds no more than a mark of ${mark} bytes and the frames of one chunk`, async () => {
      const bytes = toRole("client", ...Array.from({ length: 5000 }, (_, i) => binary(new Uint8Array(i % 200))));
      const chunkSize = 3000;
      let written = 0;
      const stream = new FrameDecoderStream({
        role: "client",
        readableHighWaterMark: mark,
        writableHighWaterMark: 1,
      });
      const source = from(
        (function* () {
          for (const chunk of cut(bytes, () => chunkSize)) {
            yield chunk;
            written += chunk.length;
          }
        })(),
      );
      void source.pipeTo(stream.writable);
      const reader = stream.readable.getReader();
      let read = 0;
      let count = 0;
      for (;;) {
        if (count % 97 === 0) await settled();
        const { done, value } = await reader.read();
        if (done) break;
        read += sizeOf(value);
        count++;
        // Neither the chunk that waits in the writable nor the next one has been decoded.
        expect(written - read).toBeLessThanOrEqual(mark + 3 * chunkSize);
      }
      expect(count).toBe(5000);
    });
  }

  test("an error fails the writable at once and the readable after the frames before it", async () => {
    const { readable, writable } = new FrameDecoderStream({ role: "client" });
    const writer = writable.getWriter();
    const bytes = concat([toRole("client", text("a"), text("b")), Uint8Array.of(0x83, 0)]);
    await expect(writer.write(bytes)).rejects.toThrow(WebSocketError);
    await expect(writer.closed).rejects.toMatchObject({ code: "WS_ERR_INVALID_OPCODE" });
    const { items, error } = await all(readable);
    expect(items.map((frame) => frame.text)).toEqual(["a", "b"]);
    expect(error).toMatchObject({ code: "WS_ERR_INVALID_OPCODE" });
  });

  test("cancelling fails the writable, even one that waits", async () => {
    const { readable, writable } = new FrameDecoderStream({ role: "client", readableHighWaterMark: 0 });
    const writer = writable.getWriter();
    void writer.write(toRole("client", text("a"))).catch(() => {});
    const second = writer.write(toRole("client", text("b"))).catch((error: unknown) => error);
    await settled();
    const reason = new Error("enough");
    await readable.cancel(reason);
    await expect(writer.closed).rejects.toBe(reason);
    await second;
  });

  test("aborting fails the readable, even while a write waits", async () => {
    const { readable, writable } = new FrameDecoderStream({ role: "client", readableHighWaterMark: 0 });
    const writer = writable.getWriter();
    void writer.write(toRole("client", text("a"))).catch(() => {});
    void writer.write(toRole("client", text("b"))).catch(() => {});
    await settled();
    const reason = new Error("stop");
    await writer.abort(reason);
    expect((await all(readable)).error).toBe(reason);
  });

  test("marks out of range, and invalid options of the decoder, throw", () => {
    expect(() => new FrameDecoderStream({ role: "client", readableHighWaterMark: -1 })).toThrow(
      new RangeError("readableHighWaterMark must be a number, 0 or more"),
    );
    expect(() => new FrameDecoderStream({ role: "client", writableHighWaterMark: 0 })).toThrow(
      new RangeError("writableHighWaterMark must be a number, 1 or more"),
    );
    expect(() => new FrameDecoderStream({ role: "client", maxFrame: -1 })).toThrow(RangeError);
  });

  test("a chunk that is not bytes is a TypeError", async () => {
    const { writable } = new FrameDecoderStream({ role: "client" });
    await expect(writable.getWriter().write("text" as never)).rejects.toThrow(TypeError);
  });
});

describe("FrameEncoderStream", () => {
  for (const role of ["server", "client"] as const) {
    test(`role ${role}: a decoder returns the same strings, bytes and frames`, async () => {
      const large = new Uint8Array(100_000).fill(7);
      const frames = from(["text", Uint8Array.of(1, 2), { opcode: 1, payload: "é", fin: false }, { opcode: 0 }, large]);
      const decoded = frames
        .pipeThrough(new FrameEncoderStream({ role }))
        .pipeThrough(new FrameDecoderStream({ role: role === "server" ? "client" : "server" }));
      const { items, error } = await all(decoded);
      expect(error).toBeUndefined();
      expect(items.map(({ opcode, fin, payload }) => [opcode, fin, payload.length])).toEqual([
        [1, true, 4],
        [2, true, 2],
        [1, false, 2],
        [0, true, 0],
        [2, true, 100_000],
      ]);
    });
  }

  test("waiting frames leave in one chunk", async () => {
    const { readable, writable } = new FrameEncoderStream({ role: "server" });
    const writer = writable.getWriter();
    for (const item of ["a", "b", "c"]) await writer.write(item);
    void writer.close();
    const { items } = await all(readable);
    const encoder = new FrameEncoder({ role: "server" });
    for (const item of ["a", "b", "c"]) encoder.text(item);
    expect(items).toEqual(encoder.take());
  });

  test("a slow reader makes the writer wait", async () => {
    const { readable, writable } = new FrameEncoderStream({ role: "server", readableHighWaterMark: 1000 });
    const writer = writable.getWriter();
    let accepted = 0;
    void (async () => {
      for (let i = 0; i < 100; i++) {
        await writer.write(new Uint8Array(100));
        accepted++;
      }
      await writer.close();
    })();
    await settled();
    expect(accepted).toBe(10);
    const { items } = await all(readable);
    expect(concat(items)).toHaveLength(100 * 102);
  });

  test("an error fails both sides, the readable after the earlier frames", async () => {
    const { readable, writable } = new FrameEncoderStream({ role: "server" });
    const writer = writable.getWriter();
    await writer.write("a");
    await expect(writer.write({ opcode: 16 })).rejects.toThrow(RangeError);
    const { items, error } = await all(readable);
    expect(items).toEqual([toRole("client", text("a"))]);
    expect(error).toBeInstanceOf(RangeError);
  });
});
