// A pause of a FrameDecoder holds everything undelivered, in its own memory, and nothing else.

import { describe, expect, test } from "vitest";
import { FrameDecoder, type FrameDecoderOptions, type FrameSink, type Role } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";

const cores = ["wasm", "portable"] as const;

/**
 * Records everything that a decoder delivers, and calls `after` each time. Binary messages arrive whole or in pieces.
 */
function noting(after: () => void, binary: "pieces" | "whole" = "pieces"): { seen: string[]; sink: FrameSink } {
  const seen: string[] = [];
  const note = (what: string): void => {
    seen.push(what);
    after();
  };
  const show = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  const pieces: FrameSink = {
    header: ({ opcode, fin, masked, maskKey, headerOffset, payloadOffset, payloadLength }) =>
      note(`${opcode} ${fin} ${masked} ${maskKey} ${headerOffset} ${payloadOffset} ${payloadLength}`),
    payload: (window, start, end) => note(show(window.subarray(start, end))),
    end: () => note("end"),
    text: (text) => note(text),
    ownText: (data) => note(`own ${show(data)}`),
    ownBinary: (data) => note(`own ${show(data)}`),
  };
  const sink =
    binary === "pieces"
      ? pieces
      : {
          ...pieces,
          binary: (window: Uint8Array, start: number, end: number) =>
            note(`whole ${show(window.subarray(start, end))}`),
        };
  return { seen, sink };
}

/** Runs of texts of every kind, with other frames around them. The last frame is incomplete. */
function streamFor(role: Role): Uint8Array {
  const frames = [
    [2, "b"],
    [2, "d"],
    [1, "one"],
    [1, ""],
    [1, "zwölf"],
    [1, "three"],
    [9, "ping"],
    [2, ""],
    [2, "binary"],
    [1, "four"],
    [1, "fünf"],
    [10, ""],
    [2, "c"],
    [1, "last"],
    [2, "cut"],
  ] as const;
  const bytes = frames.map(([opcode, text], i) =>
    serialize({
      opcode,
      payload: Buffer.from(text),
      fin: i < frames.length - 1,
      maskKey: role === "server" ? [i, 2, 3, 4] : undefined,
    }),
  );
  return concat(bytes).slice(0, -1);
}

describe.each(cores)("%s core", (core) => {
  const noise = concat(Array.from({ length: 40 }, () => serialize({ opcode: 2, payload: Buffer.from("another") })));
  /** Overwrites the core's memory that held the frames. */
  const disturb = (): void =>
    new FrameDecoder({ role: "client", core }).push(noise, { header() {}, payload() {}, end() {} });

  describe.each(["server", "client"] as const)("role %s", (role) => {
    const stream = streamFor(role);
    const copies = {
      copy: (window: Uint8Array, start: number, end: number) => window.slice(start, end),
      part: (copy: Uint8Array<ArrayBuffer>, start: number, end: number) => copy.subarray(start, end),
    };
    const ways: [name: string, options: Partial<FrameDecoderOptions>, binary: "pieces" | "whole"][] = [
      ["as strings and pieces", {}, "pieces"],
      ["each string separately", { textSlack: 0 }, "pieces"],
      ["whole binary messages", {}, "whole"],
      ["texts as bytes", { textBytes: true }, "pieces"],
      ["in copies that are made together", { copies, textBytes: true }, "whole"],
    ];

    test.each(ways)("other decoders run before each resume(): %s", (_, options, binary) => {
      const make = () => new FrameDecoder({ role, core, ...options });
      const expected = noting(() => {}, binary);
      make().push(stream, expected.sink);

      const paused = make();
      const { seen, sink } = noting(() => paused.pause(), binary);
      paused.push(stream, sink);
      let pauses = 0;
      for (; paused.paused; pauses++) {
        expect(seen).toEqual(expected.seen.slice(0, seen.length));
        disturb();
        paused.resume(sink);
      }
      expect(seen).toEqual(expected.seen);
      // One pause for each of the 15 frames.
      expect(pauses).toBe(15);
      expect([paused.heldBytes, paused.bytesDecoded]).toEqual([0, stream.length]);
    });
  });

  test("holds less memory with each delivered message", () => {
    const texts = Array.from({ length: 8 }, (_, i) => serialize({ opcode: 1, payload: Buffer.alloc(100, 0x61 + i) }));
    const decoder = new FrameDecoder({ role: "client", core, textSlack: 250 });
    const { seen, sink } = noting(() => decoder.pause());
    decoder.push(concat(texts), sink);
    // A run takes 16 bytes and a text takes 4. The run in which delivery stopped is already a string.
    expect(decoder.heldBytes).toBe(600 + 4 * 16 + 7 * 4);
    while (decoder.paused) decoder.resume(sink);
    expect(seen).toHaveLength(8);
    expect(decoder.heldBytes).toBe(0);
  });
});
