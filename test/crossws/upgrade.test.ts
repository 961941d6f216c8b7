// The upgrade hook: how requests are accepted and refused.

import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import type { Peer } from "crossws";
import { expect, vi } from "vitest";
import { WebSocket } from "ws";
import { both, dial, handshake, type Make, open, ours, refused, start, until } from "./support/adapters.ts";

/** Reads a socket to the end, as text. */
async function answerOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  return text;
}

both("sends the header fields of the upgrade hook", async (make) => {
  const headers = new Headers({ "X-Powered-By": "crossws" });
  headers.append("Set-Cookie", "a=1; Secure");
  headers.append("Set-Cookie", "b=2");
  const { url } = await start(make({ hooks: { upgrade: () => ({ headers }) } }));
  const client = await open(url);
  expect(client.headers["x-powered-by"]).toBe("crossws");
  expect(client.headers["set-cookie"]).toEqual(["a=1; Secure", "b=2"]);
  for (const form of [{ "x-form": "object" }, [["x-form", "pairs"]] as [string, string][]]) {
    const other = await start(make({ hooks: { upgrade: async () => ({ headers: form }) } }));
    expect((await open(other.url)).headers["x-form"]).toMatch(/object|pairs/);
  }
});

const REFUSALS: [name: string, refuse: () => Response | Promise<Response>][] = [
  ["returned", () => refusal()],
  ["returned later", async () => refusal()],
  [
    "thrown",
    () => {
      throw refusal();
    },
  ],
  ["in a rejection", () => Promise.reject(refusal())],
  [
    "in an error",
    () => {
      throw Object.assign(new Error("no"), { response: refusal() });
    },
  ],
];

function refusal(): Response {
  const headers = { "X-Error": "unauthorized", "WWW-Authenticate": 'Bearer realm="test"' };
  return new Response("who are you?", { status: 401, statusText: "Not You", headers });
}

both("a Response refuses the request, whether returned or thrown", async (make) => {
  for (const [name, upgrade] of REFUSALS) {
    const opened = vi.fn<(peer: Peer) => void>();
    const { adapter, url } = await start(make({ hooks: { upgrade, open: opened } }));
    const { status, reason, headers, body } = await refused(url);
    expect([name, status, reason, body]).toEqual([name, 401, "Not You", "who are you?"]);
    expect(headers["x-error"]).toBe("unauthorized");
    expect(headers["www-authenticate"]).toBe('Bearer realm="test"');
    expect(headers["content-type"]).toMatch(/^text\/plain/);
    expect(opened).not.toHaveBeenCalled();
    expect(adapter.peers.size).toBe(0);
  }
});

both("sends a Response without a body, with a stream, and with any status", async (make) => {
  const responses: [response: () => Response, status: number, body: string][] = [
    [() => new Response(null, { status: 404 }), 404, ""],
    [() => new Response(null, { status: 204 }), 204, ""],
    [() => new Response("fine"), 200, "fine"],
    [() => Response.json({ a: 1 }, { status: 403 }), 403, '{"a":1}'],
    [() => new Response(new Blob(["str", "eam"]).stream(), { status: 503 }), 503, "stream"],
  ];
  for (const [upgrade, status, body] of responses) {
    const { url } = await start(make({ hooks: { upgrade } }));
    expect(await refused(url)).toMatchObject({ status, body });
  }
});

both("answers errors of the upgrade hook with 500", async (make) => {
  const failures: (() => never | Promise<never>)[] = [
    () => {
      throw new Error("sync");
    },
    () => Promise.reject(new Error("async")),
    () => Promise.reject(undefined),
  ];
  for (const upgrade of failures) {
    const { adapter, url } = await start(make({ hooks: { upgrade } }));
    expect(await refused(url)).toMatchObject({ status: 500 });
    expect(adapter.peers.size).toBe(0);
  }
  for (const options of [
    {
      getNamespace: () => {
        throw new Error("no namespace");
      },
    },
    { resolve: () => Promise.reject(new Error("no hooks")) },
    {
      resolve: () => {
        throw new Error("no hooks");
      },
    },
  ]) {
    const { url } = await start(make(options));
    expect(await refused(url)).toMatchObject({ status: 500 });
  }
});

