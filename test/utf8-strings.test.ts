// UTF-8 of strings and of pieces of text, against what the platform makes of them.

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

/** The edges of each length class, and of the surrogates. */
const CODE_POINTS = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xffff, 0x10000, 0x10ffff];
const CHARACTERS = CODE_POINTS.map((code) => String.fromCodePoint(code));
const LONE = ["\ud800", "\udbff", "\udc00", "\udfff"];

test("the length of a string in UTF-8: every edge, in pairs", () => {
  for (const first of ["", ...CHARACTERS]) {
    for (const second of CHARACTERS) {
      expect(utf8Length(first + second)).toBe(Buffer.byteLength(first + second));
    }
  }
});

test("a string is written where it fits, to the byte", () => {
  const text = CHARACTERS.join("");
  const bytes = Buffer.from(text);
  expect(encodeUtf8(text)).toEqual(new Uint8Array(bytes));
  const target = new Uint8Array(bytes.length);
  expect(encodeUtf8Into(text, target)).toBe(bytes.length);
  expect(target).toEqual(new Uint8Array(bytes));
  expect(encodeUtf8Into(text, new Uint8Array(bytes.length - 1))).toBe(-1);
});

test("a BOM is content; wrong bytes are U+FFFD where they may be, and a TypeError where not", () => {
  expect(decodeUtf8(Buffer.from("\ufeffa"))).toBe("\ufeffa");
  expect(decodeValidUtf8(Buffer.from("\ufeffa"))).toBe("\ufeffa");
  expect(decodeUtf8(Uint8Array.of(0x61, 0xff))).toBe("a\ufffd");
  expect(() => decodeValidUtf8(Uint8Array.of(0x61, 0xff))).toThrow(TypeError);
});

test("text in pieces: how much of a character its end has begun", () => {
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

test("the part of wrong text before the byte that cannot stand there", () => {
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

test("the error of wrong text has that of the platform as its cause", () => {
  expect(() => checkUtf8(Uint8Array.of(0xff), true)).toThrow(
    expect.objectContaining({
      name: "TypeError",
      cause: expect.objectContaining({ code: "ERR_ENCODING_INVALID_ENCODED_DATA" }),
    }),
  );
});

test.each([[0x80], [0xc0, 0x80], [0xed, 0xa0], [0xf5], [0x61, 0xff]])("bytes that no text has: %j %j", (...bytes) => {
  for (const last of [true, false]) expect(() => checkUtf8(Uint8Array.from(bytes), last)).toThrow(TypeError);
});

test("lone surrogates become U+FFFD", () => {
  for (const half of LONE) expect(encodeUtf8(`a${half}`)).toEqual(new Uint8Array(Buffer.from("a\ufffd")));
});
