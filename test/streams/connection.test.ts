// openWebSocketStream(): messages over a duplex of TransformStreams, and every way in which it ends.

import { afterAll, describe, expect, test } from "vitest";
import { perMessageDeflate, Protocol, type Role } from "../../src/index.ts";
import {
  acceptWebSocketStream,
  type ByteDuplex,
  connectWebSocketStream,
  openWebSocketStream,
  type WebSocketStreamOptions,
  type WebSocketStreamPair,
  WebSocketStreamError,
} from "../../src/streams/index.ts";
import { close, ping, ROLES, short, text, toRole } from "../support/wire.ts";
import { all, duplexes, from, settled } from "./support.ts";

const unhandled: unknown[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
afterAll(async () => {
  await settled();
  expect(unhandled).toEqual([]);
});

function pairs(options: Partial<WebSocketStreamOptions> = {}): {
  client: WebSocketStreamPair;
  server: WebSocketStreamPair;
  near: ByteDuplex;
  far: ByteDuplex;
} {
  const { near, far } = duplexes();
  return {
    near,
    far,
    client: openWebSocketStream(near, { role: "client", ...options }),
    server: openWebSocketStream(far, { role: "server", ...options }),
  };
}

/** A connection, and the byte streams of its peer. */
function raw(role: Role, options: Partial<WebSocketStreamOptions> = {}) {
  const { near, far, chunks } = duplexes();
  const pair = openWebSocketStream(near, { role, ...options });
  const writer = far.writable.getWriter();
  const reader = far.readable.getReader();
  const peer = new Protocol({ role: role === "server" ? "client" : "server", autoPong: false });
  /** The frames in the next chunk, as the peer reads them. */
  const next = async () => {
    const { done, value } = await reader.read();
    return done ? ["end"] : short(peer.receive(value));
  };
  return { pair, near, writer, reader, chunks, next };
}

function expectFree({ readable, writable }: ByteDuplex): void {
  expect(readable.locked).toBe(false);
  expect(writable.locked).toBe(false);
}

describe("messages", () => {
  for (const extensions of [[], [perMessageDeflate()]]) {
    test(`go both ways, with ${extensions.length} extensions`, async () => {
      const { client, server, near, far } = pairs({ extensions });
      void server.readable.pipeTo(server.writable);
      const messages = ["", "text", "é€😀", "x".repeat(100_000)];
      const binaries = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(70_000).fill(9)];
      const received = all(client.readable);
      const writer = client.writable.getWriter();
      for (const message of messages) void writer.write(message);
      for (const bytes of binaries) void writer.write(bytes);
      void writer.write(new Uint16Array([0x4142]));
      void writer.write(Uint8Array.of(5).buffer);
      await writer.ready;
      await settled();
      await writer.close();
      await expect(client.closed).resolves.toEqual({ closeCode: 1000, reason: "" });
      await expect(server.closed).resolves.toEqual({ closeCode: 1000, reason: "" });
      const { items } = await received;
      expect(items).toEqual([...messages, ...binaries, Uint8Array.of(0x42, 0x41), Uint8Array.of(5)]);
      expectFree(near);
      expectFree(far);
    });
  }

  test("the answers to a chunk leave in one write", async () => {
    const { pair, writer, chunks, next } = raw("server");
    void pair.readable.pipeTo(pair.writable).catch(() => {});
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    void writer.write(toRole("server", ...texts.map((each) => text(each))));
    expect(await next()).toEqual(texts.map((each) => `text:${each}`));
    expect(chunks).toHaveLength(1);
  });

  test("the answers of a loop with await leave in one write, too", async () => {
    const { pair, writer, chunks, next } = raw("server");
    void (async () => {
      const out = pair.writable.getWriter();
      for await (const message of pair.readable as unknown as AsyncIterable<string>) await out.write(message);
    })();
    const texts = Array.from({ length: 100 }, (_, i) => `message ${i}`);
    void writer.write(toRole("server", ...texts.map((each) => text(each))));
    expect(await next()).toEqual(texts.map((each) => `text:${each}`));
    expect(chunks).toHaveLength(1);
  });

  test("Pings are answered without a reader; one after a full queue waits with it", async () => {
    const { writer, next, pair } = raw("server", { readableHighWaterMark: 10 });
    void writer.write(toRole("server", ping("1"), text("0123456789")));
    expect(await next()).toEqual(["pong:1"]);
    let answered = false;
    void writer.write(toRole("server", ping("2")));
    const second = next().then((seen) => {
      answered = true;
      return seen;
    });
    await settled();
    expect(answered).toBe(false);
    await pair.readable.getReader().read();
    expect(await second).toEqual(["pong:2"]);
  });

  test("bytes after the head of the handshake come first", async () => {
    const { pair, writer } = raw("server", { head: toRole("server", text("first")) });
    void writer.write(toRole("server", text("second")));
    const reader = pair.readable.getReader();
    expect((await reader.read()).value).toBe("first");
    expect((await reader.read()).value).toBe("second");
  });
});

