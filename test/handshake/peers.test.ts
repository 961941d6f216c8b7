// Real clients and servers, over loopback sockets.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { WebSocket as UndiciWebSocket } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import websocketNode from "websocket";
import { WebSocket, WebSocketServer } from "ws";
import { encodeFrame, FrameDecoder } from "../../src/index.ts";
import { type Acceptance, type AcceptOptions, acceptHandshake, type Agreement } from "../../src/handshake/accept.ts";
import { checkResponse } from "../../src/handshake/check.ts";
import { RequestParser, ResponseParser } from "../../src/handshake/head.ts";
import { createRequest, type RequestOptions, serializeRequest } from "../../src/handshake/request.ts";
import { rejectHandshake, serializeResponse } from "../../src/handshake/response.ts";
import { deflate, latin1 } from "./support.ts";

/** websocket-driver has no types. */
interface Driver {
  io: Duplex;
  messages: Duplex;
  protocol: string;
  start(): boolean;
  text(message: string): boolean;
  on(event: string, listener: (event: { data: string; message: string }) => void): void;
}
const driver = createRequire(import.meta.url)("websocket-driver") as {
  client(url: string, options?: object): Driver;
  server(options?: object): Driver & { on(event: "connect", listener: () => void): void };
  isWebSocket(request: IncomingMessage): boolean;
  http(request: IncomingMessage, options?: object): Driver;
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
}

/** A server on a bare socket with our parser and our response. It echoes text, and writes a frame together with the 101. */
async function ours(options: AcceptOptions = {}): Promise<{ url: string; accepted: Acceptance[] }> {
  const accepted: Acceptance[] = [];
  const server = createServer((socket) => {
    const parser = new RequestParser();
    const decoder = new FrameDecoder({ role: "server" });
    let open = false;
    const frames = (bytes: Uint8Array) => {
      for (const frame of decoder.decode(bytes)) {
        if (frame.opcode === 1) socket.write(encodeFrame({ opcode: 1, payload: frame.text }, { role: "server" }));
        if (frame.opcode === 8) socket.end(encodeFrame({ opcode: 8, payload: frame.payload }, { role: "server" }));
      }
    };
    socket.on("data", (chunk) => {
      if (open) return frames(chunk);
      const found = parser.push(chunk);
      if (found === undefined) return;
      const result = acceptHandshake(found.request, options);
      if (!result.accepted) return socket.end(serializeResponse(result));
      open = true;
      accepted.push(result);
      const hello = encodeFrame({ opcode: 1, payload: "hello" }, { role: "server" });
      socket.write(Buffer.concat([serializeResponse(result), hello]));
      frames(found.rest);
    });
  });
  return { url: await listen(server), accepted };
}

/** A client on a bare socket. It cuts the bytes of its request as given, and sends a frame with the last part. */
async function dial(url: string, options: RequestOptions = {}, cuts: number[] = []) {
  const request = createRequest(url, options);
  const socket = connect(request.port, request.host);
  cleanups.push(() => socket.destroy());
  const bytes = serializeRequest(request);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    socket.write(bytes.subarray(at, cut));
    at = cut;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const parser = new ResponseParser();
  const texts: string[] = [];
  const decoder = new FrameDecoder({ role: "client" });
  const waiting: (() => void)[] = [];
  const frames = (chunk: Uint8Array) => {
    for (const frame of decoder.decode(chunk)) if (frame.opcode === 1) texts.push(frame.text);
    for (const wake of waiting.splice(0)) wake();
  };
  const agreement = await new Promise<Agreement>((resolve, reject) => {
    let open = false;
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      try {
        if (open) return frames(chunk);
        const found = parser.push(chunk);
        if (found === undefined) return;
        const agreed = checkResponse(found.response, request);
        open = true;
        frames(found.rest);
        resolve(agreed);
      } catch (error) {
        reject(error as Error);
      }
    });
  });
  return {
    agreement,
    send: (message: string) => socket.write(encodeFrame({ opcode: 1, payload: message }, { role: "client" })),
    async text(): Promise<string> {
      while (texts.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      return texts.shift()!;
    },
  };
}

