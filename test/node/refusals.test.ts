// How a server reports refused handshakes.

import { once } from "node:events";
import { createServer } from "node:http";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { HandshakeError, rejectHandshake } from "../../src/index.ts";
import { acceptStream, type Refusal, serve, type ServeOptions, upgrade } from "../../src/node/index.ts";
import { openSession, SERVERS, WEBSOCKET } from "./support/http2.ts";
import { dial, request, TLS } from "./support/peer.ts";
import { start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const thrown = new Error("of a function of the options");
const fail = (): never => {
  throw thrown;
};

type Heard = [url: string | undefined, status: number, error: unknown];

/** A server that records what it refused. */
async function startHearing(options: ServeOptions = {}) {
  const heard: Heard[] = [];
  const started = await start({
    onRefused: ({ url }, { status, error }) => heard.push([url, status, error]),
    ...options,
  });
  return { ...started, heard };
}

/** The status of the response to a request. */
async function ask(port: number, bytes: string, tls: boolean = false): Promise<number> {
  const peer = await dial(port, { tls });
  await peer.write(bytes);
  await peer.head();
  peer.socket.end();
  return peer.status;
}

const refused = (code: string) => expect.objectContaining({ name: "HandshakeError", code });

/** The last is an Acceptance. */
const WRONG_VERDICTS: readonly unknown[] = [
  null,
  401,
  "no",
  {},
  { accepted: true },
  { accepted: true, date: "misspelled" },
  { accepted: false },
  { accepted: true, status: 101, headers: [], protocol: undefined, extensions: [] },
];

describe("onRefused of serve()", () => {
  type Case = [name: string, options: ServeOptions, bytes: string, status: number, error: unknown];
  const CASES: Case[] = [
    ["a plain request", {}, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 426, refused("WS_ERR_HANDSHAKE_UPGRADE")],
    ["an older version", {}, request({ "Sec-WebSocket-Version": "8" }), 426, refused("WS_ERR_HANDSHAKE_VERSION")],
    ["another path", { path: "/b" }, request(), 404, refused("WS_ERR_HANDSHAKE_REJECTED")],
    ["a bad request", {}, request({ "Sec-WebSocket-Key": "" }), 400, refused("WS_ERR_HANDSHAKE_KEY")],
    ["a CONNECT", {}, request({}, "CONNECT x:80 HTTP/1.1"), 405, refused("WS_ERR_HANDSHAKE_REJECTED")],
    ["another origin", { checkOrigin: () => false }, request(), 403, refused("WS_ERR_HANDSHAKE_ORIGIN")],
    ["verify: false", { verify: () => false }, request(), 403, refused("WS_ERR_HANDSHAKE_REJECTED")],
    ["a rejection", { verify: () => rejectHandshake({ status: 429 }) }, request(), 429, expect.any(HandshakeError)],
    ["verify throws", { verify: fail }, request(), 500, thrown],
    ["verify rejects", { verify: () => Promise.reject(thrown) }, request(), 500, thrown],
    ...WRONG_VERDICTS.map((verdict): Case => [
      `verify returns ${JSON.stringify(verdict)}`,
      // JavaScript may pass this value; the types do not allow it.
      { verify: () => verdict as never },
      request(),
      500,
      expect.objectContaining({
        name: "TypeError",
        message:
          "verify must return true, false, nothing, { accepted: true, data }, or a Rejection of rejectHandshake()",
      }),
    ]),
    [
      "a rejection with a misspelled property",
      { verify: () => ({ accepted: false, status: 401, header: {} }) as never },
      request(),
      500,
      new TypeError("serializeResponse() has no option `header`: did you mean `headers`?"),
    ],
    ["checkOrigin throws", { checkOrigin: fail }, request(), 500, thrown],
    ["protocols throws", { protocols: fail }, request({ "Sec-WebSocket-Protocol": "a" }), 500, thrown],
    [
      "verify throws a HandshakeError without a status",
      { verify: () => Promise.reject(new HandshakeError("WS_ERR_HANDSHAKE_REJECTED", "Not now", { rule: "ours" })) },
      request(),
      400,
      refused("WS_ERR_HANDSHAKE_REJECTED"),
    ],
    [
      "verify never decides",
      { verify: () => new Promise(() => {}), handshakeTimeout: 50 },
      request(),
      503,
      refused("WS_ERR_HANDSHAKE_REJECTED"),
    ],
  ];
  for (const [name, options, bytes, status, error] of CASES) {
    test(`${name}: ${status}`, async () => {
      const { port, heard } = await startHearing(options);
      expect(await ask(port, bytes)).toBe(status);
      expect(heard).toEqual([[bytes.split(" ")[1], status, error]]);
    });
  }

  test("over HTTP/2, and 503 while the server closes", async () => {
    const { port, heard, server } = await startHearing({
      tls: TLS,
      path: "/",
      verify: ({ headers }) => (headers.authorization === "throw" ? fail() : new Promise<boolean>(() => {})),
    });
    const session = await openSession(port);
    const status = async (change: Record<string, string>, end = false) => {
      const stream = session.request({ ...WEBSOCKET, ...change }, { endStream: end });
      stream.on("error", () => {});
      stream.resume();
      return ((await once(stream, "response")) as [{ ":status": number }])[0][":status"];
    };
    expect(await status({ ":path": "/other" })).toBe(404);
    expect(await status({ "sec-websocket-version": "8" })).toBe(400);
    expect(await status({ authorization: "throw" })).toBe(500);
    const waiting = status({});
    await until(
      () => heard.length === 3,
      () => "not heard",
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closed = server.close();
    expect(await waiting).toBe(503);
    await closed;
    expect(heard).toEqual([
      ["/other", 404, refused("WS_ERR_HANDSHAKE_REJECTED")],
      ["/", 400, refused("WS_ERR_HANDSHAKE_VERSION")],
      ["/", 500, thrown],
      ["/", 503, refused("WS_ERR_HANDSHAKE_REJECTED")],
    ]);
  });

  test("a client that leaves before the answer is not reported as refused, nor is an accepted one", async () => {
    let asked = 0;
    const { port, heard, connections } = await startHearing({
      verify: ({ url }) => (asked++, url === "/in" || new Promise<boolean>(() => {})),
    });
    const gone = await dial(port);
    await gone.write(request());
    await gone.sees(() => asked === 1, "verify was not asked");
    gone.reset();
    expect(await ask(port, request({}, "GET /in HTTP/1.1"))).toBe(101);
    expect([heard, connections.length]).toEqual([[], 1]);
  });

  test("an exception in it, immediate or later, is uncaught and does not change the response", async () => {
    const uncaught: unknown[] = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));
    try {
      for (const [, options] of SERVERS) {
        const onRefused = options.http2 === false ? () => Promise.reject(thrown) : fail;
        const { port } = await start({ ...options, verify: () => false, onRefused });
        expect(await ask(port, request(), options.tls !== undefined)).toBe(403);
        expect(await ask(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", options.tls !== undefined)).toBe(426);
      }
      await until(
        () => uncaught.length === 6,
        () => `${uncaught.length} exceptions`,
      );
      expect(new Set(uncaught)).toEqual(new Set([thrown]));
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
    }
  });
});

describe("onRefused of upgrade() and acceptStream()", () => {
  test("upgrade()", async () => {
    const heard: Heard[] = [];
    const onRefused = ({ url }: { url?: string | undefined }, { status, error }: Refusal) =>
      heard.push([url, status, error]);
    const caught: unknown[] = [];
    const server = createServer();
    server.on("upgrade", (message, socket, head) => {
      try {
        upgrade(message, socket, head, { onRefused, ...(message.url === "/throw" && { checkOrigin: fail }) });
      } catch (error) {
        caught.push(error);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    expect(await ask(port, request({ "Sec-WebSocket-Key": "" }))).toBe(400);
    expect(await ask(port, request({}, "GET /throw HTTP/1.1"))).toBe(500);
    expect(heard).toEqual([
      ["/", 400, refused("WS_ERR_HANDSHAKE_KEY")],
      ["/throw", 500, thrown],
    ]);
    expect(caught).toEqual([thrown]);
  });

  test("acceptStream()", async () => {
    const heard: [path: unknown, status: number, error: unknown][] = [];
    const caught: unknown[] = [];
    const server = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
    server.on("stream", (stream: ServerHttp2Stream, headers) => {
      try {
        acceptStream(stream, headers, {
          onRefused: (asked, { status, error }) =>
            heard.push([(asked.headers as Record<string, string>)[":path"], status, error]),
          ...(headers[":path"] === "/throw" && { checkOrigin: fail }),
        });
      } catch (error) {
        caught.push(error);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => new Promise((resolve) => server.close(resolve)));
    const session = await openSession((server.address() as AddressInfo).port);
    for (const change of [{ "sec-websocket-version": "8" }, { ":path": "/throw" }]) {
      const stream = session.request({ ...WEBSOCKET, ...change }, { endStream: false });
      stream.on("error", () => {});
      stream.resume();
      await once(stream, "response");
    }
    expect(heard).toEqual([
      ["/", 400, refused("WS_ERR_HANDSHAKE_VERSION")],
      ["/throw", 500, thrown],
    ]);
    expect(caught).toEqual([thrown]);
  });
});

describe("verify", () => {
  test("is called once the handshake is valid and checkOrigin has accepted", async () => {
    const asked: string[] = [];
    const { port } = await start({
      checkOrigin: (origin) => (asked.push(`origin ${origin}`), origin !== "https://evil.example"),
      verify: () => (asked.push("verify"), true),
    });
    expect(await ask(port, request({ Origin: "https://evil.example" }))).toBe(403);
    expect(await ask(port, request({ "Sec-WebSocket-Key": "" }))).toBe(400);
    expect(asked).toEqual(["origin https://evil.example"]);
    expect(await ask(port, request({ Origin: "https://good.example" }))).toBe(101);
    expect(asked.slice(1)).toEqual(["origin https://good.example", "verify"]);
  });

  for (const [name, options] of SERVERS) {
    test(`its data is the third argument of the handler: ${name}`, async () => {
      const found: { user: string }[] = [];
      const server = await serve(
        {
          host: "127.0.0.1",
          ...options,
          async verify({ headers }) {
            if (headers.authorization === undefined) return false;
            return { accepted: true, data: { user: headers.authorization } };
          },
        },
        (connection, _request, data) => {
          // The data has a type, so no cast is needed.
          found.push({ user: data.user.toUpperCase() });
          connection.terminate();
        },
      );
      atEnd(() => server.close());
      const tls = options.tls !== undefined;
      expect(await ask(server.port, request(), tls)).toBe(403);
      expect(await ask(server.port, request({ Authorization: "ada" }), tls)).toBe(101);
      expect(found).toEqual([{ user: "ADA" }]);
    });
  }

  test("without it, or with true, there is no data", async () => {
    const seen: unknown[] = [];
    for (const verify of [undefined, () => true, () => {}]) {
      const server = await serve({ host: "127.0.0.1", verify }, (connection, _request, data) => {
        seen.push(data);
        connection.terminate();
      });
      atEnd(() => server.close());
      expect(await ask(server.port, request())).toBe(101);
    }
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
});

test("refusals are published on a diagnostics channel", async () => {
  const published: unknown[] = [];
  const note = (message: unknown) => published.push(message);
  subscribe("wsframe:handshake:refused", note);
  try {
    const { port } = await start({ verify: fail });
    expect(await ask(port, request())).toBe(500);
    expect(published).toEqual([
      { request: expect.objectContaining({ url: "/", method: "GET" }), status: 500, error: thrown },
    ]);
  } finally {
    unsubscribe("wsframe:handshake:refused", note);
  }
});