describe("backpressure", () => {
  for (const mark of [0, 1000, 65536]) {
    test(`reads no more of the duplex than a mark of ${mark} bytes and a chunk`, async () => {
      let pulled = 0;
      const chunk = toRole("client", text("x".repeat(998)));
      const readable = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulled++;
            controller.enqueue(chunk);
          },
        },
        { highWaterMark: 0 },
      );
      const pair = openWebSocketStream(
        { readable, writable: new WritableStream() },
        { role: "client", readableHighWaterMark: mark },
      );
      await settled();
      const reader = pair.readable.getReader();
      for (let read = 1; read < 300; read++) {
        await reader.read();
        if (read % 10 === 0) await settled();
        expect((pulled - read) * 1000).toBeLessThanOrEqual(mark + 1000);
      }
      expect(pulled * 1000).toBeGreaterThanOrEqual(mark);
    });
  }

  test("writes wait for a slow duplex", async () => {
    let written = 0;
    const waiting: (() => void)[] = [];
    const writable = new WritableStream<Uint8Array>({
      write(chunk) {
        written += chunk.length;
        return new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      },
    });
    const pair = openWebSocketStream({ readable: new ReadableStream(), writable }, { role: "server" });
    const writer = pair.writable.getWriter();
    let accepted = 0;
    void (async () => {
      for (;;) {
        await writer.write(new Uint8Array(10_000));
        accepted++;
      }
    })().catch(() => {});
    await settled();
    const before = accepted;
    expect(before).toBeLessThan(20);
    await settled();
    expect(accepted).toBe(before);
    waiting.shift()!();
    await settled();
    expect(accepted).toBeGreaterThan(before);
    expect(written).toBeGreaterThan(10_000);
  });
});

