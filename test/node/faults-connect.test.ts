// connect() to servers that misbehave: it rejects in time and leaves nothing behind.

import { getEventListeners, once } from "node:events";
import { Agent } from "node:http";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { HandshakeError } from "../../src/index.ts";
import { connect, type ConnectOptions } from "../../src/node/index.ts";
import { answer, CA, dial, frames, listen, type RawPeer, TLS } from "./support/peer.ts";
import { start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";
import { close, text } from "../support/wire.ts";

watchLeftovers();

/** The result of connect() to a server that answers with `reply`. */
async function outcome(reply: (head: string) => string, options: ConnectOptions = {}): Promise<unknown> {
  const { port, peers } = await listen(async (peer) => {
    const head = await peer.head().catch(() => "");
    if (head) await peer.write(reply(head));
  });
  try {
    const connection = await connect(`ws://127.0.0.1:${port}/`, { handshakeTimeout: 200, ...options });
    connection.terminate();
    return connection;
  } catch (error) {
    // The server does not end its sockets, so connect() must have done it.
    await Promise.all(peers.map((peer) => peer.gone()));
    return error;
  }
}

describe("answers", () => {
  const REFUSALS: [name: string, reply: (head: string) => string, match: object][] = [
    [
      "a redirect",
      () => "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
      { status: 302, code: "WS_ERR_HANDSHAKE_REDIRECT", location: "/there" },
    ],
    [
      "401 with a body",
      () => "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nnever",
      { status: 401, code: "WS_ERR_HANDSHAKE_UNAUTHORIZED" },
    ],
    ["a body that does not end", () => "HTTP/1.1 500 No\r\nContent-Length: 50\r\n\r\nab", { status: 500 }],
    ["200", () => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", { status: 200, code: "WS_ERR_HANDSHAKE_STATUS" }],
    ["100 and then 403", () => "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n", { status: 403 }],
    [
      "another accept",
      (head) => answer(head).replace(/Accept: ./, "Accept: !"),
      { status: 101, code: "WS_ERR_HANDSHAKE_ACCEPT" },
    ],
    ["no accept", (head) => answer(head).replace(/Sec.*\r\n/, ""), { code: "WS_ERR_HANDSHAKE_ACCEPT" }],
    ["no Upgrade", (head) => answer(head).replace(/Upgrade: .*\r\n/, ""), { code: "WS_ERR_HANDSHAKE_UPGRADE" }],
    ["another Upgrade", (head) => answer(head).replace("websocket", "h2c"), { code: "WS_ERR_HANDSHAKE_UPGRADE" }],
    [
      "no Connection",
      (head) => answer(head).replace(/Connection: .*\r\n/, ""),
      { code: "WS_ERR_HANDSHAKE_CONNECTION" },
    ],
    [
      "a subprotocol that was not offered",
      (head) => answer(head).replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x\r\n\r\n"),
      { code: "WS_ERR_HANDSHAKE_PROTOCOL" },
    ],
    [
      "an extension that was not offered",
      (head) => answer(head).replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
      { code: "WS_ERR_HANDSHAKE_EXTENSION" },
    ],
  ];
  for (const [name, reply, match] of REFUSALS) {
    test(`rejects with a HandshakeError for ${name}`, async () => {
      const error = await outcome(reply);
      expect(error).toBeInstanceOf(HandshakeError);
      expect(error).toMatchObject(match);
    });
  }

  test("rejects with an error of the parser for garbage, or a head that is too large", async () => {
    for (const reply of ["SSH-2.0-OpenSSH\r\n\r\n", `HTTP/1.1 101 Yes\r\nX: ${"x".repeat(100_000)}\r\n\r\n`]) {
      expect(await outcome(() => reply)).toMatchObject({ code: expect.stringMatching(/^HPE_/) });
    }
  });

  test("rejects at the time limit after no response, half a head, or only 1xx responses", async () => {
    const replies = ["", "HTTP/1.1 101 Switching Proto", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3)];
    for (const reply of replies) {
      expect(await outcome(() => reply)).toMatchObject({ name: "TimeoutError", message: "Not connected after 200 ms" });
    }
  });

  test("accepts 100 followed by 101, with frames in the same chunk", async () => {
    const { port } = await listen(async (peer) => {
      const head = await peer.head();
      await peer.write(`HTTP/1.1 100 Continue\r\n\r\n${answer(head)}`);
      await peer.write(frames("server", text("early"), close(1000)));
      await peer.sees(() => peer.received.length > head.length, "no Close");
      peer.socket.end();
    });
    const connection = await connect(`ws://127.0.0.1:${port}/`);
    const seen: unknown[] = [];
    connection.on("message", (data) => seen.push(data));
    await new Promise<void>((resolve) => {
      connection.on("close", (code) => {
        seen.push(code);
        resolve();
      });
    });
    expect(seen).toEqual(["early", 1000]);
  });

  test("rejects without a server, for an unknown host, and for wrong options", async () => {
    const { server, port } = await start();
    await server.close();
    await expect(connect(`ws://127.0.0.1:${port}`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(connect("ws://nowhere.invalid")).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTFOUND|EAI/),
    });
    for (const options of [
      { pingInterval: -1 },
      { headers: [["Upgrade", "x"]] },
      { handshakeTimeout: -1 },
      { handshakeTimeout: NaN },
    ]) {
      await expect(connect(`ws://127.0.0.1:${port}`, options as ConnectOptions)).rejects.toThrow(/must|writes/);
    }
  });
});

