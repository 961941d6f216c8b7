// Compares the parsers of both headers with those of ws.

import { describe, expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import { both, ours, outcome, theirs } from "./support/both.ts";

/** Random strings of significant characters, many of each length. */
function* headers(alphabet: string, count: number): Generator<string> {
  const random = new Random(7);
  for (let i = 0; i < count; i++) {
    yield Array.from({ length: random.integer(0, 12) }, () => alphabet[random.integer(0, alphabet.length - 1)]).join(
      "",
    );
  }
}

describe.each(both)("%s: subprotocol.parse()", (_, { subprotocol }) => {
  test("returns the names in order", () => {
    expect(subprotocol.parse("chat, superchat ,graphql-ws")).toEqual(new Set(["chat", "superchat", "graphql-ws"]));
  });

  test.each([
    ["", "Unexpected end of input"],
    [" chat", "Unexpected character at index 0"],
    ["chat ", "Unexpected end of input"],
    ["chat,", "Unexpected end of input"],
    ["a,,b", "Unexpected character at index 2"],
    ["a b", "Unexpected character at index 2"],
    ["a, b, a", 'The "a" subprotocol is duplicated'],
  ])("%j: %s", (header, message) => {
    expect(() => subprotocol.parse(header)).toThrow(new SyntaxError(message));
  });
});

describe.each(both)("%s: extension", (_, { extension }) => {
  test("parse() returns offers by name, and parameters with all their values", () => {
    const parsed = extension.parse('foo; a=1; b; a="2", bar, foo;c="x\\y"');
    expect(parsed).toEqual({ foo: [{ a: ["1", "2"], b: [true] }, { c: ["xy"] }], bar: [{}] });
    expect(Object.getPrototypeOf(parsed)).toBe(null);
    expect(Object.getPrototypeOf(parsed.foo![0])).toBe(null);
  });

  test("parse() accepts names of members of Object.prototype", () => {
    for (const name of ["__proto__", "hasOwnProperty", "constructor"]) {
      const [[offer, list]] = Object.entries(extension.parse(`${name}; ${name}=1, ${name}`)) as [[string, unknown[]]];
      expect([offer, list.length]).toEqual([name, 2]);
    }
  });

  test("format() writes a header", () => {
    expect(extension.format({})).toBe("");
    expect(extension.format({ foo: {} })).toBe("foo");
    expect(extension.format({ foo: [{}, { a: true }], bar: {} })).toBe("foo, foo; a, bar");
    expect(extension.format({ foo: { a: [true, "1", 2], b: "x" } })).toBe("foo; a; a=1; a=2; b=x");
    const header = "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate";
    expect(extension.format(extension.parse(header))).toBe(header);
  });
});

test("accepts and refuses random headers as ws does", () => {
  for (const header of headers("ab, \t;é", 2000)) {
    const [one, other] = [ours, theirs].map(({ subprotocol }) => outcome(() => subprotocol.parse(header)));
    expect(one, header).toEqual(other);
  }
  for (const alphabet of ['ab,; ="', 'a;="\\ \t', "ab;,= é"]) {
    for (const header of headers(alphabet, 1000)) {
      for (const value of [header, `a; b=${header}`, `a; b="${header}`]) {
        const [one, other] = [ours, theirs].map(({ extension }) => outcome(() => extension.parse(value)));
        expect(one, value).toEqual(other);
      }
    }
  }
});
