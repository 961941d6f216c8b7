// The example proxy, between clients and servers of ws, and between sockets that check every byte.

import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { Random } from "../support/random.ts";
import { closeCode, expectBackpressure, expectEcho, open } from "../support/echo-client.ts";
import { type Running, startExample } from "../support/examples.ts";
import { newFolderWithExamples } from "../support/installed.ts";

let folder: string;
/** The server that the proxy connects to. */
let backend: Server;
/** The backend's ends of connections, if ws handles them. */
let webSockets: WebSocketServer;
let proxy: Running;
/** Both ends of connections that the test handles itself. */
const sockets: Socket[] = [];

beforeAll(() => {
  folder = newFolderWithExamples();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  backend = createHttpServer();
  webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  backend.listen(0, "127.0.0.1");
  await once(backend, "listening");
  const { port } = backend.address() as AddressInfo;
  proxy = await startExample("proxy/", { folder, args: [`http://127.0.0.1:${port}`, "0"] });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const client of webSockets.clients) client.terminate();
  backend.close();
  backend.closeAllConnections();
  if (proxy.child.exitCode === null) expect(await proxy.stop()).toBe(0);
}, 20_000);

/** Lets ws do the handshakes, and calls `accept` with the backend's end of each connection. */
function serveWebSockets(accept: (end: WebSocket) => void): void {
  backend.on("upgrade", (request, socket, head) => webSockets.handleUpgrade(request, socket, head, accept));
}

function echo(end: WebSocket): void {
  end.on("message", (data, isBinary) => {
    end.send(data, { binary: isBinary }, () => end.bufferedAmount === 0 && end.resume());
    if (end.bufferedAmount > 1 << 20) end.pause();
  });
}

