// Each refusal names the broken rule as a section of an RFC, so that operators can look it up.

import { describe, expect, test } from "vitest";
import { acceptHandshake } from "../../src/handshake/accept.ts";
import { checkResponse } from "../../src/handshake/check.ts";
import { HandshakeError } from "../../src/handshake/errors.ts";
import { RequestParser } from "../../src/handshake/head.ts";
import { createRequest } from "../../src/handshake/request.ts";
import { ACCEPT, extension, fields, KEY, latin1 } from "./support.ts";

type Changes = Record<string, string | string[] | undefined>;

function errorOf(run: () => unknown): HandshakeError {
  try {
    run();
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error("It was accepted");
}

describe("a request over HTTP/1.1", () => {
  test.each<[string, string, object, Changes]>([
    ["METHOD", "RFC 6455 §4.2.1", { method: "POST" }, {}],
    ["TARGET", "RFC 6455 §4.2.1", { url: "*" }, {}],
    ["HTTP_VERSION", "RFC 6455 §4.2.1", { httpVersion: "1.0" }, {}],
    ["HTTP_VERSION", "RFC 6455 §4.2.1", { httpVersion: "2.0" }, {}],
    ["UPGRADE", "RFC 6455 §4.2.1", {}, { upgrade: "h2c" }],
    ["CONNECTION", "RFC 6455 §4.2.1", {}, { connection: "close" }],
    ["VERSION", "RFC 6455 §4.4", {}, { "sec-websocket-version": "8" }],
    ["KEY", "RFC 6455 §4.2.1", {}, { "sec-websocket-key": "x" }],
    ["HOST", "RFC 6455 §4.2.1", {}, { host: undefined }],
    ["BODY", "RFC 6455 §4.2.1", {}, { "content-length": "1" }],
    ["ORIGIN", "RFC 6455 §4.2.1", {}, { origin: ["a", "b"] }],
    ["ORIGIN", "RFC 6455 §4.2.2", {}, { origin: "https://evil.example" }],
    ["PROTOCOL", "RFC 6455 §4.1", {}, { "sec-websocket-protocol": "a, a" }],
    ["EXTENSION", "RFC 6455 §9.1", {}, { "sec-websocket-extensions": "a;" }],
  ])("%s: %s", (code, rule, parts, changes) => {
    const request = { method: "GET", url: "/", httpVersion: "1.1", headers: fields(changes), ...parts };
    const result = acceptHandshake(request, { checkOrigin: (origin) => origin === undefined });
    expect(result).toMatchObject({ accepted: false, error: { code: `WS_ERR_HANDSHAKE_${code}`, rule } });
  });
});

describe("a head", () => {
  test.each([
    ["START_LINE", "RFC 9112 §2.1", "GET /\r\n"],
    ["START_LINE", "RFC 9112 §2.2", "GET\0"],
    ["HEADER", "RFC 9112 §2.2", "GET / HTTP/1.1\r\nHost: a\n"],
    ["HEADER", "RFC 9112 §5.1", "GET / HTTP/1.1\r\nHost : a\r\n"],
    ["HEADER", "RFC 9112 §5.1", "GET / HTTP/1.1\r\nHost\r\n"],
    ["HEADER", "RFC 9112 §5.2", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n"],
  ])("%s: %s: %j", (code, rule, bytes) => {
    const error = errorOf(() => new RequestParser().push(latin1(bytes)));
    expect([error.code, error.rule, error.status]).toEqual([`WS_ERR_HANDSHAKE_${code}`, rule, 400]);
  });
});

describe("an extended CONNECT", () => {
  const CONNECT: Changes = {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":path": "/chat",
    ":authority": "server.example.com",
    "sec-websocket-version": "13",
  };

  test.each<[string, string, Changes, [name: string, value: string][]]>([
    ["METHOD", "RFC 8441 §4", { ":method": "POST" }, [["allow", "CONNECT"]]],
    ["CONNECT_PROTOCOL", "RFC 9220 §3", { ":protocol": "connect-udp" }, []],
    ["TARGET", "RFC 8441 §5", { ":scheme": "wss" }, []],
    ["TARGET", "RFC 8441 §5", { ":path": "/a#b" }, []],
    ["HOST", "RFC 8441 §5", { ":authority": undefined }, []],
    ["CONNECTION", "RFC 9113 §8.2.2", { connection: "Upgrade" }, []],
    ["CONNECTION", "RFC 9113 §8.2.2", { upgrade: "websocket" }, []],
    ["VERSION", "RFC 6455 §4.4", { "sec-websocket-version": "8" }, [["sec-websocket-version", "13"]]],
  ])("%s: %s", (code, rule, changes, told) => {
    const headers = { ...CONNECT, ...changes };
    const result = acceptHandshake({ headers });
    expect(result).toMatchObject({ accepted: false, error: { code: `WS_ERR_HANDSHAKE_${code}`, rule } });
    expect(result.headers).toEqual(expect.arrayContaining(told));
  });

  test("is recognized by :protocol if the method is given apart from the fields", () => {
    const headers = { ...CONNECT, ":method": undefined };
    expect(acceptHandshake({ method: "CONNECT", headers })).toMatchObject({ accepted: true, status: 200 });
  });
});

describe("a response", () => {
  const ANSWER = { upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": ACCEPT };

  test.each<[string, string, Changes, object]>([
    ["REDIRECT", "RFC 6455 §4.1", { location: "/" }, { status: 302 }],
    ["UNAUTHORIZED", "RFC 6455 §4.1", {}, { status: 401 }],
    ["STATUS", "RFC 6455 §4.1", {}, { status: 200 }],
    ["HTTP_VERSION", "RFC 6455 §4.1", {}, { httpVersion: "1.0" }],
    ["UPGRADE", "RFC 6455 §4.1", { upgrade: "h2c" }, {}],
    ["CONNECTION", "RFC 6455 §4.1", { connection: "close" }, {}],
    ["ACCEPT", "RFC 6455 §4.1", { "sec-websocket-accept": KEY }, {}],
    ["PROTOCOL", "RFC 6455 §4.1", { "sec-websocket-protocol": "b" }, {}],
    ["EXTENSION", "RFC 6455 §4.1", { "sec-websocket-extensions": "b" }, {}],
    ["EXTENSION", "RFC 6455 §9.1", { "sec-websocket-extensions": "a;" }, {}],
  ])("%s: %s", (code, rule, changes, parts) => {
    const request = createRequest("ws://a", { key: KEY, protocols: ["a"], extensions: [extension("a", 4)] });
    const error = errorOf(() => checkResponse({ status: 101, headers: { ...ANSWER, ...changes }, ...parts }, request));
    expect([error.code, error.rule]).toEqual([`WS_ERR_HANDSHAKE_${code}`, rule]);
  });

  test("a response to a request without a valid key", () => {
    const error = errorOf(() => checkResponse({ status: 101, headers: ANSWER }, { headers: {} }));
    expect([error.code, error.rule]).toEqual(["WS_ERR_HANDSHAKE_KEY", "RFC 6455 §4.1"]);
    expect(error.name).toBe("HandshakeError");
  });
});
