// serve() beside the other listeners, paths and pages of a server.

import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http";
import { createSecureServer, createServer as createHttp2Server, type Http2SecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { connect, serve, type ServeOptions } from "../../src/node/index.ts";
import { openSession, WEBSOCKET } from "./support/http2.ts";
import { CA, dial, dialWebSocket, frames, request, TLS } from "./support/peer.ts";
import { start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";
import { close } from "../support/wire.ts";

watchLeftovers();

async function listen(server: Server | Http2SecureServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function get(port: number, path: string = "/"): Promise<[status: number, body: string]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    httpRequest({ port, host: "127.0.0.1", path, agent: false }, resolve).on("error", reject).end(),
  );
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return [response.statusCode!, body];
}

/** Attaches a serve() that sends its name to each client. */
async function attach(server: ServeOptions["server"], path: string | undefined, name: string = path ?? "any") {
  const attached = await serve({ server, path, closeTimeout: 200 }, (connection) => connection.send(name));
  atEnd(() => attached.close());
  return attached;
}

async function hello(url: string, options: object = {}): Promise<unknown> {
  for await (const message of await connect(url, { ...CA, ...options, tls: CA, ca: undefined } as object))
    return message;
  return undefined;
}

async function statusOf(port: number, path: string): Promise<number> {
  const peer = await dial(port);
  await peer.write(request({}, `GET ${path} HTTP/1.1`));
  await peer.leave();
  // Exactly one response.
  expect(peer.text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  return peer.status;
}

describe("serve({ server })", () => {
  test("handles upgrades, and leaves plain requests to the server's listeners", async () => {
    const server = createServer((_request, response) => response.end("a page"));
    // The server is not listening yet. serve() does not wait for that.
    const attached = await attach(server, undefined);
    expect(attached.port).toBe(0);
    const port = await listen(server);
    expect([attached.server, attached.port]).toEqual([server, port]);
    expect(await get(port)).toEqual([200, "a page"]);
    expect(await hello(`ws://127.0.0.1:${port}/x`)).toBe("any");
  });

  test("a connection has neither the server's timeout nor Nagle's delay", async () => {
    const server = createServer({ noDelay: false });
    server.timeout = 5000;
    const calls: unknown[][] = [];
    server.on("connection", (socket) => {
      const { setNoDelay } = socket;
      socket.setNoDelay = (...args) => {
        calls.push(args);
        return Reflect.apply(setNoDelay, socket, args);
      };
    });
    const attached = await attach(server, undefined);
    expect(await hello(`ws://127.0.0.1:${await listen(server)}`)).toBe("any");
    const [{ socket }] = attached.connections as unknown as [{ socket: Socket }];
    expect(calls).toEqual([[true]]);
    expect(socket.timeout).toBe(0);
  });

  test("works on node:https, and on node:http2 with and without TLS", async () => {
    const page = (_request: unknown, response: { end(body: string): unknown }) => void response.end("a page");
    const settings = { enableConnectProtocol: true };
    const https = createHttpsServer(TLS, page);
    const secure = createSecureServer({ ...TLS, allowHTTP1: true, settings }, page);
    const plain = createHttp2Server({ settings }, page);
    for (const server of [https, secure, plain]) await attach(server, "/chat");
    const [httpsPort, securePort, plainPort] = [
      await listen(https),
      await listen(secure),
      await listen(plain as never),
    ];
    expect(await hello(`wss://localhost:${httpsPort}/chat`)).toBe("/chat");
    expect(await hello(`wss://localhost:${securePort}/chat`)).toBe("/chat");
    expect(await hello(`wss://localhost:${securePort}/chat`, { http2: true })).toBe("/chat");
    expect(await hello(`ws://localhost:${plainPort}/chat`, { http2: true })).toBe("/chat");
    await expect(hello(`wss://localhost:${securePort}/`, { http2: true })).rejects.toMatchObject({ status: 404 });
    // Without a handler for CONNECT, Node sends its own response.
    const session = await openSession(securePort);
    const stream = session.request({ ":method": "CONNECT", ":authority": "localhost:80" });
    stream.resume();
    const [headers] = (await once(stream, "response")) as [{ ":status": number }];
    expect(headers[":status"]).toBeGreaterThanOrEqual(400);
  });

  test("works on node:http2 with only a listener of 'stream'", async () => {
    const server = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
    server.on("stream", (stream, headers) => {
      if (headers[":protocol"] !== "websocket") stream.respond({ ":status": 204 }, { endStream: true });
    });
    const urls: (string | undefined)[] = [];
    const attached = await serve({ server, path: "/chat", closeTimeout: 200 }, (connection, { url }) => {
      urls.push(url);
      connection.send("hello");
    });
    atEnd(() => attached.close());
    const port = await listen(server);
    expect(await hello(`wss://localhost:${port}/chat?x`, { http2: true })).toBe("hello");
    expect(urls).toEqual(["/chat?x"]);
    const session = await openSession(port);
    const page = session.request({ ":path": "/" });
    page.resume();
    expect(((await once(page, "response")) as [{ ":status": number }])[0][":status"]).toBe(204);
    const closed = session.request({ ...WEBSOCKET, ":path": "/chat" }, { endStream: false });
    closed.resume();
    expect(((await once(closed, "response")) as [{ ":status": number }])[0][":status"]).toBe(200);
  });

  test("several on one server may have a path each, and one all other paths", async () => {
    const server = createServer();
    for (const path of [undefined, "/a", "/b"]) await attach(server, path);
    const port = await listen(server);
    for (const [path, name] of [
      ["/a", "/a"],
      ["/b?x=1", "/b"],
      ["/c", "any"],
    ]) {
      expect(await hello(`ws://127.0.0.1:${port}${path}`)).toBe(name);
    }
  });

  test("an unknown path gets 404 once, and one serve() reports it", async () => {
    const server = createServer();
    const heard: string[] = [];
    for (const path of ["/a", "/b"]) {
      const attached = await serve(
        { server, path, onRefused: ({ url }, { status }) => heard.push(`${path}: ${url} ${status}`) },
        () => {},
      );
      atEnd(() => attached.close());
    }
    const port = await listen(server);
    expect(await statusOf(port, "/c")).toBe(404);
    expect(heard).toEqual(["/a: /c 404"]);
  });

  test("a second serve() with the same path is refused", async () => {
    const server = createServer();
    const first = await attach(server, "/a");
    await expect(serve({ server, path: "/a" }, () => {})).rejects.toThrow(/path "\/a"/);
    await first.close();
    await attach(server, "/a");
  });

  test("other listeners of 'upgrade' get the other paths", async () => {
    const server = createServer();
    const own = (socket: Duplex) => socket.end("HTTP/1.1 402 Mine\r\nConnection: close\r\n\r\n");
    server.on("upgrade", (message, socket) => {
      if (message.url === "/hmr") own(socket);
    });
    await attach(server, "/chat");
    const port = await listen(server);
    expect(await statusOf(port, "/hmr")).toBe(402);
    expect(await hello(`ws://127.0.0.1:${port}/chat`)).toBe("/chat");
  });

  test("other listeners of 'stream' get the other paths", async () => {
    const server = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
    server.on("stream", (stream, headers) => {
      if (headers[":path"] === "/mine") stream.respond({ ":status": 402 }, { endStream: true });
    });
    await attach(server, "/chat");
    const port = await listen(server);
    const session = await openSession(port);
    const stream = session.request({ ...WEBSOCKET, ":path": "/mine" }, { endStream: false });
    stream.resume();
    expect(((await once(stream, "response")) as [{ ":status": number }])[0][":status"]).toBe(402);
    stream.close();
    expect(await hello(`wss://localhost:${port}/chat`, { http2: true })).toBe("/chat");
  });

  test("close() ends its connections and detaches; the server and the other serve() continue", async () => {
    const server = createServer((_request, response) => response.end("a page"));
    const a = await attach(server, "/a");
    const b = await attach(server, "/b");
    const port = await listen(server);
    const connection = await connect(`ws://127.0.0.1:${port}/a`);
    const other = await connect(`ws://127.0.0.1:${port}/b`);
    const ended = once(connection, "close");
    await a.close();
    expect((await ended)[0]).toBe(1001);
    expect([a.connections.size, b.connections.size, other.readyState, server.listening]).toEqual([0, 1, 1, true]);
    expect(await statusOf(port, "/a")).toBe(404);
    expect(await get(port)).toEqual([200, "a page"]);
    other.close();
    await b.close();
    expect(server.listenerCount("upgrade")).toBe(0);
    // Only the page still works.
    expect(await get(port)).toEqual([200, "a page"]);
  });

  test("close() answers 503 to requests that verify has not decided on", async () => {
    const server = createServer();
    let asked = false;
    const attached = await serve({ server, verify: () => ((asked = true), new Promise<boolean>(() => {})) }, () => {});
    const port = await listen(server);
    const peer = await dial(port);
    await peer.write(request());
    await peer.sees(() => asked, "verify was not asked");
    await attached.close();
    await peer.leave();
    expect(peer.status).toBe(503);
  });

  test("while close() waits for its connections, new requests get 503", async () => {
    const { server, port } = await start({ closeTimeout: 300 });
    const early = await dial(port);
    const slow = await dialWebSocket(port);
    const closed = server.close();
    await slow.sees(() => slow.received.includes("\x88\x02\x03\xe9", 0, "latin1"), "1001");
    await early.write(request());
    await early.head();
    expect(early.status).toBe(503);
    early.socket.end();
    await slow.write(frames("client", close(1001)));
    slow.socket.end();
    await closed;
  });

  test("attaches to a server that another serve() made", async () => {
    const first = await start({ path: "/a" });
    await attach(first.server.server, "/b");
    expect(await hello(`ws://127.0.0.1:${first.port}/b`)).toBe("/b");
    expect(await statusOf(first.port, "/c")).toBe(404);
  });

  test("refuses options for listening", async () => {
    const server = createServer();
    for (const options of [
      { port: 1 },
      { host: "x" },
      { tls: TLS },
      { http2: true },
      { socketPath: "x" },
      { onRequest() {} },
    ]) {
      await expect(serve({ server, ...options }, () => {})).rejects.toThrow(/`server`/);
    }
    await expect(serve({ server: {} as Server }, () => {})).rejects.toThrow(/server must be/);
    expect(server.listenerCount("upgrade")).toBe(0);
  });
});

describe("plain requests to a server that serve() made", () => {
  for (const tls of [undefined, TLS]) {
    test(`go to its other listeners if there are any; tls: ${tls !== undefined}`, async () => {
      const { server, port } = await start({ tls });
      const peer = await dial(port, { tls: tls !== undefined });
      await peer.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await peer.leave();
      expect(peer.status).toBe(426);
      (server.server as Server).on("request", (_request, response) => {
        setImmediate(() => response.writeHead(200).end("a page"));
      });
      const again = await dial(port, { tls: tls !== undefined });
      await again.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      await again.leave();
      expect(again.status).toBe(200);
      expect(again.text).toContain("a page");
    });
  }

  test("go to onRequest", async () => {
    const { port } = await start({
      onRequest: (message, response) => void response.end(`${message.method} ${message.url}`),
    });
    expect(await get(port, "/health")).toEqual([200, "GET /health"]);
    const peer = await dialWebSocket(port);
    await peer.write(frames("client", close(1000)));
    await peer.leave();
  });

  test("go to onRequest over HTTP/2, too", async () => {
    const { port } = await start({ tls: TLS, onRequest: (_message, response) => void response.end("a page") });
    const session = await openSession(port);
    const stream = session.request({ ":path": "/" });
    let body = "";
    stream.setEncoding("utf8").on("data", (chunk) => (body += chunk));
    await once(stream, "end");
    expect(body).toBe("a page");
  });
});

describe("close() has a time limit", () => {
  for (const attached of [false, true]) {
    test(`connections that do not end are cut; attached: ${attached}`, async () => {
      const server = attached ? createServer() : undefined;
      const served = await serve(
        { ...(server ? { server } : { host: "127.0.0.1" }), closeTimeout: 100, pingInterval: Infinity },
        (connection) => {
          // Disables the connection's own timer, as if the peer had delayed it.
          connection.beat = () => {};
          connection.on("message", () => {});
        },
      );
      const port = server ? await listen(server) : served.port;
      const peer = await dialWebSocket(port);
      await until(
        () => served.connections.size === 1,
        () => "not connected",
      );
      const began = performance.now();
      await served.close();
      const took = performance.now() - began;
      expect(took).toBeGreaterThan(1000);
      expect(took).toBeLessThan(2500);
      expect(served.connections.size).toBe(0);
      await peer.leave();
    });
  }
});
