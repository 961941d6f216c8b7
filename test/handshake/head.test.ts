// Parses heads from bytes: every split, every fault, every limit.

import { describe, expect, test } from "vitest";
import { HandshakeError } from "../../src/handshake/errors.ts";
import { type HeadParserOptions, RequestParser, ResponseParser } from "../../src/handshake/head.ts";
import { latin1, recordedHeads, text } from "./support.ts";

const REQUEST =
  "GET /chat?x=1 HTTP/1.1\r\nHost: example.com\r\nX-Empty:\r\nX-Blanks: \t a \t b \t \r\nX-High: caf\xe9\r\nx-empty: 2\r\n\r\n";
const HEADERS = [
  ["Host", "example.com"],
  ["X-Empty", ""],
  ["X-Blanks", "a \t b"],
  ["X-High", "caf\xe9"],
  ["x-empty", "2"],
];

const request = (bytes: string, options?: HeadParserOptions) => new RequestParser(options).push(latin1(bytes));
const response = (bytes: string, options?: HeadParserOptions) => new ResponseParser(options).push(latin1(bytes));

function errorOf(action: () => unknown): HandshakeError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(HandshakeError);
    return error as HandshakeError;
  }
  throw new Error("Nothing was thrown");
}

describe("requests", () => {
  test("returns a head and the bytes after it", () => {
    const found = request(`${REQUEST}\x81\x00`)!;
    expect(found.request).toEqual({
      method: "GET",
      url: "/chat?x=1",
      httpVersion: "1.1",
      headers: HEADERS,
      length: REQUEST.length,
    });
    expect([...found.rest]).toEqual([0x81, 0]);
  });

  test("parses a head cut at every byte, into two and three parts", () => {
    const bytes = latin1(`${REQUEST}\x81\x00`);
    const whole = request(text(bytes))!;
    for (let first = 0; first <= bytes.length; first++) {
      for (const second of [first, first + 1, first + 2, bytes.length]) {
        if (second > bytes.length) continue;
        const parser = new RequestParser();
        let found: ReturnType<RequestParser["push"]>;
        const behind: number[] = [];
        for (const part of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) {
          if (found) behind.push(...part);
          else found = parser.push(part);
        }
        expect(found!.request).toEqual(whole.request);
        expect([...found!.rest, ...behind]).toEqual([0x81, 0]);
      }
    }
  });

  test("parses a head byte by byte", () => {
    const parser = new RequestParser();
    const bytes = latin1(REQUEST);
    for (const byte of bytes.subarray(0, -1)) expect(parser.push(Uint8Array.of(byte))).toBeUndefined();
    const found = parser.push(bytes.subarray(-1))!;
    expect(found.request.headers).toEqual(HEADERS);
    expect(found.rest).toHaveLength(0);
  });

  test("`rest` is a view of the chunk, and the chunk is not kept", () => {
    const chunk = latin1(`${REQUEST}abc`);
    const { rest, request: head } = new RequestParser().push(chunk)!;
    expect(rest.buffer).toBe(chunk.buffer);
    expect(rest.byteOffset).toBe(REQUEST.length);
    chunk.fill(0);
    expect(head.headers).toEqual(HEADERS);
  });

  test("ignores one empty line before the head, but not two", () => {
    expect(request(`\r\n${REQUEST}`)!.request.length).toBe(REQUEST.length + 2);
    expect(errorOf(() => request(`\r\n\r\n${REQUEST}`)).code).toBe("WS_ERR_HANDSHAKE_START_LINE");
  });

  test("refuses more bytes after the head", () => {
    const parser = new RequestParser();
    parser.push(latin1(REQUEST));
    expect(() => parser.push(latin1("x"))).toThrow(TypeError);
  });

  test.each([
    "",
    "GET",
    "GET /",
    "GET / HTTP/1",
    "GET / HTTP/1.1 ",
    "GET  / HTTP/1.1",
    "GET / a HTTP/1.1",
    " GET / HTTP/1.1",
    "GET / http/1.1",
    "GET / HTTP/11.1",
    "GET / HTTP/1.10",
    "GET / HTTP/a.1",
    "GET / HTTP/1.\xb9",
    "GET / HTTP/1,1",
    "GET / HTTP/1./",
    "GET\t/\tHTTP/1.1",
    "G(T / HTTP/1.1",
    "GET /\xe9 HTTP/1.1",
    "GET /\t HTTP/1.1",
    "HTTP/1.1 101 Switching Protocols",
    "\x16\x03\x01",
    "GET /\0 HTTP/1.1",
    "GET / HTTP/1.1\nHost: a",
  ])("refuses the request line %j", (line) => {
    const error = errorOf(() => request(`${line === "" ? "\r\n" : ""}${line}\r\n\r\n`));
    expect([error.code, error.status]).toEqual(["WS_ERR_HANDSHAKE_START_LINE", 400]);
  });
});

