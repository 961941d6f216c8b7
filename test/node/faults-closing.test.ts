// server.close() resolves soon, whatever its clients are doing.

import { once } from "node:events";
import { createConnection } from "node:net";
import { describe, expect, test } from "vitest";
import type { ServeOptions } from "../../src/node/index.ts";
import { openSession, SERVERS, WEBSOCKET } from "./support/http2.ts";
import { dial, dialWebSocket, frames, RawPeer, request, TLS } from "./support/peer.ts";
import { ended, start } from "./support/server.ts";
import { until, watchLeftovers } from "./support/watch.ts";
import { close } from "../support/wire.ts";

watchLeftovers();

/** Longer than closeTimeout plus the time for clients to read their answers, even on a busy machine. */
const SOON = 4000;

describe("server.close()", () => {
  /** Runs the test on all kinds of servers in parallel. */
  function each(name: string, run: (options: ServeOptions, tls: boolean) => Promise<void>): void {
    test(name, async () => {
      await Promise.all(SERVERS.map(([, options]) => run(options, options.tls !== undefined)));
    });
  }

  async function closes(close: () => Promise<void>): Promise<void> {
    const began = performance.now();
    await close();
    expect(performance.now() - began).toBeLessThan(SOON);
  }

  each("resolves without clients, and when called twice", async (options) => {
    const { server } = await start(options);
    const first = server.close();
    await Promise.all([first, server.close()]);
    await closes(() => server.close());
  });

  each(
    "resolves with a client that has sent nothing, half a request, or half a TLS handshake",
    async (options, tls) => {
      const { server, port } = await start(options);
      const peers = [await dial(port, { tls }), await dial(port, { tls })];
      await peers[1]!.write("GET / HTTP/1.1\r\nHost:");
      if (tls) peers.push(await dial(port));
      await closes(() => server.close());
      for (const peer of peers) await peer.gone();
    },
  );

  each("resolves while verify decides, with 503 at once", async (options, tls) => {
    let asked = 0;
    let decide!: (verdict: boolean) => void;
    const { server, port, connections } = await start({
      ...options,
      verify: () => (asked++, new Promise<boolean>((resolve) => (decide = resolve))),
    });
    const peer = await dial(port, { tls, allowHalfOpen: false });
    await peer.write(request());
    await peer.sees(() => asked === 1, "verify was not asked");
    await closes(() => server.close());
    decide(true);
    await peer.gone();
    expect(peer.status).toBe(503);
    expect(connections).toEqual([]);
  });

  each("resolves with clients that do not answer the Close, or do not end their side", async (options, tls) => {
    const started = await start({ ...options, closeTimeout: 100 });
    const [mute, halfOpen] = [await dialWebSocket(started.port, { tls }), await dialWebSocket(started.port, { tls })];
    const closed = started.server.close();
    for (const peer of [mute, halfOpen])
      await peer.sees(() => peer.received.includes("\x88\x02\x03\xe9", 0, "latin1"), "1001");
    await halfOpen.write(frames("client", close(1001)));
    await closes(() => closed);
    await ended(started, 2);
    expect(started.ends.map(([code]) => code).sort()).toEqual([1001, 1006]);
  });

  each("resolves with a refused socket that does not end", async (options, tls) => {
    const { server, port } = await start({ ...options, path: "/chat" });
    const peer = await dial(port, { tls });
    await peer.write(request());
    await peer.gone();
    await closes(() => server.close());
  });

  test("over HTTP/2, resolves with an idle session, and with one whose streams are open, refused or undecided", async () => {
    let asked = 0;
    const started = await start({
      tls: TLS,
      closeTimeout: 100,
      verify: ({ headers }) =>
        headers.authorization === "wait" ? (asked++, new Promise<boolean>(() => {})) : headers.authorization !== "no",
    });
    const [idle, busy] = await Promise.all([openSession(started.port), openSession(started.port)]);
    const status = async (authorization: string) => {
      const stream = busy.request({ ...WEBSOCKET, authorization }, { endStream: false });
      stream.on("error", () => {});
      stream.resume();
      return ((await once(stream, "response")) as [{ ":status": number }])[0][":status"];
    };
    expect(await status("yes")).toBe(200);
    expect(await status("no")).toBe(403);
    const waiting = status("wait");
    await until(
      () => asked === 1,
      () => "verify was not asked",
    );
    await closes(() => started.server.close());
    expect(await waiting).toBe(503);
    await until(
      () => idle.destroyed && busy.destroyed,
      () => "sessions are open",
    );
    expect(started.ends).toEqual([[1006, "", false]]);
  });

  test("over HTTP/2, resolves with a session that sends nothing, not even its preface", async () => {
    const { server, port } = await start({ tls: TLS });
    const peer = await dial(port, { tls: true, alpn: ["h2"] });
    await closes(() => server.close());
    await peer.gone();
  });

  test("resolves with a plain keep-alive connection", async () => {
    const { server, port } = await start();
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    const peer = new RawPeer(socket);
    await peer.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
    await peer.head();
    await closes(() => server.close());
    await peer.gone();
  });

  test("rejects a code that must not be sent, and closes nothing", async () => {
    const { server, port } = await start();
    await dialWebSocket(port);
    await expect(server.close(1005)).rejects.toThrow(RangeError);
    expect(server.server.listening).toBe(true);
    expect([...server.connections].map(({ readyState }) => readyState)).toEqual([1]);
  });
});
