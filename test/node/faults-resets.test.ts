// Connections that are reset, or ended on one side, at every stage: on the server, on the client, over TLS, over
// HTTP/2.

import { once } from "node:events";
import { constants, type ServerHttp2Stream } from "node:http2";
import { describe, expect, test } from "vitest";
import { connect, type Connection } from "../../src/node/index.ts";
import { openSession, resetSession, SERVERS, WEBSOCKET } from "./support/http2.ts";
import { answer, CA, dial, dialWebSocket, frames, listen, type RawPeer, request, TLS } from "./support/peer.ts";
import { ended, start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";
import { binary, close, text } from "../support/wire.ts";

watchLeftovers();

const fragments = [
  { ...text("a"), fin: false },
  { opcode: 0, fin: false, payload: Buffer.from("b") },
];

/** The bytes that `from` sends until the connection breaks, and the messages that have arrived by then. */
const stages = (from: "client" | "server"): [name: string, bytes: Uint8Array, messages: string[]][] => [
  ["after the handshake", new Uint8Array(0), []],
  ["in a header", frames(from, { ...binary(new Uint8Array(0)), claimedLength: 70_000n }).subarray(0, 5), []],
  ["in a payload", frames(from, text("whole"), text("hello")).subarray(0, -2), ["whole"]],
  ["between fragments", frames(from, text("whole"), ...fragments), ["whole"]],
  ["after messages", frames(from, text("one"), text("two")), ["one", "two"]],
  ["in a Close", frames(from, text("one"), close(1000)).subarray(0, -2), ["one"]],
];

describe("serve()", () => {
  for (const [name, options] of SERVERS.slice(0, 2)) {
    const tls = options.tls !== undefined;

    test(`${name}: the server survives a reset or an end before there is a connection`, async () => {
      let asked = 0;
      const started = await start({
        ...options,
        handshakeTimeout: 500,
        verify: () => (asked++, new Promise<boolean>(() => {})),
      });
      const whole = request();
      for (const how of ["reset", "end"] as const) {
        for (const bytes of ["", "GET / H", whole.slice(0, -30), whole]) {
          const before = asked;
          const peer = await dial(started.port, { tls });
          if (bytes) await peer.write(bytes);
          if (bytes === whole) await peer.sees(() => asked > before, "verify was not asked");
          if (how === "reset") peer.reset();
          else peer.socket.end();
          if (how === "end") await peer.gone();
        }
      }
      expect(asked).toBe(2);
      expect(started.connections).toEqual([]);
    });

    for (const how of ["reset", "end"] as const) {
      test(`${name}: earlier messages are delivered, then 1006, after ${how} at every stage`, async () => {
        const started = await start(options);
        for (const [stage, bytes, messages] of stages("client")) {
          started.messages.length = started.ends.length = 0;
          const peer = await dialWebSocket(started.port, { tls });
          await peer.write(bytes);
          // A reset discards unread data.
          await until(
            () => started.messages.length === messages.length,
            () => `${stage}: ${started.messages.join()}`,
          );
          if (how === "reset") peer.reset();
          else peer.socket.end();
          await ended(started, 1);
          expect([stage, started.messages, started.ends]).toEqual([stage, messages, [[1006, "", false]]]);
          // A side that has ended only its own direction still reads: it gets the remaining data, and the end.
          if (how === "end") {
            await peer.gone();
            for (const message of messages) expect(peer.text, stage).toContain(message);
          }
        }
      });
    }

    test(`${name}: a reset during the closing handshake of either side ends the connection`, async () => {
      const started = await start({ ...options, closeTimeout: 5000 });
      const first = await dialWebSocket(started.port, { tls });
      await first.write(frames("client", close(1000)));
      await first.sees(() => first.received.length > 0, "no Close");
      first.reset();
      await ended(started, 1);
      expect(started.ends[0]).toEqual([1000, "", true]);

      const second = await dialWebSocket(started.port, { tls });
      started.connections[1]!.close(4000);
      await second.sees(() => second.received.length > 0, "no Close");
      second.reset();
      await ended(started, 2);
      expect(started.ends[1]).toEqual([1006, "", false]);

      const third = await dialWebSocket(started.port, { tls });
      started.connections[2]!.close(4000);
      await third.sees(() => third.received.length > 0, "no Close");
      await third.write(frames("client", text("late"), close(4000)));
      await third.leave();
      await ended(started, 3);
      expect([started.messages, started.ends[2]]).toEqual([["late"], [4000, "", true]]);
    });

    test(`${name}: a reset while the server sends, whole or in pieces, ends the connection`, async () => {
      const sent: (boolean | string)[] = [];
      const started = await start(options, async (connection) => {
        connection.on("close", () => sent.push("closed"));
        async function* pieces() {
          for (;;) yield new Uint8Array(100_000);
        }
        sent.push(await connection.send(pieces()));
        sent.push(connection.send("late"));
        await connection.drained();
        sent.push("drained");
      });
      const peer = await dialWebSocket(started.port, { tls });
      await peer.sees(() => peer.received.length > 1_000_000, "nothing arrives");
      peer.reset();
      await ended(started, 1);
      await until(
        () => sent.length === 4,
        () => sent.join(),
      );
      expect([...sent].sort()).toEqual(["closed", "drained", false, false].sort());
    });

    test(`${name}: if the socket closes between two pieces, messages sent before "close" fail`, async () => {
      const sent: (boolean | string)[] = [];
      const started = await start(options, async (connection) => {
        connection.on("close", () => sent.push("closed"));
        async function* pieces() {
          yield new Uint8Array(1000);
          yield new Uint8Array(1000);
          void connection.socket.destroy();
          yield new Uint8Array(1000);
        }
        const whole = connection.send(pieces());
        sent.push(connection.send("behind it"));
        sent.push(await whole);
        sent.push(connection.send("late"));
      });
      await dialWebSocket(started.port, { tls });
      await ended(started, 1);
      await until(
        () => sent.length === 4,
        () => sent.join(),
      );
      expect(sent).toEqual([true, false, false, "closed"]);
      expect(started.ends[0]).toEqual([1006, "", false]);
    });

    test(`${name}: terminate() ends the connection at once, and while messages wait`, async () => {
      const started = await start(options, (connection) => {
        if (started.connections.length === 1) connection.terminate();
        connection.on("message", () => {
          connection.send(new Uint8Array(1 << 20));
          connection.terminate();
          connection.send("late");
          connection.ping();
          connection.close();
        });
      });
      const first = await dial(started.port, { tls });
      await first.write(request());
      await first.gone();
      const second = await dialWebSocket(started.port, { tls });
      await second.write(frames("client", text("x"), text("y")));
      await second.gone();
      await ended(started, 2);
      expect(started.ends).toEqual([
        [1006, "", false],
        [1006, "", false],
      ]);
    });
  }

  test("while a hundred clients are reset at random, the others see each of their messages once", async () => {
    const started = await start();
    const good = await Promise.all(Array.from({ length: 5 }, () => connect(`ws://127.0.0.1:${started.port}`)));
    const seen = good.map((connection) => {
      const messages: unknown[] = [];
      connection.on("message", (data) => messages.push(data));
      atEnd(() => connection.terminate());
      return messages;
    });
    for (let i = 0; i < 100; i++) {
      const peer = await dial(started.port);
      const bytes = Buffer.concat([Buffer.from(request(), "latin1"), frames("client", text("x".repeat(50)), close())]);
      await peer.write(bytes.subarray(0, (i * 37) % bytes.length));
      for (const connection of good) connection.send(`${i}`);
      peer.reset();
    }
    await until(
      () => seen.every((messages) => messages.length === 100) && started.server.connections.size === 5,
      () => seen.map((messages) => messages.length).join(),
    );
    for (const messages of seen) expect(messages).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  });
});

describe("connect()", () => {
  for (const tls of [false, true]) {
    const open = (port: number) =>
      connect(`${tls ? "wss" : "ws"}://localhost:${port}`, { tls: CA, closeTimeout: 100, handshakeTimeout: 2000 });

    for (const how of ["reset", "end"] as const) {
      test(`rejects if the server closes during the handshake; tls: ${tls}, ${how}`, async () => {
        const heads = ["", "HTTP/1.1 101 Sw", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConn"];
        const { port } = await listen(
          async (peer) => {
            const head = heads.shift();
            await peer.head().catch(() => {});
            if (head) await peer.write(head);
            if (how === "reset") peer.reset();
            else peer.socket.end();
          },
          { tls, host: "localhost" },
        );
        for (let i = 0; i < 3; i++)
          await expect(open(port)).rejects.toThrow(/hang up|ECONNRESET|aborted|EPIPE|Parse Error/);
      });

      test(`reports earlier messages and the end after ${how} at every stage; tls: ${tls}`, async () => {
        let peer: RawPeer | undefined;
        const { port } = await listen(
          async (one) => {
            const head = await one.head().catch(() => undefined);
            if (head) await one.write(answer(head));
            peer = one;
          },
          { tls, host: "localhost" },
        );
        for (const [stage, bytes, messages] of stages("server")) {
          const connection = await open(port);
          const seen: unknown[] = [];
          connection.on("message", (data) => seen.push(data));
          connection.on("close", (...end) => seen.push(end));
          await until(
            () => peer !== undefined,
            () => "no peer",
          );
          if (bytes.length > 0) await peer!.write(bytes);
          await until(
            () => seen.length === messages.length,
            () => `${stage}: ${seen.join()}`,
          );
          if (how === "reset") peer!.reset();
          else peer!.socket.end();
          await until(
            () => seen.length > messages.length,
            () => `${stage}: no close event`,
          );
          expect([stage, ...seen]).toEqual([stage, ...messages, [1006, "", false]]);
          expect(connection.send("late")).toBe(false);
          if (how === "end") await peer!.gone();
          peer = undefined;
        }
      });
    }

    test(`rejects, or the connection ends, after a reset right after the 101, with or without frames; tls: ${tls}`, async () => {
      const extra = [new Uint8Array(0), frames("server", text("early")), frames("server", text("early"), close(4001))];
      const { port } = await listen(
        async (peer) => {
          const head = await peer.head();
          await peer.write(Buffer.concat([Buffer.from(answer(head)), extra.shift()!]));
          peer.reset();
        },
        { tls, host: "localhost" },
      );
      for (let i = 0; i < 3; i++) {
        // If the client sees the reset before it has read the 101, connect() rejects. Otherwise, the connection ends.
        const outcome = await open(port).then(
          (connection) => new Promise<number>((resolve) => connection.on("close", resolve)),
          () => "rejected",
        );
        expect([1006, 4001, "rejected"]).toContain(outcome);
      }
    });
  }
});

describe("HTTP/2", () => {
  const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } =
    constants;

  async function openStream(port: number) {
    const session = await openSession(port);
    const stream = session.request(WEBSOCKET, { endStream: false });
    stream.on("error", () => {});
    await once(stream, "response");
    stream.resume();
    return { session, stream };
  }

  test("a client's reset with any code, at every stage, ends the connection", async () => {
    const started = await start({ tls: TLS });
    for (const code of [NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR]) {
      for (const [stage, bytes, messages] of stages("client")) {
        started.messages.length = started.ends.length = 0;
        const { session, stream } = await openStream(started.port);
        if (bytes.length > 0) stream.write(bytes);
        await until(
          () => started.messages.length === messages.length,
          () => `${stage}: ${started.messages.join()}`,
        );
        stream.close(code);
        await ended(started, 1);
        expect([code, stage, started.messages, started.ends]).toEqual([code, stage, messages, [[1006, "", false]]]);
        session.destroy();
      }
    }
  });

  test("a stream that ends without a Close ends the connection", async () => {
    const started = await start({ tls: TLS });
    const { session, stream } = await openStream(started.port);
    stream.end(frames("client", text("last")));
    await once(stream, "close");
    await ended(started, 1);
    expect([started.messages, started.ends]).toEqual([["last"], [[1006, "", false]]]);
    expect(session.destroyed).toBe(false);
  });

  test("a session that is destroyed, or whose socket is reset, ends all its connections and no others", async () => {
    const started = await start({ tls: TLS });
    const other = await openStream(started.port);
    for (const how of ["destroy", "goaway", "reset"] as const) {
      started.ends.length = 0;
      const { session } = await openStream(started.port);
      for (let i = 0; i < 4; i++) {
        const stream = session.request(WEBSOCKET, { endStream: false });
        stream.on("error", () => {});
        await once(stream, "response");
      }
      if (how === "goaway") session.goaway(NGHTTP2_INTERNAL_ERROR);
      if (how === "reset") resetSession(session);
      else session.destroy();
      await until(
        () => started.ends.length === 5,
        () => `${how}: ${started.ends.length} have ended`,
      );
      expect(started.ends).toEqual(Array.from({ length: 5 }, () => [1006, "", false]));
    }
    expect(started.server.connections.size).toBe(1);
    expect(other.session.destroyed).toBe(false);
  });

  test("the server survives a stream that is reset or ended while verify decides", async () => {
    let decide: ((verdict: boolean) => void) | undefined;
    const started = await start({
      tls: TLS,
      verify: () => new Promise<boolean>((resolve) => (decide = resolve)),
    });
    const session = await openSession(started.port);
    for (const how of [NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM]) {
      for (const early of [new Uint8Array(0), frames("client", text("early"))]) {
        const stream = session.request(WEBSOCKET, { endStream: false });
        stream.on("error", () => {});
        if (early.length > 0) stream.write(early);
        await until(
          () => decide !== undefined,
          () => "verify was not asked",
        );
        stream.close(how);
        // When the Ping is answered, the server has seen the close.
        await new Promise<void>((resolve) => session.ping(() => resolve()));
        decide!(true);
        decide = undefined;
      }
    }
    await new Promise<void>((resolve) => session.ping(() => resolve()));
    await until(
      () => started.server.connections.size === 0,
      () => "connections are left",
    );
    // There may have been a connection for a moment. Now it is gone, and the session continues.
    expect(session.destroyed).toBe(false);
    expect(started.messages).toEqual([]);
  });

  test("if the server cuts a stream, the client's connection and its session end", async () => {
    const held: Connection[] = [];
    const { port } = await start({ tls: TLS }, (connection) => held.push(connection));
    for (const how of ["terminate", "socket"] as const) {
      const connection = await connect(`wss://localhost:${port}`, { http2: true, tls: CA });
      const end = once(connection, "close");
      if (how === "terminate") held.pop()!.terminate();
      else (held.pop()!.socket as ServerHttp2Stream).session!.destroy();
      expect(await end).toEqual([1006, "", false]);
    }
  });
});
