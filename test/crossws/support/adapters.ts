// Runs each test with the Node adapter of crossws and with ours, on a server of node:http, and expects the same of
// both.

import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { once } from "node:events";
import nodeAdapter from "crossws/adapters/node";
import type { AdapterInstance, AdapterOptions } from "crossws";
import { onTestFinished, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { wsframeAdapter, type WsframeAdapterOptions } from "../../../src/crossws/index.ts";

/** The members of both adapters. */
export interface Subject extends AdapterInstance {
  handleUpgrade(request: IncomingMessage, socket: Socket, head: Buffer, webRequest?: Request): Promise<void>;
  closeAll(code?: number, reason?: string | Buffer, force?: boolean): void;
}

export type Make = (options: AdapterOptions) => Subject;

type MakeOurs = (options?: WsframeAdapterOptions) => Subject;
const MAKERS: readonly (readonly [name: string, make: Make])[] = [
  ["crossws", (options) => nodeAdapter(options)],
  ["wsframe", (options) => wsframeAdapter(options)],
];

/** A test that both adapters have to pass. */
export function both(name: string, run: (make: Make) => Promise<void>): void {
  for (const [adapter, make] of MAKERS) test(`${name} (${adapter})`, () => run(make));
}

/** A test of our adapter only, for cases that the other does not support or survive. */
export function ours(name: string, run: (make: MakeOurs) => Promise<void>): void {
  test(name, () => run(wsframeAdapter));
}

export interface Started {
  readonly adapter: Subject;
  readonly port: number;
  /** "ws://127.0.0.1:1234" */
  readonly url: string;
  readonly server: Server;
}

/** Starts a server with an adapter. It is closed after the test. */
export async function start(adapter: Subject): Promise<Started> {
  const server = createServer((_request, response) => response.end("plain"));
  server.on("upgrade", adapter.handleUpgrade);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    adapter.closeAll(undefined, undefined, true);
    await adapter.close();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { adapter, port, url: `ws://127.0.0.1:${port}`, server };
}

/** A client and its received messages. */
export interface Client {
  readonly socket: WebSocket;
  readonly headers: IncomingMessage["headers"];
  /** The next message: a string for text. */
  next(): Promise<string | Buffer>;
  /** The code and the reason of the close event. */
  readonly closed: Promise<readonly [code: number, reason: string]>;
}

/** Opens a client of ws. It is terminated after the test. */
export async function open(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<Client> {
  const { protocols = [], ...others } = options;
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...others });
  onTestFinished(() => socket.terminate());
  const received: (string | Buffer)[] = [];
  const waiting: ((data: string | Buffer) => void)[] = [];
  socket.on("message", (data: Buffer, isBinary) => {
    const message = isBinary ? data : data.toString();
    const resolve = waiting.shift();
    if (resolve) resolve(message);
    else received.push(message);
  });
  const closed = new Promise<readonly [number, string]>((resolve) =>
    socket.on("close", (code, reason) => resolve([code, reason.toString()])),
  );
  let headers: IncomingMessage["headers"] = {};
  socket.on("upgrade", (response) => ({ headers } = response));
  await once(socket, "open");
  const next = () => {
    const message = received.shift();
    return message === undefined
      ? new Promise<string | Buffer>((resolve) => waiting.push(resolve))
      : Promise.resolve(message);
  };
  return { socket, headers, next, closed };
}

/** The response with which a server refuses a client of ws. */
export async function refused(url: string, options: ClientOptions = {}) {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode, statusMessage, headers } = response;
  return { status: statusCode, reason: statusMessage, headers, body: Buffer.concat(chunks).toString() };
}

/** A raw connection; the test writes the bytes. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The request of an opening handshake, with lines of the test's choice. */
export function handshake(target = "/", more: readonly string[] = [], host = "127.0.0.1"): string {
  const lines = [
    `GET ${target} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...more,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Waits until a condition is true, for up to 3 seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 3000; !holds();) {
    if (Date.now() > end) throw new Error(`Timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The number of peers in a namespace. */
export function count({ peers }: AdapterInstance, namespace = "/"): number {
  return peers.get(namespace)?.size ?? 0;
}
