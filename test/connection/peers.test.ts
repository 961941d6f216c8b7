// Complete implementations on both sides: ours with ours, and ours with ws.

import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createConnection, createServer, type Server } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { perMessageDeflate } from "../../src/index.ts";
import { connect, type Connection, serve } from "../../src/node/index.ts";
import { acceptWebSocketStream, connectWebSocketStream } from "../../src/streams/index.ts";
import { CA, TLS } from "../node/support/peer.ts";
import { type Consumer, inPieces, type Message, NodeSubject, type Sender, StreamsSubject } from "./support/subject.ts";
import { end, until, within } from "./support/time.ts";
import { CONSUMERS, MARKS, SENDERS } from "./support/ways.ts";

interface Settings {
  readonly highWaterMark: number;
  readonly consumer: Consumer;
  readonly sender: Sender;
  readonly tls: boolean;
  readonly http2: boolean;
  readonly directReads: boolean;
  readonly directWrites: boolean;
}

/** A server that echoes. */
type EchoServer = (settings: Settings, atEnd: (end: () => unknown) => void) => Promise<number>;
/** A client, with only what these tests need. */
interface Client {
  readonly send: (data: Message) => unknown;
  readonly close: (code: number) => void;
  readonly closed: Promise<{ readonly code: number }>;
}
type Dial = (
  port: number,
  settings: Settings,
  received: (data: Message) => void,
  atEnd: (end: () => unknown) => void,
) => Promise<Client>;

const extensions = [perMessageDeflate()];

const ourServer: EchoServer = async ({ consumer, sender, tls, http2, ...own }, atEnd) => {
  const options = { host: "127.0.0.1", closeTimeout: 500, extensions, ...own };
  const server = await serve({ ...options, ...(tls && { tls: TLS, http2 }) }, (connection: Connection) => {
    const subject = new NodeSubject(connection, consumer, sender);
    subject.receive((data) => subject.answer(data));
  });
  atEnd(() => server.close());
  return server.port;
};

