// Servers and clients over real sockets: ours with ours, and ours with ws.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { get } from "node:https";
import { type AddressInfo, createConnection } from "node:net";
import { Duplex } from "node:stream";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer as WsServer } from "ws";
import { HandshakeError, perMessageDeflate, PreparedMessage, rejectHandshake } from "../../src/index.ts";
import {
  type Connection,
  connect,
  type ConnectOptions,
  type EventOf,
  serve,
  type ServeOptions,
  upgrade,
} from "../../src/node/index.ts";
import { REQUEST } from "./support/request.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(options: ServeOptions = {}, handler: (connection: Connection) => unknown = echo) {
  const server = await serve({ host: "127.0.0.1", closeTimeout: 500, ...options }, handler);
  ends.push(() => server.close());
  return { server, url: `ws://127.0.0.1:${server.port}/` };
}

function echo(connection: Connection): void {
  connection.on("message", (data) => connection.send(data));
}

async function open(url: string, options: ConnectOptions = {}): Promise<Connection> {
  const connection = await connect(url, { closeTimeout: 500, ...options });
  ends.push(() => connection.terminate());
  return connection;
}

async function take(connection: Connection, count: number): Promise<(string | Uint8Array)[]> {
  const messages: (string | Uint8Array)[] = [];
  await new Promise<void>((resolve) => {
    connection.on("message", (data) => {
      messages.push(data);
      if (messages.length === count) resolve();
    });
  });
  return messages;
}