describe("closing", () => {
  for (const role of ROLES) {
    test(`close() as ${role} sends a code and a reason, and messages before the answer arrive`, async () => {
      const { near, far } = duplexes();
      const pair = openWebSocketStream(near, { role });
      const peer = openWebSocketStream(far, { role: role === "server" ? "client" : "server" });
      const out = peer.writable.getWriter();
      await out.write("before");
      pair.close({ closeCode: 3000, reason: "bye" });
      await expect(peer.closed).resolves.toEqual({ closeCode: 3000, reason: "bye" });
      await expect(pair.closed).resolves.toEqual({ closeCode: 3000, reason: "" });
      expect(await all(pair.readable)).toEqual({ items: ["before"], error: undefined });
      expect(await all(peer.readable)).toEqual({ items: [], error: undefined });
      await expect(out.closed).rejects.toMatchObject({ closeCode: 3000, reason: "bye" });
      expectFree(near);
      expectFree(far);
    });

    test(`as ${role}, the connection closes when the writable is closed or aborted, or the readable is cancelled`, async () => {
      for (const [end, closeCode, reason] of [
        [(pair: WebSocketStreamPair) => pair.writable.close(), 1000, ""],
        [(pair: WebSocketStreamPair) => pair.writable.abort({ closeCode: 4001, reason: "why" }), 4001, "why"],
        [(pair: WebSocketStreamPair) => pair.writable.abort(new Error("other")), 1005, ""],
        [(pair: WebSocketStreamPair) => pair.readable.cancel({ closeCode: 1001, reason: "" }), 1001, ""],
        [(pair: WebSocketStreamPair) => pair.readable.cancel(), 1005, ""],
        [(pair: WebSocketStreamPair) => pair.close({ reason: "only" }), 1000, "only"],
      ] as const) {
        const { near, far } = duplexes();
        const pair = openWebSocketStream(near, { role });
        const peer = openWebSocketStream(far, { role: role === "server" ? "client" : "server" });
        await end(pair);
        await expect(peer.closed).resolves.toEqual({ closeCode, reason });
        await expect(pair.closed).resolves.toMatchObject({ closeCode });
        expectFree(near);
        expectFree(far);
      }
    });
  }

  test("messages written before close() are sent before the Close", async () => {
    const { client, server } = pairs();
    const writer = client.writable.getWriter();
    for (let i = 0; i < 50; i++) void writer.write(new Uint8Array(10_000));
    void writer.close();
    expect((await all(server.readable)).items).toHaveLength(50);
    await expect(server.closed).resolves.toMatchObject({ closeCode: 1000 });
  });

  test("close() throws for a code that must not be sent, and nothing happens", async () => {
    const { client, server } = pairs();
    expect(() => client.close({ closeCode: 1005 })).toThrow(RangeError);
    const writer = client.writable.getWriter();
    await writer.write("still open");
    expect((await server.readable.getReader().read()).value).toBe("still open");
  });

  test("writing after close() fails", async () => {
    const { client } = pairs();
    const writer = client.writable.getWriter();
    client.close();
    await expect(writer.write("late")).rejects.toThrow(WebSocketStreamError);
    client.close();
  });

  test("a peer that never answers is cut after closeTimeout", async () => {
    const { pair, near } = raw("client", { closeTimeout: 20 });
    const closing = pair.writable.close();
    await expect(pair.closed).rejects.toMatchObject({ closeCode: 1006, cause: expect.any(Error) });
    await expect(closing).rejects.toThrow(WebSocketStreamError);
    expect((await all(pair.readable)).error).toBeInstanceOf(WebSocketStreamError);
    expectFree(near);
  });

  test("a peer that answers but does not end the stream is cut, too, but the end is clean", async () => {
    const { pair, near, writer } = raw("client", { closeTimeout: 20 });
    pair.close({ closeCode: 1000 });
    void writer.write(toRole("client", close(1000))).catch(() => {});
    await expect(pair.closed).resolves.toEqual({ closeCode: 1000, reason: "" });
    expectFree(near);
  });
});

describe("ends that are not clean", () => {
  for (const role of ROLES) {
    test(`as ${role}, if the duplex ends`, async () => {
      const { pair, near, writer, reader } = raw(role);
      void all(readerAsStream(reader));
      void writer.write(toRole(role, text("last")));
      await settled();
      await writer.close();
      await expect(pair.closed).rejects.toMatchObject({ name: "WebSocketStreamError", closeCode: 1006, reason: "" });
      const { items, error } = await all(pair.readable);
      expect(items).toEqual(["last"]);
      expect(error).toMatchObject({ closeCode: 1006 });
      await expect(pair.writable.getWriter().closed).rejects.toBe(error);
      expectFree(near);
    });

    test(`as ${role}, if the readable of the duplex fails`, async () => {
      const { pair, near, writer } = raw(role);
      const cause = new Error("reset");
      await writer.abort(cause);
      await expect(pair.closed).rejects.toMatchObject({ closeCode: 1006, cause });
      expect((await all(pair.readable)).error).toMatchObject({ cause });
      expectFree(near);
    });

    test(`as ${role}, if the writable of the duplex fails`, async () => {
      const { pair, near, reader } = raw(role);
      const cause = new Error("reset");
      await reader.cancel(cause);
      await expect(pair.closed).rejects.toMatchObject({ closeCode: 1006, cause });
      await expect(pair.writable.getWriter().write("x")).rejects.toMatchObject({ cause });
      expectFree(near);
    });

    test(`as ${role}, if the peer breaks a rule`, async () => {
      const { pair, near, writer, next } = raw(role);
      void writer.write(toRole(role, text("good"), { opcode: 3, payload: new Uint8Array(0) }));
      expect((await next())[0]).toMatch(/^close:1002/);
      expect(await next()).toEqual(["end"]);
      void writer.close();
      await expect(pair.closed).rejects.toMatchObject({ closeCode: 1006, cause: { code: "WS_ERR_INVALID_OPCODE" } });
      const { items, error } = await all(pair.readable);
      expect(items).toEqual(["good"]);
      expect(error).toMatchObject({ cause: { code: "WS_ERR_INVALID_OPCODE" } });
      expectFree(near);
    });
  }

  test("limits apply", async () => {
    const { pair, writer, next } = raw("server", { limits: { maxMessage: 3 } });
    void writer.write(toRole("server", text("four")));
    expect((await next())[0]).toMatch(/^close:1009/);
    void writer.close().catch(() => {});
    expect((await all(pair.readable)).error).toMatchObject({ cause: { closeCode: 1009 } });
  });

  test("a value that is not a message fails the writable and closes with 1011", async () => {
    const { client, server } = pairs();
    await expect(client.writable.getWriter().write(5 as never)).rejects.toThrow(TypeError);
    await expect(server.closed).resolves.toMatchObject({ closeCode: 1011 });
  });

  test("a locked duplex and wrong options throw, and lock nothing", () => {
    const { near, far } = duplexes();
    expect(() => openWebSocketStream(near, { role: "client", closeTimeout: -1 })).toThrow(RangeError);
    expect(() => openWebSocketStream(near, { role: "client", readableHighWaterMark: -1 })).toThrow(RangeError);
    expectFree(near);
    far.readable.getReader();
    expect(() => openWebSocketStream(far, { role: "server" })).toThrow(TypeError);
    expect(far.writable.locked).toBe(false);
  });
});

