// send(), close() and bufferedAmount, where Node's own WebSocket differs from the standard.

import { openAsBlob } from "node:fs";
import { Agent } from "node:http";
import { Socket } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FrameDecoder } from "../../src/index.ts";
import { WebSocket } from "../../src/websocket/index.ts";
import { countWrites } from "../node/support/direct.ts";
import { answer, frames, listen, type RawPeer } from "../node/support/peer.ts";
import { atEnd, until, watchLeftovers } from "../node/support/watch.ts";
import { close, text } from "../support/wire.ts";
import { next as nextOf, type Peer, SERVERS, startServer, thrown } from "./support/implementations.ts";

watchLeftovers();

function next<T extends keyof WebSocketEventMap>(socket: WebSocket, type: T): Promise<WebSocketEventMap[T]> {
  return nextOf(socket as globalThis.WebSocket, type);
}

/** A peer that does not read until a test resumes its socket. */
async function slowPeer(): Promise<{ socket: WebSocket; peer: RawPeer }> {
  const { port, peers } = await listen(async (peer) => {
    const head = answer(await peer.head());
    peer.socket.pause();
    await peer.write(head);
  });
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await next(socket, "open");
  return { socket, peer: peers[0]! };
}

async function fileOf(content: Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wsframe-blob-"));
  atEnd(() => rm(folder, { recursive: true }));
  const path = join(folder, "file");
  await writeFile(path, content);
  return path;
}

describe.each(SERVERS)("against %s", (server) => {
  test("close() is sent after all messages, including Blobs", async () => {
    const peers: Peer[] = [];
    const socket = new WebSocket(await startServer(server, (peer) => peers.push(peer)));
    await next(socket, "open");
    socket.send(new Blob(["a Blob"]));
    socket.send("text");
    socket.send(new Blob(["x".repeat(200_000)]));
    socket.close(1000, "done");
    expect(socket.readyState).toBe(2);
    expect(await next(socket, "close")).toMatchObject({ code: 1000, wasClean: true });
    expect(await peers[0]!.end).toEqual([1000, "done"]);
    expect(peers[0]!.received.map((each) => Buffer.from(each as string).toString())).toEqual([
      "a Blob",
      "text",
      "x".repeat(200_000),
    ]);
    expect(socket.bufferedAmount).toBe(0);
  });

  test("sends a Blob of a file completely", async () => {
    const peers: Peer[] = [];
    const socket = new WebSocket(await startServer(server, (peer) => peers.push(peer)));
    await next(socket, "open");
    const content = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7);
    socket.send(await openAsBlob(await fileOf(content)));
    socket.send("after it");
    socket.close();
    await next(socket, "close");
    const [first, second] = peers[0]!.received;
    expect(Buffer.from(content).equals(first as Uint8Array)).toBe(true);
    expect(second).toBe("after it");
  });

  test("fails the connection if a Blob cannot be read", async () => {
    const socket = new WebSocket(await startServer(server));
    await next(socket, "open");
    const path = await fileOf(new Uint8Array(100));
    const blob = await openAsBlob(path);
    await writeFile(path, "other content");
    socket.send(blob);
    const error = (await next(socket, "error")) as ErrorEvent;
    expect(error.error).toMatchObject({ name: "NotReadableError" });
    expect(await next(socket, "close")).toMatchObject({ code: 1011 });
    expect(socket.bufferedAmount).toBe(100);
  });

  test("messages sent after close() stay in bufferedAmount", async () => {
    const socket = new WebSocket(await startServer(server));
    await next(socket, "open");
    socket.close();
    socket.send("ü");
    expect(socket.bufferedAmount).toBe(2);
    await next(socket, "close");
    expect(socket.bufferedAmount).toBe(2);
    socket.send(new Uint8Array(3));
    socket.send(new Blob(["1234"]));
    expect(socket.bufferedAmount).toBe(9);
    await new Promise((resolve) => setImmediate(resolve));
    expect(socket.bufferedAmount).toBe(9);
  });
});

