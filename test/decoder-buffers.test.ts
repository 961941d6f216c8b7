// The buffers that a FrameDecoder lends from reserve() to commit(), and who gets the core's own memory.

import { describe, expect, test } from "vitest";
import { enginesFor } from "../src/core/engines.ts";
import { FrameDecoder, type FrameSink, WebSocketError } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";

const cores = ["wasm", "portable"] as const;
const ignore: FrameSink = { header() {}, payload() {}, end() {} };
const frame = (text: string): Uint8Array => serialize({ opcode: 1, payload: Buffer.from(text) });
const wrong = Uint8Array.of(0x83, 0);

describe.each(cores)("%s core", (core) => {
  const make = (): FrameDecoder => new FrameDecoder({ role: "client", core });
  const isOfCore = ({ buffer }: Uint8Array): boolean => buffer === enginesFor(core).first().bytes.buffer;
  /** Whether the core's own memory is free, so that the next decoder gets it. */
  const isFree = (): boolean => {
    const decoder = make();
    const isOwn = isOfCore(decoder.reserve());
    decoder.release();
    return isOwn;
  };

  test("lends the core's memory to one decoder at a time, and 64 KiB of other memory to the rest", () => {
    const [a, b] = [make(), make()];
    expect([a.reserve().length, isOfCore(a.reserve()), b.reserve().length, isOfCore(b.reserve())]).toEqual([
      65536,
      true,
      65536,
      false,
    ]);
    // A decoder without the core's memory does not return it.
    b.commit(0, ignore);
    b.release();
    expect(isFree()).toBe(false);
    a.release();
    expect(isFree()).toBe(true);
  });

  test("commit() always returns the buffer, even if it fails", () => {
    const fill = (bytes: Uint8Array, decoder = make()): (() => void) => {
      decoder.reserve().set(bytes);
      return () => decoder.commit(bytes.length, ignore);
    };
    fill(frame("text"))();
    expect(isFree()).toBe(true);
    expect(fill(wrong)).toThrow(WebSocketError);
    expect(isFree()).toBe(true);

    const paused = make();
    paused.pause();
    fill(frame("text"), paused)();
    expect([isFree(), paused.heldBytes]).toEqual([true, 6]);

    const failed = make();
    failed.reserve();
    expect(() => failed.push(wrong, ignore)).toThrow(WebSocketError);
    expect(isFree()).toBe(false);
    expect(() => failed.commit(2, ignore)).toThrow(failed.error);
    expect(isFree()).toBe(true);

    const never = make();
    expect(() => never.push(wrong, ignore)).toThrow(WebSocketError);
    expect(() => never.commit(2, ignore)).toThrow(never.error);
  });

  test("refuses an invalid length, and still lends the buffer", () => {
    const decoder = make();
    expect(() => decoder.commit(0, ignore)).toThrow(new RangeError("Call reserve() first"));
    const buffer = decoder.reserve();
    for (const length of [-1, 0.5, 65537, Number.NaN]) {
      expect(() => decoder.commit(length, ignore)).toThrow(RangeError);
    }
    expect(decoder.reserve()).toBe(buffer);
    const seen: string[] = [];
    buffer.set(concat([frame("one"), frame("two")]));
    decoder.commit(10, { ...ignore, text: (text) => void seen.push(text) });
    expect(seen).toEqual(["one", "two"]);
    expect(() => decoder.commit(0, ignore)).toThrow(RangeError);
  });

  test("decodes full buffers, and frames that are cut between them", () => {
    const seen: string[] = [];
    const sink = { ...ignore, text: (text: string) => void seen.push(text) };
    const decoder = make();
    const other = make();
    const texts = Array.from({ length: 9000 }, (_, i) => `message ${i}`);
    const stream = concat(texts.map((text) => frame(text)));
    for (let at = 0; at < stream.length;) {
      // Sometimes this buffer is not the core's own memory.
      if (at % 3 === 0) other.reserve();
      const buffer = decoder.reserve();
      const chunk = stream.subarray(at, at + buffer.length);
      buffer.set(chunk);
      decoder.commit(chunk.length, sink);
      other.release();
      at += chunk.length;
    }
    const whole = new Set(seen);
    // The texts that were cut at the end of a buffer arrive in pieces.
    expect(texts.filter((text) => !whole.has(text)).length).toBeLessThanOrEqual(2);
    expect(decoder.bytesDecoded).toBe(stream.length);
  });

  test("keeps nothing that arrives during a pause after a Close", () => {
    const close = serialize({ opcode: 8 });
    for (const how of ["push", "commit"] as const) {
      const decoder = make();
      decoder.push(close, ignore);
      decoder.pause();
      if (how === "push") {
        decoder.push(frame("late"), ignore);
      } else {
        decoder.reserve().set(frame("late"));
        decoder.commit(6, ignore);
      }
      expect([decoder.closed, decoder.heldBytes, decoder.bytesDecoded]).toEqual([true, 0, 2]);
    }
  });

  test("keeps everything between pause() and the end of a chunk", () => {
    const stream = concat([frame("one"), frame("two"), serialize({ opcode: 2, payload: Buffer.alloc(70_000, 1) })]);
    const seen: string[] = [];
    const decoder = make();
    const sink: FrameSink = {
      header: ({ payloadLength }) => void seen.push(`header ${payloadLength}`),
      payload(bytes, start, end) {
        seen.push(`payload ${end - start} ${bytes.subarray(start, end).every((byte) => byte === 1)}`);
        decoder.pause();
      },
      end: () => void seen.push("end"),
      text(text) {
        seen.push(text);
        decoder.pause();
      },
    };
    decoder.push(stream, sink);
    expect(seen).toEqual(["one"]);
    decoder.resume(sink);
    expect(seen).toEqual(["one", "two"]);
    let pauses = 0;
    for (; decoder.paused; pauses++) {
      expect(decoder.heldBytes > 0 || seen.at(-1) === "end").toBe(true);
      decoder.resume(sink);
    }
    expect(pauses).toBeGreaterThanOrEqual(2);
    expect([seen.at(2), seen.at(-1), decoder.heldBytes]).toEqual(["header 70000", "end", 0]);
    const sizes = seen.map((line) => /^payload (\d+) true$/.exec(line)?.[1] ?? "0");
    expect(sizes.reduce((sum, size) => sum + Number(size), 0)).toBe(70_000);
  });
});
