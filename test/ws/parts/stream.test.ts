// createWebSocketStream() with a WebSocket of ws, so that only the stream differs.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Duplex, DuplexOptions } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { both } from "./support/both.ts";

let server: WebSocketServer | undefined;

afterEach(async () => {
  for (const client of server?.clients ?? []) client.terminate();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

/** A client that connects to a new server, and its peer. */
async function connect(options?: object): Promise<{ client: WebSocket; peer: Promise<WebSocket> }> {
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", ...options });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const peer = once(server, "connection").then(([socket]) => socket as WebSocket);
  return { client: new WebSocket(`ws://127.0.0.1:${port}`), peer };
}

/** The last events of a stream, in order. */
function ending(stream: Duplex): Promise<string[]> {
  const events: string[] = [];
  for (const event of ["end", "finish", "error"] as const) stream.on(event, () => events.push(event));
  return new Promise((resolve) => {
    stream.on("close", () => resolve([...events, "close"]));
  });
}

describe.each(both)("%s: createWebSocketStream()", (_, { createWebSocketStream }) => {
  test("sends chunks that are written before the handshake is done", async () => {
    const { client, peer } = await connect();
    const stream = createWebSocketStream(client);
    const ended = ending(stream);
    stream.write("one ");
    stream.write(Buffer.from("two"));
    const other = createWebSocketStream(await peer);
    other.pipe(other);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunks.length === 2) stream.end();
    });
    const events = await ended;
    expect(chunks).toEqual([Buffer.from("one "), Buffer.from("two")]);
    expect(events).toEqual(["finish", "end", "close"]);
    expect(stream.destroyed).toBe(true);
    expect(client.readyState).toBe(WebSocket.CLOSED);
  });

  test("readableObjectMode and encoding read text as strings", async () => {
    for (const options of [{ readableObjectMode: true }, { encoding: "utf8" }] satisfies DuplexOptions[]) {
      const { client, peer } = await connect();
      const stream = createWebSocketStream(client, options);
      const socket = await peer;
      socket.send("é");
      const [data] = await once(stream, "data");
      expect(data).toBe("é");
      if ("readableObjectMode" in options) {
        socket.send(Buffer.from([1]));
        expect((await once(stream, "data"))[0]).toEqual(Buffer.from([1]));
      }
      stream.end();
      await once(stream, "close");
      await new Promise((resolve) => server!.close(resolve));
    }
  });

  test("ignores options that would break it", async () => {
    const { client } = await connect();
    const options = { objectMode: true, writableObjectMode: true, autoDestroy: true, emitClose: true };
    const stream = createWebSocketStream(client, { ...options, readableHighWaterMark: 7 });
    expect([stream.readableObjectMode, stream.writableObjectMode]).toEqual([false, false]);
    expect(stream.readableHighWaterMark).toBe(7);
    let closed = 0;
    stream.on("close", () => closed++);
    stream.resume().end();
    await once(stream, "close");
    await new Promise(setImmediate);
    expect(closed).toBe(1);
  });

  test("pauses the WebSocket if the reader is slow", async () => {
    const { client, peer } = await connect();
    const stream = createWebSocketStream(client, { readableHighWaterMark: 10 });
    const socket = await peer;
    for (let i = 0; i < 20; i++) socket.send("0123456789");
    socket.close();
    while (!client.isPaused) await new Promise(setImmediate);
    let length = 0;
    for await (const chunk of stream) length += chunk.length;
    expect(length).toBe(200);
    expect(client.isPaused).toBe(false);
  });

  test("a Close of the peer ends the readable side, and then the stream", async () => {
    const { client, peer } = await connect();
    const stream = createWebSocketStream(client);
    const ended = ending(stream);
    stream.resume();
    (await peer).close();
    await once(stream, "end");
    stream.end();
    expect(await ended).toEqual(["end", "finish", "close"]);
  });

  test("destroy() terminates the WebSocket, and emits its error", async () => {
    for (const error of [undefined, new Error("mine")]) {
      const { client, peer } = await connect();
      const stream = createWebSocketStream(client);
      const ended = ending(stream);
      const closed = once(await peer, "close");
      if (client.readyState === WebSocket.CONNECTING) await once(client, "open");
      stream.destroy(error);
      expect(await ended).toEqual(error ? ["error", "close"] : ["close"]);
      expect((await closed)[0]).toBe(1006);
      await new Promise((resolve) => server!.close(resolve));
    }
  });

  test("destroy() works after the WebSocket has closed", async () => {
    const { client } = await connect();
    await once(client, "open");
    client.close();
    await once(client, "close");
    const stream = createWebSocketStream(client);
    const ended = ending(stream);
    stream.destroy();
    expect(await ended).toEqual(["close"]);
  });

  test("an error of the WebSocket destroys it, and the Close is still sent", async () => {
    const { client, peer } = await connect();
    const stream = createWebSocketStream(client);
    const socket = await peer;
    const closed = once(socket, "close");
    const failed = once(stream, "error");
    // A reserved opcode.
    socketOf(socket).write(Buffer.from([0x85, 0x00]));
    const [error] = await failed;
    expect(error).toMatchObject({
      code: "WS_ERR_INVALID_OPCODE",
      message: "Invalid WebSocket frame: invalid opcode 5",
    });
    expect((await closed)[0]).toBe(1002);
    expect(stream.destroyed).toBe(true);
  });

  test("emits the error of a failed handshake, also after end()", async () => {
    const { client } = await connect({ verifyClient: () => false });
    const stream = createWebSocketStream(client);
    const ended = ending(stream);
    stream.end();
    expect(await ended).toEqual(["error", "close"]);
  });

  test("throws an error without a listener", async () => {
    const { client } = await connect();
    const stream = createWebSocketStream(client);
    await once(client, "open");
    const thrown = new Promise((resolve) => {
      const others = process.listeners("uncaughtException");
      process.removeAllListeners("uncaughtException");
      process.once("uncaughtException", (error) => {
        for (const listener of others) process.on("uncaughtException", listener);
        resolve(error);
      });
    });
    stream.destroy(new Error("nobody listens"));
    expect(await thrown).toMatchObject({ message: "nobody listens" });
  });

  test("passes a megabyte through pipeline() in both directions", async () => {
    const { client, peer } = await connect();
    const stream = createWebSocketStream(client);
    const other = createWebSocketStream(await peer);
    const echo = pipeline(other, other);
    const data = Buffer.alloc(65536, "abc");
    let received = 0;
    const reading = (async () => {
      for await (const chunk of stream) if ((received += chunk.length) === 16 * data.length) stream.end();
    })();
    for (let i = 0; i < 16; i++) if (!stream.write(data)) await once(stream, "drain");
    await Promise.all([reading, echo]);
    expect(received).toBe(16 * data.length);
  });
});

/** The socket under a WebSocket of ws. */
function socketOf(ws: WebSocket): Duplex {
  if (!("_socket" in ws)) throw new TypeError("no socket");
  return ws._socket as Duplex;
}
