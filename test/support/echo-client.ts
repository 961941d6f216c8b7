// Tests an echo server with clients of ws, some of which misbehave.

import { createConnection, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { type ClientOptions, WebSocket } from "ws";

/** Resolves when the connection is open. Rejects if it fails. */
export async function open(url: string, options: ClientOptions = {}): Promise<WebSocket> {
  const client = new WebSocket(url, options);
  await new Promise((resolve, reject) => {
    client.once("open", resolve);
    client.once("error", reject);
  });
  return client;
}

/** The code with which the connection ends. */
export function closeCode(client: WebSocket): Promise<number> {
  // A reset socket also emits an error event.
  client.on("error", () => {});
  return new Promise((resolve) => void client.once("close", (code) => resolve(code)));
}

/** The next messages, as strings. */
export function nextMessages(client: WebSocket, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    client.once("error", reject);
    const messages: string[] = [];
    const listener = (data: WebSocket.RawData) => {
      messages.push(String(data));
      if (messages.length < count) return;
      client.off("message", listener).off("error", reject);
      resolve(messages);
    };
    client.on("message", listener);
    client.once("close", (code) => reject(new Error(`Closed with ${code} after ${JSON.stringify(messages)}`)));
  });
}

const MESSAGES: readonly (string | Buffer)[] = [
  "hello",
  "grüße 😀",
  "",
  Buffer.alloc(0),
  Buffer.alloc(70_000, 7),
  ...Array.from({ length: 500 }, (_, i) => `message ${i}`),
];

/** Checks that messages of all kinds come back unchanged, and that a Ping and the Close are answered. */
export async function expectEcho(url: string, perMessageDeflate: boolean): Promise<void> {
  const client = await open(url, { perMessageDeflate });
  expect(client.extensions).toBe(perMessageDeflate ? "permessage-deflate" : "");
  let pong = "";
  client.on("pong", (data) => (pong = data.toString()));
  const received: (string | Buffer)[] = [];
  client.ping("are you there");
  for (const message of MESSAGES) client.send(message);
  await new Promise<void>((resolve, reject) => {
    client.on("message", (data, isBinary) => {
      received.push(isBinary ? (data as Buffer) : data.toString());
      if (received.length === MESSAGES.length) resolve();
    });
    client.on("close", (code) => reject(new Error(`Closed with ${code} after ${received.length} messages`)));
  });
  expect(received).toEqual(MESSAGES);
  expect(pong).toBe("are you there");
  const code = closeCode(client);
  client.close(4000, "enough");
  expect(await code).toBe(4000);
}

/**
 * Checks that the server stops reading from a client that does not read, and that everything comes back once it reads.
 */
export async function expectBackpressure(url: string): Promise<void> {
  const client = await open(url, { perMessageDeflate: false });
  const message = Buffer.alloc(65_536, 1);
  const count = 1024;
  let received = 0;
  client.pause();
  for (let i = 0; i < count; i++) client.send(message);
  // The two sockets and the server hold a few MiB of the 64.
  for (let before = -1; before !== client.bufferedAmount; await delay(500)) before = client.bufferedAmount;
  expect(client.bufferedAmount).toBeGreaterThan((count * message.length) / 2);
  const all = new Promise<void>((resolve, reject) => {
    client.on("message", (data) => {
      received += (data as Buffer).length;
      if (received === count * message.length) resolve();
    });
    client.on("close", (code) => reject(new Error(`Closed with ${code} after ${received} bytes`)));
  });
  client.resume();
  await all;
  client.terminate();
}

const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
const GOOD = `${REQUEST}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;

/** Writes bytes to a socket. Resolves with all received data when the socket has closed. */
function talk(url: string, bytes: Uint8Array, then: (socket: Socket) => void): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = "";
    const socket = createConnection(Number(port), hostname, () => {
      socket.write(bytes);
      then(socket);
    });
    socket.on("error", () => {});
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("close", () => resolve(answer));
  });
}

/** A frame header and a close code in a latin1 string. */
const ECHOED = String.fromCharCode(0x81, 1, 0x61);
const closeWith = (code: number) =>
  new RegExp(`${String.fromCharCode(0x88)}.${String.fromCharCode(code >> 8, code & 255)}`, "s");

/** Checks that the server answers errors correctly, and survives peers that reset or leave at any time. */
export async function expectRobust(url: string): Promise<void> {
  const text = Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0x61);
  const stay = () => {};
  const reset = (socket: Socket) => void setTimeout(() => socket.resetAndDestroy(), 5);
  // Waits for the answer, because a peer that leaves without a Close may not get it.
  const leave = (socket: Socket) => void socket.once("data", () => setTimeout(() => socket.end(), 200));
  const after = (...frames: Uint8Array[]) => Buffer.concat([Buffer.from(GOOD), ...frames]);
  // A Close with the right code, after which the server ends the socket by itself.
  expect(await talk(url, after(text, Uint8Array.of(0xf1, 0x80)), stay)).toMatch(closeWith(1002));
  expect(await talk(url, after(Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0xff)), stay)).toMatch(closeWith(1007));
  expect(await talk(url, Buffer.from(`${REQUEST}\r\n`), leave)).toMatch(/^HTTP\/1.1 4(00|26) /);
  expect(await talk(url, Buffer.from("no HTTP at all\r\n\r\n"), leave)).toMatch(/^HTTP\/1.1 400 /);
  await Promise.all(Array.from({ length: 20 }, () => talk(url, Buffer.from(`${REQUEST}\r\n`), reset)));
  await Promise.all(Array.from({ length: 20 }, () => talk(url, after(text), reset)));
  expect(await talk(url, after(text), leave)).toContain(ECHOED);
  await expectEcho(url, false);
}
