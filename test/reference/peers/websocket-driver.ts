// websocket-driver, which faye-websocket uses, after a handshake.

import { createHash } from "node:crypto";
import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { type Found, hex, type Input, type Peer, type Role, writtenEvents } from "./peer.ts";

interface Driver extends EventEmitter {
  readonly io: EventEmitter;
  readonly messages: EventEmitter;
  start(): boolean;
  parse(chunk: Buffer): void;
  getState(): string | null;
}

interface Drivers {
  http(request: object, options?: object): Driver;
  client(url: string, options?: object): Driver;
}

const require = createRequire(import.meta.url);
const drivers = require("websocket-driver") as Drivers;
const { version } = require("websocket-driver/package.json") as { version: string };

const KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

/** An open driver and everything that it writes from then on. */
function open(role: Role): { driver: Driver; written: Buffer[] } {
  const written: Buffer[] = [];
  let driver: Driver;
  if (role === "server") {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": KEY,
      "sec-websocket-version": "13",
    };
    driver = drivers.http({ method: "GET", url: "/", headers }, { requireMasking: true });
    driver.io.on("data", (bytes: Buffer) => written.push(Buffer.from(bytes)));
    driver.start();
  } else {
    driver = drivers.client("ws://127.0.0.1/");
    driver.io.on("data", (bytes: Buffer) => written.push(Buffer.from(bytes)));
    driver.start();
    const key = /Sec-WebSocket-Key: (\S+)/.exec(Buffer.concat(written).toString())![1];
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    driver.parse(Buffer.from(`${[...head, `Sec-WebSocket-Accept: ${accept}`].join("\r\n")}\r\n\r\n`));
  }
  if (driver.getState() !== "open") throw new Error(`The handshake of websocket-driver left it ${driver.getState()}`);
  written.length = 0;
  return { driver, written };
}

async function run({ role, chunks }: Input): Promise<Found> {
  const { driver, written } = open(role);
  const events: string[] = [];
  let failed = false;
  let closed: { code: number; reason: string } | undefined;
  driver.on("message", ({ data }: { data: string | Buffer }) =>
    events.push(typeof data === "string" ? `text:${hex(Buffer.from(data))}` : `binary:${hex(data)}`),
  );
  // The driver reports a Ping only as text. The bytes are in the Pong that it has just written.
  driver.on("ping", () => events.push(writtenEvents(role, written.at(-1)!)[0]!.replace("pong", "ping")));
  driver.on("pong", ({ data }: { data: string }) => events.push(`pong:${hex(Buffer.from(data))}`));
  driver.on("error", () => (failed = true));
  driver.on("close", (event: { code: number; reason: string }) => (closed = event));
  let after = 0;
  for (const chunk of chunks) {
    after += chunk.length;
    driver.parse(Buffer.from(chunk));
    if (driver.getState() !== "open") break;
  }
  if (driver.getState() === "closing") await turn();
  if (failed) return { events, error: { closeCode: closed?.code, after } };
  if (closed) events.push(`close:${closed.code}:${hex(Buffer.from(closed.reason))}`);
  return { events };
}

export const websocketDriver: Peer = {
  name: "websocket-driver",
  version,
  roles: ["server", "client"],
  run: (inputs) => Promise.all(inputs.map(run)),
};