describe("handshakes", () => {
  test("agree on a subprotocol and compression, and deliver frames after the response", async () => {
    const { near, far } = duplexes();
    const extensions = [perMessageDeflate()];
    const [client, server] = await Promise.all([
      connectWebSocketStream(near, "ws://localhost/path", { protocols: ["a", "b"], extensions }),
      acceptWebSocketStream(far, { protocols: ["b"], extensions }).then(async (pair) => {
        await pair.writable.getWriter().write("at once");
        return pair;
      }),
    ]);
    expect([client.protocol, server.protocol]).toEqual(["b", "b"]);
    expect(client.extensions).toMatch(/^permessage-deflate/);
    expect(server.extensions).toBe(client.extensions);
    expect((await client.readable.getReader().read()).value).toBe("at once");
    client.close();
    await expect(server.closed).resolves.toMatchObject({ closeCode: 1005 });
  });

  test("fail if the request is refused or invalid", async () => {
    const refused = duplexes();
    const [client, server] = await Promise.allSettled([
      connectWebSocketStream(refused.near, "ws://localhost/", { origin: "https://evil.example" }),
      acceptWebSocketStream(refused.far, { checkOrigin: () => false }),
    ]);
    expect(client).toMatchObject({ status: "rejected", reason: { code: "WS_ERR_HANDSHAKE_STATUS", status: 403 } });
    expect(server).toMatchObject({ status: "rejected", reason: { code: "WS_ERR_HANDSHAKE_ORIGIN" } });
    expectFree(refused.near);
    expectFree(refused.far);

    const { near, far } = duplexes();
    const answer = all(near.readable);
    void near.writable
      .getWriter()
      .write(new TextEncoder().encode("hello\r\n\r\n"))
      .catch(() => {});
    await expect(acceptWebSocketStream(far)).rejects.toMatchObject({ code: "WS_ERR_HANDSHAKE_START_LINE" });
    const [head] = (await answer).items;
    expect(new TextDecoder().decode(head)).toMatch(/^HTTP\/1.1 400/);
  });

  test("fail if the stream ends during the handshake, or a signal aborts", async () => {
    const ended = { readable: from<Uint8Array>([]), writable: new WritableStream<Uint8Array>() };
    await expect(connectWebSocketStream(ended, "ws://localhost/")).rejects.toThrow(
      "ended before the handshake was complete",
    );
    expectFree(ended);

    const reason = new Error("too slow");
    const controller = new AbortController();
    const silent = { readable: new ReadableStream<Uint8Array>(), writable: new WritableStream<Uint8Array>() };
    const waiting = acceptWebSocketStream(silent, { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expectFree(silent);
  });
});

function readerAsStream(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}
