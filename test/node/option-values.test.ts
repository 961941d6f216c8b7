// Wrong values of options. The caller gets an error before anything is sent or a server listens.

import { createServer } from "node:http";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { load } from "../../src/load/index.ts";
import { connect, serve, upgrade } from "../../src/node/index.ts";
import { acceptWebSocketStream, connectWebSocketStream, openWebSocketStream } from "../../src/streams/index.ts";
import { REQUEST } from "./support/request.ts";

type Kind = typeof RangeError | typeof TypeError;

const CONNECTION: readonly [options: object, kind: Kind, message: RegExp][] = [
  ...[0, -1, Number.NaN, "1000"].map(
    (idleTimeout) => [{ idleTimeout }, RangeError, /^idleTimeout must be/] as [object, Kind, RegExp],
  ),
  ...[-1, Number.NaN, "1000"].flatMap((value): [object, Kind, RegExp][] => [
    [{ highWaterMark: value }, RangeError, /^highWaterMark must be/],
    [{ maxBufferedAmount: value }, RangeError, /^maxBufferedAmount must be/],
  ]),
  [{ overflow: "wait" }, RangeError, /^overflow must be/],
  [{ overflow: 1000 }, RangeError, /^overflow must be/],
  [{ textType: "buffer" }, RangeError, /^textType must be/],
  [{ binaryType: "blob" }, RangeError, /^binaryType must be/],
  [{ fragmentSize: 0 }, RangeError, /fragmentSize/],
  [{ sliceSize: 0 }, RangeError, /sliceSize/],
];

/** The error that a call throws, or with which its promise rejects. */
async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

for (const [options, kind, message] of CONNECTION) {
  const [[name, value]] = Object.entries(options) as [[string, unknown]];
  test(`${name}: ${String(value)} (${typeof value})`, async () => {
    const written: string[] = [];
    const socket = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString("latin1"));
        done();
      },
    });
    const calls = [
      () => connect("ws://127.0.0.1:1", options),
      () => serve({ port: 0, ...options }, () => {}),
      () => upgrade(REQUEST, socket, Buffer.alloc(0), options),
    ];
    for (const call of calls) {
      const error = await thrownBy(call);
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toMatch(message);
    }
    // A server that calls it wrongly answers with 500, and there is no connection.
    expect(written.join("")).toMatch(/^HTTP\/1\.1 500 /);
    socket.destroy();
  });
}

test("infinite limits mean no limit", async () => {
  const server = await serve(
    { port: 0, idleTimeout: Infinity, highWaterMark: Infinity, maxBufferedAmount: Infinity },
    () => {},
  );
  await server.close();
});

test("serve({ server }) throws a TypeError for a value that is not a server", async () => {
  for (const server of [null, 5, "server", {}, { on() {} }]) {
    const attempt = serve({ server: server as never }, () => {});
    await expect(attempt).rejects.toThrow("server must be a server of node:http, https or http2");
  }
});

test("serve() refuses callbacks that are not functions", async () => {
  expect(await thrownBy(() => serve({ port: 0 }, undefined as never))).toBeInstanceOf(TypeError);
  for (const name of ["checkOrigin", "onRefused", "onRequest", "verify"]) {
    const error = await thrownBy(() => serve({ port: 0, [name]: "yes" } as never, () => {}));
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toBe(`${name} must be a function`);
  }
});

test("a socketPath must not be empty, and excludes port and host", async () => {
  for (const call of [
    () => connect("ws://localhost/", { socketPath: "" }),
    () => connect("ws+unix:/tmp/a.sock", { socketPath: "/tmp/b.sock" }),
    () => connect("ws+unix:"),
    () => connect("ws+unix:/tmp/%ff.sock"),
    () => serve({ socketPath: "" }, () => {}),
    () => serve({ socketPath: "/tmp/a.sock", port: 0 }, () => {}),
    () => serve({ socketPath: "/tmp/a.sock", host: "localhost" }, () => {}),
  ]) {
    expect(await thrownBy(call)).toBeInstanceOf(TypeError);
  }
});

test("a second serve({ server }) without a path is refused with a clear error", async () => {
  const server = createServer();
  const first = await serve({ server }, () => {});
  await expect(serve({ server }, () => {})).rejects.toThrow("This server already has a serve() without a `path`");
  await first.close();
  // No listener of serve() remains, even after a second close().
  await first.close();
  expect(server.listenerCount("upgrade") + server.listenerCount("connect")).toBe(0);
  const second = await serve({ server }, () => {});
  await first.close();
  expect(server.listenerCount("upgrade")).toBe(1);
  await second.close();
});

test("serve() refuses a path that no request can have", async () => {
  for (const path of ["", "chat", "chat/", "/chat?x", "/chat#x", "/a b", "/\u00e9", "ws://localhost/chat", "*"]) {
    const error = await thrownBy(() => serve({ port: 0, path }, () => {}));
    expect(error, path).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe(
      'path must start with "/", like "/chat", percent-encoded and without a query or a fragment',
    );
  }
  const error = await thrownBy(() => serve({ port: 0, path: /chat/ as never }, () => {}));
  expect(error).toEqual(new TypeError("path must be a string"));
  for (const path of ["/", "/chat", "/chat/", "/a%20b/~x", "/@:=&,;!$'()*+-._"]) {
    await (await serve({ port: 0, path }, () => {})).close();
  }
});

test("extensions must be an array of extensions, and signal an AbortSignal", async () => {
  const extensions = perMessageDeflate() as never;
  const signal = "x" as never;
  const wrong = new TypeError("extensions must be an array of extensions, such as [perMessageDeflate()]");
  expect(await thrownBy(() => serve({ port: 0, extensions }, () => {}))).toEqual(wrong);
  expect(await thrownBy(() => connect("ws://127.0.0.1:1", { extensions }))).toEqual(wrong);
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  expect(await thrownBy(() => upgrade(REQUEST, socket, Buffer.alloc(0), { extensions }))).toEqual(wrong);
  socket.destroy();
  const duplex = () => Duplex.toWeb(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }));
  const streams = [
    (options: object) => connectWebSocketStream(duplex(), "ws://localhost/", options),
    (options: object) => acceptWebSocketStream(duplex(), options),
  ];
  for (const open of streams) expect(await thrownBy(() => open({ extensions }))).toEqual(wrong);
  expect(await thrownBy(() => openWebSocketStream(duplex(), { role: "server", extensions }))).toEqual(wrong);

  const notASignal = new TypeError("signal must be an AbortSignal");
  for (const open of streams) expect(await thrownBy(() => open({ signal }))).toEqual(notASignal);
  for (const value of ["x", 5, null, {}, new AbortController()]) {
    const attempt = () => connect("ws://127.0.0.1:1", { signal: value as never });
    expect(await thrownBy(attempt)).toEqual(notASignal);
  }
  expect(await thrownBy(() => load("ws://127.0.0.1:1", { signal }))).toEqual(notASignal);
});
