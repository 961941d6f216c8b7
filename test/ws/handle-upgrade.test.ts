// Direct calls of handleUpgrade(): other HTTP servers, plain objects as requests, and streams that are not sockets.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { describe } from "vitest";
import { request } from "../node/support/peer.ts";
import { both, each } from "./support/both.ts";
import type { Implementation, ServerOptions, Socket } from "./support/implementations.ts";
import { internals } from "./support/implementations.ts";
import type { Lab } from "./support/lab.ts";
import { outcome, reached, record, show, showError, until } from "./support/log.ts";
import { KEY, plainRequest, streamPair } from "./support/memory.ts";
import { closing, ping, Raw, text } from "./support/raw.ts";

/** A server's socket on a stream in memory, and the other end of the stream. */
async function inMemory(
  lab: Lab,
  options: ServerOptions = {},
  head: Uint8Array = Buffer.alloc(0),
): Promise<{ socket: Socket; log: string[]; raw: Raw }> {
  const { server } = await lab.serve({ noServer: true, ...options });
  const [near, far] = streamPair();
  const raw = new Raw(far, "client");
  lab.atEnd(() => {
    near.destroy();
    far.destroy();
  });
  let log: string[] = [];
  const socket = await new Promise<Socket>((resolve) => {
    server.handleUpgrade(plainRequest(), near, Buffer.from(head), (accepted) => {
      log = record(accepted);
      resolve(accepted);
    });
  });
  await raw.handshake();
  return { socket, log, raw };
}

describe("noServer", () => {
  both("lets the caller emit 'connection'", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const order: string[] = [];
    server.on("connection", (socket: Socket, request: IncomingMessage, ...[extra]: unknown[]) => {
      order.push(`connection ${request.url} ${String(extra)} ${server.clients.size}`);
      socket.send("hello");
    });
    server.on("headers", () => order.push("headers"));
    const { url } = await lab.http(
      createServer().on("upgrade", (request, socket, head) => {
        server.handleUpgrade(request, socket, head, (client, same) => {
          order.push(`callback ${client.readyState} ${same === request} ${server.clients.has(client)}`);
          server.emit("connection", client, request, "extra");
        });
        order.push("returned");
      }),
    );
    const { log } = lab.connect(`${url}/path`);
    await until(log, "message");
    return { order, log };
  });

  both("supports several servers on one http server, by path", async (lab) => {
    const one = (await lab.serve({ noServer: true })).server;
    const two = (await lab.serve({ noServer: true })).server;
    one.on("connection", (socket) => socket.send("one"));
    two.on("connection", (socket) => socket.send("two"));
    const { url } = await lab.http(
      createServer().on("upgrade", (request, socket, head) => {
        const server = request.url === "/one" ? one : request.url === "/two" ? two : undefined;
        if (server === undefined) socket.destroy();
        else server.handleUpgrade(request, socket, head, (client) => server.emit("connection", client, request));
      }),
    );
    const logs = ["/one", "/two", "/three"].map((path) => lab.connect(`${url}${path}`).log);
    await until(logs[0]!, "message");
    await until(logs[1]!, "message");
    await until(logs[2]!, "close");
    return logs;
  });

  both("works after an asynchronous check", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const { url } = await lab.http(
      createServer().on("upgrade", (request, socket, head) => {
        setTimeout(() => {
          server.handleUpgrade(request, socket, head, (client) => {
            client.on("message", (data) => client.send(`echo ${String(data)}`));
          });
        }, 5);
      }),
    );
    const { socket, log } = lab.connect(url);
    socket.on("open", () => socket.send("x"));
    await until(log, "message");
    return log;
  });

  each("throws if called twice with one socket", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const results: string[] = [];
    const { port } = await lab.http(
      createServer().on("upgrade", (request, socket, head) => {
        results.push(outcome(() => server.handleUpgrade(request, socket, head, () => results.push("callback"))));
        results.push(outcome(() => server.handleUpgrade(request, socket, head, () => results.push("callback"))));
      }),
    );
    const raw = await lab.dial(port);
    await raw.handshake();
    await reached(
      () => results.length >= 3,
      () => results.join(),
    );
    return results;
  });

  each("throws if two servers get one socket", async (lab) => {
    const one = (await lab.serve({ noServer: true })).server;
    const two = (await lab.serve({ noServer: true })).server;
    const results: string[] = [];
    const { port } = await lab.http(
      createServer().on("upgrade", (request, socket, head) => {
        one.handleUpgrade(request, socket, head, () => results.push("callback"));
        results.push(outcome(() => two.handleUpgrade(request, socket, head, () => {})));
      }),
    );
    await (await lab.dial(port)).handshake();
    return results;
  });

  each("destroys a socket that has ended", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const [near, far] = streamPair();
    far.destroy();
    near.destroy();
    const results: string[] = [];
    server.handleUpgrade(plainRequest(), near, Buffer.alloc(0), () => results.push("callback"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    return [...results, near.destroyed];
  });

  each("answers 503 after close()", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    server.close();
    const [near, far] = streamPair();
    const raw = new Raw(far, "client");
    const results: string[] = [];
    server.handleUpgrade(plainRequest(), near, Buffer.alloc(0), () => results.push("callback"));
    await raw.handshake();
    return [...results, raw.text];
  });

  each("throws the error of the callback", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const [near] = streamPair();
    lab.atEnd(() => near.destroy());
    return outcome(() =>
      server.handleUpgrade(plainRequest(), near, Buffer.alloc(0), () => {
        throw new Error("mine");
      }),
    );
  });
});