test("bufferedAmount counts the bytes that a slow peer does not read, also after the end", async () => {
  const { socket, peer } = await slowPeer();
  const part = 1_000_000;
  let sent = 0;
  // More than the system buffers.
  while (socket.bufferedAmount < 8 * part) {
    socket.send(new Uint8Array(part));
    sent += part;
    expect(socket.bufferedAmount).toBeLessThanOrEqual(sent);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = socket.bufferedAmount;
  socket.send("123");
  expect(socket.bufferedAmount).toBe(before + 3);
  peer.reset();
  await next(socket, "close");
  expect(socket.bufferedAmount).toBeGreaterThan(0);
});

test("bufferedAmount falls while more messages are sent", async () => {
  const socket = new WebSocket(await startServer("wsframe/node", () => {}));
  await next(socket, "open");
  const part = new Uint8Array(100_000);
  let most = 0;
  for (let i = 0; i < 60; i++) {
    socket.send(part);
    most = Math.max(most, socket.bufferedAmount);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // 6 MB in all.
  expect(most).toBeLessThan(2_000_000);
  socket.close();
  await next(socket, "close");
});

test("sends nothing after the peer's Close, in the state CLOSING", async () => {
  const { port, peers } = await listen(async (peer) => {
    await peer.write(answer(await peer.head()));
    await peer.write(frames("server", text("last"), close(4000)));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  const states: number[] = [];
  socket.addEventListener("message", () => states.push(socket.readyState));
  await next(socket, "message");
  await until(
    () => socket.readyState === 2,
    () => `readyState is ${socket.readyState}`,
  );
  expect(states).toEqual([1]);
  socket.send("too late");
  expect(socket.bufferedAmount).toBe(8);
  socket.close(3000);
  await peers[0]!.sees(() => peers[0]!.received.includes(0x88), "no Close");
  peers[0]!.socket.end();
  expect(await next(socket, "close")).toMatchObject({ code: 4000, wasClean: true });
  expect(peers[0]!.text).not.toContain("too late");
});

test("answers to messages of one chunk leave in one write, before the answer to the peer's Close", async () => {
  const { port, peers } = await listen(async (peer) => {
    await peer.write(answer(await peer.head()));
    const messages = Array.from({ length: 50 }, (_, i) => text(`${i}`));
    await peer.write(frames("server", ...messages, close(1000)));
  });
  let writes: (() => number) | undefined;
  class Counting extends Agent {
    override createConnection(...args: Parameters<Agent["createConnection"]>): ReturnType<Agent["createConnection"]> {
      const socket = super.createConnection(...args) as Socket;
      // Direct writes skip the stream, so they cannot be counted.
      socket._write = (...args) => Socket.prototype._write.apply(socket, args);
      writes = countWrites(socket);
      return socket;
    }
  }
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, [], { agent: new Counting(), extensions: [] });
  let before = 0;
  socket.addEventListener("open", () => (before = writes!()));
  socket.addEventListener("message", async ({ data }) => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    socket.send(data);
  });
  await peers[0]?.head();
  const decoder = new FrameDecoder({ role: "server" });
  const closed = next(socket, "close");
  await until(
    () => peers[0]?.ended === true || peers[0]?.received.includes(0x88) === true,
    () => "no Close",
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  peers[0]!.socket.end();
  await closed;
  const raw = peers[0]!.received;
  const sent = decoder.decode(raw.subarray(raw.indexOf("\r\n\r\n") + 4));
  expect(sent.map(({ opcode }) => opcode)).toEqual([...Array.from({ length: 50 }, () => 1), 8]);
  expect(sent.slice(0, 50).map((frame) => frame.text)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  expect(writes!() - before).toBe(1);
});

test("refuses shared memory", async () => {
  const socket = new WebSocket(await startServer("ws"));
  await next(socket, "open");
  const shared = new SharedArrayBuffer(4);
  expect(thrown(() => socket.send(new Uint8Array(shared) as unknown as Uint8Array))).toBe("TypeError");
  socket.send(shared as unknown as string);
  expect((await next(socket, "message")).data).toBe("[object SharedArrayBuffer]");
  socket.close();
  await next(socket, "close");
});
