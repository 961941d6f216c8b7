// The client's side: its request, and its check of the response.

import { describe, expect, expectTypeOf, test } from "vitest";
import type { IncomingMessage } from "node:http";
import { acceptHandshake } from "../../src/handshake/accept.ts";
import { checkResponse, type SentRequest } from "../../src/handshake/check.ts";
import { HandshakeError } from "../../src/handshake/errors.ts";
import { RequestParser, ResponseParser } from "../../src/handshake/head.ts";
import { isKey } from "../../src/handshake/key.ts";
import {
  type ClientRequest,
  createConnectRequest,
  createRequest,
  type RequestOptions,
  serializeRequest,
} from "../../src/handshake/request.ts";
import { ACCEPT, deflate, extension, KEY, recordedHeads, text } from "./support.ts";

const header = (request: ClientRequest, name: string) => request.headers.find(([each]) => each === name)?.[1];

describe("createRequest", () => {
  test("makes the sample request of RFC 6455 §1.2, to the byte", () => {
    const request = createRequest("ws://server.example.com/chat", {
      key: KEY,
      protocols: ["chat", "superchat"],
      origin: "http://example.com",
      headers: { "X-A": "1" },
    });
    expect(text(serializeRequest(request))).toBe(
      [
        "GET /chat HTTP/1.1",
        "Host: server.example.com",
        "Upgrade: websocket",
        "Connection: Upgrade",
        `Sec-WebSocket-Key: ${KEY}`,
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: chat, superchat",
        "Origin: http://example.com",
        "X-A: 1",
        "",
        "",
      ].join("\r\n"),
    );
    expect(request).toMatchObject({ key: KEY, protocols: ["chat", "superchat"], extensions: [], httpVersion: "1.1" });
  });

  test.each([
    ["ws://a", "/", "a", "a", 80, false],
    ["ws://a:80/x", "/x", "a", "a", 80, false],
    ["ws://a:443", "/", "a:443", "a", 443, false],
    ["wss://a", "/", "a", "a", 443, true],
    ["wss://a:443/?q=%20 é", "/?q=%20%20%C3%A9", "a", "a", 443, true],
    ["wss://a:80", "/", "a:80", "a", 80, true],
    ["http://a:8080/b", "/b", "a:8080", "a", 8080, false],
    ["https://A/b?", "/b?", "a", "a", 443, true],
    ["ws://[::1]", "/", "[::1]", "::1", 80, false],
    ["wss://[2001:DB8::1]:9/", "/", "[2001:db8::1]:9", "2001:db8::1", 9, true],
    ["ws://bücher.example", "/", "xn--bcher-kva.example", "xn--bcher-kva.example", 80, false],
    ["ws://a/b?", "/b", "a", "a", 80, false],
  ])("%s", (url, path, authority, host, port, secure) => {
    for (const source of [url, new URL(url)]) {
      const request = createRequest(source);
      // A URL object drops an empty query from `search`. Servers treat both the same.
      expect(request.url.replace(/\?$/, "")).toBe(path.replace(/\?$/, ""));
      expect(request).toMatchObject({ host, port, secure, method: "GET" });
      expect(header(request, "Host")).toBe(authority);
    }
  });

  test.each([
    "",
    "a",
    "/a",
    "ftp://a",
    "file:///a",
    "mailto:a@b",
    "ws:",
    "ws://",
    "ws://a#",
    "ws://a/b#c",
    "ws://a:99999",
    "ws://%zz@a",
  ])("refuses %j", (url) => {
    expect(() => createRequest(url)).toThrow(TypeError);
  });

  test("reads `href` of a URL from another implementation", () => {
    expect(createRequest({ href: "wss://a:8443/b?c" })).toMatchObject({
      url: "/b?c",
      host: "a",
      port: 8443,
      secure: true,
    });
  });

  test("omits subprotocols and extensions if there are none", () => {
    for (const request of [createRequest("ws://a"), createConnectRequest("wss://a")]) {
      expect(request).toMatchObject({ protocols: [], extensions: [] });
    }
  });

  test("sends user and password as Authorization, unless a header field replaces it", () => {
    expect(header(createRequest("ws://a:b@c"), "Authorization")).toBe(`Basic ${btoa("a:b")}`);
    expect(header(createRequest("ws://a%3Ab:%C3%A9@c"), "Authorization")).toBe(
      `Basic ${Buffer.from("a:b:é").toString("base64")}`,
    );
    expect(header(createRequest("ws://a@c"), "Authorization")).toBe(`Basic ${btoa("a:")}`);
    expect(header(createRequest("ws://a:b@c"), "Host")).toBe("c");
    expect(createRequest("ws://a:b@c").host).toBe("c");
    for (const name of ["authorization", "Authorization"]) {
      const { headers } = createRequest("ws://a:b@c", { headers: { [name]: "Bearer x" } });
      expect(headers.filter(([each]) => /authorization/i.test(each))).toEqual([[name, "Bearer x"]]);
    }
  });

  test("makes a fresh key each time", () => {
    const [first, second] = [createRequest("ws://a"), createRequest("ws://a")];
    expect(isKey(first.key!)).toBe(true);
    expect(first.key).not.toBe(second.key);
    expect(header(first, "Sec-WebSocket-Key")).toBe(first.key);
  });

  test("offers extensions in order, each with all its offers", () => {
    const many = extension("x", 2, { offer: () => [[["a", "1"]], [], [["b", true]]] });
    const none = extension("y", 1, { offer: () => [] });
    const request = createRequest("ws://a", { extensions: [many, none, deflate] });
    expect(header(request, "Sec-WebSocket-Extensions")).toBe(
      "x; a=1, x, x; b, permessage-deflate; client_max_window_bits",
    );
    expect(request.extensions).toEqual([many, none, deflate]);
    expect(header(createRequest("ws://a", { extensions: [none] }), "Sec-WebSocket-Extensions")).toBeUndefined();
  });

  const bad: RequestOptions[] = [
    { protocols: ["a", "a"] },
    { protocols: [""] },
    { protocols: ["a, b"] },
    { protocols: ["a\r\n"] },
    { key: "" },
    { key: `${KEY}\r\nX: y` },
    { origin: "a\r\nb: c" },
    { origin: "\u2028" },
    { headers: { a: "b\r\nc: d" } },
    { headers: { "a b": "c" } },
    { headers: { a: "\0" } },
    { headers: { ":path": "/" } },
    { extensions: [extension("a b", 4)] },
    { extensions: [extension("a", 4, { offer: () => [[["b", "c\r\nd: e"]]] })] },
    { headers: { Host: "" } },
    { headers: { Host: "a b" } },
    { headers: { Host: "a/b" } },
    {
      headers: [
        ["Host", "a"],
        ["host", "b"],
      ],
    },
    ...[
      "ORIGIN",
      "upgrade",
      "Connection",
      "Sec-WebSocket-Key",
      "Sec-WebSocket-Version",
      "sec-websocket-protocol",
      "Sec-WebSocket-Extensions",
      "Content-Length",
      "Transfer-Encoding",
    ].map((name) => ({ headers: { [name]: "1" } })),
  ];
  test.each(bad)("refuses option %#: %j", (options) => {
    expect(() => createRequest("ws://a", options)).toThrow(TypeError);
  });

  test("names the option to use instead of a refused header field", () => {
    const refusal = (name: string): string => {
      try {
        createRequest("ws://a", { headers: { [name]: "1" } });
      } catch (error) {
        return (error as Error).message;
      }
      return "";
    };
    expect(refusal("Origin")).toBe("`headers` must not contain Origin: use the option `origin`");
    expect(refusal("Sec-WebSocket-Protocol")).toContain("use the option `protocols`");
    expect(refusal("sec-websocket-extensions")).toContain("use the option `extensions`");
    expect(refusal("Content-Length")).toContain("the length follows from the body");
    expect(refusal("Upgrade")).toBe("`headers` must not contain Upgrade: the handshake sets it");
  });

  test("a header field Host replaces the URL's, once, but does not change where to connect", () => {
    const request = createRequest("ws://a:81/b", { headers: { host: "example.test", x: "1" } });
    expect(request.headers.filter(([name]) => name.toLowerCase() === "host")).toEqual([["Host", "example.test"]]);
    expect([request.host, request.port, header(request, "x")]).toEqual(["a", 81, "1"]);
    const { headers } = createConnectRequest("wss://a/b", { headers: [["Host", "example.test:8443"]] });
    expect(headers.filter(([name]) => name === "host" || name === ":authority")).toEqual([
      [":authority", "example.test:8443"],
    ]);
  });

  test("serializeRequest() refuses values that would inject lines", () => {
    expect(() => serializeRequest({ method: "GET", url: "/ HTTP/1.1\r\nA: b", headers: [] })).toThrow(TypeError);
    expect(() => serializeRequest({ method: "GET", url: "", headers: [] })).toThrow(TypeError);
    expect(() => serializeRequest({ method: "G T", url: "/", headers: [] })).toThrow(TypeError);
    expect(() => serializeRequest({ method: "GET", url: "/", headers: { a: "\n" } })).toThrow(TypeError);
  });

  test("our server accepts the request, as an object and as bytes", () => {
    const request = createRequest("ws://a/b", { protocols: ["x", "y"], extensions: [deflate] });
    const options = { protocols: ["y"], extensions: [deflate] };
    const answer = acceptHandshake(request, options);
    expect(answer).toMatchObject({ accepted: true, protocol: "y" });
    const parsed = new RequestParser().push(serializeRequest(request))!.request;
    expect(acceptHandshake(parsed, options)).toEqual(answer);
    expect(checkResponse(answer, request)).toEqual({
      protocol: "y",
      extensions: [{ extension: deflate, parameters: [] }],
    });
  });
});