both("takes the subprotocol from the hook, its header fields, or handleProtocols", async (make) => {
  const handleProtocols = vi.fn(async (offered: Set<string>, request: Request) =>
    request.url.endsWith("?none") ? false : [...offered].at(-1),
  );
  const { url } = await start(
    make({
      handleProtocols,
      hooks: {
        upgrade(request) {
          if (request.url.endsWith("?hook")) return { protocol: "b" };
          if (request.url.endsWith("?headers")) return { headers: { "Sec-WebSocket-Protocol": "a" } };
          return undefined;
        },
      },
    }),
  );
  const protocols = ["a", "b", "c"];
  const chosen = async (query: string) => (await open(`${url}/?${query}`, { protocols })).socket.protocol;
  expect(await chosen("hook")).toBe("b");
  expect(await chosen("headers")).toBe("a");
  expect(handleProtocols).not.toHaveBeenCalled();
  expect(await chosen("")).toBe("c");
  expect(handleProtocols.mock.calls[0]![0]).toEqual(new Set(protocols));
  // A client of ws that has offered subprotocols fails if none is chosen.
  const socket = new WebSocket(`${url}/?none`, protocols);
  const [error] = (await once(socket, "error")) as [Error];
  expect(error.message).toBe("Server sent no subprotocol");
  handleProtocols.mockClear();
  expect((await open(url)).socket.protocol).toBe("");
  expect(handleProtocols).not.toHaveBeenCalled();
});

both("does not accept an offered subprotocol unless a hook chooses it", async (make) => {
  const peers: Peer[] = [];
  const { url } = await start(make({ hooks: { open: (peer) => void peers.push(peer) } }));
  const client = await open(url, { headers: { "Sec-WebSocket-Protocol": "crossws" } }).catch((error: Error) => error);
  expect(client).toMatchObject({ headers: expect.not.objectContaining({ "sec-websocket-protocol": "crossws" }) });
  expect(peers[0]!.websocket.protocol).toBe("crossws");
});

both("compresses if the hook says so, and not by default", async (make) => {
  const big = "x".repeat(65_536);
  const { url } = await start(
    make({
      hooks: {
        upgrade(request) {
          switch (new URL(request.url).search) {
            case "?on":
              return { perMessageDeflate: true };
            case "?tuned":
              return {
                perMessageDeflate: {
                  serverNoContextTakeover: true,
                  threshold: 1024,
                  zlibDeflateOptions: { level: 3, memLevel: 7, chunkSize: 4096 },
                  zlibInflateOptions: { chunkSize: 4096 },
                },
              };
            case "?off":
              return { perMessageDeflate: false };
            default:
              return undefined;
          }
        },
        message: (peer, message) => void peer.send(message.text()),
      },
    }),
  );
  for (const [query, extensions, compressed] of [
    ["?on", /^permessage-deflate/, true],
    ["?tuned", /^permessage-deflate; server_no_context_takeover/, true],
    ["?off", /^$/, false],
    ["", /^$/, false],
  ] as const) {
    const client = await open(`${url}/${query}`, { perMessageDeflate: true });
    expect(client.headers["sec-websocket-extensions"] ?? "").toMatch(extensions);
    const { _socket } = client.socket as unknown as { _socket: Socket };
    const before = _socket.bytesRead;
    client.socket.send(big);
    expect(await client.next()).toBe(big);
    expect(_socket.bytesRead - before < 1000).toBe(compressed);
  }
});

both("a hook may take over the socket", async (make) => {
  const opened = vi.fn<(peer: Peer) => void>();
  const sockets: Socket[] = [];
  const started = await start(
    make({
      hooks: {
        open: opened,
        async upgrade() {
          sockets[0]!.end("HTTP/1.1 299 Mine\r\nConnection: close\r\n\r\n");
          return { handled: true };
        },
      },
    }),
  );
  started.server.prependListener("upgrade", (_request, socket: Socket) => sockets.push(socket));
  const socket = await dial(started.port);
  socket.write(handshake());
  expect(await answerOf(socket)).toBe("HTTP/1.1 299 Mine\r\nConnection: close\r\n\r\n");
  expect(opened).not.toHaveBeenCalled();
});