const wsServer: EchoServer = async ({ tls }, atEnd) => {
  const server = tls ? createHttpsServer(TLS) : undefined;
  const sockets = new WebSocketServer({
    perMessageDeflate: true,
    ...(server ? { server } : { port: 0, host: "127.0.0.1" }),
  });
  sockets.on("connection", (socket) =>
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  server?.listen(0, "127.0.0.1");
  await once(server ?? sockets, "listening");
  atEnd(() => {
    sockets.close();
    server?.close();
  });
  return (sockets.address() as AddressInfo).port;
};

/** As in the guide. */
const pipingServer: EchoServer = async (_, atEnd) => {
  const server: Server = createServer((socket) => {
    atEnd(() => socket.destroy());
    socket.on("error", () => {});
    acceptWebSocketStream(Duplex.toWeb(socket), { extensions })
      .then(({ readable, writable }) => readable.pipeTo(writable))
      .catch(() => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => server.close());
  return (server.address() as AddressInfo).port;
};

const ourClient: Dial = async (port, settings, received, atEnd) => {
  const { consumer, sender, tls, http2, ...own } = settings;
  const scheme = tls ? "wss" : "ws";
  const options = { closeTimeout: 500, extensions, ...own, http2, tls: CA };
  const subject = new NodeSubject(await connect(`${scheme}://localhost:${port}`, options), consumer, sender);
  atEnd(() => subject.discard());
  subject.receive(received);
  return { send: (data) => subject.answer(data), close: (code) => subject.close(code), closed: subject.closed };
};

const wsClient: Dial = async (port, { tls }, received, atEnd) => {
  const socket = new WebSocket(`${tls ? "wss" : "ws"}://localhost:${port}`, { perMessageDeflate: true, ...CA });
  atEnd(() => socket.terminate());
  socket.on("message", (data: Buffer, isBinary) => received(isBinary ? new Uint8Array(data) : data.toString()));
  await once(socket, "open");
  return {
    send: (data) => socket.send(data),
    close: (code) => socket.close(code),
    closed: once(socket, "close").then(([code]) => ({ code: code as number })),
  };
};

const streamsClient: Dial = async (port, _, received, atEnd) => {
  const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
  atEnd(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  const subject = new StreamsSubject(
    await connectWebSocketStream(Duplex.toWeb(socket), `ws://localhost:${port}/`, { extensions }),
  );
  subject.receive(received);
  return { send: (data) => subject.send(data), close: (code) => subject.close(code), closed: subject.closed };
};

const MESSAGES: readonly Message[] = [
  "",
  new Uint8Array(0),
  "grüße 🙂",
  ...[125, 126, 65_535, 65_536, 100_000].map((length) => new Uint8Array(length).fill(length & 255)),
  "x".repeat(70_000),
  ...Array.from({ length: 100 }, (_, i) => `message ${i}`),
];

/** Sends echoes, whole and one in pieces, then a Close from the client, and checks that the end comes soon. */
function pair(name: string, server: EchoServer, client: Dial, settings: Settings): void {
  test(name, async ({ onTestFinished }) => {
    const ends: (() => unknown)[] = [];
    const atEnd = (end: () => unknown): void => void ends.push(end);
    onTestFinished(async () => {
      for (const end of ends.toReversed()) await end();
    });
    const got: Message[] = [];
    const port = await server(settings, atEnd);
    const { send, close, closed } = await client(port, settings, (data) => void got.push(data), atEnd);
    for (const message of MESSAGES) void send(message);
    await until(
      () => got.length >= MESSAGES.length,
      () => `${got.length} of ${MESSAGES.length}`,
      5000,
    );
    expect(got.map((data) => [typeof data, data.length])).toEqual(MESSAGES.map((data) => [typeof data, data.length]));
    expect(got.every((data, i) => Buffer.from(data).equals(Buffer.from(MESSAGES[i]!)))).toBe(true);
    close(4000);
    expect((await within(closed, "the client has not ended", 1500)).code).toBe(4000);
  });
}

const plain = { tls: false, http2: false, directReads: true, directWrites: true };
const KINDS = [
  ["ws", plain],
  ["ws, indirect", { ...plain, directReads: false, directWrites: false }],
  ["wss", { ...plain, tls: true }],
  ["wss, HTTP/2", { ...plain, tls: true, http2: true }],
] as const;

describe.concurrent("echoes and a Close", () => {
  for (const highWaterMark of MARKS)
    for (const consumer of CONSUMERS)
      for (const sender of SENDERS)
        for (const [kind, more] of KINDS) {
          const settings = { highWaterMark, consumer, sender, ...more };
          const name = `${kind}, mark ${highWaterMark}, ${consumer}, ${sender}`;
          pair(`ours with ours, ${name}`, ourServer, ourClient, settings);
          if (more.http2) continue;
          pair(`ws's client, ${name}`, ourServer, wsClient, settings);
          pair(`ws's server, ${name}`, wsServer, ourClient, settings);
        }
  const settings = { highWaterMark: 1 << 20, consumer: "listener", sender: "whole", ...plain } as const;
  pair("streams with streams, as in the guide", pipingServer, streamsClient, settings);
  pair("streams with ws's client", pipingServer, wsClient, settings);
  pair("streams with ws's server", wsServer, streamsClient, settings);
  pair("streams with our server", ourServer, streamsClient, settings);
  pair("streams with our client", pipingServer, ourClient, settings);
});

test.concurrent("a server's message in pieces and its Close right after it reach our client", async () => {
  const server = await serve({ host: "127.0.0.1", closeTimeout: 500 }, (connection) => {
    void connection.send(inPieces("x".repeat(300_000)));
    connection.send("last");
    connection.close(4001, "enough");
  });
  try {
    const connection = await connect(`ws://127.0.0.1:${server.port}`);
    const subject = new NodeSubject(connection, "for await", "whole");
    const got: number[] = [];
    subject.receive((data) => got.push(data.length));
    expect(await end(subject)).toEqual({ code: 4001, reason: "enough", wasClean: true });
    await within(subject.loopEnded, "the loop has not ended");
    expect(got).toEqual([300_000, 4]);
  } finally {
    await server.close();
  }
});
