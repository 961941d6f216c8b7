// The server's side: every check with its status, every form of lists and requests, and the negotiation.

import { describe, expect, expectTypeOf, test } from "vitest";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest, IncomingHttpHeaders } from "node:http2";
import { type AcceptOptions, acceptHandshake, type HandshakeRequest } from "../../src/handshake/accept.ts";
import { HandshakeError } from "../../src/handshake/errors.ts";
import type { HeaderSource } from "../../src/handshake/headers.ts";
import { createRequest } from "../../src/handshake/request.ts";
import { ACCEPT, extension, fields, KEY } from "./support.ts";

const accept = (changes: Parameters<typeof fields>[0] = {}, options: AcceptOptions = {}, rest: object = {}) =>
  acceptHandshake({ method: "GET", url: "/chat", httpVersion: "1.1", headers: fields(changes), ...rest }, options);

function accepted(...args: Parameters<typeof accept>) {
  const result = accept(...args);
  if (!result.accepted) throw result.error;
  return result;
}

function rejected(...args: Parameters<typeof accept>) {
  const result = accept(...args);
  if (result.accepted) throw new Error("It was accepted");
  const { error, status } = result;
  expect(error).toBeInstanceOf(HandshakeError);
  expect(error.rule).toMatch(/^RFC \d+ §[\d.]+$/);
  expect(error.status).toBe(status);
  const headers = Object.fromEntries(result.headers);
  expect(Number(headers["Content-Length"])).toBe(Buffer.byteLength(result.body));
  expect(result.body).toBe(`${error.message}\n`);
  return { code: error.code, status, headers };
}

test("accepts the sample handshake of RFC 6455 §1.3", () => {
  const headers: HeaderSource = {
    Host: "server.example.com",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": KEY,
    Origin: "http://example.com",
    "Sec-WebSocket-Protocol": "chat, superchat",
    "Sec-WebSocket-Version": "13",
  };
  expect(acceptHandshake({ method: "GET", url: "/chat", headers }, { protocols: ["chat"] })).toEqual({
    accepted: true,
    status: 101,
    headers: [
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Accept", ACCEPT],
      ["Sec-WebSocket-Protocol", "chat"],
    ],
    protocol: "chat",
    extensions: [],
  });
});

describe("requests", () => {
  test("accepts requests of node:http, node:http2 and WHATWG as they are", () => {
    expectTypeOf<IncomingMessage>().toExtend<HandshakeRequest>();
    expectTypeOf<Http2ServerRequest>().toExtend<HandshakeRequest>();
    expectTypeOf<{ headers: IncomingHttpHeaders }>().toExtend<HandshakeRequest>();
    expectTypeOf<Request>().toExtend<HandshakeRequest>();
    expectTypeOf<Headers>().toExtend<HeaderSource>();
    expectTypeOf<Map<string, string>>().toExtend<HeaderSource>();
  });

  test("gives the same result for every form of headers", () => {
    const expected = accepted();
    const all = fields() as Record<string, string>;
    const request = { method: "GET", url: "/" };
    const upper = Object.entries(all).map(([name, value]) => [name.toUpperCase(), value] as const);
    expect(acceptHandshake({ ...request, headers: new Headers(all) })).toEqual(expected);
    expect(acceptHandshake({ ...request, headers: new Map(Object.entries(all)) })).toEqual(expected);
    expect(acceptHandshake({ ...request, headers: upper })).toEqual(expected);
    expect(acceptHandshake({ ...request, headers: Object.fromEntries(upper) })).toEqual(expected);
    expect(acceptHandshake({ ...request, headers: Object.assign(Object.create(null) as object, all) })).toEqual(
      expected,
    );
    expect(acceptHandshake(new Request("https://example.com/chat", { headers: all }))).toEqual(expected);
  });

  test("ignores many and odd header fields (CVE-2024-37890)", () => {
    const many = Array.from({ length: 100_000 }, (_, at) => [`x-${at}`, "1"] as const);
    const headers = [...many, ["__proto__", "x"] as const, ["constructor", "x"] as const];
    expect(acceptHandshake({ method: "GET", headers })).toMatchObject({ accepted: false, status: 426 });
    const whole = [...headers, ...(Object.entries(fields()) as [string, string][])];
    expect(acceptHandshake({ method: "GET", headers: whole })).toMatchObject({ accepted: true });
  });
});

