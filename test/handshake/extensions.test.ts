// The syntax of Sec-WebSocket-Extensions (RFC 6455 §9.1).

import { describe, expect, test } from "vitest";
import type { ExtensionParameters } from "../../src/frame/extension.ts";
import { parseExtensions, serializeExtensions } from "../../src/handshake/extensions.ts";
import { Random } from "../support/random.ts";

const of = (name: string, ...parameters: ExtensionParameters) => ({ name, parameters });

describe("parses well-formed values", () => {
  test.each([
    ["a", [of("a")]],
    ["a, b", [of("a"), of("b")]],
    ["a,b,a", [of("a"), of("b"), of("a")]],
    ["a;b", [of("a", ["b", true])]],
    ["a ;\tb ; c = d ,e", [of("a", ["b", true], ["c", "d"]), of("e")]],
    ["a; b=1; b=2; b", [of("a", ["b", "1"], ["b", "2"], ["b", true])]],
    ['a; b="c"', [of("a", ["b", "c"])]],
    ['a; b="c\\d"; e="\\1\\5"', [of("a", ["b", "cd"], ["e", "15"])]],
    ['a; b = "c" , d', [of("a", ["b", "c"]), of("d")]],
    [", ,a,, b,\t,", [of("a"), of("b")]],
    ["  a  ", [of("a")]],
    ["!#$%&'*+-.^_`|~09AZaz", [of("!#$%&'*+-.^_`|~09AZaz")]],
    ["a; __proto__=1; constructor", [of("a", ["__proto__", "1"], ["constructor", true])]],
    [
      'permessage-deflate; server_no_context_takeover; client_max_window_bits="10", permessage-deflate',
      [
        of("permessage-deflate", ["server_no_context_takeover", true], ["client_max_window_bits", "10"]),
        of("permessage-deflate"),
      ],
    ],
  ])("%j", (value, expected) => {
    expect(parseExtensions(value)).toEqual(expected);
    expect(parseExtensions(serializeExtensions(expected))).toEqual(expected);
  });
});

describe("refuses malformed values", () => {
  test.each([
    "",
    " ",
    ",",
    ", ,",
    ";",
    "=",
    "a;",
    "a; ",
    "a;,b",
    "a;;b",
    "a; b;",
    "a; b=",
    "a; b=;c",
    "a; b=,c",
    "a; =b",
    "a=b",
    "a b",
    "a; b c",
    "a; b=c d",
    "a; b==c",
    'a; b="',
    'a; b="c',
    'a; b="c\\',
    'a; b="c\\"',
    'a; b=""',
    'a; b="c d"',
    'a; b="c,d"',
    'a; b="c\\"d"',
    'a; b="c"d',
    'a; b="c""d"',
    'a; b=c"d"',
    'a; "b"=c',
    '"a"',
    "a/b",
    "a\u00e9",
    "a\0",
    "a\r\nb",
    "a\u00a0",
  ])("%j", (value) => expect(parseExtensions(value)).toBeUndefined());
});

test("parses what it serializes to the same value", () => {
  const random = new Random(11);
  const token = () =>
    Array.from({ length: random.integer(1, 8) }, () => random.pick([..."!#$%&'*+-.^_`|~09AZaz"])).join("");
  for (let round = 0; round < 2000; round++) {
    const list = Array.from({ length: random.integer(1, 4) }, () => ({
      name: token(),
      parameters: Array.from(
        { length: random.integer(0, 4) },
        () => [token(), random.chance(0.5) ? token() : (true as const)] as const,
      ),
    }));
    expect(parseExtensions(serializeExtensions(list))).toEqual(list);
  }
});

test.each(["", "a b", "a,b", 'a"', "a\r\nb: c", "a;b"])("refuses to serialize %j, which is not a token", (bad) => {
  expect(() => serializeExtensions([of(bad)])).toThrow(TypeError);
  expect(() => serializeExtensions([of("a", [bad, true])])).toThrow(TypeError);
  expect(() => serializeExtensions([of("a", ["b", bad])])).toThrow(TypeError);
});