const ANSWER = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": ACCEPT };
type Changes = Record<string, string | string[] | undefined>;

const check = (changes: Changes = {}, options: RequestOptions = {}, rest: object = {}) =>
  checkResponse(
    { status: 101, httpVersion: "1.1", headers: { ...ANSWER, ...changes }, ...rest },
    createRequest("ws://a", { key: KEY, ...options }),
  );

function failure(...args: Parameters<typeof check>): HandshakeError {
  try {
    check(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(HandshakeError);
    return error as HandshakeError;
  }
  throw new Error("It was accepted");
}

describe("checkResponse", () => {
  test("accepts a valid response", () => {
    expect(check()).toEqual({ protocol: undefined, extensions: [] });
    expectTypeOf<ClientRequest>().toExtend<SentRequest>();
    expectTypeOf<IncomingMessage["headers"]>().toExtend<Parameters<typeof checkResponse>[0]["headers"]>();
  });

  test.each<Changes>([
    { Upgrade: "WebSocket" },
    { Upgrade: " WEBSOCKET " },
    { Connection: "upgrade" },
    { Connection: "keep-alive, Upgrade" },
    { Connection: ["keep-alive", "UPGRADE"] },
    { "Sec-WebSocket-Accept": ` ${ACCEPT} ` },
    { Server: "x", Date: "y" },
  ])("accepts tokens in any case, and lists: %j", (changes) => void check(changes));

  test.each<[string, Changes]>([
    ["UPGRADE", { Upgrade: undefined }],
    ["UPGRADE", { Upgrade: "" }],
    ["UPGRADE", { Upgrade: "websocket2" }],
    ["UPGRADE", { Upgrade: "h2c, websocket" }],
    ["UPGRADE", { Upgrade: ["websocket", "websocket"] }],
    ["CONNECTION", { Connection: undefined }],
    ["CONNECTION", { Connection: "close" }],
    ["CONNECTION", { Connection: "Upgrade2" }],
    ["ACCEPT", { "Sec-WebSocket-Accept": undefined }],
    ["ACCEPT", { "Sec-WebSocket-Accept": "" }],
    ["ACCEPT", { "Sec-WebSocket-Accept": ACCEPT.toLowerCase() }],
    ["ACCEPT", { "Sec-WebSocket-Accept": [ACCEPT, ACCEPT] }],
    ["ACCEPT", { "Sec-WebSocket-Accept": `${ACCEPT}, ${ACCEPT}` }],
    ["ACCEPT", { "Sec-WebSocket-Accept": KEY }],
    ["PROTOCOL", { "Sec-WebSocket-Protocol": "a" }],
    ["PROTOCOL", { "Sec-WebSocket-Protocol": "" }],
    ["EXTENSION", { "Sec-WebSocket-Extensions": "permessage-deflate" }],
    ["EXTENSION", { "Sec-WebSocket-Extensions": "" }],
    ["EXTENSION", { "Sec-WebSocket-Extensions": "a;" }],
  ])("WS_ERR_HANDSHAKE_%s: %j", (code, changes) => {
    const error = failure(changes);
    expect(error).toMatchObject({ code: `WS_ERR_HANDSHAKE_${code}`, status: 101 });
    expect(error.rule).toMatch(/^RFC 6455 §/);
    expect(error.headers.length).toBeGreaterThan(0);
  });

  test.each(["1.0", "0.9", "2.0", ""])("refuses HTTP/%s", (httpVersion) => {
    expect(failure({}, {}, { httpVersion }).code).toBe("WS_ERR_HANDSHAKE_HTTP_VERSION");
  });

  test("accepts an offered subprotocol, whole and once, or none", () => {
    const protocols = ["chat", "superchat"];
    const answer = (value: string | string[] | undefined) => check({ "Sec-WebSocket-Protocol": value }, { protocols });
    expect(answer("chat").protocol).toBe("chat");
    expect(answer("superchat").protocol).toBe("superchat");
    expect(answer(undefined).protocol).toBeUndefined();
    for (const value of ["perchat", "Chat", "", "chat, superchat", "chat superchat", ["chat", "chat"], ["chat", ""]]) {
      expect(failure({ "Sec-WebSocket-Protocol": value }, { protocols }).code).toBe("WS_ERR_HANDSHAKE_PROTOCOL");
    }
  });

  test("accepts offered extensions with valid parameters, without sharing an RSV bit", () => {
    const [a, b, c] = [extension("a", 4), extension("b", 6), extension("c", 1)];
    const picky = extension("d", 2, { confirm: (answer) => answer.length === 1 && answer[0]![0] === "ok" });
    const extensions = [a, b, c, picky];
    const answer = (value: string | string[]) =>
      check({ "Sec-WebSocket-Extensions": value }, { extensions }).extensions;
    expect(answer("c; x=1, a").map((each) => each.extension)).toEqual([c, a]);
    expect(answer("c; x=1, a")[0]!.parameters).toEqual([["x", "1"]]);
    expect(answer(["c", "d; ok"]).map((each) => each.extension)).toEqual([c, picky]);
    for (const value of ["d", "d; no", "a, a", "a, b", "e", "A", "c, c; x", "a; ;", ["a", "e"]]) {
      expect(failure({ "Sec-WebSocket-Extensions": value }, { extensions }).code).toBe("WS_ERR_HANDSHAKE_EXTENSION");
    }
    const silent = extension("s", 0, { offer: () => [] });
    expect(failure({ "Sec-WebSocket-Extensions": "s" }, { extensions: [silent] }).code).toBe(
      "WS_ERR_HANDSHAKE_EXTENSION",
    );
  });

  test.each([
    [300, "REDIRECT", { Location: "/a" }],
    [399, "REDIRECT", { Location: "/a" }],
    [400, "STATUS", { Location: "/a" }],
    [201, "STATUS", { Location: "/a" }],
    [301, "REDIRECT", { Location: "/elsewhere" }],
    [302, "REDIRECT", { location: "wss://b/" }],
    [307, "REDIRECT", { LOCATION: "//c" }],
    [302, "STATUS", {}],
    [401, "UNAUTHORIZED", { "WWW-Authenticate": 'Basic realm="x"' }],
    [407, "UNAUTHORIZED", { "Proxy-Authenticate": "Basic" }],
    [200, "STATUS", ANSWER],
    [100, "STATUS", {}],
    [400, "STATUS", {}],
    [426, "STATUS", { "Sec-WebSocket-Version": "8, 7" }],
    [503, "STATUS", { "Retry-After": "1" }],
    [0, "STATUS", {}],
    [NaN, "STATUS", {}],
  ])("status %d: %s, with everything received", (status, code, headers) => {
    const error = failure({}, {}, { status, headers, body: "wäy" });
    expect([error.text, error.body.length]).toEqual(["wäy", 4]);
    expect(error.code).toBe(`WS_ERR_HANDSHAKE_${code}`);
    expect(error.status).toBe(status || undefined);
    expect(error.headers).toEqual(Object.entries(headers));
    expect(error.location).toBe(Object.entries(headers).find(([name]) => /^location$/i.test(name))?.[1]);
  });

  test("refuses a response without a status", () => {
    expect(failure({}, {}, { status: undefined }).status).toBeUndefined();
  });

  test("treats a response without a version as HTTP/1.1, and a missing body as empty", () => {
    expect(check({}, {}, { httpVersion: undefined })).toEqual({ protocol: undefined, extensions: [] });
    expect(failure({}, {}, { status: 404 })).toMatchObject({ text: "", body: new Uint8Array(0) });
  });

  test("counts extensions in separate fields as offered, like those in one list", () => {
    const [a, b] = [extension("a", 4), extension("b", 2)];
    const request = (offers: string[]) => ({
      headers: { "sec-websocket-key": KEY, "sec-websocket-extensions": offers },
      extensions: [a, b],
    });
    const response = { status: 101, headers: { ...ANSWER, "Sec-WebSocket-Extensions": "b" } };
    expect(checkResponse(response, request(["a", "b"])).extensions).toMatchObject([{ extension: b }]);
    expect(() => checkResponse(response, request([]))).toThrow(HandshakeError);
  });

  test("recognizes a recorded CONNECT by its pseudo-header field", () => {
    const response = { headers: { ":status": "200" } };
    expect(checkResponse(response, { headers: { ":method": "CONNECT" } })).toMatchObject({ protocol: undefined });
    expect(() => checkResponse(response, { headers: { ":method": "GET" } })).toThrow(HandshakeError);
  });

  test("accepts a recorded request, and refuses an invalid one", () => {
    const request = { headers: { "sec-websocket-key": KEY, "sec-websocket-protocol": "x,y" } };
    expect(
      checkResponse({ status: 101, headers: { ...ANSWER, "Sec-WebSocket-Protocol": "y" } }, request).protocol,
    ).toBe("y");
    for (const headers of [{}, { "sec-websocket-key": "x" }]) {
      expect(() => checkResponse({ status: 101, headers: ANSWER }, { headers })).toThrow(HandshakeError);
    }
  });
});

describe("recorded connections", () => {
  for (const { name, client, server } of recordedHeads()) {
    test(name, () => {
      const { request } = new RequestParser().push(client)!;
      const { response } = new ResponseParser().push(server)!;
      const sent = { ...request, extensions: [deflate] };
      const agreed = checkResponse(response, sent);
      const answered = (field: string) => response.headers.find(([each]) => each.toLowerCase() === field)?.[1];
      expect(agreed.protocol).toBe(answered("sec-websocket-protocol"));
      expect(agreed.extensions.length).toBe(answered("sec-websocket-extensions") === undefined ? 0 : 1);

      // Our answer to the same request must match.
      const ours = acceptHandshake(request, { protocols: ["chat"], extensions: [deflate] });
      if (!ours.accepted) throw ours.error;
      expect(Object.fromEntries(ours.headers)["Sec-WebSocket-Accept"]).toBe(answered("sec-websocket-accept"));
      expect(checkResponse(ours, sent).protocol).toBe(ours.protocol);

      // A response to the key of another connection fails.
      const other = {
        ...sent,
        headers: [...request.headers.filter(([each]) => !/key/i.test(each)), ["Sec-WebSocket-Key", KEY]] as const,
      };
      expect(() => checkResponse(response, other)).toThrow(
        expect.objectContaining({ code: "WS_ERR_HANDSHAKE_ACCEPT", status: 101 }),
      );
    });
  }
});