/** Opens a connection through the proxy. Returns the plain sockets at both ends. */
async function openRaw(responseFields = ""): Promise<{ client: Socket; server: Socket }> {
  const upgraded = once(backend, "upgrade") as Promise<[unknown, Socket]>;
  const { hostname, port } = new URL(proxy.url);
  const client = createConnection(Number(port), hostname);
  client.write(
    "GET /raw HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  const [, server] = await upgraded;
  server.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${responseFields}` +
      "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n",
  );
  const [head] = (await once(client, "data")) as [Buffer];
  client.pause();
  expect(head.toString("latin1")).toMatch(/^HTTP\/1.1 101 .*\r\n\r\n$/s);
  for (const socket of [client, server]) {
    socket.on("error", () => {});
    sockets.push(socket);
  }
  return { client, server };
}

/** Bytes of each socket that take() has read but not returned. */
const pending = new WeakMap<Socket, Buffer>();

/** Resolves with the next `length` bytes of a socket. */
async function take(socket: Socket, length: number): Promise<Buffer> {
  let bytes = pending.get(socket) ?? Buffer.alloc(0);
  while (bytes.length < length) {
    socket.resume();
    const [chunk] = (await once(socket, "data")) as [Buffer];
    socket.pause();
    bytes = Buffer.concat([bytes, chunk]);
  }
  pending.set(socket, bytes.subarray(length));
  return bytes.subarray(0, length);
}

/** Returns all chunks of a socket from now on. */
async function* chunksOf(socket: Socket): AsyncGenerator<Buffer, void> {
  yield pending.get(socket) ?? Buffer.alloc(0);
  yield* socket as AsyncIterable<Buffer>;
}

/** Makes a frame of a client. */
function masked(firstByte: number, payload: Uint8Array, key: Uint8Array): Buffer {
  const header =
    payload.length < 126
      ? [firstByte, 0x80 | payload.length]
      : [firstByte, 0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Uint8Array.from(header), key, payload.map((byte, i) => byte ^ key[i & 3]!)]);
}

function unmask(payload: Uint8Array, key: Uint8Array): Buffer {
  return Buffer.from(payload.map((byte, i) => byte ^ key[i & 3]!));
}

describe("messages", () => {
  test.each([true, false])("pass in both directions; compressed: %s", async (compressed) => {
    serveWebSockets(echo);
    await expectEcho(proxy.url, compressed);
    await delay(100);
    expect(proxy.output()).toMatch(/\/: 507 frames \(\d+ bytes\) up, 507 \(\d+\) down/);
  });

  test("start with a forwarded handshake: path, fields, subprotocol and refusals", async () => {
    webSockets.options.handleProtocols = (offered) => [...offered].at(-1)!;
    let seen: unknown[] = [];
    backend.on("upgrade", ({ url, headers }) => (seen = [url, headers["x-token"], headers.host]));
    serveWebSockets(echo);
    const client = await open(new URL("/a/b?c=d", proxy.url).href, { headers: { "X-Token": "grüße" } });
    expect(seen).toEqual(["/a/b?c=d", "grüße", new URL(proxy.url).host]);
    client.close();
    const other = new WebSocket(proxy.url, ["one", "two"]);
    await once(other, "open");
    expect(other.protocol).toBe("two");
    other.close();

    backend.removeAllListeners("upgrade");
    backend.on("upgrade", (_request, socket: Socket) => {
      socket.end(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n",
      );
    });
    const refused = new WebSocket(proxy.url);
    const [, response] = (await once(refused, "unexpected-response")) as [unknown, IncomingMessage];
    expect([response.statusCode, response.headers["www-authenticate"]]).toEqual([401, "Basic"]);
    expect(Buffer.concat(await response.toArray()).toString()).toBe("no!");
  });

  test("end for the client, too, if the backend breaks off the body of a rejection", async () => {
    backend.on("upgrade", (_request, socket: Socket) => {
      socket.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 10\r\n\r\nno!", () => socket.destroySoon());
    });
    const { hostname, port } = new URL(proxy.url);
    const client = createConnection(Number(port), hostname);
    client.write(
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    const bytes = Buffer.concat(await client.toArray()).toString("latin1");
    expect(bytes).toMatch(/^HTTP\/1.1 401 [^]*\r\n\r\nno!$/);
  }, 5000);

  test("are refused with 502 if the backend is down", async () => {
    backend.close();
    await expect(open(proxy.url)).rejects.toThrow("502");
  });

  test("end with close codes and reasons that pass in both directions", async () => {
    const atBackend = new Promise((resolve) => {
      serveWebSockets((end) => {
        end.on("message", () => end.close(4001, "später"));
        end.on("close", (code, reason) => code === 4000 && resolve(reason.toString()));
      });
    });
    const client = await open(proxy.url);
    client.close(4000, "enough");
    expect(await atBackend).toBe("enough");
    const other = await open(proxy.url);
    const end = once(other, "close");
    other.send("close it");
    expect(String(await end)).toBe("4001,später");
  });
});

describe("frames", () => {
  test("arrive with new masks but otherwise unchanged, in chunks of any size", async () => {
    const { client, server } = await openRaw();
    const random = new Random(7);
    const sent: { firstByte: number; payload: Uint8Array; key: Uint8Array }[] = [];
    for (const length of [0, 1, 2, 3, 4, 5, 7, 63, 64, 65, 125, 126, 1000, 65_535, 0, 3, 200]) {
      for (const firstByte of [0x02, 0x00, 0x89, 0x80]) {
        const size = firstByte === 0x89 ? Math.min(length, 125) : length;
        sent.push({ firstByte, payload: random.bytes(size), key: random.bytes(4) });
      }
    }
    const stream = Buffer.concat(sent.map(({ firstByte, payload, key }) => masked(firstByte, payload, key)));
    const sending = (async () => {
      for (let at = 0; at < stream.length;) {
        const length = random.chance(0.8) ? random.integer(1, 9) : random.integer(1, 40_000);
        client.write(stream.subarray(at, at + length));
        at += length;
        // With this pause, almost every write is a separate chunk for the proxy.
        await delay(1);
      }
    })();
    const keys = new Set<string>();
    for (const { firstByte, payload, key } of sent) {
      const header = masked(firstByte, payload, key).subarray(0, payload.length < 126 ? 2 : 4);
      expect(await take(server, header.length)).toEqual(header);
      const newKey = await take(server, 4);
      expect(newKey).not.toEqual(Buffer.from(key));
      keys.add(newKey.toString("hex"));
      if (payload.length > 0) expect(unmask(await take(server, payload.length), newKey).equals(payload)).toBe(true);
    }
    // All keys differ.
    expect(keys.size).toBe(sent.length);
    await sending;
  });

  test("with RSV bits pass only if there are extensions", async () => {
    const frame = masked(0xf1, Uint8Array.of(0xff, 0xfe), Uint8Array.of(1, 2, 3, 4));
    const { client, server } = await openRaw("Sec-WebSocket-Extensions: x-own\r\n");
    client.write(frame);
    const passed = await take(server, 8);
    expect(passed[0]).toBe(0xf1);
    expect(unmask(passed.subarray(6), passed.subarray(2, 6))).toEqual(Buffer.of(0xff, 0xfe));

    const strict = await openRaw();
    strict.client.write(frame);
    // The client, whose fault it is, gets 1002. The backend gets a masked Close with 1001, as from a client.
    expect(await take(strict.client, 4)).toEqual(Buffer.of(0x88, 2 + "WS_ERR_UNEXPECTED_RSV_2_3".length, 0x03, 0xea));
    const close = await take(strict.server, 8);
    expect(unmask(close.subarray(6), close.subarray(2, 6))).toEqual(Buffer.of(0x03, 0xe9));
    const ended = once(strict.server, "end");
    strict.server.resume();
    await ended;
  });

  test("that are wrong and from the backend end the connection with 1014 for the client", async () => {
    const { client, server } = await openRaw();
    server.write(Uint8Array.of(0x81, 1, 0xff));
    expect((await take(client, 4)).readUInt16BE(2)).toBe(1014);
  });

  test("that break a rule after they have begun to pass cut the connection to the backend without a Close", async () => {
    const { client, server } = await openRaw();
    client.write(Uint8Array.of(0x81, 0x84, 0, 0, 0, 0, 0x61));
    expect((await take(server, 7))[1]).toBe(0x84);
    const all = server.toArray() as Promise<Buffer[]>;
    client.write(Uint8Array.of(0xff));
    expect((await take(client, 4)).readUInt16BE(2)).toBe(1007);
    expect(await all).toEqual([]);
  });

  test("of 1 GiB pass unchanged in constant memory", { timeout: 120_000 }, async () => {
    const { client, server } = await openRaw();
    const memory = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${proxy.child.pid}/status`, "utf8"))![1]) / 1024;
    const size = 2 ** 30;
    const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]);
    // A prime length, so that chunks of the proxy start at different places in it.
    const piece = Buffer.from(new Random(1).bytes(65_521));
    const repeated = Buffer.concat([piece, piece]);
    const before = memory();
    let received = 0;
    let wrong = 0;
    const arrived = (async () => {
      const start = await take(server, 14);
      expect(start.subarray(0, 10)).toEqual(header.subarray(0, 10));
      const change = Uint8Array.from({ length: 4 }, (_, i) => start[10 + i]! ^ (i + 1));
      for await (const chunk of chunksOf(server)) {
        // The sent bytes are random. Check the last bytes of each chunk, and some of the others.
        const at = (i: number) => repeated[(received + i) % piece.length]! ^ change[(received + i) & 3]!;
        for (let i = 0; i < chunk.length; i += 97) if (chunk[i] !== at(i)) wrong++;
        for (let i = Math.max(0, chunk.length - 9); i < chunk.length; i++) if (chunk[i] !== at(i)) wrong++;
        received += chunk.length;
        if (received >= size) break;
      }
    })();
    client.write(header);
    for (let sent = 0; sent < size; sent += piece.length) {
      if (!client.write(size - sent < piece.length ? piece.subarray(0, size - sent) : piece))
        await once(client, "drain");
    }
    await arrived;
    expect([received, wrong]).toEqual([size, 0]);
    expect(memory() - before).toBeLessThan(64);
  });
});

