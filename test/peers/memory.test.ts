// ws and websocket-driver without sockets, against Protocol in both roles: random messages in random chunks.

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Duplex, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { type AgreedExtension, parseExtensions, perMessageDeflate, Protocol, type Role } from "../../src/index.ts";
import { json, mixed } from "../deflate/support/messages.ts";
import { Random } from "../support/random.ts";
import { CORES, other, ROLES } from "../support/wire.ts";

/** ws does not export these, so they are loaded by their path in the package. */
const require = createRequire(import.meta.url);
const wsLib = `${dirname(require.resolve("ws/package.json"))}/lib`;

interface WsDeflate {
  params: Record<string, number | boolean>;
  cleanup(): void;
}
const WsDeflate = require(`${wsLib}/permessage-deflate.js`) as new (options: object) => WsDeflate;
const WsReceiver = require(`${wsLib}/receiver.js`) as new (options: object) => Writable;

interface WsSender {
  send(data: unknown, options: object, done?: (error?: Error) => void): void;
  ping(data: unknown, mask: boolean, done?: (error?: Error) => void): void;
  close(code: number, reason: string, mask: boolean, done?: (error?: Error) => void): void;
}
const WsSender = require(`${wsLib}/sender.js`) as new (socket: object, extensions: object) => WsSender;