both("passes a webRequest of the caller to the hooks", async (make) => {
  const own = new Request("http://own.example/path", { headers: { "X-Own": "1" } });
  const context = { from: "the server" };
  const peers: Peer[] = [];
  const adapter = make({
    hooks: {
      upgrade: (request) => (expect(request).toBe(own), { context: { more: 1 } }),
      open: (peer) => void peers.push(peer),
    },
  });
  const { url } = await start({
    ...adapter,
    handleUpgrade: (request, socket, head) =>
      adapter.handleUpgrade(request, socket, head, Object.assign(own, { context })),
  });
  await open(url);
  expect(peers[0]!.namespace).toBe("/path");
  expect(peers[0]!.context).toBe(context);
  expect(context).toEqual({ from: "the server", more: 1 });
});

both("refuses an invalid handshake after the hook has accepted it", async (make) => {
  const { adapter, port } = await start(make({}));
  for (const [lines, status] of [
    [handshake().replace("GET", "POST"), 405],
    [handshake().replace("Version: 13", "Version: 12"), /^(400|426)/],
    [handshake().replace(/Sec-WebSocket-Key: .*/, "X-No: key"), 400],
  ] as const) {
    const socket = await dial(port);
    socket.write(lines);
    expect((await answerOf(socket)).split(" ")[1]).toMatch(typeof status === "number" ? String(status) : status);
  }
  expect(adapter.peers.size).toBe(0);
});

/** A server whose upgrade hook waits for the event "go". */
async function waiting(make: Make) {
  const events = new EventEmitter();
  const opened = vi.fn<(peer: Peer) => void>();
  const closed = vi.fn<() => void>();
  const started = await start(
    make({
      hooks: {
        async upgrade(request) {
          events.emit("asked");
          await once(events, "go");
          if (request.url.endsWith("?refuse")) return new Response("no", { status: 403 });
          return undefined;
        },
        open: opened,
        close: closed,
        message: (peer, message) => void peer.send(message.text()),
      },
    }),
  );
  return { ...started, events, opened, closed };
}

both("keeps bytes that arrive while the hook runs", async (make) => {
  const { url, events } = await waiting(make);
  const asked = once(events, "asked");
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await asked;
  events.emit("go");
  await once(socket, "open");
  socket.send("early");
  const [data] = (await once(socket, "message")) as [Buffer];
  expect(String(data)).toBe("early");
  socket.terminate();
});

const WAYS: [how: string, leave: (socket: Socket) => unknown][] = [
  ["ends its side", (socket) => socket.end()],
  ["closes", (socket) => socket.destroy()],
  ["resets", (socket) => socket.resetAndDestroy()],
];

for (const [how, leave] of WAYS) {
  // Only ours, because crossws has no listener for errors of the socket: an error ends the process.
  ours(`removes a client that ${how} while the hook runs`, async (make) => {
    for (const target of ["/", "/?refuse"]) {
      const { adapter, server, port, events, opened, closed } = await waiting(make);
      const asked = once(events, "asked");
      const socket = await dial(port);
      socket.write(handshake(target));
      await asked;
      leave(socket);
      socket.resume();
      await new Promise((resolve) => setTimeout(resolve, 10));
      events.emit("go");
      let sockets = 1;
      const ask = () => server.getConnections((_error, number) => (sockets = number));
      await until(() => (ask(), sockets === 0), "the socket has gone");
      expect(adapter.peers.size).toBe(0);
      expect(closed).toHaveBeenCalledTimes(opened.mock.calls.length);
    }
  });
}

ours("peers keep the webRequest of the caller", async (make) => {
  const own = new Request("http://own.example/path");
  const peers: Peer[] = [];
  const adapter = make({ hooks: { open: (peer) => void peers.push(peer) } });
  const { url } = await start({
    ...adapter,
    handleUpgrade: (request, socket, head) => adapter.handleUpgrade(request, socket, head, own),
  });
  await open(url);
  expect(peers[0]!.request).toBe(own);
});

