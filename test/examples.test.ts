// The examples do what they say, with real peers.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";

const root = fileURLToPath(new URL("..", import.meta.url));

let server: Server;
let url: string;

beforeAll(async () => {
  ({ server } = (await import(`${root}examples/echo.mjs`)) as { server: Server });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => void server.close());

test.each([true, false])("echo.mjs answers ws, message for message; compressed: %s", async (perMessageDeflate) => {
  const messages = [
    "hello",
    "grüße 😀",
    "",
    Buffer.alloc(70_000, 7),
    ...Array.from({ length: 500 }, (_, i) => `message ${i}`),
  ];
  const client = new WebSocket(url, { perMessageDeflate });
  const received: (string | Buffer)[] = [];
  let pong = "";
  client.on("pong", (data) => (pong = data.toString()));
  client.on("open", () => {
    expect(client.extensions).toBe(perMessageDeflate ? "permessage-deflate" : "");
    client.ping("are you there");
    for (const message of messages) client.send(message);
  });
  const [code, reason] = await new Promise<[number, string]>((resolve, reject) => {
    client.on("message", (data, isBinary) => {
      received.push(isBinary ? (data as Buffer) : data.toString());
      if (received.length === messages.length) client.close(4000, "enough");
    });
    client.on("close", (closeCode, closeReason) => resolve([closeCode, closeReason.toString()]));
    client.on("error", reject);
  });
  expect(received).toEqual(messages);
  expect([pong, code, reason]).toEqual(["are you there", 4000, ""]);
});

test("echo.mjs closes with the right code when the stream is wrong", async () => {
  const client = new WebSocket(url, { perMessageDeflate: false });
  const code = await new Promise<number>((resolve, reject) => {
    client.on("open", () => {
      const { _socket: socket } = client as unknown as { _socket: { write(bytes: Uint8Array): void } };
      socket.write(Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0xff));
    });
    client.on("close", resolve);
    client.on("error", reject);
  });
  expect(code).toBe(1007);
});

test("echo.mjs lives through a peer that is wrong, resets or leaves", async () => {
  const request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const good = `${request}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
  const { port } = server.address() as AddressInfo;
  const talk = (bytes: Uint8Array, end: (socket: Socket) => void) =>
    new Promise<void>((resolve) => {
      const socket = createConnection(port, "127.0.0.1", () => {
        socket.write(bytes);
        end(socket);
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.resume();
    });
  const text = Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0x61);
  const broken = Uint8Array.of(0xf1, 0x80);
  const reset = (socket: Socket) => setTimeout(() => socket.resetAndDestroy(), 5);
  await talk(Buffer.concat([Buffer.from(good), text, broken]), () => {});
  await Promise.all(Array.from({ length: 30 }, () => talk(Buffer.from(`${request}\r\n`), reset)));
  await Promise.all(Array.from({ length: 30 }, () => talk(Buffer.concat([Buffer.from(good), text]), reset)));
  await talk(Buffer.from(good), (socket) => setTimeout(() => socket.end(), 20));
});

test("echo.mjs refuses a handshake that is not one", async () => {
  const response = await fetch(url.replace("ws:", "http:"));
  expect([response.status, await response.text()]).toEqual([426, "WebSocket only\n"]);
  const client = new WebSocket(url, { protocolVersion: 8 });
  const status = await new Promise((resolve) => {
    client.on("unexpected-response", (_request, { statusCode }) => resolve(statusCode));
  });
  expect(status).toBe(426);
});

test("deflate-pako.mjs compresses without zlib", () => {
  const output = execFileSync(process.execPath, ["examples/deflate-pako.mjs"], { cwd: root, encoding: "utf8" });
  const lines = output.trim().split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    const [, characters, bytes] = /^text (\d+) characters in (\d+) bytes$/.exec(line)!;
    expect(Number(bytes)).toBeLessThan(Number(characters) / 4);
  }
});

test("statistics.mjs counts a recorded stream", () => {
  const name = `${root}test/fixtures/captures/ws-ws-burst`;
  const expected = JSON.parse(readFileSync(`${name}/expected.json`, "utf8")) as {
    client: { httpLength: number; frames: { opcode: number }[] };
  };
  const { httpLength, frames } = expected.client;
  const input = readFileSync(`${name}/client.bin`).subarray(httpLength);
  const output = execFileSync(process.execPath, ["examples/statistics.mjs"], { cwd: root, input, encoding: "utf8" });
  const texts = frames.filter((frame) => frame.opcode === 1).length;
  expect(output).toContain(`frames: ${frames.length},`);
  // All but the few that were cut by the end of a chunk.
  expect(Number(/strings: (\d+)/.exec(output)![1])).toBeGreaterThan(texts - 10);
});