describe("other clients with our server", () => {
  const options: AcceptOptions = { protocols: ["chat"], extensions: [deflate] };

  test("ws", async () => {
    const { url, accepted } = await ours(options);
    const client = new WebSocket(url, ["superchat", "chat"], { perMessageDeflate: true });
    const hello = once(client, "message");
    await once(client, "open");
    expect([client.protocol, client.extensions]).toEqual(["chat", "permessage-deflate"]);
    expect(String((await hello)[0])).toBe("hello");
    client.send("to you", { compress: false });
    expect(String((await once(client, "message"))[0])).toBe("to you");
    expect(accepted[0]).toMatchObject({
      protocol: "chat",
      extensions: [{ extension: { name: "permessage-deflate" } }],
    });
    client.close();
  });

  test("undici", async () => {
    const { url, accepted } = await ours({ protocols: ["chat"] });
    const client = new UndiciWebSocket(url, ["superchat", "chat"]);
    const texts: unknown[] = [];
    client.addEventListener("open", () => client.send("to you"));
    await new Promise<void>((resolve, reject) => {
      client.addEventListener("error", (event) => reject(event.error as Error));
      client.addEventListener("message", ({ data }) => texts.push(data) === 2 && resolve());
    });
    expect([client.protocol, client.extensions]).toEqual(["chat", ""]);
    expect(texts).toEqual(["hello", "to you"]);
    expect(accepted).toHaveLength(1);
    client.close();
  });

  test("websocket-driver", async () => {
    const { url } = await ours(options);
    const client = driver.client(url, { protocols: ["superchat", "chat"] });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    cleanups.push(() => socket.destroy());
    socket.pipe(client.io).pipe(socket);
    const texts: string[] = [];
    const done = new Promise<void>((resolve, reject) => {
      client.on("error", ({ message }) => reject(new Error(message)));
      client.on("message", ({ data }) => texts.push(data) === 2 && resolve());
    });
    client.start();
    client.text("to you");
    await done;
    expect(client.protocol).toBe("chat");
    expect(texts).toEqual(["hello", "to you"]);
  });

  test("websocket-node", async () => {
    const { url } = await ours({ protocols: ["chat"] });
    const client = new websocketNode.client();
    const texts: string[] = [];
    await new Promise<void>((resolve, reject) => {
      client.on("connectFailed", reject);
      client.on("connect", (connection) => {
        expect(connection.protocol).toBe("chat");
        connection.on("message", (message) => {
          if (message.type === "utf8" && texts.push(message.utf8Data) === 2) resolve();
        });
        connection.sendUTF("to you");
      });
      client.connect(url, ["superchat", "chat"], "https://example.com");
    });
    expect(texts).toEqual(["hello", "to you"]);
  });

  test("ws gets the status and body of a rejection", async () => {
    const { url } = await ours({ checkOrigin: (origin) => origin === "https://good.example" });
    const client = new WebSocket(url, { origin: "https://evil.example" });
    client.on("error", () => {});
    const [, response] = (await once(client, "unexpected-response")) as [unknown, IncomingMessage];
    expect([response.statusCode, response.headers.connection]).toEqual([403, "close"]);
    let body = "";
    for await (const chunk of response) body += String(chunk);
    expect(body).toBe("Connections from this origin are not allowed (RFC 6455 §4.2.2)\n");
    const good = new WebSocket(url, { origin: "https://good.example" });
    await once(good, "open");
    good.close();
  });

  test("ws with an unsupported version is refused", async () => {
    const { url } = await ours();
    const client = new WebSocket(url, { protocolVersion: 8 });
    client.on("error", () => {});
    const [, response] = (await once(client, "unexpected-response")) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(426);
    expect(response.headers).toMatchObject({ "sec-websocket-version": "13", upgrade: "websocket" });
    response.resume();
  });

  test("accepts the IncomingMessage of node:http, and keeps frames that arrived with the request", async () => {
    const server = createHttpServer();
    const early: Buffer[] = [];
    server.on("upgrade", (request, socket, head) => {
      early.push(head);
      const result =
        request.url === "/chat"
          ? acceptHandshake(request, options)
          : rejectHandshake({ status: 404, body: "Nothing here" });
      socket.end(serializeResponse(result));
    });
    const url = await listen(server);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    cleanups.push(() => socket.destroy());
    const request = createRequest(url, { protocols: ["chat"] });
    socket.write(Buffer.concat([serializeRequest(request), latin1("\x81\x80abcd")]));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const { response, rest } = new ResponseParser().push(Buffer.concat(chunks))!;
    expect(checkResponse(response, request).protocol).toBe("chat");
    expect(rest).toHaveLength(0);
    expect(Buffer.concat(early).toString("latin1")).toBe("\x81\x80abcd");
    await expect(dial(url.replace("/chat", "/other"))).rejects.toMatchObject({
      code: "WS_ERR_HANDSHAKE_STATUS",
      status: 404,
    });
  });
});

