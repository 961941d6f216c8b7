// The inspector's server without the page: access control, and the bytes that it reports.

import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { encodeFrame } from "wsframe";
import { WebSocket } from "ws";
import { type Notice, unpackChunk } from "../../src/inspector/channel.ts";
import type { Note, TappedFrame } from "../../src/inspector/frame.ts";
import { type Inspector, startInspector } from "../../src/inspector/server/server.ts";
import { Tap } from "../../src/inspector/tap.ts";
import { Queue } from "../peers/support/queue.ts";

let inspector: Inspector;
let host: string;

beforeAll(async () => {
  inspector = await startInspector({ page: new URL("../../build/inspector/page/", import.meta.url) });
  ({ host } = new URL(inspector.url));
});
afterAll(() => inspector.close());

function get(path: string, headers: Record<string, string> = {}, method = "GET") {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const sent = request(new URL(path, inspector.url), { method, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => (body += part));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    sent.on("error", reject).end();
  });
}

/** The second WebSocket of a page, with everything that the server reports on it. */
class Watch {
  readonly id: string;
  readonly actions: readonly string[];
  readonly chunks: { sender: "client" | "server"; bytes: Uint8Array }[] = [];
  readonly notices = new Queue<Notice>("a notice");
  readonly socket: WebSocket;

  private constructor(socket: WebSocket, { id, actions }: Extract<Notice, { type: "watching" }>) {
    this.socket = socket;
    this.id = id;
    this.actions = actions.map((action) => action.id);
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.chunks.push(unpackChunk(new Uint8Array(data).buffer));
      else this.notices.push(JSON.parse(data.toString()) as Notice);
    });
  }

  static async open(): Promise<Watch> {
    const socket = new WebSocket(`ws://${host}/watch`, { origin: `http://${host}` });
    const [first] = (await once(socket, "message")) as [Buffer];
    onTestFinished(() => socket.terminate());
    return new Watch(socket, JSON.parse(first.toString()) as Extract<Notice, { type: "watching" }>);
  }

  /** Returns all bytes that one side has sent. */
  of(sender: "client" | "server"): Buffer {
    return Buffer.concat(this.chunks.filter((chunk) => chunk.sender === sender).map(({ bytes }) => bytes));
  }
}

/** Opens a watched connection on a plain socket. */
async function dial(watch: Watch, more = ""): Promise<{ socket: Socket; received: () => Buffer }> {
  const { hostname, port } = new URL(inspector.url);
  const socket = connect(Number(port), hostname);
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  socket.write(
    `GET /echo?watcher=${watch.id} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nUpgrade: websocket\r\n` +
      `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`,
  );
  onTestFinished(() => void socket.destroy());
  expect(await watch.notices.next()).toMatchObject({ type: "open" });
  await expect.poll(() => Buffer.concat(received).includes("\r\n\r\n")).toBe(true);
  return { socket, received: () => Buffer.concat(received) };
}

const framesOf = (sender: "client" | "server", bytes: Uint8Array): TappedFrame[] => {
  const frames: TappedFrame[] = [];
  const tap = new Tap({ sender, onFrame: (frame) => frames.push(frame) });
  tap.push(bytes.slice());
  return frames;
};

const afterHead = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.subarray(bytes.indexOf("\r\n\r\n") + 4));

describe("files", () => {
  test("include the page, with a strict Content-Security-Policy", async () => {
    const { status, headers, body } = await get("/");
    expect(status).toBe(200);
    expect(body).toContain("<title>wsframe inspector</title>");
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
    expect(headers["content-security-policy"]).not.toContain("unsafe-inline");
  });

  test("do not include anything else", async () => {
    expect(await get("/../package.json")).toMatchObject({ status: 404 });
    expect(await get("/", {}, "POST")).toMatchObject({ status: 405 });
  });

  test("are not served under another host name", async () => {
    expect(await get("/", { Host: "example.com" })).toMatchObject({ status: 421 });
  });
});

describe("connections", () => {
  const refused = async (path: string, options: object): Promise<number> => {
    const socket = new WebSocket(`ws://${host}${path}`, options);
    const [, response] = (await once(
      socket.on("error", () => {}),
      "unexpected-response",
    )) as [unknown, { statusCode: number; destroy(): void }];
    response.destroy();
    return response.statusCode;
  };

  test("are accepted only from the page", async () => {
    for (const path of ["/watch", "/echo"]) {
      expect(await refused(path, { origin: "http://example.com" })).toBe(403);
      expect(await refused(path, {})).toBe(403);
      expect(await refused(path, { origin: "http://example.com", headers: { Host: "example.com" } })).toBe(403);
    }
  });

  test("are accepted only with a known watcher and on known paths", async () => {
    expect(await refused("/echo?watcher=1", { origin: `http://${host}` })).toBe(404);
    expect(await refused("/other", { origin: `http://${host}` })).toBe(404);
    expect(await refused("//", { origin: `http://${host}` })).toBe(404);
  });
});

