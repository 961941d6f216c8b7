// The server's response as a client sees it, both when it refuses and when it accepts.

import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { HandshakeError } from "../../src/index.ts";
import { connect, type ConnectOptions } from "../../src/node/index.ts";
import { answer, CA, listen as listenRaw, TLS } from "./support/peer.ts";
import { start } from "./support/server.ts";
import { atEnd, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

async function refusalOf(url: string, options: ConnectOptions = {}): Promise<HandshakeError> {
  const error: unknown = await connect(url, { handshakeTimeout: 3000, tls: CA, ...options }).catch(
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(HandshakeError);
  return error as HandshakeError;
}

describe("the body of a refusal", () => {
  async function listen(handle: RequestListener): Promise<string> {
    const server = createServer(handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    atEnd(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test("is available as bytes and as text, however it is framed", async () => {
    const url = await listen((request, response) => {
      response.writeHead(400, { "Content-Type": "application/json" });
      if (request.url === "/chunked") response.write(" ");
      response.end('{"error":"ünknown voice"}');
    });
    const error = await refusalOf(url);
    expect([error.status, error.code]).toEqual([400, "WS_ERR_HANDSHAKE_STATUS"]);
    expect(error.headers).toContainEqual(["Content-Type", "application/json"]);
    expect(Buffer.from(error.body).toString()).toBe('{"error":"ünknown voice"}');
    expect(JSON.parse((await refusalOf(`${url}/chunked`)).text)).toEqual({ error: "ünknown voice" });
  });

  test("is kept up to 64 KiB", async () => {
    const url = await listen((_request, response) => {
      response.writeHead(500);
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(10_000, "x")));
      };
      response.on("drain", write);
      write();
    });
    const { body } = await refusalOf(url);
    expect(body.length).toBe(65_536);
    // The body is alone in its memory.
    expect(body.buffer.byteLength).toBe(65_536);
  });

  test("is not awaited if it does not end", async () => {
    const { port } = await listenRaw(async (peer) => {
      await peer.head();
      await peer.write("HTTP/1.1 403 No\r\nContent-Length: 50\r\n\r\nhalf of it");
    });
    for (const handshakeTimeout of [100, 10_000]) {
      const began = performance.now();
      const error = await refusalOf(`ws://127.0.0.1:${port}`, { handshakeTimeout });
      expect([error.status, error.text]).toEqual([403, "half of it"]);
      expect(performance.now() - began).toBeLessThan(2000);
    }
  });

  test("is kept up to where it is cut; a signal stops waiting for it", async () => {
    const { port, peers } = await listenRaw(async (peer) => {
      await peer.head();
      await peer.write("HTTP/1.1 403 No\r\nContent-Length: 50\r\n\r\nhalf");
      if (peers.length === 1) peer.socket.end();
    });
    expect((await refusalOf(`ws://127.0.0.1:${port}`)).text).toBe("half");
    const reason = new Error("of the user");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 100);
    await expect(connect(`ws://127.0.0.1:${port}`, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("is kept over HTTP/2, and from our own server", async () => {
    const { port } = await start({ tls: TLS, path: "/chat", verify: () => false });
    for (const http2 of [false, true]) {
      expect((await refusalOf(`wss://localhost:${port}/chat`, { http2 })).text).toBe("Forbidden\n");
      expect((await refusalOf(`wss://localhost:${port}/`, { http2 })).text).toBe("Not Found\n");
    }
  });

  test("is kept up to 64 KiB over HTTP/2, and is not awaited if it does not end", async () => {
    const server = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 500 });
      stream.write(Buffer.alloc(headers[":path"] === "/long" ? 200_000 : 10, "x"));
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    atEnd(() => new Promise((resolve) => server.close(resolve)));
    const url = `wss://localhost:${(server.address() as AddressInfo).port}`;
    expect((await refusalOf(`${url}/long`, { http2: true })).body.length).toBe(65_536);
    expect((await refusalOf(`${url}/short`, { http2: true })).text).toBe("xxxxxxxxxx");
  });

  test("is empty for an invalid 101", async () => {
    const { port } = await listenRaw(async (peer) => {
      await peer.write(answer(await peer.head()).replace(/Accept: ./, "Accept: !"));
    });
    const error = await refusalOf(`ws://127.0.0.1:${port}`);
    expect([error.status, error.body, error.text]).toEqual([101, new Uint8Array(0), ""]);
  });
});

describe("the response that accepted", () => {
  for (const [http2, status] of [
    [false, 101],
    [true, 200],
  ] as const) {
    test(`is connection.response; HTTP/2: ${http2}`, async () => {
      const headers = [
        ["Set-Cookie", "route=7"],
        ["Set-Cookie", "b=2"],
        ["X-Session", "abc"],
      ] as const;
      const { port, connections } = await start({ tls: TLS, headers });
      const connection = await connect(`wss://localhost:${port}`, { http2, tls: CA });
      const lower = connection.response!.headers.map(([name, value]) => [name.toLowerCase(), value]);
      expect(connection.response!.status).toBe(status);
      expect(lower.filter(([name]) => name === "set-cookie")).toEqual([
        ["set-cookie", "route=7"],
        ["set-cookie", "b=2"],
      ]);
      expect(lower).toContainEqual(["x-session", "abc"]);
      expect(lower.some(([name]) => name!.startsWith(":"))).toBe(false);
      expect(connections[0]!.response).toBeUndefined();
      connection.terminate();
      await once(connection, "close");
    });
  }
});

describe("Host", () => {
  for (const http2 of [false, true]) {
    test(`a Host header field replaces the host of the URL; HTTP/2: ${http2}`, async () => {
      const seen: unknown[] = [];
      const { port } = await start({
        tls: TLS,
        verify: ({ headers }) => {
          seen.push(headers.host ?? headers[":authority"]);
          return true;
        },
      });
      for (const headers of [{ Host: "example.test" }, [["host", "example.test:81"]] as const, undefined]) {
        const connection = await connect(`wss://localhost:${port}`, { http2, tls: CA, headers });
        connection.terminate();
        await once(connection, "close");
      }
      expect(seen).toEqual(["example.test", "example.test:81", `localhost:${port}`]);
    });
  }

  test("two Host fields, or an invalid one, are a TypeError", async () => {
    for (const headers of [
      [
        ["Host", "a"],
        ["host", "b"],
      ],
      { Host: "a b" },
      { Host: "a/b" },
      { Host: "" },
    ]) {
      for (const http2 of [false, true]) {
        await expect(connect("ws://127.0.0.1:1", { http2, headers: headers as never })).rejects.toThrow(/Host/);
      }
    }
  });
});

test("a response that arrives while the event loop is blocked is in time", async () => {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
    const { createHash } = require("node:crypto");
    const server = require("node:http").createServer();
    server.on("upgrade", (request, socket) => {
      parentPort.postMessage("asked");
      const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
      setTimeout(() => socket.write("HTTP/1.1 101 Yes\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + accept + "\\r\\n\\r\\n"), 50);
      socket.on("error", () => {});
    });
    server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  atEnd(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const attempt = connect(`ws://127.0.0.1:${port}`, { handshakeTimeout: 150 });
  await once(worker, "message");
  const until = performance.now() + 400;
  while (performance.now() < until);
  const connection = await attempt;
  connection.terminate();
  await once(connection, "close");
});