describe("other servers with our client", () => {
  /** An echo server of ws. */
  async function ws(options: object = {}): Promise<string> {
    const http = createHttpServer();
    const server = new WebSocketServer({ server: http, ...options });
    server.on("connection", (socket) => {
      socket.send("hello", { compress: false });
      socket.on("message", (data) => socket.send(String(data), { compress: false }));
    });
    cleanups.push(() => server.close());
    return listen(http);
  }

  test("ws, with a frame right after the 101", async () => {
    const url = await ws({ perMessageDeflate: true });
    const client = await dial(url, { protocols: ["chat", "superchat"], extensions: [deflate] });
    expect(client.agreement.protocol).toBe("chat");
    expect(client.agreement.extensions).toEqual([{ extension: deflate, parameters: [] }]);
    expect(await client.text()).toBe("hello");
    client.send("to you");
    expect(await client.text()).toBe("to you");
  });

  test("ws, with the request in pieces", async () => {
    const client = await dial(await ws(), {}, [1, 17, 60]);
    expect(client.agreement).toEqual({ protocol: undefined, extensions: [] });
    expect(await client.text()).toBe("hello");
  });

  test("ws rejects", async () => {
    const url = await ws({
      verifyClient: (_: unknown, done: (...args: unknown[]) => void) =>
        done(false, 401, "No", { "WWW-Authenticate": "Basic" }),
    });
    await expect(dial(url)).rejects.toMatchObject({
      code: "WS_ERR_HANDSHAKE_UNAUTHORIZED",
      status: 401,
      headers: expect.arrayContaining([["WWW-Authenticate", "Basic"]]) as unknown,
    });
  });

  test("websocket-driver", async () => {
    const http = createHttpServer();
    http.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      expect(driver.isWebSocket(request)).toBe(true);
      const server = driver.http(request, { protocols: ["chat"] });
      server.on("message", ({ data }) => server.text(data));
      socket.pipe(server.io).pipe(socket);
      server.start();
    });
    const client = await dial(await listen(http), { protocols: ["superchat", "chat"] });
    expect(client.agreement.protocol).toBe("chat");
    client.send("to you");
    expect(await client.text()).toBe("to you");
  });

  test("websocket-node", async () => {
    const http = createHttpServer();
    const server = new websocketNode.server({ httpServer: http });
    server.on("request", (request) => {
      const connection = request.accept("chat", request.origin);
      connection.on("message", (message) => message.type === "utf8" && connection.sendUTF(message.utf8Data));
    });
    const client = await dial(await listen(http), { protocols: ["chat"], origin: "https://example.com" });
    expect(client.agreement.protocol).toBe("chat");
    client.send("to you");
    expect(await client.text()).toBe("to you");
  });

  test("our client and our server", async () => {
    const { url } = await ours({ protocols: ["chat"], extensions: [deflate] });
    const client = await dial(url, { protocols: ["chat"], extensions: [deflate] }, [3, 4, 90]);
    expect(client.agreement).toMatchObject({ protocol: "chat", extensions: [{ parameters: [] }] });
    expect(await client.text()).toBe("hello");
  });
});

test("runs without any API of Node, as in a browser", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { acceptHandshake } from "./accept.ts";
        import { checkResponse } from "./check.ts";
        import { RequestParser, ResponseParser } from "./head.ts";
        import { createRequest, serializeRequest } from "./request.ts";
        import { serializeResponse } from "./response.ts";
        const request = createRequest("wss://a@example.com/b", { protocols: ["c"] });
        const parsed = new RequestParser().push(serializeRequest(request)).request;
        const answer = serializeResponse(acceptHandshake(parsed, { protocols: ["c"] }));
        result = checkResponse(new ResponseParser().push(answer).response, request).protocol;`,
      resolveDir: fileURLToPath(new URL("../../src/handshake/", import.meta.url)),
    },
    bundle: true,
    format: "iife",
    platform: "browser",
    write: false,
  });
  const { text } = outputFiles[0]!;
  expect(text).not.toMatch(/node:|require\(|process\.|\bBuffer\b/);
  const run = `
    const context = { result: "", crypto: globalThis.crypto, URL, TextEncoder, btoa };
    require("node:vm").runInNewContext(process.argv[1], context);
    process.stdout.write(context.result);`;
  expect(execFileSync(process.execPath, ["-e", run, text], { encoding: "utf8" })).toBe("c");
});
