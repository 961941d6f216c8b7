// Rejections, and responses as bytes.

import { STATUS_CODES } from "node:http";
import { describe, expect, test } from "vitest";
import { acceptHandshake } from "../../src/handshake/accept.ts";
import { HandshakeError } from "../../src/handshake/errors.ts";
import { RequestParser } from "../../src/handshake/head.ts";
import { rejectHandshake, serializeResponse } from "../../src/handshake/response.ts";
import { ACCEPT, fields, latin1, text } from "./support.ts";

describe("rejectHandshake", () => {
  test("rejects with 400 and a message by default", () => {
    expect(rejectHandshake()).toMatchObject({
      accepted: false,
      status: 400,
      headers: [
        ["Content-Type", "text/plain; charset=utf-8"],
        ["Content-Length", "12"],
        ["Connection", "close"],
      ],
      body: "Bad Request\n",
      error: { code: "WS_ERR_HANDSHAKE_REJECTED", status: 400 },
    });
  });

  test("rejects with any status, headers and body", () => {
    const { headers, body, error } = rejectHandshake({
      status: 401,
      headers: { "WWW-Authenticate": "Basic", "content-type": "application/json" },
      body: '{"é":1}',
    });
    expect(headers).toEqual([
      ["WWW-Authenticate", "Basic"],
      ["content-type", "application/json"],
      ["Content-Length", "8"],
      ["Connection", "close"],
    ]);
    expect(body).toBe('{"é":1}');
    expect(error).toMatchObject({ status: 401, headers });
    expect(rejectHandshake({ status: 302, headers: { Location: "/b" } }).error.location).toBe("/b");
    expect(Object.fromEntries(rejectHandshake({ body: new Uint8Array(3) }).headers)["Content-Length"]).toBe("3");
  });

  test("rejects with an error of the parser", () => {
    const parser = new RequestParser();
    try {
      parser.push(latin1("\x16\x03\x01"));
    } catch (error) {
      const rejection = rejectHandshake({ error: error as HandshakeError });
      expect(rejection).toMatchObject({ status: 400, error, body: `${(error as HandshakeError).message}\n` });
    }
    expect.assertions(1);
  });

  test("over HTTP/2, omits Connection and writes names in lower case", () => {
    const { headers } = rejectHandshake({ httpVersion: "2.0" });
    expect(headers.map(([name]) => name)).toEqual(["content-type", "content-length"]);
  });

  test.each([300, 399, 400, 500, 599])("accepts the status %d", (status) => {
    expect(rejectHandshake({ status }).status).toBe(status);
  });

  test.each([101, 200, 299, 600, 0, NaN, 404.5])("refuses the status %d", (status) => {
    expect(() => rejectHandshake({ status })).toThrow(RangeError);
  });

  test.each([
    ["Connection", "x"],
    ["content-length", "3"],
    ["Transfer-Encoding", "chunked"],
    ["X", "a\r\nb"],
    ["a b", "c"],
  ])("refuses the field %s: %j", (name, value) => {
    expect(() => rejectHandshake({ headers: { [name]: value } })).toThrow(TypeError);
  });

  test("checkOrigin can throw its own rejection", () => {
    const checkOrigin = () => {
      throw new HandshakeError("WS_ERR_HANDSHAKE_REJECTED", "Log in first", { status: 401, rule: "RFC 9110 §15.5.2" });
    };
    const result = acceptHandshake({ method: "GET", headers: fields() }, { checkOrigin });
    expect(result).toMatchObject({ accepted: false, status: 401, body: "Log in first (RFC 9110 §15.5.2)\n" });
  });
});

describe("serializeResponse", () => {
  test("serializes an acceptance", () => {
    const result = acceptHandshake({ method: "GET", headers: fields() }, { headers: { Server: "caf\xe9" } });
    expect(text(serializeResponse(result))).toBe(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nServer: caf\xe9\r\n\r\n`,
    );
  });

  test("serializes a rejection", () => {
    const result = acceptHandshake({ method: "PUT", headers: fields() });
    const body = "The method of an opening handshake must be GET (RFC 6455 §4.2.1)\n";
    expect(Buffer.from(serializeResponse(result)).toString()).toBe(
      `HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });

  test("serializes any other response, and adds the length of a body", () => {
    expect(text(serializeResponse({ status: 299, reason: "Fine", headers: [], body: "é" }))).toBe(
      "HTTP/1.1 299 Fine\r\nContent-Length: 2\r\n\r\n\xc3\xa9",
    );
    expect(text(serializeResponse({ status: 204, headers: {} }))).toMatch(/^HTTP\/1.1 204 [^\r]+\r\n\r\n$/);
    expect(text(serializeResponse({ status: 200, headers: { "content-length": "1" }, body: "x" }))).toBe(
      "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
    );
    const chunked = { status: 200, headers: { "Transfer-Encoding": "chunked" }, body: "0\r\n\r\n" };
    expect(text(serializeResponse(chunked))).not.toMatch(/content-length/i);
  });

  test.each([
    101, 200, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 408, 410, 421, 426, 429, 431, 500, 501, 502, 503,
    504, 505,
  ])("uses the registered phrase for %i", (status) => {
    expect(text(serializeResponse({ status, headers: {} }))).toBe(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n\r\n`);
  });

  test.each([
    [399, "Redirection"],
    [499, "Client Error"],
    [599, "Server Error"],
  ])("uses the phrase of its class for %i: %s", (status, phrase) => {
    expect(text(serializeResponse({ status, headers: {} }))).toBe(`HTTP/1.1 ${status} ${phrase}\r\n\r\n`);
  });

  test("refuses values that would inject lines", () => {
    expect(() => serializeResponse({ status: 200, headers: { a: "b\r\nc: d" } })).toThrow(TypeError);
    expect(() => serializeResponse({ status: 200, headers: { "a\r\nb": "c" } })).toThrow(TypeError);
    expect(() => serializeResponse({ status: 200, reason: "a\r\nb: c", headers: {} })).toThrow(TypeError);
    for (const status of [100, 999]) serializeResponse({ status, headers: {} });
    for (const status of [99, 1000, 200.5, NaN]) {
      expect(() => serializeResponse({ status, headers: {} })).toThrow(RangeError);
    }
  });
});
