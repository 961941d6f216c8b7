// Clients that are slow with the TLS handshake, the request, or the first stream.

import { once } from "node:events";
import { constants } from "node:http2";
import { describe, expect, test } from "vitest";
import { openSession, SERVERS, WEBSOCKET } from "./support/http2.ts";
import { dial, dialWebSocket, frames, request, TLS } from "./support/peer.ts";
import { start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";
import { close, text } from "../support/wire.ts";

watchLeftovers();

const LIMIT = 150;
/** Node checks only from time to time, and the machine may be busy. */
const SOON = 3000;

describe("a handshake is cut after handshakeTimeout", () => {
  for (const [name, options] of SERVERS) {
    test(`${name}: after no byte, half a request line, half the head, or a byte from time to time`, async () => {
      const { port } = await start({ ...options, handshakeTimeout: LIMIT });
      const tls = options.tls !== undefined;
      const began = performance.now();
      const silent = await dial(port, { tls });
      const half = await dial(port, { tls });
      await half.write("GET / HT");
      const most = await dial(port, { tls });
      await most.write(request().slice(0, -2));
      const dribbling = await dial(port, { tls });
      await dribbling.write("GET / HTTP/1.1\r\nX: ");
      const drip = setInterval(() => dribbling.socket.writable && dribbling.socket.write("x"), 20);
      atEnd(() => clearInterval(drip));
      for (const peer of [silent, half, most, dribbling]) await peer.gone();
      expect(performance.now() - began).toBeGreaterThan(LIMIT - 20);
      expect(performance.now() - began).toBeLessThan(SOON);
      expect([half.status, most.status, dribbling.status]).toEqual([408, 408, 408]);
    });

    if (options.tls) {
      test(`${name}: if the TLS handshake does not start, or does not end`, async () => {
        const { port } = await start({ ...options, handshakeTimeout: LIMIT });
        const silent = await dial(port);
        const begun = await dial(port);
        // The head of a record of 512 bytes, which never arrive.
        await begun.write(Buffer.from("160301020001", "hex"));
        for (const peer of [silent, begun]) await peer.gone();
      });
    }
  }

  test("an open connection is not cut", async () => {
    for (const [, options] of SERVERS) {
      const { port } = await start({ ...options, handshakeTimeout: LIMIT });
      const peer = await dialWebSocket(port, { tls: options.tls !== undefined });
      await new Promise((resolve) => setTimeout(resolve, 3 * LIMIT));
      await peer.write(frames("client", text("still here")));
      await peer.sees(() => peer.text.includes("still here"), "no echo");
      expect(peer.ended).toBe(false);
    }
  });
});

describe("HTTP/2", () => {
  test("a session without a stream is ended after handshakeTimeout; one with a stream is not", async () => {
    const started = await start({ tls: TLS, handshakeTimeout: LIMIT });
    const [idle, busy] = await Promise.all([openSession(started.port), openSession(started.port)]);
    const stream = busy.request(WEBSOCKET, { endStream: false });
    await once(stream, "response");
    stream.resume();
    await until(
      () => idle.destroyed,
      () => "the idle session is open",
    );
    await new Promise((resolve) => setTimeout(resolve, 2 * LIMIT));
    expect(busy.destroyed).toBe(false);
    // The time of the session starts when its last stream has ended.
    stream.end(frames("client", close(1000)));
    await once(stream, "close");
    expect(busy.destroyed).toBe(false);
    await until(
      () => busy.destroyed,
      () => "the session is open",
    );
    expect(started.ends).toEqual([[1000, "", true]]);
  });

  test("Pings do not keep a session open", async () => {
    const { port } = await start({ tls: TLS, handshakeTimeout: LIMIT });
    const session = await openSession(port);
    const drip = setInterval(() => session.destroyed || session.ping(() => {}), 20);
    atEnd(() => clearInterval(drip));
    await until(
      () => session.destroyed,
      () => "the session is open",
    );
  });

  test("a session with requests that are never finished and responses that are never read is ended", async () => {
    const { port } = await start({ tls: TLS, handshakeTimeout: LIMIT });
    const session = await openSession(port, { settings: { initialWindowSize: 0 } });
    for (const headers of [
      { ":method": "POST", ":path": "/" },
      { ...WEBSOCKET, "sec-websocket-version": "8" },
    ]) {
      session.request(headers, { endStream: false }).on("error", () => {});
    }
    await until(
      () => session.destroyed,
      () => "the session is open",
    );
  });

  test("a session has up to 256 streams, and one more waits until another has ended", async () => {
    const started = await start({ tls: TLS });
    const session = await openSession(started.port);
    const { maxConcurrentStreams } = session.remoteSettings;
    expect(maxConcurrentStreams).toBe(256);
    const streams = Array.from({ length: 257 }, () => session.request(WEBSOCKET, { endStream: false }));
    let answered = 0;
    for (const stream of streams) {
      stream.on("error", () => {});
      stream.on("response", () => answered++);
      stream.resume();
    }
    await until(
      () => answered === 256,
      () => `${answered} were answered`,
    );
    expect(started.server.connections.size).toBe(256);
    streams[0]!.close(constants.NGHTTP2_CANCEL);
    await until(
      () => answered === 257,
      () => "the last still waits",
    );
  });

  test("the server survives a flood of streams that are reset at once, and a flood of settings", async () => {
    const started = await start({ tls: TLS });
    const [resetting, setting] = await Promise.all([openSession(started.port), openSession(started.port)]);
    for (let i = 0; i < 500 && !resetting.destroyed; i++) {
      const stream = resetting.request(WEBSOCKET, { endStream: false });
      stream.on("error", () => {});
      stream.close(constants.NGHTTP2_CANCEL);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let i = 0; i < 500 && !setting.destroyed; i++) {
      setting.settings({ initialWindowSize: 65_535 + i }, () => {});
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    resetting.destroy();
    setting.destroy();
    await until(
      () => started.server.connections.size === 0,
      () => "connections are left",
    );
    const good = await dialWebSocket(started.port, { tls: true });
    await good.write(frames("client", text("still there")));
    await good.sees(() => good.text.includes("still there"), "no echo");
  });
});
