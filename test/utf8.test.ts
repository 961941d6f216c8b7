// UTF-8 against the platform's fatal TextDecoder: every class of sequence and boundary, cut at every place.

import { expect, test } from "vitest";
import { FrameDecoder, WebSocketError } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const KEY = [0xa5, 0x5a, 0x0f, 0xf0];
const cores = ["wasm", "portable"] as const;

function platformAccepts(bytes: Uint8Array): boolean {
  try {
    fatal.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Offset in the payload of the first byte with which no valid UTF-8 begins: found by asking the platform. */
function firstWrong(bytes: Uint8Array): number {
  for (let length = 1; length <= bytes.length; length++) {
    const stream = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    try {
      stream.decode(bytes.subarray(0, length), { stream: true });
    } catch {
      return length - 1;
    }
  }
  return bytes.length;
}

interface Verdict {
  accepted: boolean;
  at: number;
}

/** Text in fragments, whose payloads end to end are `bytes`, through push(). */
function verdict(core: "wasm" | "portable", bytes: Uint8Array, cuts: readonly number[]): Verdict {
  const decoder = new FrameDecoder({ role: "server", core });
  let delivered = 0;
  const sink = {
    header() {},
    payload(_window: Uint8Array, start: number, end: number) {
      delivered += end - start;
    },
    end() {},
  };
  const edges = [0, ...cuts, bytes.length];
  try {
    for (let i = 0; i + 1 < edges.length; i++) {
      const payload = bytes.subarray(edges[i], edges[i + 1]);
      decoder.push(serialize({ opcode: i === 0 ? 1 : 0, fin: i + 2 === edges.length, payload, maskKey: KEY }), sink);
    }
  } catch (error) {
    if (!(error instanceof WebSocketError) || error.code !== "WS_ERR_INVALID_UTF8") throw error;
    return { accepted: false, at: delivered };
  }
  return { accepted: true, at: delivered };
}

function check(bytes: Uint8Array, cuts: readonly number[]): void {
  const accepted = platformAccepts(bytes);
  for (const core of cores) {
    const found = verdict(core, bytes, cuts);
    if (found.accepted !== accepted || (!accepted && found.at !== firstWrong(bytes))) {
      expect.fail(`${core}, ${Buffer.from(bytes).toString("hex")} cut at ${cuts}: ${JSON.stringify(found)}`);
    }
  }
}

/** Bytes at the edges of every range that RFC 3629 §4 distinguishes. */
const EDGES = [
  0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0,
  0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff,
];

test("every byte, and every pair of bytes", () => {
  for (let a = 0; a < 256; a++) {
    check(Uint8Array.of(a), []);
    for (let b = 0; b < 256; b++) check(Uint8Array.of(a, b), (a + b) % 2 ? [1] : []);
  }
});

test("every three bytes from the edges, cut at every place", () => {
  for (const a of EDGES.filter((byte) => byte >= 0xc0)) {
    for (const b of EDGES) {
      for (const c of EDGES) {
        const bytes = Uint8Array.of(a, b, c);
        check(bytes, []);
        check(bytes, [1, 2]);
      }
    }
  }
});

test("every four bytes from the edges that a lead byte of four can have", () => {
  for (const a of [0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5]) {
    for (const b of EDGES) {
      for (const c of [0x7f, 0x80, 0xbf, 0xc0]) {
        for (const d of [0x7f, 0x80, 0xbf, 0xc0]) {
          const bytes = Uint8Array.of(a, b, c, d);
          check(bytes, []);
          check(bytes, [1, 2, 3]);
          check(bytes, [2]);
        }
      }
    }
  }
});

test("sequences at every place of the vectors, right and wrong", () => {
  const right = ["c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf", "efbbbf"];
  const wrong = ["c080", "c1bf", "e09fbf", "eda080", "f08fbfbf", "f4908080", "f8", "80", "c2", "e0a0", "f09080"];
  const fillers = [
    Buffer.from("x".repeat(40)),
    Buffer.from("é".repeat(20)),
    Buffer.from("漢".repeat(14)),
    Buffer.from("😀".repeat(10)),
  ];
  for (const hex of [...right, ...wrong]) {
    const sequence = Buffer.from(hex, "hex");
    for (const filler of fillers) {
      for (let before = 0; before <= 34; before++) {
        const lead = concat([Buffer.from("a".repeat(before % 4)), filler.subarray(0, 0)]);
        const bytes = concat([lead, filler.subarray(0, before - (before % 4)), sequence, filler]);
        check(bytes, []);
        check(bytes, [before + 1]);
      }
    }
  }
});

test("long text, valid but for one byte anywhere", () => {
  const text = Buffer.from("naïve Grüße, мир 世界 😀 plain ASCII for a while, then é again. ".repeat(3));
  check(text, []);
  for (let at = 0; at < text.length; at++) {
    for (const byte of [0x80, 0xff, 0xc3, 0xed]) {
      const bytes = Uint8Array.from(text);
      bytes[at] = byte;
      check(bytes, at % 3 ? [] : [at]);
    }
  }
});

test("text is checked at the byte, not at the end of the frame", () => {
  const frame = serialize({
    opcode: 1,
    payload: Buffer.concat([Buffer.from("ok é "), Buffer.from([0xff]), Buffer.alloc(50)]),
    maskKey: KEY,
  });
  for (const core of cores) {
    const decoder = new FrameDecoder({ role: "server", core });
    expect(decoder.decode(frame.slice(0, 12))).toEqual([]);
    expect(() => decoder.decode(frame.slice(12, 13))).toThrow(
      expect.objectContaining({ code: "WS_ERR_INVALID_UTF8", closeCode: 1007, byteOffset: 12, rule: "RFC 6455 §8.1" }),
    );
  }
});

test("a byte order mark is content", () => {
  const bom = "\ufefftext";
  const bytes = serialize({ opcode: 1, payload: Buffer.from(bom), maskKey: KEY });
  for (const core of cores) {
    const texts: string[] = [];
    const sink = { header() {}, payload() {}, end() {}, text: (text: string) => void texts.push(text) };
    new FrameDecoder({ role: "server", core }).push(bytes, sink);
    expect(texts).toEqual([bom]);
    expect(new FrameDecoder({ role: "server", core }).decode(bytes.slice())[0]!.text).toBe(bom);
  }
});