describe("method, version, target", () => {
  test.each(["POST", "HEAD", "get", "", "CONNECT", undefined])("refuses the method %s with 405 and Allow", (method) => {
    const { code, status, headers } = rejected({}, {}, { method });
    expect([code, status, headers["Allow"]]).toEqual(["WS_ERR_HANDSHAKE_METHOD", 405, "GET"]);
  });

  test.each([
    ["1.0", 400],
    ["0.9", 400],
    ["1.x", 400],
    ["2.0", 505],
    ["3.0", 505],
    ["", 505],
  ])("refuses HTTP/%s with %i", (httpVersion, status) => {
    expect(rejected({}, {}, { httpVersion })).toMatchObject({ code: "WS_ERR_HANDSHAKE_HTTP_VERSION", status });
  });

  test.each(["1.1", "1.2", "1.9", undefined])("accepts HTTP/%s", (httpVersion) => {
    accepted({}, {}, { httpVersion });
  });

  test.each(["/", "/a?b=c", "//x", "http://a/b", "HTTPS://a/", "wss://a", undefined])(
    "accepts the target %s",
    (url) => {
      accepted({}, {}, { url });
    },
  );

  test.each(["", "*", "a", "/a#b", "/a b", "/\r\n", "/\u00e9", "ftp://a/", "http:", "://"])(
    "refuses the target %j with 400",
    (url) => {
      expect(rejected({}, {}, { url })).toMatchObject({ code: "WS_ERR_HANDSHAKE_TARGET", status: 400 });
    },
  );

  test.each([{ "content-length": "1" }, { "content-length": "-0" }, { "transfer-encoding": "chunked" }])(
    "refuses a body %j with 400, because its bytes could be read as frames",
    (changes) => {
      expect(rejected(changes)).toMatchObject({ code: "WS_ERR_HANDSHAKE_BODY", status: 400 });
    },
  );

  test("accepts a body of 0 bytes", () => {
    accepted({ "content-length": "0" });
  });
});

describe("Upgrade and Connection are lists of tokens, in any case", () => {
  const lists = (token: string) => [
    token,
    token.toLowerCase(),
    token.toUpperCase(),
    `keep-alive, ${token}`,
    `${token}, keep-alive`,
    `a,${token},b`,
    `a ,\t ${token}\t`,
    `, ,${token},,`,
    [token, "a"],
    ["a", token],
    ["a, b", `c, ${token}`],
    ["", token],
  ];
  const others = (token: string) => [
    "",
    ",",
    "keep-alive",
    `${token}s`,
    `x${token}`,
    `x-${token}`,
    `${token}/13`,
    `"${token}"`,
    `${token};q=1`,
    `a ${token}`,
    `\u00a0${token}`,
    [token.slice(0, 3), token.slice(3)],
  ];

  test.each(lists("websocket"))("accepts Upgrade: %j", (upgrade) => void accepted({ upgrade }));
  test.each(lists("upgrade"))("accepts Connection: %j", (connection) => void accepted({ connection }));
  test("accepts keep-alive, Upgrade, as Firefox sends it", () => void accepted({ connection: "keep-alive, Upgrade" }));

  test.each([...others("websocket"), "websoc\u212aet", undefined])(
    "refuses Upgrade: %j with 426 and Upgrade",
    (upgrade) => {
      const { code, status, headers } = rejected({ upgrade });
      expect([code, status]).toEqual(["WS_ERR_HANDSHAKE_UPGRADE", 426]);
      expect(headers).toMatchObject({
        Upgrade: "websocket",
        Connection: "close, Upgrade",
        "Sec-WebSocket-Version": "13",
      });
    },
  );

  test.each([...others("upgrade"), undefined])("refuses Connection: %j with 400", (connection) => {
    const { code, status, headers } = rejected({ connection });
    expect([code, status, headers["Connection"]]).toEqual(["WS_ERR_HANDSHAKE_CONNECTION", 400, "close"]);
  });

  test("answers exactly `Connection: Upgrade` to any request (aiohttp refuses a list)", () => {
    const { headers } = accepted({ connection: "keep-alive, Upgrade" });
    expect(headers.filter(([name]) => name === "Connection")).toEqual([["Connection", "Upgrade"]]);
  });
});

