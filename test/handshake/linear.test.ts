// Time must be linear in the length of the input: 16 times as much takes about 16 times as long. Quadratic work would take 256
// times as long.

import { describe, expect, test } from "vitest";
import { acceptHandshake } from "../../src/handshake/accept.ts";
import { checkResponse } from "../../src/handshake/check.ts";
import { parseExtensions } from "../../src/handshake/extensions.ts";
import { RequestParser, ResponseParser } from "../../src/handshake/head.ts";
import { parseSubprotocols } from "../../src/handshake/subprotocols.ts";
import { ACCEPT, extension, fields, KEY, latin1 } from "./support.ts";

const SMALL = 10_000;
const FACTOR = 16;
/** Well between 16 and 256, because other processes disturb the measurement. */
const MOST = 100;

/** The shortest processor time of the action, in ms. A clock would also count other processes. */
function best(action: () => unknown): number {
  let least = Infinity;
  for (let round = 0; round < 3; round++) {
    const start = process.cpuUsage();
    action();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** The time for a large input divided by the time for a small one, which is at least 50 µs. */
function ratio(action: (length: number) => () => unknown): number {
  best(action(SMALL)); // warms up the compiler
  let lowest = Infinity;
  for (let round = 0; round < 5 && lowest > MOST; round++) {
    const small = Math.max(best(action(SMALL)), 0.05);
    lowest = Math.min(lowest, best(action(SMALL * FACTOR)) / small);
  }
  return lowest;
}

const values: [name: string, value: (length: number) => string][] = [
  ["spaces", (length) => " ".repeat(length)],
  ["spaces in the middle", (length) => `a${" ".repeat(length)}b`],
  ["commas", (length) => ",".repeat(length)],
  ["spaces and commas", (length) => " ,".repeat(length / 2)],
  ["a long token", (length) => "a".repeat(length)],
  ["many tokens", (length) => Array.from({ length: length / 8 }, (_, at) => `a${at}`).join(", ")],
  ["many parameters", (length) => `a${"; b=c".repeat(length / 5)}`],
  ["an open quote", (length) => `a; b="${"c".repeat(length)}`],
  ["backslashes", (length) => `a; b="${"\\".repeat(length)}"`],
  ["a quoted string (CVE-2020-7662)", (length) => `a; b="${"\\c".repeat(length / 2)}`],
  ["semicolons", (length) => `a${";".repeat(length)}`],
  ["many offers", (length) => "a; b, ".repeat(length / 6)],
];

describe.each(values)("%s", (_, value) => {
  const accept = (name: string) => (length: number) => {
    const request = { method: "GET", headers: fields({ [name]: value(length) }) };
    const options = { protocols: ["x"], extensions: [extension("a", 4, { accept: () => undefined })] };
    return () => acceptHandshake(request, options);
  };

  test.each([
    "connection",
    "upgrade",
    "host",
    "origin",
    "content-length",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "x-other",
  ])("as %s of a request (ws CVE-2021-32640)", (name) => {
    expect(ratio(accept(name))).toBeLessThan(MOST);
  });

  test.each(["connection", "upgrade", "sec-websocket-accept", "sec-websocket-protocol", "sec-websocket-extensions"])(
    "as %s of a response",
    (name) => {
      const answer = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": ACCEPT };
      const request = { headers: fields({ "sec-websocket-extensions": "a", "sec-websocket-protocol": "a" }) };
      const check = (length: number) => {
        const response = { status: 101, headers: { ...answer, [name]: value(length) } };
        return () => {
          try {
            checkResponse(response, { ...request, extensions: [extension("a", 0)] });
          } catch {
            // Expected.
          }
        };
      };
      expect(ratio(check)).toBeLessThan(MOST);
    },
  );

  test("the functions alone", () => {
    const parse = (length: number) => {
      const text = value(length);
      return () => [parseExtensions(text), parseSubprotocols([text])];
    };
    expect(ratio(parse)).toBeLessThan(MOST);
  });
});

describe("heads", () => {
  const unlimited = { maxHeadSize: Infinity, maxHeaderFields: Infinity };
  const heads: [name: string, head: (length: number) => string][] = [
    ["one long line", (length) => `GET / HTTP/1.1\r\na: ${"b".repeat(length)}\r\n\r\n`],
    ["one long name", (length) => `GET / HTTP/1.1\r\n${"b".repeat(length)}: c\r\n\r\n`],
    ["many lines", (length) => `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(length / 6)}\r\n`],
    ["blanks", (length) => `GET / HTTP/1.1\r\na:${" ".repeat(length)}\r\n\r\n`],
    ["a long target", (length) => `GET /${"a".repeat(length)} HTTP/1.1\r\n\r\n`],
  ];
  for (const [name, head] of heads) {
    for (const size of [1, 7, Infinity]) {
      test(`${name}, ${size} bytes at a time`, () => {
        const parse = (length: number) => {
          const bytes = latin1(head(length));
          return () => {
            const parser = new RequestParser(unlimited);
            let found: unknown;
            for (let at = 0; at < bytes.length; at += size) {
              found = parser.push(bytes.subarray(at, Math.min(bytes.length, at + size)));
            }
            expect(found).toBeDefined();
          };
        };
        expect(ratio(parse)).toBeLessThan(MOST);
      });
    }
  }

  test("interim responses", () => {
    const parse = (length: number) => {
      const bytes = latin1(`${"HTTP/1.1 100 Continue\r\n\r\n".repeat(length / 25)}HTTP/1.1 101 X\r\n\r\n`);
      return () => expect(new ResponseParser(unlimited).push(bytes)).toBeDefined();
    };
    expect(ratio(parse)).toBeLessThan(MOST);
  });

  test("many header fields", () => {
    const accept = (length: number) => {
      const headers = Array.from({ length: length / 20 }, (_, at) => [`x-${at}`, "y"] as const);
      return () => acceptHandshake({ method: "GET", headers: [...headers, ["sec-websocket-key", KEY]] });
    };
    expect(ratio(accept)).toBeLessThan(MOST);
  });
});