describe("the two connections", () => {
  test("apply backpressure to each other", async () => {
    serveWebSockets(echo);
    await expectBackpressure(proxy.url);
  });

  test.each(["client", "server"] as const)("forward a reset by the %s as a reset", async (who) => {
    const ends = await openRaw();
    const other = ends[who === "client" ? "server" : "client"];
    const error = once(other, "error");
    other.resume();
    ends[who].resetAndDestroy();
    expect(await error).toMatchObject([{ code: "ECONNRESET" }]);
  });

  test.each(["client", "server"] as const)("forward an end by the %s as an end", async (who) => {
    const ends = await openRaw();
    const other = ends[who === "client" ? "server" : "client"];
    const ended = once(other, "end");
    other.resume();
    ends[who].end();
    await ended;
  });

  test("close with 1001 on SIGTERM: the client's answer reaches the backend, and the process ends", async () => {
    const codes: number[] = [];
    serveWebSockets((end) => void end.on("close", (code) => codes.push(code)));
    const clients = [await open(proxy.url), await open(proxy.url)];
    const told = Promise.all(clients.map(closeCode));
    expect(await proxy.stop()).toBe(0);
    expect(await told).toEqual([1001, 1001]);
    await delay(50);
    expect(codes).toEqual([1001, 1001]);
  });

  test("are only for upgrades: other requests get 426", async () => {
    const response = await fetch(proxy.url.replace("ws:", "http:"));
    expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });
});