interface Driver {
  readonly io: Duplex;
  start(): boolean;
  parse(chunk: Uint8Array): void;
  text(message: string): boolean;
  binary(message: Uint8Array): boolean;
  ping(message: string): boolean;
  close(reason: string, code: number): boolean;
  getState(): string;
  on(event: "message" | "ping", listener: (event: { data: string | Buffer }) => void): void;
  on(event: "close", listener: (event: { code: number; reason: string }) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
}
const driver = require("websocket-driver") as {
  client(url: string): Driver;
  http(request: Partial<IncomingMessage>, options: object): Driver;
};

/** An item to send. */
type Item =
  | { readonly kind: "message"; readonly data: string | Buffer; readonly parts: number }
  | { readonly kind: "ping"; readonly data: string };

function items(random: Random, count: number): Item[] {
  const sent: Item[] = [];
  while (sent.length < count) {
    if (random.chance(0.1)) {
      sent.push({ kind: "ping", data: "p".repeat(random.integer(0, 125)) });
      continue;
    }
    const length = random.pick([0, 1, 20, 125, 126, 1000, 5000, 65535, 65536, 70_000]);
    const parts = random.chance(0.2) ? random.integer(2, 5) : 1;
    const kind = random.integer(0, 3);
    if (kind === 0) sent.push({ kind: "message", data: Buffer.from(mixed(random, length)), parts });
    else if (kind === 1) sent.push({ kind: "message", data: Buffer.from(random.bytes(random.integer(0, 300))), parts });
    else if (kind === 2) sent.push({ kind: "message", data: Buffer.from(json(random, length)).toString(), parts });
    else sent.push({ kind: "message", data: "Zwölf 🥊 ".repeat(random.integer(0, 40)), parts });
  }
  return sent;
}

/** Cuts a message into `parts` parts, as bytes, so that characters are cut, too. */
function cut(random: Random, data: string | Buffer, parts: number): Buffer[] {
  const bytes = Buffer.from(data as string);
  const cuts = Array.from({ length: parts - 1 }, () => random.integer(0, bytes.length)).sort((a, b) => a - b);
  return [...cuts, bytes.length].map((end, i) => bytes.subarray(cuts[i - 1] ?? 0, end));
}

/** A short form of an Item as the other side receives it, because lists of them are compared. */
function digest(data: string | Uint8Array): string {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  return `${typeof data === "string" ? "text" : "binary"} ${bytes.length} ${createHash("md5").update(bytes).digest("hex")}`;
}

const expected = (sent: readonly Item[]): string[] =>
  sent.map(({ kind, data }) => (kind === "ping" ? `ping ${data}` : digest(data)));

/** A peer without a socket. */
interface Peer {
  /** Sends these items and then a Close. Returns the written bytes. */
  send(random: Random, sent: readonly Item[]): Promise<Buffer>;
  /** Returns the items in this stream, up to a Close. */
  receive(chunks: readonly Uint8Array[]): Promise<string[]>;
}

function wsPeer(role: Role, params?: Record<string, number | boolean>): Peer {
  const isServer = role === "server";
  const extensions: Record<string, WsDeflate> = {};
  if (params) {
    const deflate = new WsDeflate({ isServer, threshold: 0, maxPayload: 0 });
    deflate.params = params;
    extensions["permessage-deflate"] = deflate;
  }
  return {
    async send(random, sent) {
      const written: Buffer[] = [];
      const socket = {
        cork() {},
        uncork() {},
        write(chunk: Buffer | string, done?: unknown) {
          written.push(Buffer.from(chunk as string));
          if (typeof done === "function") done();
        },
      };
      const sender = new WsSender(socket, extensions);
      await new Promise<void>((resolve, reject) => {
        const done = (error?: Error): void => (error ? reject(error) : undefined);
        for (const item of sent) {
          if (item.kind === "ping") {
            sender.ping(item.data, !isServer, done);
            continue;
          }
          const parts = cut(random, item.data, item.parts);
          for (const [i, part] of parts.entries()) {
            const fin = i === parts.length - 1;
            const binary = typeof item.data !== "string";
            sender.send(part, { binary, fin, compress: params !== undefined, mask: !isServer }, done);
          }
        }
        sender.close(1000, "done", !isServer, (error) => (error ? reject(error) : resolve()));
      });
      return Buffer.concat(written);
    },
    async receive(chunks) {
      const seen: string[] = [];
      const receiver = new WsReceiver({ isServer, extensions, maxPayload: 0, allowSynchronousEvents: true });
      receiver.on("message", (data: Buffer, isBinary: boolean) => seen.push(digest(isBinary ? data : data.toString())));
      receiver.on("ping", (data: Buffer) => seen.push(`ping ${data.toString()}`));
      await new Promise<void>((resolve, reject) => {
        receiver.on("conclude", (code: number, reason: Buffer) => {
          seen.push(`close ${code} ${reason.toString()}`);
          resolve();
        });
        receiver.on("error", reject);
        for (const chunk of chunks) receiver.write(Buffer.from(chunk));
      });
      extensions["permessage-deflate"]?.cleanup();
      return seen;
    },
  };
}

/** A websocket-driver after its handshake. */
function openDriver(role: Role): Driver {
  if (role === "server") {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const server = driver.http({ method: "GET", url: "/", headers }, { requireMasking: true });
    server.start();
    return server;
  }
  const client = driver.client("ws://localhost/");
  let request = "";
  client.io.on("data", (bytes) => (request += String(bytes)));
  client.start();
  client.io.removeAllListeners("data");
  const [, key] = /^Sec-WebSocket-Key: (.*)\r$/m.exec(request)!;
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  client.parse(Buffer.from([...head, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n")));
  expect(client.getState()).toBe("open");
  return client;
}

function driverPeer(role: Role): Peer {
  return {
    async send(_random, sent) {
      const peer = openDriver(role);
      const written: Buffer[] = [];
      peer.io.on("data", (chunk: Buffer) => written.push(chunk));
      for (const { kind, data } of sent) {
        if (kind === "ping") peer.ping(data);
        else if (typeof data === "string") peer.text(data);
        // websocket-driver masks the given buffer in place.
        else peer.binary(Buffer.from(data));
      }
      peer.close("done", 1000);
      return Buffer.concat(written);
    },
    async receive(chunks) {
      const peer = openDriver(role);
      const seen: string[] = [];
      peer.on("message", ({ data }) => seen.push(digest(data)));
      peer.on("ping", ({ data }) => seen.push(`ping ${String(data)}`));
      peer.on("close", ({ code, reason }) => seen.push(`close ${code} ${reason}`));
      peer.on("error", (error) => seen.push(error.message));
      for (const chunk of chunks) peer.parse(Buffer.from(chunk));
      return seen;
    },
  };
}

function chunked(random: Random, stream: Uint8Array): Uint8Array[] {
  const most = random.pick([20, 1000, 65536, 200_000]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length;) {
    const end = Math.min(stream.length, at + random.integer(1, most));
    chunks.push(stream.slice(at, end));
    at = end;
  }
  return chunks;
}

function received(protocol: Protocol, chunks: readonly Uint8Array[]): string[] {
  const seen: string[] = [];
  for (const event of chunks.flatMap((chunk) => protocol.receive(chunk))) {
    if (event.type === "text" || event.type === "binary") seen.push(digest(event.data));
    else if (event.type === "ping") seen.push(`ping ${Buffer.from(event.data).toString()}`);
    else if (event.type === "close") seen.push(`close ${event.code} ${event.reason}`);
    else seen.push(`${event.type} ${event.type === "error" ? event.error.message : ""}`);
  }
  return seen;
}

function sendAll(random: Random, protocol: Protocol, sent: readonly Item[]): Uint8Array {
  const written: Uint8Array[] = [];
  for (const item of sent) {
    if (item.kind === "ping") {
      protocol.ping(item.data);
    } else if (item.parts === 1) {
      protocol.send(item.data);
    } else {
      const parts = cut(random, item.data, item.parts);
      for (const [i, part] of parts.entries()) {
        const binary = typeof item.data !== "string";
        // Bytes of text that is sent in pieces may end inside a character.
        protocol.send(part, { binary, fin: i === parts.length - 1 });
        if (random.chance(0.1)) written.push(...protocol.take());
      }
    }
    if (random.chance(0.3)) written.push(...protocol.take());
  }
  protocol.close(1000, "done");
  return Buffer.concat([...written, ...protocol.take()]);
}

interface Case {
  readonly name: string;
  readonly make: (role: Role) => Peer;
  readonly parameters?: string;
}

const CASES: Case[] = [
  { name: "websocket-driver", make: driverPeer },
  { name: "ws", make: (role) => wsPeer(role) },
];
for (let bits = 8; bits <= 15; bits++) {
  CASES.push({
    name: `ws, permessage-deflate with windows of ${bits} and ${23 - bits}`,
    make: (role) => wsPeer(role, { server_max_window_bits: bits, client_max_window_bits: 23 - bits }),
    parameters: `; server_max_window_bits=${bits}; client_max_window_bits=${23 - bits}`,
  });
}
for (const names of [
  ["server_no_context_takeover"],
  ["client_no_context_takeover"],
  ["server_no_context_takeover", "client_no_context_takeover"],
]) {
  CASES.push({
    name: `ws, permessage-deflate with ${names.join(" and ")}`,
    make: (role) => wsPeer(role, Object.fromEntries(names.map((name) => [name, true]))),
    parameters: names.map((name) => `; ${name}`).join(""),
  });
}

describe.each(CASES)("$name", ({ make, parameters }) => {
  const extension = perMessageDeflate({ threshold: 0 });
  const extensions: AgreedExtension[] =
    parameters === undefined
      ? []
      : parseExtensions(`permessage-deflate${parameters}`)!.map((agreed) => ({ extension, ...agreed }));
  const count = parameters === undefined ? 300 : 60;
  // Compression does not depend on the core.
  const cores = parameters === undefined ? CORES : (["wasm"] as const);

  for (const role of ROLES) {
    test.each(cores)(`we receive its messages, role ${role}, %s core`, async (core) => {
      const random = new Random(count + role.length);
      const sent = items(random, core === "wasm" ? count : 40);
      const stream = await make(other(role)).send(random, sent);
      const protocol = new Protocol({ role, core, extensions });
      expect(received(protocol, chunked(random, stream))).toEqual([...expected(sent), "close 1000 done"]);
      expect(protocol.error).toBeUndefined();
    });

    test.each(cores)(`it receives our messages, role ${role}, %s core`, async (core) => {
      const random = new Random(count + role.length);
      const sent = items(random, core === "wasm" ? count : 40);
      const fragmentSize = random.pick([Infinity, 1000, 65536]);
      const stream = sendAll(random, new Protocol({ role, core, extensions, fragmentSize }), sent);
      expect(await make(other(role)).receive(chunked(random, stream))).toEqual([...expected(sent), "close 1000 done"]);
    });
  }
});