describe("its options", () => {
  test("a timeout of Infinity means no limit", async () => {
    const { port } = await start();
    const connection = await connect(`ws://127.0.0.1:${port}`, { handshakeTimeout: Infinity });
    connection.terminate();
    await once(connection, "close");
  });

  test("uses an agent, header fields, and the user and password of the URL", async () => {
    let seen: Record<string, unknown> = {};
    const { port } = await start({ verify: (request) => ((seen = request.headers), true) });
    let used = 0;
    class Counting extends Agent {
      override createConnection(...args: Parameters<Agent["createConnection"]>) {
        used++;
        return super.createConnection(...args);
      }
    }
    const agent = new Counting({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 2; i++) {
      const connection = await connect(`ws://us%C3%A9r:pa%3Ass@127.0.0.1:${port}/`, {
        agent,
        headers: { "X-Own": "1" },
      });
      expect(seen["x-own"]).toBe("1");
      expect(seen.authorization).toBe(`Basic ${Buffer.from("usér:pa:ss").toString("base64")}`);
      // The agent does not get its socket back and does not count it.
      connection.close();
      await once(connection, "close");
    }
    expect(used).toBe(2);
    await expect(
      connect(`ws://127.0.0.1:${port}/`, { agent, protocols: ["x"], headers: { Cookie: "a" } }).then((connection) => {
        connection.terminate();
        return once(connection, "close");
      }),
    ).resolves.toBeDefined();
    expect(Object.values({ ...agent.sockets, ...agent.freeSockets }).flat()).toEqual([]);
    agent.destroy();
  });

  test("IPv6", async () => {
    const { port } = await start({ host: "::1" });
    for (const url of [`ws://[::1]:${port}/`]) {
      const connection = await connect(url);
      connection.close(1000);
      expect((await once(connection, "close"))[0]).toBe(1000);
    }
  });
});

describe("AbortSignal", () => {
  const reason = new Error("of the user");

  async function abortedWhen(when: (peer: RawPeer) => Promise<void>, options: ConnectOptions = {}, tls = false) {
    const controller = new AbortController();
    const { port, peers } = await listen(
      async (peer) => {
        await when(peer);
        controller.abort(reason);
      },
      { tls: tls && !options.http2, host: "localhost", ...(options.http2 && { tls: true, alpn: ["h2"] }) },
    );
    const url = `${tls || options.http2 ? "wss" : "ws"}://localhost:${port}`;
    await expect(connect(url, { ...options, tls: CA, signal: controller.signal })).rejects.toBe(reason);
    await Promise.all(peers.map((peer) => peer.gone()));
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  }

  test("rejects with any reason if it aborts before the attempt", async () => {
    await expect(connect("ws://127.0.0.1:1", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
    await expect(connect("ws://127.0.0.1:1", { signal: AbortSignal.abort(0) })).rejects.toBe(0);
  });

  for (const http2 of [false, true]) {
    test(`ends the attempt during the look-up of the name and the TCP handshake; HTTP/2: ${http2}`, async () => {
      for (const why of [reason, "a string", 0, undefined]) {
        const controller = new AbortController();
        const attempt = connect("wss://localhost:1", { signal: controller.signal, http2 });
        controller.abort(why);
        if (why === undefined) await expect(attempt).rejects.toMatchObject({ name: "AbortError" });
        else await expect(attempt).rejects.toBe(why);
        expect(getEventListeners(controller.signal, "abort")).toEqual([]);
      }
    });
  }

  test("ends the attempt after the TCP handshake, the request, or half of the response", async () => {
    await abortedWhen(async () => {});
    await abortedWhen(async (peer) => void (await peer.head()));
    await abortedWhen(async (peer) => {
      await peer.head();
      await peer.write("HTTP/1.1 101 Sw");
    });
  });

  test("ends the attempt during the TLS handshake, and after it", async () => {
    const controller = new AbortController();
    const { port, peers } = await listen(async (peer) => {
      await peer.sees(() => peer.received.length > 0, "no ClientHello");
      controller.abort(reason);
    });
    for (const http2 of [false, true]) {
      const again = new AbortController();
      const signal = http2 ? again.signal : controller.signal;
      const attempt = connect(`wss://127.0.0.1:${port}`, { http2, signal });
      if (http2) setImmediate(() => again.abort(reason));
      await expect(attempt).rejects.toBe(reason);
    }
    await Promise.all(peers.map((peer) => peer.gone()));
    await abortedWhen(async () => {}, {}, true);
    await abortedWhen(async (peer) => void (await peer.head()), {}, true);
  });

  test("ends the attempt over HTTP/2 after the session has started", async () => {
    await abortedWhen(async (peer) => peer.sees(() => peer.received.length > 0, "no preface"), { http2: true });
  });

  test("if it aborts as the handshake succeeds, connect() resolves, or rejects and leaves no open socket", async () => {
    const started = await start();
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const attempt = connect(`ws://127.0.0.1:${started.port}`, { signal: controller.signal });
      const count = i;
      await until(
        () => started.connections.length > count,
        () => "not connected",
      );
      for (let turns = i % 5; turns > 0; turns--)
        await (i % 2 ? undefined : new Promise((resolve) => setImmediate(resolve)));
      controller.abort(reason);
      const connection = await attempt.catch((error: unknown) => {
        expect(error).toBe(reason);
        return undefined;
      });
      if (connection && connection.readyState !== 3) await once(connection, "close");
      await until(
        () => started.server.connections.size === 0,
        () => "the server still has it",
      );
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    }
  });

  test("a long-lived signal does not keep ended connections in memory", async () => {
    const { signal } = new AbortController();
    const { port } = await start();
    const open = await Promise.all(Array.from({ length: 20 }, () => connect(`ws://127.0.0.1:${port}`, { signal })));
    for (const connection of open) connection.close();
    await Promise.all(open.map((connection) => once(connection, "close")));
    await connect(`ws://127.0.0.1:1`, { signal }).catch(() => {});
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("over HTTP/2", () => {
  const http2: ConnectOptions = { http2: true, tls: CA, handshakeTimeout: 1000 };

  test("rejects if the server ends, resets or sends something else before its settings", async () => {
    const ways: ((peer: RawPeer) => unknown)[] = [
      (peer) => peer.socket.end(),
      (peer) => peer.reset(),
      (peer) => peer.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
      (peer) => peer.write(new Uint8Array(100)),
    ];
    const { port } = await listen((peer) => ways.shift()!(peer), { tls: true, alpn: ["h2"], host: "localhost" });
    while (ways.length > 0) {
      const error = await connect(`wss://localhost:${port}`, http2).catch((one: unknown) => one);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toMatchObject({ name: "TimeoutError" });
    }
  });

  test("rejects if the server sends nothing, or does not support HTTP/2", async () => {
    const { port } = await listen(() => {}, { tls: true, alpn: ["h2"], host: "localhost" });
    const short = { ...http2, handshakeTimeout: 150 };
    await expect(connect(`wss://localhost:${port}`, short)).rejects.toMatchObject({ name: "TimeoutError" });
    const { port: other } = await start({ tls: TLS, http2: false });
    const error = await connect(`wss://localhost:${other}`, short).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: expect.stringMatching(/ERR_HTTP2_ERROR|ALPN|ECONNRESET|NO_APPLICATION/) });
  });

  test("rejects if the stream is refused, reset with any code, ended, or answered with something else", async () => {
    const ways: ((stream: ServerHttp2Stream) => void)[] = [
      ...[0, 2, 7, 8, 11].map((code) => (stream: ServerHttp2Stream) => stream.close(code)),
      (stream) => stream.session!.destroy(),
      (stream) => stream.session!.goaway(2, 0),
      (stream) => stream.respond({ ":status": 401, "www-authenticate": "Basic" }, { endStream: true }),
      (stream) => stream.respond({ ":status": 200, "sec-websocket-protocol": "x" }),
    ];
    const server = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
    const sessions: Set<{ destroy(): void }> = new Set();
    server.on("session", (session) => sessions.add(session));
    server.on("sessionError", () => {});
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      ways.shift()!(stream);
    });
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    atEnd(() => {
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as AddressInfo;
    while (ways.length > 0) {
      const left = ways.length;
      const error = await connect(`wss://localhost:${port}`, http2).catch((one: unknown) => one);
      expect(error, `${left} ways left`).toBeInstanceOf(Error);
      expect(error, `${left} ways left`).not.toMatchObject({ name: "TimeoutError" });
    }
  });

  test("if the server accepts and ends the stream at once, the connection ends at once", async () => {
    const server = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
    server.on("stream", (stream) => stream.respond({ ":status": 200 }, { endStream: true }));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    atEnd(() => new Promise((resolve) => server.close(resolve)));
    const connection = await connect(`wss://localhost:${(server.address() as AddressInfo).port}`, http2);
    expect(await once(connection, "close")).toEqual([1006, "", false]);
  });

  test("rejects if the server does not support RFC 8441", async () => {
    const server = createSecureServer(TLS);
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    atEnd(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    await expect(connect(`wss://localhost:${port}`, http2)).rejects.toThrow(/RFC 8441/);
  });

  test("a session ends with its connection, even if the server never ends its side", async () => {
    const { port, connections } = await start({ tls: TLS });
    for (const how of ["close", "terminate"] as const) {
      const connection = await connect(`wss://localhost:${port}`, http2);
      connection[how]();
      await once(connection, "close");
    }
    expect(connections.length).toBe(2);
  });
});

describe("TLS", () => {
  test("rejects wrong certificates, and TLS on only one side; the server continues", async () => {
    for (const serverHttp2 of [false, true]) {
      const { port } = await start({ tls: TLS, http2: serverHttp2 });
      const plain = await start();
      for (const http2 of serverHttp2 ? [false, true] : [false]) {
        const options = { http2, handshakeTimeout: 2000 };
        const cases: [url: string, options: ConnectOptions, code: RegExp][] = [
          [`wss://localhost:${port}`, options, /DEPTH_ZERO_SELF_SIGNED_CERT/],
          [
            `wss://localhost:${port}`,
            { ...options, tls: { ...CA, servername: "other.example" } },
            /ERR_TLS_CERT_ALTNAME/,
          ],
          [
            `wss://localhost:${port}`,
            { ...options, tls: { ...CA, maxVersion: "TLSv1.1", minVersion: "TLSv1.1" } },
            /SSL|PROTO/,
          ],
          [`wss://localhost:${plain.port}`, { ...options, tls: CA }, /SSL|EPROTO|ECONNRESET/],
        ];
        for (const [url, each, code] of cases) {
          await expect(connect(url, each)).rejects.toMatchObject({ code: expect.stringMatching(code) });
        }
        await expect(connect(`ws://localhost:${port}`, options)).rejects.toThrow();
        const connection = await connect(`wss://localhost:${port}`, { ...options, tls: CA });
        connection.close();
        await once(connection, "close");
      }
    }
  });

  test("the server continues after clients that break off in the TLS handshake", async () => {
    const { port, connections } = await start({ tls: TLS });
    // The head of a record, and the first bytes of a ClientHello; then bytes that are not TLS.
    for (const bytes of ["", "160301", "1603010200010001fc0303", "474554202f20485454502f312e310d0a0d0a"]) {
      for (const how of ["reset", "end"] as const) {
        const peer = await dial(port);
        if (bytes) await peer.write(Buffer.from(bytes, "hex"));
        if (how === "reset") peer.reset();
        else peer.socket.end();
      }
    }
    const connection = await connect(`wss://localhost:${port}`, { tls: CA });
    connection.close();
    await once(connection, "close");
    expect(connections.length).toBe(1);
  });
});
