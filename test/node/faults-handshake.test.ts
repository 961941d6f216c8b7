// Invalid handshakes: each gets the right status, and the server continues.

import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { HandshakeError, rejectHandshake } from "../../src/index.ts";
import { reject, serve, type ServeOptions, upgrade } from "../../src/node/index.ts";
import { CA, dial, dialWebSocket, frames, request, TLS } from "./support/peer.ts";
import { ended, start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";
import { close, text } from "../support/wire.ts";

watchLeftovers();

const CASES: [name: string, bytes: string, status: number, header?: RegExp][] = [
  ["POST", request({}, "POST / HTTP/1.1"), 405, /\r\nAllow: GET\r\n/],
  ["HEAD", request({}, "HEAD / HTTP/1.1"), 405],
  ["CONNECT", request({}, "CONNECT localhost:80 HTTP/1.1"), 405, /\r\nAllow: GET\r\n/],
  ["no Upgrade at all", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426, /\r\nUpgrade: websocket\r\n/],
  ["no Upgrade, with POST and a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 426],
  ["another protocol", request({ Upgrade: "h2c" }), 426, /\r\nUpgrade: websocket\r\n/],
  ["no Connection", request({ Connection: "" }), 426],
  ["version 8", request({ "Sec-WebSocket-Version": "8" }), 426, /\r\nSec-WebSocket-Version: 13\r\n/],
  ["version 0", request({ "Sec-WebSocket-Version": "0" }), 426, /\r\nSec-WebSocket-Version: 13\r\n/],
  ["no version", request({ "Sec-WebSocket-Version": "" }), 426, /\r\nSec-WebSocket-Version: 13\r\n/],
  ["two versions", request({ "Sec-WebSocket-Version": ["13", "13"] }), 426],
  ["no key", request({ "Sec-WebSocket-Key": "" }), 400],
  ["two keys", request({ "Sec-WebSocket-Key": ["AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA=="] }), 400],
  ["a short key", request({ "Sec-WebSocket-Key": "AAAA" }), 400],
  ["a key that is not base64", request({ "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!==" }), 400],
  ["no Host", request({ Host: "" }), 400],
  ["HTTP/1.0", request({}, "GET / HTTP/1.0"), 400],
  ["a body with the upgrade", `${request({ "Content-Length": "100000" })}${"x".repeat(100_000)}`, 400],
  ["a chunked body", `${request({ "Transfer-Encoding": "chunked" })}3\r\nabc\r\n0\r\n\r\n`, 400],
  ["a head that is too large", request({ Cookie: "x".repeat(100_000) }), 431],
  ["no HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400],
  ["HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["malformed extensions", request({ "Sec-WebSocket-Extensions": "a;;" }), 400],
  ["malformed subprotocols", request({ "Sec-WebSocket-Protocol": "a b" }), 400],
  ["another path", request({}, "GET /other HTTP/1.1"), 404],
  ["another origin", request({ Origin: "https://evil.example" }), 403],
  ["an origin that makes checkOrigin throw", request({ Origin: "null" }), 500],
];

describe("HTTP/1.1", () => {
  for (const tls of [false, true]) {
    test(`invalid requests get the right status; tls: ${tls}`, async () => {
      const started = await start({
        path: "/",
        checkOrigin: (origin) => origin === undefined || new URL(origin).hostname === "good.example",
        ...(tls && { tls: TLS }),
      });
      const seen = await Promise.all(
        CASES.map(async ([name, bytes, , header]) => {
          const peer = await dial(started.port, { tls });
          await peer.write(bytes);
          await peer.gone();
          if (header) expect(peer.text, name).toMatch(header);
          return [name, peer.status];
        }),
      );
      // If an HTTP/1.1 connection starts like HTTP/2, Node closes it or answers with 400.
      expect(seen.filter(([name]) => name !== "HTTP/2 by prior knowledge")).toEqual(
        CASES.filter(([name]) => name !== "HTTP/2 by prior knowledge").map(([name, , status]) => [name, status]),
      );
      expect(started.connections).toEqual([]);
      const good = await dialWebSocket(started.port, { tls });
      await good.write(frames("client", text("still there")));
      await good.sees(() => good.text.includes("still there"), "no echo");
    });
  }

  test("a refused client that keeps its side open does not keep the socket", async () => {
    const { server, port } = await start({ path: "/chat" });
    const peer = await dial(port);
    await peer.write(request({}, "GET /other HTTP/1.1"));
    await peer.gone();
    expect(peer.status).toBe(404);
    // The peer neither ends nor reads the end. Its later data must not reset the response.
    await peer.write("more");
    await until(
      () => peer.closed || peer.errors.length > 0 || (peer.socket.write("x"), false),
      () => "the server still accepts bytes",
    );
    await server.close();
  });

  test("accepts a request that arrives byte by byte, with frames right after it", async () => {
    const started = await start({
      verify: () => new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(true)))),
    });
    const peer = await dial(started.port);
    const bytes = Buffer.concat([
      Buffer.from(request(), "latin1"),
      frames("client", text("one"), text("two"), { ...text("thr"), fin: false }),
    ]);
    for (let at = 0; at < bytes.length; at += 7) {
      await peer.write(bytes.subarray(at, at + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await peer.write(frames("client", { opcode: 0, payload: Buffer.from("ee") }, close(1000)));
    await peer.leave();
    await ended(started, 1);
    expect(started.messages).toEqual(["one", "two", "three"]);
    expect(started.ends).toEqual([[1000, "", true]]);
  });

  test("handles frames and a Close that arrive in one segment with the request while verify decides", async () => {
    let decide: ((verdict: boolean) => void) | undefined;
    const started = await start({ verify: () => new Promise<boolean>((resolve) => (decide = resolve)) });
    const peer = await dial(started.port);
    await peer.write(
      Buffer.concat([Buffer.from(request()), frames("client", text("early"), text("bird"), close(1000))]),
    );
    await peer.sees(() => decide !== undefined, "verify was not asked");
    decide!(true);
    await peer.leave();
    await ended(started, 1);
    expect([peer.status, started.messages, started.ends]).toEqual([101, ["early", "bird"], [[1000, "", true]]]);
  });

  test("accepts a whole URL as the target", async () => {
    const { port } = await start({ path: "/chat" });
    const peer = await dial(port);
    await peer.write(request({}, "GET http://localhost/chat?room=1 HTTP/1.1"));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 101/);
  });
});

describe("verify", () => {
  async function status(verify: ServeOptions["verify"], more: ServeOptions = {}): Promise<number> {
    const started = await start({ verify, ...more });
    const peer = await dial(started.port);
    await peer.write(request());
    await peer.head();
    return peer.status;
  }

  const unlike = (value: unknown) => (() => value) as unknown as ServeOptions["verify"];
  const REFUSALS: [name: string, verify: ServeOptions["verify"], status: number][] = [
    ["false", () => false, 403],
    ["a promise of false", () => Promise.resolve(false), 403],
    ["a rejection", () => rejectHandshake({ status: 429, headers: [["Retry-After", "1"]] }), 429],
    [
      "an exception",
      () => {
        throw new Error("of the verifier");
      },
      500,
    ],
    ["a promise that is rejected", () => Promise.reject(new Error("of the verifier")), 500],
    [
      "a HandshakeError",
      () => {
        throw new HandshakeError("WS_ERR_HANDSHAKE_REJECTED", "no", { rule: "mine", status: 401 });
      },
      401,
    ],
    [
      "the HandshakeError of a connect() to another server, whose status is not one of a refusal",
      () => {
        throw new HandshakeError("WS_ERR_HANDSHAKE_STATUS", "no", { rule: "RFC 6455 §4.1", status: 200 });
      },
      500,
    ],
    [
      "one with header fields of the other connection",
      () => {
        const headers = [["Connection", "close"]] as const;
        throw new HandshakeError("WS_ERR_HANDSHAKE_STATUS", "no", { rule: "RFC 6455 §4.1", status: 502, headers });
      },
      500,
    ],
    // TypeScript rejects these values; JavaScript does not.
    ["null", unlike(null), 500],
    ["0", unlike(0), 500],
    ["an object that is not a rejection", unlike({ user: "x" }), 500],
    ["a rejection that cannot be sent", unlike({ ...rejectHandshake(), status: 99_999 }), 500],
  ];
  for (const [name, verify, expected] of REFUSALS) {
    test(`${name}: ${expected}`, async () => expect(await status(verify)).toBe(expected));
  }
  for (const value of [true, undefined]) {
    test(`${value}: 101`, async () => expect(await status(() => value)).toBe(101));
  }

  test("answers 503 after handshakeTimeout if verify has not decided, and ignores a later decision", async () => {
    let decide!: (verdict: boolean) => void;
    const { port, connections, server } = await start({
      handshakeTimeout: 100,
      verify: () => new Promise<boolean>((resolve) => (decide = resolve)),
    });
    const peer = await dial(port);
    await peer.write(request());
    await peer.gone();
    expect(peer.status).toBe(503);
    const answered = peer.received.length;
    decide(true);
    await server.close();
    expect(peer.received.length).toBe(answered);
    expect(connections).toEqual([]);
  });

  test("answers 500 if checkOrigin or protocols throws", async () => {
    const fail = () => {
      throw new Error("of a function of the user");
    };
    expect(await status(undefined, { checkOrigin: fail })).toBe(500);
    const { port } = await start({ protocols: fail });
    const peer = await dial(port);
    await peer.write(request({ "Sec-WebSocket-Protocol": "a" }));
    await peer.gone();
    expect(peer.status).toBe(500);
  });
});

test("reports wrong options at once, and not to the clients", async () => {
  const wrong: ServeOptions[] = [
    { pingInterval: -1 },
    { protocols: ["not a token"] },
    { headers: [["Upgrade", "mine"]] },
    { limits: { maxMessage: -1 } },
    { handshakeTimeout: -1 },
    { handshakeTimeout: "soon" as unknown as number },
  ];
  for (const options of wrong) {
    await expect(serve({ host: "127.0.0.1", ...options }, () => {})).rejects.toThrow();
  }
});

test("handshakeTimeout: Infinity means no limit", async () => {
  const { port } = await start({ handshakeTimeout: Infinity });
  const peer = await dialWebSocket(port);
  await peer.write(frames("client", close()));
  await peer.leave();
});

describe("HTTP/2", () => {
  const GOOD = {
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":path": "/",
    ":authority": "localhost",
    "sec-websocket-version": "13",
  };
  const HTTP2: [name: string, change: Record<string, string | undefined>, status: number][] = [
    ["good", {}, 200],
    ["another :protocol", { ":protocol": "connect-udp" }, 501],
    ["CONNECT without :protocol", { ":protocol": undefined, ":scheme": undefined, ":path": undefined }, 501],
    ["no version", { "sec-websocket-version": undefined }, 400],
    ["version 8", { "sec-websocket-version": "8" }, 400],
    ["another path", { ":path": "/other" }, 404],
    ["a body", { "content-length": "3" }, 400],
    ["another origin", { origin: "https://evil.example" }, 403],
    ["an origin that makes checkOrigin throw", { origin: "null" }, 500],
    ["GET", { ":method": "GET", ":protocol": undefined }, 426],
    ["verify says no", { authorization: "no" }, 403],
    ["verify throws", { authorization: "throw" }, 500],
    ["verify never decides", { authorization: "never" }, 503],
  ];

  test("invalid requests get the right status, in one session", async () => {
    const { port } = await start({
      tls: TLS,
      path: "/",
      handshakeTimeout: 500,
      checkOrigin: (origin) => origin === undefined || new URL(origin).hostname === "good.example",
      verify({ headers: { authorization } }) {
        if (authorization === "throw") throw new Error("of the verifier");
        return authorization === "never" ? new Promise<boolean>(() => {}) : authorization !== "no";
      },
    });
    const session = await openSession(port);
    const seen = await Promise.all(
      HTTP2.map(async ([name, change]) => {
        const headers = Object.fromEntries(Object.entries({ ...GOOD, ...change }).filter(([, value]) => value));
        return [name, await statusOf(session.request(headers, { endStream: false }))];
      }),
    );
    expect(seen).toEqual(HTTP2.map(([name, , status]) => [name, status]));
  });

  test("a refused stream is closed, even if the client leaves its side open", async () => {
    const { port } = await start({ tls: TLS, path: "/chat" });
    const session = await openSession(port);
    for (const headers of [GOOD, { ":method": "POST", ":path": "/" }]) {
      const stream = session.request(headers, { endStream: false });
      const closed = once(stream, "close");
      await statusOf(stream);
      await closed;
      expect(stream.rstCode).toBe(0);
    }
  });

  async function openSession(port: number): Promise<ClientHttp2Session> {
    const session = connectHttp2(`https://localhost:${port}`, CA);
    atEnd(() => session.destroy());
    await once(session, "remoteSettings");
    return session;
  }

  async function statusOf(stream: ClientHttp2Stream): Promise<number> {
    stream.on("error", () => {});
    stream.resume();
    const [headers] = (await once(stream, "response")) as [{ ":status": number }];
    return headers[":status"];
  }
});

test("the other parts of a server that uses upgrade() are not affected by any request", async () => {
  // A middleware function on node:http, as in Express.
  const app = (_request: unknown, response: ServerResponse) => response.end("plain");
  const server = createServer(app);
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/own") reject(socket, rejectHandshake({ status: 401 }));
    else upgrade(request, socket, head)?.on("message", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  for (const [line, status] of [
    ["GET /own HTTP/1.1", 401],
    ["POST / HTTP/1.1", 405],
    ["GET / HTTP/1.1", 101],
  ] as const) {
    const peer = await dial(port);
    await peer.write(request({}, line));
    await peer.head();
    expect(peer.status).toBe(status);
    if (status === 101) await peer.write(frames("client", close()));
    await peer.leave();
  }
  const response = await new Promise<IncomingMessage>((resolve) =>
    httpRequest({ port, host: "127.0.0.1" }, resolve).end(),
  );
  expect(response.statusCode).toBe(200);
  response.resume();
  await once(response, "close");
});

test("upgrade() survives a client that has already gone, and throws for wrong options", async () => {
  const outcomes: unknown[] = [];
  let asked = 0;
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    asked++;
    socket.on("error", () => {});
    if (request.url === "/wrong") {
      try {
        upgrade(request, socket, head, { pingInterval: -1 });
      } catch (error) {
        outcomes.push((error as Error).name);
      }
    } else {
      socket.resume();
      socket.on("close", () => outcomes.push(upgrade(request, socket, head)));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const gone = await dial(port);
  await gone.write(request());
  await gone.sees(() => asked === 1, "no request");
  gone.reset();
  await until(
    () => outcomes.length === 1,
    () => "the server has not seen the reset",
  );
  const wrong = await dial(port);
  await wrong.write(request({}, "GET /wrong HTTP/1.1"));
  await wrong.leave();
  // No 101 before the 500.
  expect(wrong.status).toBe(500);
  expect(outcomes).toEqual([undefined, "RangeError"]);
});
