// What the standard says about a connected WebSocket: our class and that of undici, against servers of ws and wsframe/node.

/* oxlint-disable unicorn/prefer-add-event-listener */
import { describe, expect, test } from "vitest";
import { answer, frames, listen } from "../node/support/peer.ts";
import { until, watchLeftovers } from "../node/support/watch.ts";
import { text } from "../support/wire.ts";
import { IMPLEMENTATIONS, next, type Peer, record, SERVERS, startServer, thrown } from "./support/implementations.ts";

watchLeftovers();

const pairs = IMPLEMENTATIONS.flatMap(([name, WebSocket]) => SERVERS.map((server) => ({ name, WebSocket, server })));

describe.each(pairs)("$name against $server", ({ WebSocket, server }) => {
  test("delivers messages of all kinds in the order of send(), also after a Blob", async () => {
    const peers: Peer[] = [];
    const socket = new WebSocket(await startServer(server, (peer) => peers.push(peer)));
    await next(socket, "open");
    const bytes = Uint8Array.of(0, 1, 2, 3, 4);
    socket.send(new Blob(["a Blob"]));
    socket.send("text ü 💧");
    socket.send(bytes.buffer);
    socket.send(new Blob([bytes, bytes]));
    socket.send(bytes.subarray(1, 3));
    socket.send(new DataView(bytes.buffer, 2));
    socket.send(new Blob([]));
    socket.send("");
    // send() has copied the message.
    bytes.fill(9);
    await until(
      () => peers[0]!.received.length === 8,
      () => `only ${peers[0]!.received.length} have arrived`,
    );
    expect(peers[0]!.received.map((each) => (typeof each === "string" ? each : [...each]))).toEqual([
      [...Buffer.from("a Blob")],
      "text ü 💧",
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3, 4, 0, 1, 2, 3, 4],
      [1, 2],
      [2, 3, 4],
      [],
      "",
    ]);
    socket.close();
    await next(socket, "close");
  });

  test("sends a lone surrogate as U+FFFD", async () => {
    const socket = new WebSocket(await startServer(server));
    await next(socket, "open");
    socket.send("a\ud800b");
    expect((await next(socket, "message")).data).toBe("a\ufffdb");
    socket.close();
    await next(socket, "close");
  });

  test("sends other values as strings", async () => {
    const socket = new WebSocket(await startServer(server));
    await next(socket, "open");
    for (const value of [null, 12, { toString: () => "object" }]) {
      (socket.send as (data: unknown) => void)(value);
      expect((await next(socket, "message")).data).toBe(String(value));
    }
    expect(thrown(() => (socket.send as () => void)())).toBe("TypeError");
    socket.close();
    await next(socket, "close");
  });

  test("delivers binary messages as Blobs or ArrayBuffers, and ignores other values of binaryType", async () => {
    const socket = new WebSocket(await startServer(server));
    expect(socket.binaryType).toBe("blob");
    (socket as { binaryType: string }).binaryType = "notBlobOrArrayBuffer";
    expect(socket.binaryType).toBe("blob");
    await next(socket, "open");
    socket.send(Uint8Array.of(1, 2));
    const { data: blob } = (await next(socket, "message")) as MessageEvent<Blob>;
    expect(blob).toBeInstanceOf(Blob);
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(Uint8Array.of(1, 2));
    socket.binaryType = "arraybuffer";
    for (const size of [0, 3, 300, 100_000]) {
      socket.send(new Uint8Array(size).fill(7));
      const { data: buffer } = (await next(socket, "message")) as MessageEvent<ArrayBuffer>;
      expect(buffer).toBeInstanceOf(ArrayBuffer);
      expect(Buffer.from(buffer).equals(Buffer.alloc(size, 7))).toBe(true);
    }
    socket.close();
    await next(socket, "close");
  });

  test("shows the negotiated values when it opens, and compresses in both directions", async () => {
    const url = await startServer(server);
    const socket = new WebSocket(`${url}/path?query`, ["other", "chat"]);
    expect([socket.readyState, socket.protocol, socket.extensions]).toEqual([0, "", ""]);
    await next(socket, "open");
    expect([socket.readyState, socket.protocol, socket.url]).toEqual([1, "chat", `${url}/path?query`]);
    expect(socket.extensions).toMatch(/^permessage-deflate/);
    const long = "to be compressed ".repeat(5000);
    socket.send(long);
    const event = await next(socket, "message");
    expect(event.data).toBe(long);
    expect(event.origin).toBe(url);
    socket.close();
    await next(socket, "close");
  });

  test("emits the events of a connection that we close", async () => {
    const peers: Peer[] = [];
    const socket = new WebSocket(await startServer(server, (peer) => peers.push(peer)));
    const log = record(socket);
    await next(socket, "open");
    socket.close(3000, "räson");
    expect(socket.readyState).toBe(2);
    socket.close(4000, "too late");
    const { target, type } = await next(socket, "close");
    expect([target, type]).toEqual([socket, "close"]);
    expect(log).toEqual(["open 1", `close 3 3000 ${server === "ws" ? "räson" : ""} true`]);
    expect(await peers[0]!.end).toEqual([3000, "räson"]);
    socket.close();
    expect(socket.readyState).toBe(3);
  });

  test.each([
    [[], 1005, ""],
    [[undefined, undefined], 1005, ""],
    [[1000], 1000, ""],
    [["3000.4"], 3000, ""],
    [[4999, "x".repeat(123)], 4999, "x".repeat(123)],
    [[1000, "\ud800"], 1000, "\ufffd"],
    [[1000, null], 1000, "null"],
  ])("close(%j)", async (args, code, reason) => {
    const peers: Peer[] = [];
    const socket = new WebSocket(await startServer(server, (peer) => peers.push(peer)));
    await next(socket, "open");
    (socket.close as (...args: unknown[]) => void)(...args);
    expect(await next(socket, "close")).toMatchObject({ code, wasClean: true });
    expect(await peers[0]!.end).toEqual([code, reason]);
  });

  test("close() throws for forbidden codes and reasons, and has no effect then", async () => {
    const socket = new WebSocket(await startServer(server));
    const close = socket.close.bind(socket) as (...args: unknown[]) => void;
    const check = () => {
      for (const code of [0, 999, 1001, 1005, 2999, 5000, 2 ** 16 + 1000, NaN, "only a reason", null]) {
        expect(thrown(() => close(code))).toBe("InvalidAccessError");
      }
      for (const reason of ["x".repeat(124), "ü".repeat(62)]) {
        expect(thrown(() => close(1000, reason))).toBe("SyntaxError");
        expect(thrown(() => close(undefined, reason))).toBe("SyntaxError");
      }
    };
    check();
    await next(socket, "open");
    check();
    expect(socket.readyState).toBe(1);
    socket.close();
    await next(socket, "close");
    check();
  });

  test("emits the events of a connection that the peer closes, and earlier messages in the state OPEN", async () => {
    const url = await startServer(server, (peer) => {
      for (const data of ["a", "b", "c"]) peer.send(data);
      peer.close(4001, "bye");
    });
    const socket = new WebSocket(url);
    const log = record(socket);
    await next(socket, "close");
    expect(log).toEqual(["open 1", "message 1 a", "message 1 b", "message 1 c", "close 3 4001 bye true"]);
  });

  test("emits 1006 for a lost connection", async () => {
    const url = await startServer(server, (peer) => peer.onMessage(() => peer.terminate()));
    const socket = new WebSocket(url);
    const log = record(socket);
    await next(socket, "open");
    socket.send("cut it");
    await next(socket, "close");
    // undici emits an error event, which RFC 6455 §7.2.1 allows. Browsers do not.
    expect(log.filter((line) => line !== "error 3")).toEqual(["open 1", "close 3 1006  false"]);
  });

  test("emits error and close for a refused handshake", async () => {
    const socket = new WebSocket(`${await startServer(server)}/401`);
    const log = record(socket);
    await next(socket, "close");
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
  });

  test("bufferedAmount counts the bytes of UTF-8 sent in this task, and returns to 0", async () => {
    const socket = new WebSocket(await startServer(server));
    expect(socket.bufferedAmount).toBe(0);
    await next(socket, "open");
    socket.send("ü💧");
    expect(socket.bufferedAmount).toBe(6);
    socket.send("a".repeat(5000));
    socket.send(new Uint8Array(100));
    expect(socket.bufferedAmount).toBe(5106);
    socket.send(new Blob(["1234"]));
    expect(socket.bufferedAmount).toBe(5110);
    await until(
      () => socket.bufferedAmount === 0,
      () => `bufferedAmount is ${socket.bufferedAmount}`,
    );
    socket.close();
    await next(socket, "close");
    expect(socket.bufferedAmount).toBe(0);
  });
});