describe("key, version, host", () => {
  test.each([
    undefined,
    "",
    "dGhlIHNhbXBsZSBub25jZQ",
    "dGhlIHNhbXBsZSBub25jZQ=",
    "dGhlIHNhbXBsZSBub25jZ===",
    "dGhlIHNhbXBsZSBub25jZQ==A",
    "dGhlIHNhbXBsZSBub25j",
    "dGhlIHNhbXBsZSBub25jZSEh",
    "dGhlIHNhbXBsZSBub25j_Q==",
    "dGhlIHNhbXBsZSBub25 ZQ==",
    `${KEY}, ${KEY}`,
    [KEY, KEY],
    [KEY, ""],
    "A".repeat(100_000),
  ])("refuses the wrong key %# with 400", (key) => {
    expect(rejected({ "sec-websocket-key": key })).toMatchObject({ code: "WS_ERR_HANDSHAKE_KEY", status: 400 });
  });

  test("§4.1: accepts the RFC's example of a key, whose unused bits are not 0", () => {
    accepted({ "sec-websocket-key": "AQIDBAUGBwgJCgsMDQ4PEC==" });
  });

  test("§4.1: a key has only digits of base64", () => {
    for (let code = 0; code < 256; code++) {
      const digit = String.fromCharCode(code);
      const key = `${KEY.slice(0, 9)}${digit}${KEY.slice(10)}`;
      expect(accept({ "sec-websocket-key": key }).accepted).toBe(/^[A-Za-z0-9+/]$/.test(digit));
    }
  });

  test("ignores whitespace around a value", () => void accepted({ "sec-websocket-key": ` ${KEY}\t` }));

  test.each([undefined, "", "8", "7", "14", "013", "13.0", "1 3", "13, 8", "13, 13", ["13", "13"], "x"])(
    "refuses the version %j with 426 and 13",
    (version) => {
      const { code, status, headers } = rejected({ "sec-websocket-version": version });
      expect([code, status]).toEqual(["WS_ERR_HANDSHAKE_VERSION", 426]);
      expect(headers).toMatchObject({ "Sec-WebSocket-Version": "13", Upgrade: "websocket" });
    },
  );

  test("tells the version to a handshake older than RFC 6455, which has no key", () => {
    const { status } = rejected({ "sec-websocket-key": undefined, "sec-websocket-version": undefined });
    expect(status).toBe(426);
  });

  test.each([undefined, "", ["a", "a"], "a b", "a/b", "a@b", "a, b", "a\\b", "\u00e9", "<a>"])(
    "refuses Host %j with 400",
    (host) => {
      expect(rejected({ host })).toMatchObject({ code: "WS_ERR_HANDSHAKE_HOST", status: 400 });
    },
  );

  test.each(["a", "a:80", "[::1]:8080", "127.0.0.1", "a_b.example"])("accepts Host %s", (host) => {
    accepted({ host });
  });
});

