// The third argument, which the standard does not have, and the second argument in the form of Node's own WebSocket.

import { Agent } from "node:http";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { serve, type ServeOptions } from "../../src/node/index.ts";
import { WebSocket, type WebSocketOptions } from "../../src/websocket/index.ts";
import { answer, CA, listen, TLS } from "../node/support/peer.ts";
import { atEnd, watchLeftovers } from "../node/support/watch.ts";
import { next as nextOf } from "./support/implementations.ts";

watchLeftovers();

function next<T extends keyof WebSocketEventMap>(socket: WebSocket, type: T): Promise<WebSocketEventMap[T]> {
  return nextOf(socket as globalThis.WebSocket, type);
}

async function start(options: ServeOptions = {}): Promise<{ port: number; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = await serve(
    { host: "127.0.0.1", extensions: [perMessageDeflate()], ...options },
    (connection, request) => {
      requests.push(request as IncomingMessage);
      connection.on("message", (data) => connection.send(data));
    },
  );
  atEnd(() => server.close());
  return { port: server.port, requests };
}

async function openAndClose(socket: WebSocket): Promise<void> {
  await next(socket, "open");
  socket.send("x");
  expect((await next(socket, "message")).data).toBe("x");
  socket.close();
  await next(socket, "close");
}

test("sends headers and origin", async () => {
  const { port, requests } = await start();
  await openAndClose(
    new WebSocket(`ws://127.0.0.1:${port}/`, [], { headers: { Cookie: "a=1" }, origin: "https://example.com" }),
  );
  expect(requests[0]!.headers).toMatchObject({ cookie: "a=1", origin: "https://example.com" });
  await openAndClose(new WebSocket(`ws://user:pass%20word@127.0.0.1:${port}/`));
  expect(requests[1]!.headers.origin).toBe(undefined);
  expect(requests[1]!.headers.authorization).toBe(`Basic ${btoa("user:pass word")}`);
});

test("offers permessage-deflate by default, no extension, or others", async () => {
  const { port, requests } = await start();
  const offers: (string | undefined)[] = [];
  for (const options of [
    undefined,
    { extensions: [] },
    { extensions: [perMessageDeflate({ clientNoContextTakeover: true })] },
  ]) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, undefined, options);
    await openAndClose(socket);
    offers.push(requests.at(-1)!.headers["sec-websocket-extensions"]);
    expect(socket.extensions === "").toBe(options?.extensions?.length === 0);
  }
  expect(offers).toEqual([
    expect.stringMatching(/^permessage-deflate/),
    undefined,
    expect.stringContaining("client_no_context_takeover"),
  ]);
});

test("connects with wss: and the option tls", async () => {
  const { port } = await start({ tls: TLS });
  const socket = new WebSocket(`https://localhost:${port}/`, undefined, { tls: CA });
  expect(socket.url).toBe(`wss://localhost:${port}/`);
  await openAndClose(socket);
  const refused = new WebSocket(`wss://localhost:${port}/`);
  expect(((await next(refused, "error")) as ErrorEvent).error).toMatchObject({ code: /CERT/ });
  await next(refused, "close");
});

test("connects over HTTP/2", async () => {
  const { port, requests } = await start({ tls: TLS, http2: true });
  await openAndClose(new WebSocket(`wss://localhost:${port}/`, undefined, { tls: CA, http2: true }));
  expect(requests[0]!.httpVersion).toBe("2.0");
});

test("connects to a Unix socket", async () => {
  const socketPath = join(tmpdir(), `wsframe-websocket-${process.pid}.sock`);
  const { requests } = await start({ socketPath, host: undefined });
  await openAndClose(new WebSocket("ws://localhost/path", undefined, { socketPath }));
  expect(requests[0]!.url).toBe("/path");
});

test("opens the socket with an agent", async () => {
  const { port } = await start();
  let created = 0;
  class Counting extends Agent {
    override createConnection(...args: Parameters<Agent["createConnection"]>): ReturnType<Agent["createConnection"]> {
      created++;
      return super.createConnection(...args);
    }
  }
  await openAndClose(new WebSocket(`ws://127.0.0.1:${port}/`, undefined, { agent: new Counting() }));
  expect(created).toBe(1);
});