describe.each(IMPLEMENTATIONS)("%s against a raw socket", (_name, WebSocket) => {
  test("close() while connecting sets CLOSING, emits error and close, and never opens", async () => {
    const { port, peers } = await listen(() => {});
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const log = record(socket);
    expect(thrown(() => socket.send("too early"))).toBe("InvalidStateError");
    await until(
      () => peers[0]?.text.endsWith("\r\n\r\n") === true,
      () => "no request",
    );
    expect(socket.readyState).toBe(0);
    const closed = next(socket, "close");
    socket.close(1000, "gone");
    expect(socket.readyState).toBe(2);
    await closed;
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
    await peers[0]!.gone();
  });

  test("close() works right after the constructor", async () => {
    const { port } = await listen((peer) =>
      peer.head().then(
        (head) => peer.write(answer(head)),
        () => {},
      ),
    );
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const log = record(socket);
    const closed = next(socket, "close");
    socket.close();
    await closed;
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
  });

  test("emits error and close if no server listens", async () => {
    const socket = new WebSocket("ws://127.0.0.1:1");
    const log = record(socket);
    await next(socket, "close");
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
  });

  test("emits earlier messages, error and close for an invalid frame", async () => {
    const { port } = await listen(async (peer) => {
      await peer.write(answer(await peer.head()));
      await peer.write(frames("server", text("good"), { opcode: 3, payload: new Uint8Array(0) }));
      await peer.leave();
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    const log = record(socket);
    await next(socket, "close");
    expect(log.slice(1)).toEqual(["message 1 good", "error 3", "close 3 1006  false"]);
  });

  test("emits error and close for a subprotocol that was not offered", async () => {
    const { port } = await listen(async (peer) => {
      const head = answer(await peer.head());
      await peer.write(head.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other\r\n\r\n"));
    });
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, "chat");
    const log = record(socket);
    await next(socket, "close");
    expect(log).toEqual(["error 3", "close 3 1006  false"]);
  });
});