describe("origin", () => {
  test("checkOrigin gets the origin and the request", () => {
    const seen: unknown[] = [];
    const checkOrigin = (origin: string | undefined, request: HandshakeRequest) => {
      seen.push(origin, request.url);
      return true;
    };
    accepted({ origin: "https://example.com" }, { checkOrigin });
    accepted({}, { checkOrigin });
    expect(seen).toEqual(["https://example.com", "/chat", undefined, "/chat"]);
  });

  test("refuses with 403 if checkOrigin refuses the origin", () => {
    const checkOrigin = (origin: string | undefined) => origin === "https://example.com";
    accepted({ origin: "https://example.com" }, { checkOrigin });
    for (const origin of ["https://example.com.evil.net", "null", undefined]) {
      expect(rejected({ origin }, { checkOrigin })).toMatchObject({ code: "WS_ERR_HANDSHAKE_ORIGIN", status: 403 });
    }
  });

  test("refuses a repeated origin with 400", () => {
    expect(rejected({ origin: ["https://a", "https://b"] }, { checkOrigin: () => true })).toMatchObject({
      code: "WS_ERR_HANDSHAKE_ORIGIN",
      status: 400,
    });
  });

  test("refuses an async checkOrigin, whose promise would accept everybody", () => {
    const checkOrigin = (() => Promise.resolve(false)) as unknown as () => boolean;
    expect(() => accept({}, { checkOrigin })).toThrow(TypeError);
    expect(() => accept({}, { checkOrigin: (() => {}) as () => boolean })).toThrow(TypeError);
  });

  test("checkOrigin is not called for an invalid request; its exceptions are thrown", () => {
    const checkOrigin = () => {
      throw new Error("asked");
    };
    rejected({ upgrade: undefined }, { checkOrigin });
    expect(() => accept({}, { checkOrigin })).toThrow("asked");
  });
});

describe("subprotocols", () => {
  const choose = (offer: string | string[], protocols: AcceptOptions["protocols"]) =>
    accepted({ "sec-websocket-protocol": offer }, { protocols }).protocol;

  test("follows the server's order", () => {
    expect(choose("a, b, c", ["x", "c", "b"])).toBe("c");
    expect(choose(["a", "b,c"], ["b"])).toBe("b");
    expect(choose("a", ["x"])).toBeUndefined();
    expect(choose("a", undefined)).toBeUndefined();
    expect(accepted({}, { protocols: ["a"] }).protocol).toBeUndefined();
  });

  test("compares subprotocols as whole tokens, and case-sensitively", () => {
    expect(choose("superchat", ["chat"])).toBeUndefined();
    expect(choose("chat", ["superchat"])).toBeUndefined();
    expect(choose("Chat", ["chat"])).toBeUndefined();
    expect(choose("chat.v2, chat", ["chat"])).toBe("chat");
  });

  test("a function chooses", () => {
    const seen: unknown[] = [];
    const protocols = (offered: readonly string[], request: HandshakeRequest) => {
      seen.push(offered, request.url);
      return offered[1];
    };
    expect(choose("a,b", protocols)).toBe("b");
    expect(accepted({}, { protocols }).protocol).toBeUndefined();
    expect(seen).toEqual([["a", "b"], "/chat"]);
  });

  test("a function cannot choose a subprotocol that was not offered", () => {
    expect(() => choose("a,b", () => "c")).toThrow(TypeError);
    expect(() => choose("ab", () => "a")).toThrow(TypeError);
  });

  test.each(["", ",", "a, a", "a b", "a;b", "a/b", '"a"', "\u00e9", ["a", "a"], "a,,a"])(
    "refuses %j with 400",
    (offer) => {
      expect(rejected({ "sec-websocket-protocol": offer }, { protocols: ["a"] })).toMatchObject({
        code: "WS_ERR_HANDSHAKE_PROTOCOL",
        status: 400,
      });
    },
  );

  test("ignores empty members of the list", () => expect(choose(", a,, b,", ["b"])).toBe("b"));

  test("refuses a string in place of a list", () => {
    const protocols = "chat" as unknown as string[];
    expect(() => accept({}, { protocols })).toThrow(TypeError);
    expect(() => createRequest("ws://a", { protocols })).toThrow(TypeError);
  });

  test.each([["a", "a"], ["a b"], [""], ["a,b"]])("refuses the option %j", (...protocols) => {
    expect(() => accept({}, { protocols })).toThrow(TypeError);
  });
});

