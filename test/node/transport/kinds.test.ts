// Many connections of all kinds of sockets at once: each gets only its own messages, however they are cut.

import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type ConnectOptions, serve, type ServeOptions } from "../../../src/node/index.ts";
import { Random } from "../../support/random.ts";
import { binary, text, toRole, utf8 } from "../../support/wire.ts";
import { canary, Received } from "../support/bytes.ts";
import { readsDirectly } from "../support/direct.ts";
import { CA, dial, dialWebSocket, request, TLS } from "../support/peer.ts";
import { freeSlots, SLOTS } from "../support/slots.ts";
import { start } from "../support/server.ts";
import { atEnd, until, watchLeftovers } from "../support/watch.ts";

watchLeftovers();

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "wsframe-kinds-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DIRECT = { directReads: true, directWrites: true };
const SIZES = [0, 1, 7, 125, 126, 1000, 4096, 20_000, 65_536, 140_000];

interface Kind {
  readonly server?: ServeOptions;
  readonly client?: ConnectOptions;
  readonly scheme?: "wss";
  /** Whether its sockets can be read directly. */
  readonly reads: boolean;
}

const withAgent = (agent: Agent): Agent => {
  atEnd(() => agent.destroy());
  return agent;
};

const KINDS: Record<string, () => Kind> = {
  tcp: () => ({ reads: true }),
  tls: () => ({ reads: true, scheme: "wss", server: { tls: TLS, http2: false } }),
  "HTTP/2": () => ({ reads: false, scheme: "wss", server: { tls: TLS }, client: { http2: true } }),
  unix() {
    const socketPath = join(folder, "kinds.sock");
    return { reads: true, server: { socketPath }, client: { socketPath } };
  },
  agent: () => ({ reads: true, client: { agent: withAgent(new Agent({ keepAlive: true })) } }),
  "agent, tls"() {
    const agent = withAgent(new TlsAgent({ keepAlive: true, ...CA }));
    return { reads: true, scheme: "wss", server: { tls: TLS, http2: false }, client: { agent } };
  },
};

test.each(Object.entries(KINDS))("echoes of many connections: %s", async (name, kindOf) => {
  const { server: more, client = {}, scheme = "ws", reads } = kindOf();
  const served: boolean[] = [];
  const server = await serve(
    { ...(more?.socketPath === undefined && { host: "127.0.0.1" }), ...DIRECT, ...more },
    (connection) => {
      served.push(readsDirectly(connection));
      connection.on("message", (data) => connection.send(data));
    },
  );
  atEnd(() => server.close());
  const lines = await Promise.all(
    Array.from({ length: 10 }, async (_, owner) => {
      const url = `${scheme}://localhost:${server.port}/`;
      const connection = await connect(url, { ...DIRECT, ...client, ...(client.agent === undefined && { tls: CA }) });
      expect(readsDirectly(connection), name).toBe(reads);
      const messages = Array.from({ length: 60 }, (__, i) => {
        const message = canary(owner, i, SIZES[(i + owner) % SIZES.length]!);
        return i % 3 === 0 ? `${message}é` : message;
      });
      const seen: string[] = [];
      connection.on("message", (data) => seen.push(typeof data === "string" ? data : Buffer.from(data).toString()));
      return { connection, messages, seen };
    }),
  );
  for (let i = 0; i < 60; i++) {
    for (const { connection, messages } of lines) {
      connection.send(i % 4 === 3 ? utf8(messages[i]!) : messages[i]!);
    }
    if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(
    () => lines.every(({ messages, seen }) => seen.length === messages.length),
    () => lines.map(({ seen }) => seen.length).join(),
    10_000,
  );
  for (const { messages, seen } of lines) expect(seen.findIndex((message, i) => message !== messages[i])).toBe(-1);
  expect(served).toEqual(lines.map(() => reads));
  for (const { connection } of lines) connection.close(1000);
  const ends = await Promise.all(lines.map(({ connection }) => connection.closed));
  expect(ends.every(({ code, wasClean }) => code === 1000 && wasClean)).toBe(true);
  expect(freeSlots()).toBe(SLOTS);
});

test("each of many peers gets its own messages, however they are cut and however slow it is", async () => {
  const random = new Random(7);
  const { port } = await start(DIRECT);
  const lines = await Promise.all(
    Array.from({ length: 12 }, async (_, owner) => {
      const peer = await dialWebSocket(port, { tls: false });
      const received = new Received(peer, "server");
      const messages = Array.from({ length: 60 }, (__, i) => canary(owner, i, random.pick(SIZES.slice(0, 8))));
      const frames = messages.map((message, i) => (i % 3 === 0 ? binary(utf8(message)) : text(message)));
      const bytes = toRole("server", ...frames);
      if (owner % 4 === 0) peer.socket.pause();
      return { peer, received, messages, bytes, at: 0, size: random.pick([1, 13, 1000, 65_537, bytes.length]) };
    }),
  );
  for (let going = lines; going.length > 0; going = going.filter(({ at, bytes }) => at < bytes.length)) {
    for (const line of going) {
      // Byte by byte only at first, because the rest would take too long.
      const size = line.size === 1 && line.at > 600 ? 4099 : line.size;
      line.peer.socket.write(line.bytes.subarray(line.at, line.at + size));
      line.at += size;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { peer } of lines) peer.socket.resume();
  for (const { received, messages } of lines) {
    await received.until(toRole("client", ...messages.map((message) => text(message))).length);
    const seen = received.payloads().map(String);
    expect(seen.length).toBe(messages.length);
    expect(seen.findIndex((message, i) => message !== messages[i])).toBe(-1);
  }
  expect(freeSlots()).toBe(SLOTS);
});

test("frames arrive in the same packet as the request, and the rest in any pieces", async () => {
  const { port } = await start(DIRECT);
  const messages = Array.from({ length: 40 }, (_, i) => canary(1, i, SIZES[i % 6]!));
  const bytes = Buffer.concat([Buffer.from(request()), toRole("server", ...messages.map((message) => text(message)))]);
  const headSize = request().length;
  for (const cut of [bytes.length, headSize, headSize + 1, headSize + 5, headSize - 1, headSize + 700]) {
    for (const size of [bytes.length, 7]) {
      const peer = await dial(port);
      const all = [bytes.subarray(0, cut)];
      for (let at = cut; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size));
      peer.socket.setNoDelay(true);
      for (const [i, chunk] of all.entries()) {
        peer.socket.write(chunk);
        if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const head = await peer.head();
      peer.received = peer.received.subarray(head.length);
      const received = new Received(peer, "server");
      await received.until(toRole("client", ...messages.map((message) => text(message))).length);
      expect(received.payloads().map(String)).toEqual(messages);
    }
  }
});