ours("refuses a request with an invalid URL before it calls a hook", async (make) => {
  const upgrade = vi.fn<() => undefined>();
  const { port } = await start(make({ hooks: { upgrade } }));
  for (const request of [
    handshake("/", [], "user:password@host"),
    handshake("/", [], "host/admin?"),
    handshake("/", [], "ho st"),
    handshake("/", [], "host:99999"),
    handshake("*"),
    handshake("ftp://host/path"),
    handshake("http://user@host/path"),
  ]) {
    const socket = await dial(port);
    socket.write(request);
    expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 400 Bad Request/);
  }
  expect(upgrade).not.toHaveBeenCalled();
});

ours("accepts a whole URL as the request target", async (make) => {
  const peers: Peer[] = [];
  const { port } = await start(make({ hooks: { open: (peer) => void peers.push(peer) } }));
  const socket = await dial(port);
  socket.write(handshake("http://other.example/a?b"));
  await once(socket, "data");
  expect(peers[0]!.request.url).toBe("http://other.example/a?b");
  expect(peers[0]!.namespace).toBe("/a");
});

ours("the URL has https: if a proxy was reached over TLS", async (make) => {
  const peers: Peer[] = [];
  const { url, port } = await start(make({ hooks: { open: (peer) => void peers.push(peer) } }));
  await open(url, { headers: { "X-Forwarded-Proto": "https" } });
  expect(peers[0]!.request.url).toBe(`https://127.0.0.1:${port}/`);
  expect(peers[0]!.websocket.url).toBe(`wss://127.0.0.1:${port}/`);
});

ours("calls onRefused for each refusal, with the error", async (make) => {
  const told: [status: number, error: unknown][] = [];
  const failure = new Error("the hook");
  const { url, port } = await start(
    make({
      serverOptions: { onRefused: (_request, { status, error }) => told.push([status, error]) },
      hooks: {
        upgrade(request) {
          switch (new URL(request.url).search) {
            case "?response":
              return new Response("no", { status: 401 });
            case "?error":
              throw failure;
            case "?protocol":
              return { protocol: "not offered" };
            case "?header":
              return { headers: { Connection: "keep-alive" } };
            case "?namespace":
              return { namespace: "" };
            case "?used": {
              const response = new Response("used", { status: 403 });
              void response.text();
              return response;
            }
            default:
              return undefined;
          }
        },
      },
    }),
  );
  expect(await refused(`${url}/?response`)).toMatchObject({ status: 401 });
  expect(await refused(`${url}/?error`)).toMatchObject({ status: 500 });
  expect(await refused(`${url}/?protocol`, { headers: { "Sec-WebSocket-Protocol": "a" } })).toMatchObject({
    status: 500,
  });
  expect(await refused(`${url}/?header`)).toMatchObject({ status: 500 });
  expect(await refused(`${url}/?used`)).toMatchObject({ status: 500 });
  const socket = await dial(port);
  socket.write(handshake().replace("Version: 13", "Version: 12"));
  expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 426/);
  expect(told).toEqual([
    [401, expect.objectContaining({ code: "WS_ERR_HANDSHAKE_REJECTED" })],
    [500, failure],
    [500, expect.any(TypeError)],
    [500, expect.any(TypeError)],
    [500, expect.any(TypeError)],
    [426, expect.objectContaining({ code: "WS_ERR_HANDSHAKE_VERSION" })],
  ]);
  // An empty namespace counts as none.
  await open(`${url}/?namespace`);
});

ours("a Response with Upgrade also names it in Connection", async (make) => {
  const headers = { Upgrade: "websocket", "Content-Length": "1000" };
  const { url } = await start(make({ hooks: { upgrade: () => new Response("no", { status: 426, headers }) } }));
  expect(await refused(url)).toMatchObject({
    status: 426,
    headers: { connection: "close, Upgrade", upgrade: "websocket", "content-length": "2" },
  });
});
