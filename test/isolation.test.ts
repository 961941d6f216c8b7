// One core serves many connections. No call disturbs another call that it is nested in, and no byte of one connection
// reaches another.

import { expect, test } from "vitest";
import { LANDING, OUTPUT, OUTPUT_SIZE, WINDOW, WINDOW_SIZE } from "../assembly/memory.ts";
import { enginesFor } from "../src/core/engines.ts";
import { FrameDecoder, FrameEncoder, type FrameSink } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";
import { Collector } from "./support/run.ts";

const cores = ["wasm", "portable"] as const;
const masked = (text: string): Uint8Array =>
  serialize({ opcode: 1, payload: Buffer.from(text), maskKey: [7, 7, 7, 7] });

for (const core of cores) {
  test(`decodes B inside every callback of A, ${core} core`, () => {
    const a = new FrameDecoder({ role: "server", core });
    const b = new FrameDecoder({ role: "server", core });
    const c = new FrameDecoder({ role: "server", core });
    const encoder = new FrameEncoder({ role: "client", core });
    const texts = Array.from({ length: 50 }, (_, i) => `connection A, message ${i}`);
    const noise = concat(
      Array.from({ length: 300 }, (_, i) => masked(`connection B, message ${i}, of another length`)),
    );
    let nested = 0;
    const disturb = () => {
      expect(b.decode(noise.slice())).toHaveLength(300);
      b.push(noise, {
        header() {},
        end() {},
        payload() {
          if (nested++ % 97 === 0) c.decode(noise.slice());
        },
      });
      b.reserve().fill(0xee);
      b.commit(0, { header() {}, payload() {}, end() {} });
      for (const text of texts) encoder.text(text);
      encoder.take();
    };
    const seen = new Collector();
    const sink: FrameSink = {
      header(header) {
        disturb();
        seen.header(header);
      },
      payload(window, start, end) {
        disturb();
        seen.payload(window, start, end);
      },
      end() {
        disturb();
        seen.end();
      },
    };
    const stream = concat(texts.map(masked));
    a.push(stream.subarray(0, 1000), sink);
    a.push(stream.subarray(1000), sink);
    expect(seen.frames.map((frame) => frame.payload.toString())).toEqual(texts);
    expect(seen.frames.map((frame) => frame.maskKey)).toEqual(texts.map(() => "07070707"));
    expect(seen.frames.at(-1)!.payloadOffset + seen.frames.at(-1)!.payloadLength).toBe(stream.length);

    const strings: string[] = [];
    new FrameDecoder({ role: "server", core }).push(stream, {
      ...sink,
      text(text) {
        disturb();
        strings.push(text);
      },
    });
    expect(strings).toEqual(texts);
  });

  test(`commits inside a callback, ${core} core`, () => {
    const a = new FrameDecoder({ role: "server", core });
    const b = new FrameDecoder({ role: "server", core });
    const inner = new Collector();
    const outer = new Collector();
    b.reserve().set(masked("inner"));
    a.push(concat([masked("one"), masked("two")]), {
      header: (header) => outer.header(header),
      payload(window, start, end) {
        if (outer.frames.length === 0) b.commit(masked("inner").length, inner);
        outer.payload(window, start, end);
      },
      end: () => outer.end(),
    });
    expect(inner.frames.map((frame) => frame.payload.toString())).toEqual(["inner"]);
    expect(outer.frames.map((frame) => frame.payload.toString())).toEqual(["one", "two"]);
  });

  test(`a buffer reserved in a callback of commit() is not the one being decoded, ${core} core`, () => {
    const a = new FrameDecoder({ role: "server", core });
    const b = new FrameDecoder({ role: "server", core });
    // The table cannot hold this many frames, so the rest is decoded after the first callbacks.
    const stream = concat(Array.from({ length: 5000 }, (_, i) => masked(String(i % 10))));
    const seen = new Collector();
    a.reserve().set(stream);
    a.commit(stream.length, {
      header(header) {
        b.reserve().fill(0xee);
        seen.header(header);
      },
      payload: (window, start, end) => seen.payload(window, start, end),
      end: () => seen.end(),
    });
    expect(seen.frames.map((frame) => frame.payload.toString()).join("")).toBe("0123456789".repeat(500));
    expect(seen.frames.every((frame) => frame.maskKey === "07070707")).toBe(true);
  });

  test(`a decoder refuses to be used in its own callbacks, ${core} core`, () => {
    const decoder = new FrameDecoder({ role: "server", core });
    let refused = 0;
    const sink: FrameSink = {
      header() {},
      payload() {
        for (const call of [
          () => decoder.decode(masked("again")),
          () => decoder.push(masked("again"), sink),
          () => decoder.save(),
          () => decoder.reserve(),
        ]) {
          expect(call).toThrow(TypeError);
          refused++;
        }
      },
      end() {},
    };
    decoder.push(masked("outer"), sink);
    expect(refused).toBe(4);
    expect(decoder.decode(masked("after"))[0]!.text).toBe("after");
  });

  test(`canary: earlier contents of the core's windows never get out, ${core} core`, () => {
    const CANARY = 0xc5;
    const { bytes } = enginesFor(core).first();
    const poison = () => {
      for (const [from, size] of [
        [WINDOW, WINDOW_SIZE],
        [LANDING, WINDOW_SIZE],
        [OUTPUT, OUTPUT_SIZE],
      ] as const) {
        bytes.fill(CANARY, from, from + size);
      }
    };
    const clean = (found: Uint8Array) => expect(found.includes(CANARY)).toBe(false);
    for (const length of [0, 1, 3, 15, 16, 17, 100, 125, 126, 4000, 4095, 4096, 65_535, 65_536, 100_000]) {
      for (const role of ["server", "client"] as const) {
        const payload = new Uint8Array(length).fill(0x41);
        const maskKey = role === "server" ? [1, 2, 3, 4] : undefined;
        const stream = concat([serialize({ opcode: 2, payload, maskKey }), serialize({ opcode: 1, payload, maskKey })]);
        for (const copy of [false, true]) {
          const decoder = new FrameDecoder({ role, core, copy });
          for (const chunk of [stream.slice(0, 5), stream.slice(5)]) {
            poison();
            for (const frame of decoder.decode(chunk)) {
              clean(frame.payload);
              clean(new Uint8Array(frame.payload.buffer));
            }
          }
          clean(decoder.save());
        }
        const cut = new FrameDecoder({ role, core });
        poison();
        cut.decode(stream.slice(0, Math.min(stream.length, 9)));
        clean(cut.save());
        const decoder = new FrameDecoder({ role, core });
        poison();
        decoder.push(stream, {
          header() {},
          payload: (window, start, end) => clean(window.slice(start, end)),
          end() {},
          text: (text) => expect(text).toBe("A".repeat(length)),
        });
        const encoder = new FrameEncoder({
          role: role === "server" ? "client" : "server",
          core,
          maskKey: Uint8Array.of(1, 2, 3, 4),
        });
        poison();
        encoder.binary(payload);
        encoder.text("A".repeat(length));
        encoder.ping("A");
        for (const part of encoder.take()) clean(new Uint8Array(part.buffer));
      }
    }
  });
}