describe("responses", () => {
  test.each([
    ["HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"],
    ["HTTP/1.1 101 ", 101, ""],
    ["HTTP/1.1 101", 101, ""],
    ["HTTP/1.0 200 OK", 200, "OK"],
    ["HTTP/1.1 599 caf\xe9\t!", 599, "caf\xe9\t!"],
  ])("%j", (line, status, reason) => {
    const found = response(`${line}\r\nA: b\r\n\r\nrest`)!;
    expect(found.response).toEqual({
      status,
      reason,
      httpVersion: line.slice(5, 8),
      headers: [["A", "b"]],
      length: line.length + 10,
    });
    expect(text(found.rest)).toBe("rest");
  });

  test.each([
    "",
    "HTTP/1.1",
    "HTTP/1.1 ",
    "HTTP/1.1 99",
    "HTTP/1.1 1011",
    "HTTP/1.1  101",
    "HTTP/1.1 099",
    "HTTP/1.1 1\xb20",
    "HTTP/1.1 10/",
    "http/1.1 200",
    "GET / HTTP/1.1",
    "HTTP/1.1\t101",
    "HTTP/1.1 101\tx",
    "ICY 200 OK",
  ])("refuses the status line %j", (line) => {
    const error = errorOf(() => response(`${line}\r\n\r\n`));
    expect([error.code, error.status]).toEqual(["WS_ERR_HANDSHAKE_START_LINE", undefined]);
  });

  test("skips interim responses, wherever the bytes are cut", () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 199 Early Hints\r\nLink: x\r\n\r\n";
    const final = "HTTP/1.1 101 X\r\nA: b\r\n\r\n";
    const bytes = latin1(`${interim}${final}\x81`);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new ResponseParser();
      const found = parser.push(bytes.subarray(0, cut)) ?? parser.push(bytes.subarray(cut))!;
      expect(found.response).toMatchObject({
        status: 101,
        headers: [["A", "b"]],
        length: interim.length + final.length,
      });
    }
    const endless = errorOf(() => response("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000)));
    expect(endless.code).toBe("WS_ERR_HANDSHAKE_HEAD_TOO_LARGE");
  });
});

describe("the strict syntax of header fields", () => {
  test.each([
    "Host : a",
    "Host\t: a",
    " Host: a",
    "\tHost: a",
    "Host: a\r\n b",
    "Host: a\r\n\tb",
    "Host",
    ": a",
    "Ho st: a",
    "H\xf6st: a",
    "Host(: a",
    "Host: a\0b",
    "Host: a\x7fb",
    "Host: a\x01",
    "Host: a\nb: c",
    "Host: a\rb: c",
    "Host: a\r\r",
    "\nHost: a",
  ])("%j", (line) => {
    for (const cut of [0, 1]) {
      const bytes = latin1(`GET / HTTP/1.1\r\n${line}\r\n\r\n`);
      const parser = new RequestParser();
      const error = errorOf(() => {
        if (cut) for (const byte of bytes) parser.push(Uint8Array.of(byte));
        else parser.push(bytes);
      });
      expect([error.code, error.status]).toEqual(["WS_ERR_HANDSHAKE_HEADER", 400]);
      expect(errorOf(() => parser.push(bytes))).toBe(error);
    }
    expect(errorOf(() => response(`HTTP/1.1 101 X\r\n${line}\r\n\r\n`)).status).toBeUndefined();
  });

  test("checks every character of a name and of a value", () => {
    const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/;
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code);
      const works = (field: string) => {
        try {
          return request(`GET / HTTP/1.1\r\n${field}\r\n\r\n`) !== undefined;
        } catch (error) {
          expect(error).toBeInstanceOf(HandshakeError);
          return false;
        }
      };
      expect(works(`x${character}y: a`)).toBe(token.test(character) || character === ":");
      expect(works(`x: a${character}b`)).toBe(code === 9 || (code >= 32 && code !== 127));
    }
  });
});