describe("a stream in memory, with a request that is a plain object", () => {
  each("gets the response", async (lab) => {
    const { raw } = await inMemory(lab);
    const accept = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    return [raw.head.replace(accept, "(accept)")];
  });

  each("passes messages in both directions", async (lab) => {
    const { socket, log, raw } = await inMemory(lab);
    raw.write(text("one"), ping("two"), { opcode: 2, payload: Buffer.from("three") });
    socket.send("text");
    socket.send(Buffer.alloc(1000, "x"));
    await until(log, "message", 2);
    return { log, told: await raw.seesFrames(3) };
  });

  each("reads head first", async (lab) => {
    const [, far] = streamPair();
    const head = new Raw(far, "client").serialize(text("of the head"));
    const { log, raw } = await inMemory(lab, {}, head);
    raw.write(text("after"));
    await until(log, "message", 2);
    return log;
  });

  each("accepts a part of a frame in head", async (lab) => {
    const [, far] = streamPair();
    const bytes = new Raw(far, "client").serialize(text("split"));
    const { log, raw } = await inMemory(lab, {}, bytes.subarray(0, 3));
    raw.socket.write(bytes.subarray(3));
    await until(log, "message");
    return log;
  });

  each("the peer closes", async (lab) => {
    const { log, raw } = await inMemory(lab);
    raw.write(closing(1000, "bye"));
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("the server closes", async (lab) => {
    const { socket, log, raw } = await inMemory(lab);
    socket.close(1001, "bye");
    await raw.seesFrames(1);
    raw.write(closing(1001));
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("the stream ends", async (lab) => {
    const { log, raw } = await inMemory(lab);
    raw.socket.end();
    await until(log, "close");
    return log;
  });

  each("terminate() destroys the stream", async (lab) => {
    const { socket, log } = await inMemory(lab);
    socket.terminate();
    await until(log, "close");
    return [...log, internals(socket)._socket.destroyed];
  });

  each("an error of the stream", async (lab) => {
    const { socket, log } = await inMemory(lab);
    internals(socket)._socket.destroy(new Error("of the stream"));
    await until(log, "close");
    return log;
  });

  each("pause() and resume()", async (lab) => {
    const { socket, log, raw } = await inMemory(lab);
    socket.pause();
    raw.write(text("one"));
    await new Promise((resolve) => setTimeout(resolve, 10));
    const before = log.length;
    socket.resume();
    await until(log, "message");
    return { before, log };
  });

  for (const [what, more] of [
    ["an invalid key", { "sec-websocket-key": "x" }],
    ["no upgrade", { upgrade: "other" }],
    ["version 5", { "sec-websocket-version": "5" }],
  ] as const) {
    each(`refuses an invalid request: ${what}`, async (lab) => {
      const { server } = await lab.serve({ noServer: true });
      const [near, far] = streamPair();
      const raw = new Raw(far, "client");
      server.handleUpgrade(plainRequest(more), near, Buffer.alloc(0), () => {});
      await raw.gone();
      return raw.text;
    });
  }

  each("accepts a request without Host and Connection", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const [near, far] = streamPair();
    lab.atEnd(() => near.destroy());
    const raw = new Raw(far, "client");
    const request = plainRequest();
    delete request.headers.connection;
    server.handleUpgrade(request, near, Buffer.alloc(0), () => {});
    await raw.handshake();
    return raw.text.slice(0, 12);
  });
});

describe("new WebSocket(null, undefined, options) and setSocket()", () => {
  interface Settable {
    setSocket(socket: Duplex, head: Buffer, options: object): void;
  }

  /** Makes a client as injectWS of Fastify does. */
  async function injected(
    api: Implementation,
    lab: Lab,
    options: object,
  ): Promise<{ socket: Socket; log: string[]; raw: Raw }> {
    const [near, far] = streamPair();
    lab.atEnd(() => {
      near.destroy();
      far.destroy();
    });
    const Class = api.WebSocket as unknown as new (...args: unknown[]) => Socket & Settable & { _isServer: boolean };
    const socket = new Class(null, undefined, options);
    const log = record(socket);
    socket._isServer = false;
    const raw = new Raw(far, "server");
    // Raw reads frames after a head.
    raw.received = Buffer.from("\r\n\r\n");
    log.push(`state ${socket.readyState}`);
    socket.setSocket(near, Buffer.alloc(0), options);
    log.push(`state ${socket.readyState}`);
    return { socket, log, raw };
  }

  each("a client on a stream in memory", async (lab) => {
    const { socket, log, raw } = await injected(lab.api, lab, { closeTimeout: 1000 });
    socket.send("masked");
    raw.write(text("one"), { opcode: 2, payload: Buffer.from("two") });
    await until(log, "message", 2);
    await raw.seesFrames(1);
    raw.write(closing(1000));
    await raw.gone();
    raw.socket.end();
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("options: maxPayload, autoPong", async (lab) => {
    const { log, raw } = await injected(lab.api, lab, { maxPayload: 3, autoPong: true, closeTimeout: 50 });
    raw.write(ping("x"));
    await raw.seesFrames(1);
    raw.write(text("long"));
    await until(log, "close");
    return { log, told: raw.frames };
  });

  each("autoPong is off without the option", async (lab) => {
    const { socket, log, raw } = await injected(lab.api, lab, { closeTimeout: 1000 });
    raw.write(ping("x"));
    await until(log, "ping");
    socket.send("after");
    return raw.seesFrames(1);
  });

  both("injectWS: a client and a server in memory", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    const [near, far] = streamPair();
    lab.atEnd(() => {
      near.destroy();
      far.destroy();
    });
    const Class = lab.client.WebSocket as unknown as new (
      ...args: unknown[]
    ) => Socket & Settable & { _isServer: boolean };
    const client = new Class(null, undefined, { closeTimeout: 1000 });
    const log = record(client);
    const opened = new Promise<void>((resolve) => {
      const onData = (chunk: Buffer): void => {
        if (!chunk.toString().includes("HTTP/1.1 101 Switching Protocols")) return;
        far.removeListener("data", onData);
        client._isServer = false;
        client.setSocket(far, Buffer.alloc(0), {});
        resolve();
      };
      far.on("data", onData);
    });
    server.handleUpgrade(plainRequest(), near, Buffer.alloc(0), (peer) => {
      peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
    });
    await opened;
    client.send("hello");
    client.send(Buffer.from("bytes"));
    await until(log, "message", 2);
    client.close(1000, "done");
    await until(log, "close");
    return log;
  });
});

describe("changing the options of a running server", () => {
  each("applies maxPayload, perMessageDeflate and autoPong to the next client", async (lab) => {
    const { server, port } = await lab.serve();
    const log: string[] = [];
    server.on("connection", (socket) => {
      socket.on("error", (error) => log.push(showError(error)));
      socket.on("message", (data) => log.push(show(data)));
    });
    Object.assign(server.options, { maxPayload: 3, perMessageDeflate: {}, autoPong: false });
    const raw = await lab.dial(port, request({ "Sec-WebSocket-Extensions": "permessage-deflate" }));
    await raw.handshake();
    raw.write(text("123"), ping("x"), text("1234"));
    await raw.gone();
    return { log, told: raw.frames, extension: raw.field("Sec-WebSocket-Extensions") };
  });
});

each("handleUpgrade() removes its own listeners from the socket", async (lab) => {
  const { server } = await lab.serve({ noServer: true });
  const http = createServer();
  const { port } = await lab.http(http);
  const upgraded = once(http, "upgrade") as Promise<[IncomingMessage, Duplex, Buffer]>;
  await lab.dial(port);
  const [request, socket, head] = await upgraded;
  const before = socket.listenerCount("timeout");
  server.handleUpgrade(request, socket, head, () => {});
  return [socket.listenerCount("timeout") - before, socket.listenerCount("error") > 0];
});