describe("extensions", () => {
  const agree = (offer: string | string[], ...extensions: ReturnType<typeof extension>[]) => {
    const result = accepted({ "sec-websocket-extensions": offer }, { extensions });
    const header = result.headers.find(([name]) => name === "Sec-WebSocket-Extensions")?.[1];
    expect(result.extensions.length > 0).toBe(header !== undefined);
    return header;
  };

  test("takes the first offer that is accepted", () => {
    const picky = extension("x", 4, {
      accept: (offer) => (offer.some(([name]) => name === "ok") ? [...offer, ["n", "5"]] : undefined),
    });
    expect(agree("x; no, x; ok; a=1, x; ok; a=2", picky)).toBe("x; ok; a=1; n=5");
    expect(agree(["x; no", "x; ok"], picky)).toBe("x; ok; n=5");
    expect(agree("x; no", picky)).toBeUndefined();
    expect(agree("y; ok", picky)).toBeUndefined();
    expect(agree("xx; ok, X; ok", picky)).toBeUndefined();
    expect(agree("x; ok")).toBeUndefined();
  });

  test("keeps the client's order, and uses no RSV bit twice", () => {
    const [a, b, c] = [extension("a", 4), extension("b", 6), extension("c", 1)];
    expect(agree("c, a, b", a, b, c)).toBe("c, a");
    expect(agree("b, a, c", a, b, c)).toBe("b, c");
    expect(agree("c, c; x", a, b, c)).toBe("c");
    const none = extension("d", 0);
    expect(agree("d, d; x, a", a, none)).toBe("d, a");
  });

  test("uses the first that accepts, of two extensions with one name", () => {
    const first = extension("a", 4, { accept: () => undefined });
    const second = extension("a", 4, { accept: () => [["second", true]] });
    expect(agree("a", first, second)).toBe("a; second");
    const { extensions } = accepted({ "sec-websocket-extensions": "a" }, { extensions: [first, second] });
    expect(extensions).toEqual([{ extension: second, parameters: [["second", true]] }]);
    expect(extensions[0]!.extension).toBe(second);
  });

  test.each([
    "",
    ";",
    "a;",
    "a;;b",
    "a b",
    "a; b=",
    'a; b="',
    'a; b="c d"',
    'a; b=""',
    "a; =b",
    "a=b",
    "(a)",
    "a\u00e9",
  ])("refuses malformed %j with 400, even if no extension is supported", (offer) => {
    for (const extensions of [[], [extension("a", 4)]]) {
      expect(rejected({ "sec-websocket-extensions": offer }, { extensions })).toMatchObject({
        code: "WS_ERR_HANDSHAKE_EXTENSION",
        status: 400,
      });
    }
  });

  test("an extension's answer cannot break out of the header field", () => {
    const evil = extension("a", 4, { accept: () => [["x", "1\r\nEvil: 1"]] });
    expect(() => accept({ "sec-websocket-extensions": "a" }, { extensions: [evil] })).toThrow(TypeError);
  });
});

describe("additional header fields", () => {
  test("follow the handshake's own, repeated ones as fields of their own", () => {
    const { headers } = accepted({}, { headers: { "Set-Cookie": ["a=1", "b=2"], Server: "x", None: undefined } });
    expect(headers.slice(3)).toEqual([
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["Server", "x"],
    ]);
  });

  test.each([
    ["x", "a\r\nb: c"],
    ["x", "a\nb"],
    ["x", "a\rb"],
    ["x", "a\0"],
    ["x", "\x7f"],
    ["x", "\u0100"],
    ["x y", "a"],
    ["", "a"],
    ["x:", "a"],
    ["x\r\ny", "a"],
    [":status", "200"],
    ["\u00e9", "a"],
  ])("refuses %j: %j with a TypeError", (name, value) => {
    expect(() => accept({}, { headers: [[name, value]] })).toThrow(TypeError);
    // This also happens if the request is refused, so that the mistake shows on the first request.
    expect(() => accept({ upgrade: undefined }, { headers: [[name, value]] })).toThrow(TypeError);
  });

  test.each([
    "Upgrade",
    "CONNECTION",
    "Sec-WebSocket-Accept",
    "sec-websocket-protocol",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
  ])("refuses %s, which the handshake sets", (name) => {
    expect(() => accept({}, { headers: { [name]: "1" } })).toThrow(TypeError);
  });
});