test("applies limits and handshakeTimeout", async () => {
  const { port } = await start();
  const limited = new WebSocket(`ws://127.0.0.1:${port}/`, undefined, { limits: { maxMessage: 10 } });
  await next(limited, "open");
  limited.send("more than ten");
  expect(((await next(limited, "error")) as ErrorEvent).error).toMatchObject({ closeCode: 1009 });
  await next(limited, "close");
  const silent = await listen(() => {});
  const socket = new WebSocket(`ws://127.0.0.1:${silent.port}/`, undefined, { handshakeTimeout: 50 });
  expect(((await next(socket, "error")) as ErrorEvent).error).toMatchObject({ name: "TimeoutError" });
  await next(socket, "close");
});

test.each([
  ["a Ping", { pingInterval: 30, pongTimeout: 30 }, { code: "WS_ERR_PONG_TIMEOUT" }],
  ["a Close", { closeTimeout: 30 }, undefined],
])("a peer that does not answer %s", async (what, options, expected) => {
  const { port } = await listen(async (peer) => {
    await peer.write(answer(await peer.head()));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, undefined, { closeTimeout: 30, ...options });
  await next(socket, "open");
  if (what === "a Close") socket.close();
  const errors: unknown[] = [];
  socket.addEventListener("error", (event) => errors.push((event as ErrorEvent).error));
  expect(await next(socket, "close")).toMatchObject({ code: 1006, wasClean: false });
  expect(errors).toEqual(expected ? [expect.objectContaining(expected)] : []);
});

describe("the options of Node's own WebSocket", () => {
  test.each([
    ["an object", { "x-a": "1" }],
    ["a list", [["x-a", "1"]]],
    ["Headers", new Headers({ "x-a": "1" })],
  ])("subprotocols and header fields in one object: %s", async (_name, headers) => {
    const { port, requests } = await start({ protocols: ["chat"] });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { protocols: ["other", "chat"], headers });
    await openAndClose(socket);
    expect(socket.protocol).toBe("chat");
    expect(requests[0]!.headers["x-a"]).toBe("1");
  });

  test("refuses dispatcher, and options in both arguments", () => {
    const dispatcher = { dispatcher: {} } as object;
    expect(() => new WebSocket("ws://127.0.0.1:1/", dispatcher)).toThrow(
      /no option `dispatcher`: use the option `agent`/,
    );
    expect(() => new WebSocket("ws://127.0.0.1:1/", {}, {})).toThrow(/not as both/);
  });
});

test.each([
  [{ perMessageDeflate: false }, TypeError, /`extensions: \[\]`/],
  [{ protocols: ["a"] }, TypeError, /second argument/],
  [{ rejectUnauthorized: false }, TypeError, /`tls`/],
  [{ maxPayload: 1 }, TypeError, /maxMessage/],
  [{ signal: new AbortController().signal }, TypeError, /close\(\)/],
  [{ header: {} }, TypeError, /`headers`/],
  [{ headers: { "bad name": "" } }, TypeError, /name/],
  [{ headers: { Origin: "x" } }, TypeError, /origin/i],
  [{ origin: "a\nb" }, TypeError, /origin/],
  [{ handshakeTimeout: 0 }, RangeError, /handshakeTimeout/],
  [{ pingInterval: -1 }, RangeError, /pingInterval/],
  [{ limits: { maxMessage: -1 } }, RangeError, /maxMessage/],
  [{ socketPath: "" }, TypeError, /socketPath/],
  ["text", TypeError, /object/],
  [null, TypeError, /object/],
])("the options %j are refused at once", (options, kind, message) => {
  const make = () => new WebSocket("ws://127.0.0.1:1/", undefined, options as WebSocketOptions);
  expect(make).toThrow(kind);
  expect(make).toThrow(message);
});
