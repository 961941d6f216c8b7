// The pair over real sockets, against ws: Duplex.toWeb() of node:stream on localhost.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { perMessageDeflate, PreparedMessage } from "../../src/index.ts";
import {
  acceptWebSocketStream,
  type ByteDuplex,
  connectWebSocketStream,
  openWebSocketStream,
  type WebSocketStreamPair,
} from "../../src/streams/index.ts";
import { close, toRole } from "../support/wire.ts";
import { settled } from "./support.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

// Without a cast, because Node's stream types fit, with or without those of the DOM.
const toWeb = (socket: Socket): ByteDuplex => Duplex.toWeb(socket);

/** A server of ws that calls `handle` with each connection; returns its port. */
async function wsServer(handle: (socket: WebSocket) => void): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
  cleanups.push(() => server.close());
  server.on("connection", handle);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function connected(port: number): Promise<WebSocketStreamPair> {
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  await once(socket, "connect");
  return connectWebSocketStream(toWeb(socket), `ws://127.0.0.1:${port}/`, { extensions: [perMessageDeflate()] });
}

/** A server that calls `handle` with each pair; returns a client of ws. */
async function wsClient(handle: (pair: WebSocketStreamPair) => unknown): Promise<WebSocket> {
  const server: Server = createServer((socket) => {
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    acceptWebSocketStream(toWeb(socket))
      .then(handle)
      .catch(() => {});
  });
  cleanups.push(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  cleanups.push(() => client.terminate());
  await once(client, "open");
  return client;
}

test("a client: an echo of every class of lengths, and its close", async () => {
  const port = await wsServer((socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  const pair = await connected(port);
  const reader = pair.readable.getReader();
  const writer = pair.writable.getWriter();
  for (const length of [0, 125, 126, 65535, 65536, 1 << 20]) {
    const message = "x".repeat(length);
    void writer.write(message);
    void writer.write(new Uint8Array(length).fill(3));
    expect((await reader.read()).value).toBe(message);
    expect((await reader.read()).value).toHaveLength(length);
  }
  await writer.close();
  await expect(pair.closed).resolves.toEqual({ closeCode: 1000, reason: "" });
});

test("a client whose server closes, and one whose server is gone", async () => {
  const closing = await connected(await wsServer((socket) => socket.close(4000, "enough")));
  await expect(closing.closed).resolves.toEqual({ closeCode: 4000, reason: "enough" });
  const gone = await connected(await wsServer((socket) => socket.terminate()));
  await expect(gone.closed).rejects.toMatchObject({ closeCode: 1006 });
});

test("a server: an echo, and the client's close", async () => {
  let closed: WebSocketStreamPair["closed"] | undefined;
  const client = await wsClient((pair) => {
    closed = pair.closed;
    pair.readable.pipeTo(pair.writable).catch(() => {});
  });
  for (const message of ["", "text", "é".repeat(70_000)]) {
    client.send(message);
    const [data] = (await once(client, "message")) as [Buffer];
    expect(data.toString()).toBe(message);
  }
  client.close(3001, "done");
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  expect([code, reason.toString()]).toEqual([3001, ""]);
  await expect(closed).resolves.toEqual({ closeCode: 3001, reason: "done" });
});

test("a client that does not read makes the server's writes wait", async () => {
  const piece = new Uint8Array(65536);
  let written = 0;
  const client = await wsClient(async ({ writable }) => {
    const writer = writable.getWriter();
    for (let i = 0; i < 1000; i++) {
      await writer.write(piece);
      written++;
    }
    await writer.close();
  });
  client.pause();
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(written).toBeLessThan(500);
  let received = 0;
  client.on("message", (data: Buffer) => (received += data.length));
  client.resume();
  const [code] = (await once(client, "close")) as [number];
  expect(code).toBe(1000);
  expect(received).toBe(1000 * piece.length);
});

test("a server that does not read makes the client wait", async () => {
  let pair!: WebSocketStreamPair;
  const client = await wsClient((opened) => {
    pair = opened;
  });
  for (let i = 0; i < 500; i++) client.send(new Uint8Array(65536));
  let before = -1;
  while (before !== client.bufferedAmount) {
    before = client.bufferedAmount;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(client.bufferedAmount).toBeGreaterThan(0);
  const reader = pair.readable.getReader();
  for (let i = 0; i < 500; i++) expect((await reader.read()).value).toHaveLength(65536);
  client.close(1000);
  expect((await reader.read()).done).toBe(true);
  await expect(pair.closed).resolves.toMatchObject({ closeCode: 1000 });
  await settled();
});

test("a response that arrives while the event loop is blocked counts", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  cleanups.push(() => server.close());
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  cleanups.push(() => client.destroy());
  const [socket] = (await once(server, "connection")) as [Socket];
  const pair = openWebSocketStream(toWeb(socket), { role: "server", closeTimeout: 100 });
  pair.close({ closeCode: 4000 });
  await once(client, "data");
  // The system has the response immediately.
  client.end(toRole("server", close(4000)));
  const end = performance.now() + 300;
  while (performance.now() < end);
  await expect(pair.closed).resolves.toEqual({ closeCode: 4000, reason: "" });
});

test("a PreparedMessage can be sent in both roles", async () => {
  const message = new PreparedMessage("é".repeat(3000));
  const port = await wsServer((socket) => socket.on("message", (data) => socket.send(data.toString())));
  const pair = await connected(port);
  await pair.writable.getWriter().write(message);
  expect((await pair.readable.getReader().read()).value).toBe("é".repeat(3000));
  pair.close();
  const client = await wsClient(async ({ readable, writable }) => {
    await readable.getReader().read();
    await writable.getWriter().write(message);
  });
  client.send("now");
  const [data] = (await once(client, "message")) as [Buffer];
  expect(data.toString()).toBe("é".repeat(3000));
});