function fetchInsecure(url: string, ca: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { ca }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

const closed = async (connection: Connection): Promise<unknown[]> => once(connection, "close");

/** Digests, because a test that compares megabytes byte by byte takes seconds. */
function digest(message: string | Uint8Array): string {
  return `${typeof message} ${message.length} ${createHash("sha256").update(message).digest("hex")}`;
}

const MESSAGES: (string | Uint8Array)[] = [
  "",
  "hello",
  "grüße 🙂",
  new Uint8Array(0),
  ...[1, 125, 126, 65_535, 65_536, 1 << 20].map((length) => new Uint8Array(length).fill(length & 255)),
  "x".repeat(1 << 20),
  ...Array.from({ length: 500 }, (_, i) => `message ${i}`),
];

describe("serve() and connect()", () => {
  for (const extensions of [[], [perMessageDeflate()]]) {
    test(`deliver every length in order; ${extensions.length} extensions`, async () => {
      const { url } = await start({ extensions });
      const connection = await open(url, { extensions });
      expect(connection.extensions).toBe(extensions.map(({ name }) => name).join());
      for (const message of MESSAGES) expect(connection.send(message)).toBe(true);
      expect((await take(connection, MESSAGES.length)).map(digest)).toEqual(MESSAGES.map(digest));
      connection.close(4000, "enough");
      expect(await closed(connection)).toEqual([4000, "", true]);
      expect(connection.readyState).toBe(3);
      expect(connection.send("late")).toBe(false);
    });
  }

  test("for await gets the messages that arrived before it, and ends with the connection", async () => {
    const { url } = await start({}, (connection) => {
      for (let i = 0; i < 5; i++) connection.send(`${i}`);
      connection.close(1000);
    });
    const connection = await open(url);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const seen: unknown[] = [];
    for await (const message of connection) seen.push(message);
    expect(seen).toEqual(["0", "1", "2", "3", "4"]);
  });

  test("leaving the loop closes the connection", async () => {
    const { url } = await start();
    const connection = await open(url);
    const end = closed(connection);
    connection.send("one");
    connection.send("two");
    for await (const message of connection) {
      expect(message).toBe("one");
      break;
    }
    expect(await end).toEqual([1000, "", true]);
  });

  test("has the same properties and listeners as a WebSocket in browsers", async () => {
    const { url } = await start();
    const connection = await open(url);
    const seen: unknown[] = [];
    const removed = () => seen.push("removed");
    connection.addEventListener("message", removed);
    connection.removeEventListener("message", removed);
    const properties: Pick<Connection, "onmessage" | "onclose"> = connection;
    Object.assign(properties, { onmessage: () => seen.push("replaced") });
    Object.assign(properties, {
      onmessage: ({ type, data, target }: EventOf["message"]) => seen.push(type, data, target === connection),
    });
    connection.addEventListener("message", ({ data }) => seen.push(`once ${String(data)}`), { once: true });
    Object.assign(properties, { onclose: ({ code, wasClean }: EventOf["close"]) => seen.push(code, wasClean) });
    connection.send("a");
    await once(connection, "message");
    connection.send("b");
    await once(connection, "message");
    connection.close();
    await closed(connection);
    expect(seen).toEqual(["message", "a", true, "once a", "message", "b", true, 1005, true]);
  });

  test("sends Pings, Pongs and prepared messages", async () => {
    const pings: string[] = [];
    const prepared = new PreparedMessage("for all");
    const { url } = await start({}, (connection) => {
      connection.on("ping", (data) => pings.push(Buffer.from(data).toString()));
      connection.send(prepared);
    });
    const connection = await open(url);
    expect(await take(connection, 1)).toEqual(["for all"]);
    connection.ping("are you there");
    const [pong] = (await once(connection, "pong")) as [Uint8Array];
    expect(Buffer.from(pong).toString()).toBe("are you there");
    expect(pings).toEqual(["are you there"]);
  });

  test("sends bytes of another realm and in shared memory, whole and in pieces", async () => {
    const { url } = await start();
    const connection = await open(url);
    const shared = new SharedArrayBuffer(5000);
    new Uint8Array(shared).fill(7);
    const foreign = runInNewContext("Uint8Array.of(1, 2, 3).buffer") as ArrayBuffer;
    async function* pieces(): AsyncGenerator<ArrayBuffer | SharedArrayBuffer> {
      yield foreign;
      yield shared;
    }
    connection.send(foreign);
    connection.send(shared);
    const sent = connection.send(pieces());
    connection.send(foreign);
    const messages = (await take(connection, 4)) as Uint8Array[];
    expect(await sent).toBe(true);
    expect(messages.map(({ length }) => length)).toEqual([3, 5000, 5003, 3]);
    expect(messages.map((message) => message.at(-1))).toEqual([3, 7, 7, 3]);
  });

  test("sends a message in pieces, and later messages after it", async () => {
    const { url } = await start();
    const connection = await open(url);
    async function* pieces() {
      for (let i = 0; i < 50; i++) {
        yield `piece ${i} `;
        if (i === 10) connection.send("meanwhile");
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const sent = connection.send(pieces());
    const [first, second] = await take(connection, 2);
    expect(await sent).toBe(true);
    expect(first).toBe(Array.from({ length: 50 }, (_, i) => `piece ${i} `).join(""));
    expect(second).toBe("meanwhile");
  });

  test("everything sent while a chunk is handled leaves in one write", async () => {
    let writes = 0;
    const { url } = await start({}, (connection) => {
      const { socket } = connection;
      const write = socket.write.bind(socket);
      socket.write = ((...args: Parameters<typeof write>) => {
        writes++;
        return write(...args);
      }) as typeof socket.write;
      echo(connection);
    });
    const connection = await open(url);
    for (let i = 0; i < 300; i++) connection.send(`${i}`);
    await take(connection, 300);
    expect(writes).toBeLessThan(4);
  });

  test("drained() resolves when the stream has written, even if it was never full", async () => {
    const written: (() => void)[] = [];
    const socket = new Duplex({
      read() {},
      write: (_chunk, _encoding, callback) => void written.push(callback),
    });
    ends.push(() => socket.destroy());
    const connection = upgrade(REQUEST, socket, Buffer.alloc(0))!;
    // First the response, then a message.
    for (let i = 0; i < 2; i++) {
      if (i > 0) connection.send("a little");
      await new Promise((resolve) => setImmediate(resolve));
      let isDrained = false;
      void connection.drained().then(() => (isDrained = true));
      await new Promise((resolve) => setImmediate(resolve));
      expect(isDrained).toBe(false);
      written.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
      expect(isDrained).toBe(true);
    }
  });

  test("server.close() closes all connections with 1001", async () => {
    const { server, url } = await start();
    const connections = await Promise.all(Array.from({ length: 5 }, () => open(url)));
    const codes = connections.map(async (connection) => (await closed(connection))[0]);
    await server.close();
    expect(await Promise.all(codes)).toEqual([1001, 1001, 1001, 1001, 1001]);
    expect(server.connections.size).toBe(0);
    await expect(connect(url)).rejects.toThrow(/ECONNREFUSED/);
  });

  test("path and verify decide before anything is sent", async () => {
    const { url } = await start({
      path: "/chat",
      async verify(request) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        if (request.headers.authorization === "teapot")
          return rejectHandshake({ status: 418, body: "short and stout" });
        if (request.headers.authorization === "broken") throw new Error("of the verifier");
        return request.headers.authorization === "yes";
      },
    });
    const status = async (path: string, authorization: string) => {
      try {
        await open(`${url}${path}`, { headers: { Authorization: authorization } });
        return 101;
      } catch (error) {
        expect(error).toBeInstanceOf(HandshakeError);
        return (error as HandshakeError).status;
      }
    };
    expect(await status("other", "yes")).toBe(404);
    expect(await status("chat", "no")).toBe(403);
    expect(await status("chat", "teapot")).toBe(418);
    expect(await status("chat", "broken")).toBe(500);
    expect(await status("chat?room=1", "yes")).toBe(101);
  });

  test("wss: the certificate is checked unless that is disabled", async () => {
    const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
    const { server } = await start({
      tls: { key: file("key"), cert: file("cert") },
      extensions: [perMessageDeflate()],
    });
    const url = `wss://localhost:${server.port}/`;
    await expect(connect(url)).rejects.toThrow(/self-signed/);
    await expect(connect(url.replace("wss", "ws"))).rejects.toThrow();
    for (const tls of [{ ca: file("cert") }, { rejectUnauthorized: false }]) {
      const connection = await open(url, { tls, extensions: [perMessageDeflate()] });
      for (const message of MESSAGES) connection.send(message);
      expect((await take(connection, MESSAGES.length)).map(digest)).toEqual(MESSAGES.map(digest));
      connection.close(1000);
      expect((await closed(connection))[0]).toBe(1000);
    }
  });

  for (const extensions of [[], [perMessageDeflate()]]) {
    test(`over HTTP/2 (RFC 8441), beside HTTP/1.1 on the same port; ${extensions.length} extensions`, async () => {
      const file = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
      const versions: string[] = [];
      const server = await serve(
        {
          host: "127.0.0.1",
          tls: { key: file("key"), cert: file("cert") },
          extensions,
          path: "/chat",
          protocols: ["v1"],
          verify: (request) => request.headers.authorization !== "no",
        },
        (connection, request) => {
          versions.push(request.httpVersion);
          echo(connection);
        },
      );
      ends.push(() => server.close());
      const url = `wss://localhost:${server.port}/chat`;
      const options = { tls: { ca: file("cert") }, extensions, protocols: ["v1"] };
      for (const http2 of [true, false]) {
        const connection = await open(url, { ...options, http2 });
        expect([connection.protocol, connection.extensions]).toEqual(["v1", extensions.map(({ name }) => name).join()]);
        for (const message of MESSAGES) connection.send(message);
        expect((await take(connection, MESSAGES.length)).map(digest)).toEqual(MESSAGES.map(digest));
        connection.close(4000, "enough");
        expect(await closed(connection)).toEqual([4000, "", true]);
      }
      expect(versions).toEqual(["2.0", "1.1"]);
      const refused = { ...options, http2: true, headers: { Authorization: "no" } };
      await expect(connect(url, refused)).rejects.toMatchObject({ status: 403 });
      await expect(connect(url.replace("chat", "other"), refused)).rejects.toMatchObject({ status: 404 });
      const page = await fetchInsecure(`https://localhost:${server.port}/`, file("cert"));
      expect(page).toBe(426);
      const cut = await open(url, { ...options, http2: true });
      cut.terminate();
      await expect.poll(() => server.connections.size).toBe(0);
      const last = await open(url, { ...options, http2: true });
      const end = closed(last);
      await server.close();
      expect((await end)[0]).toBe(1001);
    });
  }

  test("http2 fails if the server does not support it", async () => {
    const { url } = await start();
    await expect(connect(url, { http2: true, handshakeTimeout: 2000 })).rejects.toThrow();
  });

  test("connect() agrees on a subprotocol, and refuses wrong options", async () => {
    const { url } = await start({ protocols: ["v2", "v1"] });
    expect((await open(url, { protocols: ["v1", "v2"] })).protocol).toBe("v2");
    expect((await open(url)).protocol).toBe("");
    await expect(connect("ftp://localhost")).rejects.toThrow(TypeError);
    await expect(connect(url, { protocols: ["not a token"] })).rejects.toThrow(TypeError);
  });

  test("a signal or a time limit ends the attempt; the signal also ends the connection", async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    silent.on("upgrade", (_request, socket) => socket.on("error", () => {}));
    ends.push(
      () => silent.closeAllConnections(),
      () => silent.close(),
    );
    const silentUrl = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await expect(connect(silentUrl, { handshakeTimeout: 50 })).rejects.toThrow(/Not connected after 50 ms/);
    await expect(connect(silentUrl, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
    const { url } = await start();
    const controller = new AbortController();
    const connection = await open(url, { signal: controller.signal });
    const end = closed(connection);
    controller.abort();
    expect((await end)[0]).toBe(1006);
  });
});

describe("errors", () => {
  test("a peer that breaks a rule causes an error event and the right Close, and no exception without a listener", async () => {
    const errors: string[] = [];
    const { url } = await start({}, (connection) => {
      echo(connection);
      if (errors.length === 0) connection.on("error", (error) => errors.push((error as Error & { code: string }).code));
    });
    for (let i = 0; i < 2; i++) {
      const client = new WebSocket(url);
      await once(client, "open");
      (client as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(Uint8Array.of(0xf1, 0x80));
      const [code] = (await once(client, "close")) as [number];
      expect(code).toBe(1002);
    }
    expect(errors).toEqual(["WS_ERR_UNEXPECTED_RSV_2_3"]);
  });

  test("a reset at any time ends the connection", async () => {
    const codes: number[] = [];
    const { server, url } = await start({}, (connection) => {
      echo(connection);
      connection.on("close", (code) => codes.push(code));
    });
    const head =
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    const port = Number(new URL(url).port);
    for (const bytes of [head.slice(0, 20), head, `${head}\x81`]) {
      for (let i = 0; i < 10; i++) {
        const socket = createConnection(port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write(Buffer.from(bytes, "latin1"));
        await new Promise((resolve) => setTimeout(resolve, i));
        socket.resetAndDestroy();
      }
    }
    await expect.poll(() => server.connections.size).toBe(0);
    expect(codes.every((code) => code === 1006)).toBe(true);
  });

  test("a peer that never answers a Close is cut after closeTimeout", async () => {
    const ended: unknown[] = [];
    const { url } = await start({ closeTimeout: 100 }, (connection) => {
      connection.on("close", (...args) => ended.push(args));
      connection.close(1000);
    });
    const socket = createConnection(Number(new URL(url).port), "127.0.0.1");
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "close");
    await expect.poll(() => ended).toEqual([[1006, "", false]]);
  });

  test("idleTimeout closes only a connection without messages", async () => {
    const { url } = await start({ idleTimeout: 1500 });
    const [idle, busy] = await Promise.all([open(url), open(url)]);
    const talk = setInterval(() => busy.send("still here"), 200);
    ends.push(() => clearInterval(talk));
    busy.on("message", () => {});
    expect(await closed(idle)).toEqual([1001, "idle", true]);
    expect(busy.readyState).toBe(1);
  });

  test("a slow-loris handshake times out", async () => {
    const { url } = await start({ handshakeTimeout: 100 });
    const socket = createConnection(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost:");
    socket.resume();
    await once(socket, "close");
  });

  test("if a client does not read, nothing is queued beyond the socket's mark and our own", async () => {
    const total = 64 << 20;
    let sent = 0;
    let most = 0;
    const { url } = await start({ highWaterMark: 1 << 20 }, async (connection) => {
      const piece = new Uint8Array(1 << 18);
      while (sent < total && connection.send(piece)) {
        sent += piece.length;
        most = Math.max(most, connection.bufferedAmount);
        if (connection.bufferedAmount > 1 << 20) await connection.drained();
      }
      connection.close(1000);
    });
    const connection = await open(url);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(total / 2);
    let received = 0;
    for await (const message of connection) received += message.length;
    expect(received).toBe(total);
    expect(most).toBeLessThan(2 << 20);
  });

  test("a slow consumer makes the peer wait", async () => {
    let sent = 0;
    const { url } = await start({ highWaterMark: 1 << 16 }, async (connection) => {
      for (; sent < 2000; sent++) {
        connection.send("x".repeat(10_000));
        if (connection.bufferedAmount > 1 << 16) await connection.drained();
      }
      connection.close(1000);
    });
    const connection = await open(url, { highWaterMark: 1 << 16 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(sent).toBeLessThan(2000);
    let count = 0;
    for await (const message of connection) if (message) count++;
    expect(count).toBe(2000);
  });

  test("a listener or a handler that throws does not end other connections", async () => {
    const thrown: unknown[] = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error.message));
    try {
      const { url } = await start({}, (connection) => {
        connection.on("message", (data) => {
          connection.send(data);
          if (data === "throw") throw new Error("of a listener");
        });
      });
      const connection = await open(url);
      connection.send("throw");
      connection.send("on");
      expect(await take(connection, 2)).toEqual(["throw", "on"]);
      expect(thrown).toEqual(["of a listener"]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
    }
  });
});

describe("with ws", () => {
  for (const compressed of [false, true]) {
    test(`ws's client works with upgrade() on a plain server; compressed: ${compressed}`, async () => {
      const server = createServer((_request, response) => response.end("plain"));
      server.on("upgrade", (request, socket, head) => {
        const connection = upgrade(request, socket, head, { extensions: [perMessageDeflate()] });
        if (connection) echo(connection);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      ends.push(() => server.close());
      const { port } = server.address() as AddressInfo;
      const client = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: compressed });
      const seen: (string | Uint8Array)[] = [];
      const all = new Promise<void>((resolve) => {
        client.on("message", (data, isBinary) => {
          seen.push(isBinary ? new Uint8Array(data as Buffer) : data.toString());
          if (seen.length === MESSAGES.length) resolve();
        });
      });
      await once(client, "open");
      for (const message of MESSAGES) client.send(message);
      await all;
      expect(seen.map(digest)).toEqual(MESSAGES.map(digest));
      client.close(3001, "done");
      expect((await once(client, "close"))[0]).toBe(3001);
      const response = await fetch(`http://127.0.0.1:${port}/`);
      expect(await response.text()).toBe("plain");
    });

    test(`connect() works with ws's server; compressed: ${compressed}`, async () => {
      const server = new WsServer({ port: 0, host: "127.0.0.1", perMessageDeflate: compressed });
      ends.push(() => server.close());
      await once(server, "listening");
      server.on("connection", (socket) => {
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
      });
      const connection = await open(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, {
        extensions: [perMessageDeflate()],
      });
      for (const message of MESSAGES) connection.send(message);
      expect((await take(connection, MESSAGES.length)).map(digest)).toEqual(MESSAGES.map(digest));
      connection.close(3001, "done");
      expect((await closed(connection))[0]).toBe(3001);
    });
  }
});
