// Compares the functions for UTF-8, strings and pieces of text with those of the platform.

import { expect, test } from "vitest";
import {
  checkUtf8,
  decodeUtf8,
  decodeValidPart,
  decodeValidUtf8,
  encodeUtf8,
  encodeUtf8Into,
  utf8Length,
} from "../src/frame/utf8.ts";

/** The limits of each length in UTF-8, and of the surrogates. */
const CODE_POINTS = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x10000, 0x10ffff];
const CHARACTERS = CODE_POINTS.map((code) => String.fromCodePoint(code));
const LONE = ["\ud800", "\udbff", "\udc00", "\udfff"];

test("utf8Length() is correct at every limit, also in pairs", () => {
  for (const first of ["", ...CHARACTERS]) {
    for (const second of CHARACTERS) {
      expect(utf8Length(first + second)).toBe(Buffer.byteLength(first + second));
    }
  }
});

test("encodeUtf8Into() writes a string that fits exactly", () => {
  const text = CHARACTERS.join("");
  const bytes = Buffer.from(text);
  expect(encodeUtf8(text)).toEqual(new Uint8Array(bytes));
  const target = new Uint8Array(bytes.length);
  expect(encodeUtf8Into(text, target)).toBe(bytes.length);
  expect(target).toEqual(new Uint8Array(bytes));
  expect(encodeUtf8Into(text, new Uint8Array(bytes.length - 1))).toBe(-1);
});

test("a BOM is content; wrong bytes become U+FFFD, or a TypeError", () => {
  expect(decodeUtf8(Buffer.from("\ufeffa"))).toBe("\ufeffa");
  expect(decodeValidUtf8(Buffer.from("\ufeffa"))).toBe("\ufeffa");
  expect(decodeUtf8(Uint8Array.of(0x61, 0xff))).toBe("a\ufffd");
  expect(() => decodeValidUtf8(Uint8Array.of(0x61, 0xff))).toThrow(TypeError);
});

test("checkUtf8() returns how many bytes of an incomplete character end a piece", () => {
  for (const before of ["", "a", "é", "漢", "😀"]) {
    for (const character of CHARACTERS) {
      const bytes = Buffer.from(character);
      const head = Buffer.from(before);
      expect(checkUtf8(Buffer.concat([head, bytes]), true)).toBe(0);
      expect(checkUtf8(Buffer.concat([head, bytes]), false)).toBe(0);
      for (let cut = 1; cut < bytes.length; cut++) {
        const piece = Buffer.concat([head, bytes.subarray(0, cut)]);
        expect(checkUtf8(piece, false)).toBe(cut);
        expect(() => checkUtf8(piece, true)).toThrow("Text must be valid UTF-8");
      }
    }
  }
});

test("decodeValidPart() decodes up to the first invalid byte", () => {
  for (const before of ["", "a", "\ufeff\ufeff", "é漢😀".repeat(20)]) {
    for (const [wrong, begun] of [
      ["ff", ""],
      ["80", ""],
      ["c3", "ff"],
      ["e6bc", "41"],
      ["f09f98", "f0"],
      ["eda0", "80"],
    ] as const) {
      const bytes = Buffer.concat([Buffer.from(before), Buffer.from(wrong + begun, "hex"), Buffer.from("after")]);
      expect(decodeValidPart(bytes)).toBe(before);
    }
    expect(decodeValidPart(Buffer.from(before))).toBe(before);
    expect(decodeValidPart(Buffer.from(`${before}漢`).subarray(0, -1))).toBe(before);
  }
});

test("the error of checkUtf8() has the platform's error as its cause", () => {
  expect(() => checkUtf8(Uint8Array.of(0xff), true)).toThrow(
    expect.objectContaining({
      name: "TypeError",
      cause: expect.objectContaining({ code: "ERR_ENCODING_INVALID_ENCODED_DATA" }),
    }),
  );
});

test.each([[0x80], [0xc0, 0x80], [0xed, 0xa0], [0xf5], [0x61, 0xff]])(
  "checkUtf8() refuses bytes that are not in any text: %j %j",
  (...bytes) => {
    for (const last of [true, false]) expect(() => checkUtf8(Uint8Array.from(bytes), last)).toThrow(TypeError);
  },
);

test("lone surrogates become U+FFFD", () => {
  for (const half of LONE) expect(encodeUtf8(`a${half}`)).toEqual(new Uint8Array(Buffer.from("a\ufffd")));
});