describe("limits", () => {
  test("limits the size, to the byte", () => {
    expect(request(REQUEST, { maxHeadSize: REQUEST.length })).toBeDefined();
    const error = errorOf(() => request(REQUEST, { maxHeadSize: REQUEST.length - 1 }));
    expect([error.code, error.status, error.rule]).toEqual(["WS_ERR_HANDSHAKE_HEAD_TOO_LARGE", 431, "maxHeadSize"]);
    expect(request(`${REQUEST}${"x".repeat(1000)}`, { maxHeadSize: REQUEST.length })!.rest).toHaveLength(1000);
  });

  test("limits the number of fields", () => {
    expect(request(REQUEST, { maxHeaderFields: 5 })).toBeDefined();
    const error = errorOf(() => request(REQUEST, { maxHeaderFields: 4 }));
    expect([error.code, error.status, error.rule]).toEqual(["WS_ERR_HANDSHAKE_HEAD_TOO_LARGE", 431, "maxHeaderFields"]);
  });

  test("by default, allows 16 KiB and 100 fields, also for one endless line", () => {
    const head = (fields: string) => `GET / HTTP/1.1\r\n${fields}\r\n`;
    expect(request(head("a: b\r\n".repeat(100)))).toBeDefined();
    expect(errorOf(() => request(head("a: b\r\n".repeat(101)))).rule).toBe("maxHeaderFields");
    expect(request(head(`a: ${"b".repeat(16_384 - 18 - 5)}\r\n`))!.request.length).toBe(16_384);
    expect(errorOf(() => request(head(`a: ${"b".repeat(16_384 - 17 - 5)}\r\n`))).rule).toBe("maxHeadSize");
    expect(errorOf(() => request("G".repeat(20_000))).rule).toBe("maxHeadSize");
    expect(errorOf(() => response("HTTP/1.1 101 X\r\na:" + "b".repeat(20_000))).status).toBeUndefined();
  });

  test("without limits, accepts large heads", () => {
    const value = "v".repeat(300_000);
    const found = request(`GET / HTTP/1.1\r\na: ${value}\r\n\r\n`, { maxHeadSize: Infinity })!;
    expect(found.request.headers).toEqual([["a", value]]);
  });

  test("accepts a limit of 0", () => {
    expect(errorOf(() => request("G", { maxHeadSize: 0 })).rule).toBe("maxHeadSize");
    expect(request("GET / HTTP/1.1\r\n\r\n", { maxHeaderFields: 0 })).toBeDefined();
  });

  test.each([-1, NaN, "1"])("refuses a limit of %j", (value) => {
    for (const limit of ["maxHeadSize", "maxHeaderFields"]) {
      expect(() => new RequestParser({ [limit]: value })).toThrow(
        new TypeError(`${limit} must be a number, 0 or more`),
      );
    }
  });
});

test("finds the end of recorded heads where an independent decoder does", () => {
  for (const { client, server, clientLength, serverLength } of recordedHeads()) {
    const sent = new RequestParser().push(client)!;
    expect(sent.request.length).toBe(clientLength);
    expect(sent.rest).toHaveLength(client.length - clientLength);
    expect(new ResponseParser().push(server)!.response.length).toBe(serverLength);
  }
});