describe("a watched connection", () => {
  test("is reported byte for byte in both directions", async () => {
    const watch = await Watch.open();
    const { socket, received } = await dial(watch);
    const sent: Uint8Array[] = [];
    for (let length = 0; length < 70_000; length = length * 3 + 40) {
      sent.push(encodeFrame({ opcode: 2, payload: new Uint8Array(length).fill(length) }, { role: "client" }));
    }
    // Write in chunks that end anywhere.
    const stream = Buffer.concat(sent);
    for (let at = 0; at < stream.length; at += 9001) {
      socket.write(stream.subarray(at, at + 9001));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await expect.poll(() => framesOf("server", afterHead(received())).length).toBe(sent.length);
    await expect.poll(() => watch.of("server").length).toBe(received().length);
    expect(watch.of("client").equals(stream)).toBe(true);
    // The bytes include the head of the response.
    expect(watch.of("server").equals(received())).toBe(true);
    socket.destroy();
    expect(await watch.notices.next()).toMatchObject({ type: "closed" });
  });

  test("is held up while the page does not read", async () => {
    const watch = await Watch.open();
    watch.socket.send(JSON.stringify({ type: "answer", mode: "nothing" }));
    const { socket } = await dial(watch);
    const payload = new Uint8Array(1024 * 1024);
    const frame = encodeFrame({ opcode: 2, payload }, { role: "client" });
    const count = 64;
    watch.socket.pause();
    for (let i = 0; i < count; i++) socket.write(frame);
    const written = (): number => socket.bytesWritten - socket.writableLength;
    // Write until nothing moves any more. The rest waits in the server, up to its limit, and in the buffers of the
    // system.
    let before = -1;
    while (before !== written()) {
      before = written();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(written()).toBeLessThan((count / 2) * frame.length);
    watch.socket.resume();
    await expect.poll(() => watch.of("client").length, { timeout: 20_000 }).toBe(count * frame.length);
  });

  test("is reported with bytes that arrive together with the request", async () => {
    const watch = await Watch.open();
    const early = encodeFrame({ opcode: 1, payload: "early" }, { role: "client" });
    const { hostname, port } = new URL(inspector.url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    const head =
      `GET /echo?watcher=${watch.id} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nUpgrade: websocket\r\n` +
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write(Buffer.concat([Buffer.from(head), early]));
    await expect.poll(() => watch.of("client").equals(early)).toBe(true);
    await expect.poll(() => watch.of("server").toString("latin1")).toContain("early");
  });
});

describe("an action of the server", () => {
  const after = async (action: string): Promise<{ notes: Note[]; received: Buffer }> => {
    const watch = await Watch.open();
    expect(watch.actions).toContain(action);
    const { received } = await dial(watch);
    const before = received().length;
    watch.socket.send(JSON.stringify({ type: "act", action }));
    await expect.poll(() => received().length).toBeGreaterThan(before);
    await expect.poll(() => watch.of("server").equals(received())).toBe(true);
    const notes = framesOf("server", afterHead(received())).flatMap((frame) => [...frame.notes]);
    return { notes, received: received() };
  };

  test.each([
    ["masked", "WS_ERR_UNEXPECTED_MASK"],
    ["opcode", "WS_ERR_INVALID_OPCODE"],
    ["rsv", "WS_ERR_UNEXPECTED_RSV_2_3"],
    ["continuation", "WS_ERR_INVALID_OPCODE"],
    ["unfinished", "WS_ERR_EXPECTED_FIN"],
    ["length", "WS_ERR_NON_MINIMAL_LENGTH"],
    ["utf8", "WS_ERR_INVALID_UTF8"],
    ["code", "WS_ERR_INVALID_CLOSE_CODE"],
  ])("breaks a rule: %s is %s", async (action, code) => {
    expect((await after(action)).notes[0]).toMatchObject({ type: "error", code });
  });

  test.each([
    ["ping", ["ping"]],
    ["fragments", ["ping", "text"]],
    ["binary", ["binary"]],
    ["large", ["binary"]],
    ["empty", ["text"]],
    ["going", ["close"]],
  ])("is valid: %s", async (action, types) => {
    expect((await after(action)).notes.map(({ type }) => type)).toEqual(types);
  });

  test("can make it answer in fragments, or not at all", async () => {
    const watch = await Watch.open();
    const { socket, received } = await dial(watch);
    watch.socket.send(JSON.stringify({ type: "answer", mode: "fragments" }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write(encodeFrame({ opcode: 1, payload: "abcdefg" }, { role: "client" }));
    const sizes = () => framesOf("server", afterHead(received())).map(({ size }) => size - 2);
    await expect.poll(sizes).toEqual([3, 3, 1]);
    watch.socket.send(JSON.stringify({ type: "answer", mode: "nothing" }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write(encodeFrame({ opcode: 1, payload: "abcdefg" }, { role: "client" }));
    socket.write(encodeFrame({ opcode: 9, payload: "hi" }, { role: "client" }));
    await expect.poll(sizes).toEqual([3, 3, 1, 2]);
  });

  test("closes the page's connection with 1008 if it is unknown", async () => {
    for (const command of ["{", '{"type":"act"}', '{"type":"answer","mode":"x"}']) {
      const watch = await Watch.open();
      watch.socket.send(command);
      const [code] = (await once(watch.socket, "close")) as [number];
      expect(code).toBe(1008);
    }
  });
});

test("closes the watched connections when the page disconnects", async () => {
  const watch = await Watch.open();
  const { socket, received } = await dial(watch);
  watch.socket.close();
  await expect.poll(() => framesOf("server", afterHead(received())).at(-1)?.notes[0]).toMatchObject({ code: 1001 });
  socket.end();
});
