// Compares UTF-8 checks with V8's encoder, on both cores and cut at every place: in a text frame in chunks, in a text of
// several frames, and in the reason of a Close. utf8.slow.ts has the longer runs.

import { expect, test } from "vitest";
import { FrameDecoder } from "../../src/index.ts";
import { concat, serialize } from "../reference/serialize.ts";
import { CORES } from "../support/wire.ts";
import { CoreText } from "./support/core-text.ts";
import { checkAllCuts, checkText } from "./support/decoder-text.ts";
import { withoutStacks } from "./support/stacks.ts";
import { EDGES, EVERY_BYTE, strings, wrongAt, wrongForReference } from "./support/utf8.ts";

const KEY = [0xa5, 0x5a, 0x0f, 0xf0];

withoutStacks();

function assertRight(wrong: string | undefined): void {
  if (wrong !== undefined) expect.fail(wrong);
}

test("the reference decoder accepts the same UTF-8 as V8", () => {
  for (const length of [1, 2, 3]) {
    for (const text of strings(length, EDGES)) {
      if (wrongAt(text) !== wrongForReference(text)) expect.fail(Buffer.from(text).toString("hex"));
    }
  }
});

for (const name of CORES) {
  const isFast = name === "wasm";
  const which = isFast ? "every string of up to two bytes" : "every byte, strings of two bytes";
  test(`the ${name} core: ${which}, and of three from the ends of each class`, () => {
    const core = new CoreText(name);
    for (const [length, values] of [
      [0, [0]],
      [1, EVERY_BYTE],
      [2, isFast ? EVERY_BYTE : EDGES],
      [3, EDGES],
    ] as const) {
      for (const text of strings(length, values)) assertRight(core.check(text));
    }
    expect(core.runs).toBe(isFast ? 559_875 : 170_115);
  });
}

/** Lead bytes for four-byte strings: the classes that differ in their second byte, and a wrong byte. */
const LEADS = [0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5];
const LATER = [0x7f, 0x80, 0xbf, 0xc0];

for (const name of CORES) {
  test(`the ${name} core: strings of four bytes after each lead byte of four`, () => {
    const core = new CoreText(name);
    for (const lead of LEADS) {
      for (const second of EDGES) {
        for (const text of strings(2, LATER)) assertRight(core.check(Uint8Array.of(lead, second, text[0]!, text[1]!)));
      }
    }
  });

  test(`a decoder on the ${name} core: strings from the ends of each class`, () => {
    for (const length of [0, 1, 2]) {
      for (const text of strings(length, EDGES)) assertRight(checkAllCuts(name, text));
    }
    for (const lead of [0xe0, 0xed, 0xef]) {
      for (const text of strings(2, EDGES)) assertRight(checkAllCuts(name, Uint8Array.of(lead, text[0]!, text[1]!)));
    }
    for (const lead of [0xf0, 0xf3, 0xf4]) {
      for (const second of EDGES.filter((byte) => byte >= 0x80 && byte < 0xc0)) {
        for (const text of strings(2, LATER.slice(1))) {
          assertRight(checkAllCuts(name, Uint8Array.of(lead, second, text[0]!, text[1]!)));
        }
      }
    }
  });
}

test("valid and invalid sequences at every place of the vectors", () => {
  const right = ["c280", "dfbf", "e0a080", "ed9fbf", "ee8080", "efbfbf", "f0908080", "f48fbfbf", "efbbbf"];
  const wrong = ["c080", "c1bf", "e09fbf", "eda080", "f08fbfbf", "f4908080", "f8", "80", "c2", "e0a0", "f09080"];
  const fillers = ["x", "é", "漢", "😀"].map((character) => Buffer.from(character.repeat(40)).subarray(0, 40));
  for (const hex of [...right, ...wrong]) {
    const sequence = Buffer.from(hex, "hex");
    for (const filler of fillers) {
      for (let before = 0; before <= 34; before++) {
        const whole = before - (before % 12);
        const bytes = concat([Buffer.alloc(before % 12, "a"), filler.subarray(0, whole), sequence, filler]);
        for (const core of CORES) {
          assertRight(checkText(core, "frame", bytes, []));
          assertRight(checkText(core, "fragments", bytes, [before + 1]));
        }
      }
    }
  }
});

test("long text with one invalid byte at any place", () => {
  const text = Buffer.from("naïve Grüße, мир 世界 😀 plain ASCII for a while, then é again. ".repeat(3));
  for (let at = 0; at < text.length; at++) {
    for (const byte of [0x80, 0xff, 0xc3, 0xed]) {
      const bytes = Uint8Array.from(text);
      bytes[at] = byte;
      for (const core of CORES) assertRight(checkText(core, "fragments", bytes, at % 3 ? [] : [at]));
    }
  }
});

test("checks text at the byte, not at the end of the frame", () => {
  const frame = serialize({
    opcode: 1,
    payload: Buffer.concat([Buffer.from("ok é "), Buffer.from([0xff]), Buffer.alloc(50)]),
    maskKey: KEY,
  });
  for (const core of CORES) {
    const decoder = new FrameDecoder({ role: "server", core });
    expect(decoder.decode(frame.slice(0, 12))).toEqual([]);
    expect(() => decoder.decode(frame.slice(12, 13))).toThrow(
      expect.objectContaining({ code: "WS_ERR_INVALID_UTF8", closeCode: 1007, byteOffset: 12, rule: "RFC 6455 §8.1" }),
    );
  }
});

test("keeps a byte order mark as content", () => {
  const bom = "\ufefftext";
  const bytes = serialize({ opcode: 1, payload: Buffer.from(bom), maskKey: KEY });
  for (const core of CORES) {
    const texts: string[] = [];
    const sink = { header() {}, payload() {}, end() {}, text: (text: string) => void texts.push(text) };
    new FrameDecoder({ role: "server", core }).push(bytes, sink);
    expect(texts).toEqual([bom]);
    expect(new FrameDecoder({ role: "server", core }).decode(bytes.slice())[0]!.text).toBe(bom);
  }
});
