// The peers from npm behind one interface: clients that connect to a URL, and servers that listen during a test.

import { channel } from "node:diagnostics_channel";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ping as undiciPing, WebSocket as UndiciWebSocket } from "undici";
import websocketNode, { type connection as NodeConnection, type frame as NodeFrame } from "websocket";
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from "ws";
import type { Closed, End } from "./end.ts";
import { cleanUp, listen } from "./ours.ts";
import { Queue } from "./queue.ts";

/** The options of a peer's side of the handshake. */
export interface TheirOptions {
  readonly protocols?: readonly string[] | undefined;
  /** Only for ws. */
  readonly deflate?: ServerOptions["perMessageDeflate"];
}

abstract class TheirEnd {
  readonly messages = new Queue<string | Buffer>("a message for the peer");
  readonly pings = new Queue<string>("a Ping for the peer");
  readonly pongs = new Queue<string>("a Pong for the peer");
  readonly closed: Promise<Closed>;
  protected onClosed: (closed: Closed) => void = () => {};

  constructor() {
    this.closed = new Promise((resolve) => (this.onClosed = resolve));
  }

  abstract send(data: string | Uint8Array): void;

  burst(messages: readonly (string | Uint8Array)[]): void {
    for (const message of messages) this.send(message);
  }
}

class WsEnd extends TheirEnd implements End {
  readonly #ws: WebSocket;

  constructor(ws: WebSocket) {
    super();
    this.#ws = ws;
    ws.on("message", (data: Buffer, isBinary) => this.messages.push(isBinary ? data : data.toString()));
    ws.on("ping", (data) => this.pings.push(data.toString()));
    ws.on("pong", (data) => this.pongs.push(data.toString()));
    ws.on("close", (code, reason) => this.onClosed({ code, reason: reason.toString() }));
    ws.on("error", () => {});
    cleanUp(() => ws.terminate());
  }

  get subprotocol(): string {
    return this.#ws.protocol;
  }

  get extensions(): string {
    return this.#ws.extensions;
  }

  send(data: string | Uint8Array): void {
    this.#ws.send(data);
  }

  override burst(messages: readonly (string | Uint8Array)[]): void {
    const { _socket: socket } = this.#ws as unknown as { _socket: Socket };
    socket.cork();
    super.burst(messages);
    socket.uncork();
  }

  sendFragments(parts: readonly (string | Uint8Array)[]): void {
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.#ws.ping(`between ${i}`);
      this.#ws.send(part, { fin: i === parts.length - 1 });
    }
  }

  ping(data: string): void {
    this.#ws.ping(data);
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  closeWithoutCode(): void {
    this.#ws.close();
  }

  abort(): void {
    this.#ws.terminate();
  }
}

/** undici's WebSocket, or the global one, which is the same class in the runtime's own copy. */
class WhatwgEnd extends TheirEnd implements End {
  protected readonly ws: UndiciWebSocket;
  readonly opened: Promise<void>;

  constructor(ws: UndiciWebSocket) {
    super();
    this.ws = ws;
    ws.binaryType = "arraybuffer";
    ws.addEventListener("message", ({ data }: { data: string | ArrayBuffer }) =>
      this.messages.push(typeof data === "string" ? data : Buffer.from(data)),
    );
    ws.addEventListener("close", ({ code, reason }) => this.onClosed({ code, reason }));
    this.opened = new Promise((resolve, reject) => {
      ws.addEventListener("open", () => resolve());
      ws.addEventListener("error", (event) => reject(event.error as Error));
    });
    cleanUp(() => {
      if (ws.readyState < 2) ws.close();
    });
  }

  get subprotocol(): string {
    return this.ws.protocol;
  }

  get extensions(): string {
    return this.ws.extensions;
  }

  send(data: string | Uint8Array): void {
    this.ws.send(data);
  }

  close(code: number, reason: string): void {
    this.ws.close(code, reason);
  }

  closeWithoutCode(): void {
    this.ws.close();
  }
}

class UndiciEnd extends WhatwgEnd {
  constructor(ws: UndiciWebSocket) {
    super(ws);
    this.#hear("undici:websocket:ping", this.pings);
    this.#hear("undici:websocket:pong", this.pongs);
  }

  /** A WHATWG WebSocket does not report Pings; undici does so here. */
  #hear(name: string, queue: Queue<string>): void {
    const listener = (message: unknown): void => {
      const { payload, websocket } = message as { payload: Buffer | undefined; websocket: unknown };
      if (websocket === this.ws) queue.push((payload ?? "").toString());
    };
    channel(name).subscribe(listener);
    cleanUp(() => channel(name).unsubscribe(listener));
  }

  ping(data: string): void {
    undiciPing(this.ws, Buffer.from(data));
  }
}

/** websocket-driver has no types. */
interface Driver {
  io: Duplex;
  protocol: string | null;
  readonly _masking: boolean;
  start(): boolean;
  text(message: string): boolean;
  binary(message: Uint8Array): boolean;
  ping(message: string): boolean;
  close(reason: string, code: number): boolean;
  frame(payload: string, type: "close"): boolean;
  _sendFrame(frame: object): void;
  on(event: "connect" | "open", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "message" | "ping" | "pong", listener: (event: { data: string | Buffer }) => void): void;
  on(event: "close", listener: (event: Closed) => void): void;
}
const driver = createRequire(import.meta.url)("websocket-driver") as {
  client(url: string, options?: object): Driver;
  http(request: IncomingMessage, options?: object): Driver;
};

class DriverEnd extends TheirEnd implements End {
  readonly #driver: Driver;
  readonly #socket: Duplex;

  constructor(driver: Driver, socket: Duplex) {
    super();
    this.#driver = driver;
    this.#socket = socket;
    driver.on("message", ({ data }) => this.messages.push(data));
    driver.on("ping", ({ data }) => this.pings.push(String(data)));
    driver.on("pong", ({ data }) => this.pongs.push(String(data)));
    driver.on("close", (event) => {
      this.onClosed(event);
      socket.end();
    });
    // websocket-driver ignores the end of the stream.
    socket.on("end", () => socket.end());
    socket.on("close", () => this.onClosed({ code: 1006, reason: "" }));
    socket.on("error", () => {});
  }

  get subprotocol(): string {
    return this.#driver.protocol ?? "";
  }

  send(data: string | Uint8Array): void {
    if (typeof data === "string") this.#driver.text(data);
    else this.#driver.binary(Buffer.from(data));
  }

  sendFragments(parts: readonly (string | Uint8Array)[]): void {
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.#driver.ping(`between ${i}`);
      const payload = Buffer.from(part as string);
      const masked = this.#driver._masking;
      this.#driver._sendFrame({
        final: i === parts.length - 1,
        opcode: i > 0 ? 0 : typeof part === "string" ? 1 : 2,
        masked,
        maskingKey: masked ? Buffer.from("mask") : null,
        length: payload.length,
        payload,
      });
    }
  }

  ping(data: string): void {
    this.#driver.ping(data);
  }

  close(code: number, reason: string): void {
    this.#driver.close(reason, code);
  }

  closeWithoutCode(): void {
    // close() would send 1000.
    this.#driver.frame("", "close");
  }

  abort(): void {
    this.#socket.destroy();
  }
}

/** The types omit the required parameters. */
const NodeFrameClass = websocketNode.frame as unknown as new (
  mask: Buffer,
  header: Buffer,
  config: object,
) => NodeFrame;

class NodeEnd extends TheirEnd implements End {
  readonly #connection: NodeConnection;

  constructor(connection: NodeConnection) {
    super();
    this.#connection = connection;
    connection.on("message", (message) =>
      this.messages.push(message.type === "utf8" ? message.utf8Data : message.binaryData),
    );
    connection.on("ping", (_cancel, data) => this.pings.push(data.toString()));
    connection.on("pong", (data) => this.pongs.push(data.toString()));
    connection.on("close", (code, reason) => this.onClosed({ code, reason }));
    connection.on("error", () => {});
  }

  get subprotocol(): string {
    return this.#connection.protocol ?? "";
  }

  send(data: string | Uint8Array): void {
    if (typeof data === "string") this.#connection.sendUTF(data);
    else this.#connection.sendBytes(Buffer.from(data));
  }

  override burst(messages: readonly (string | Uint8Array)[]): void {
    this.#connection.socket.cork();
    super.burst(messages);
    this.#connection.socket.uncork();
  }

  sendFragments(parts: readonly (string | Uint8Array)[]): void {
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.#connection.ping(`between ${i}`);
      const frame = new NodeFrameClass(Buffer.alloc(4), Buffer.alloc(10), this.#connection.config);
      frame.opcode = i > 0 ? 0 : typeof part === "string" ? 1 : 2;
      frame.fin = i === parts.length - 1;
      frame.binaryPayload = Buffer.from(part as string);
      this.#connection.sendFrame(frame);
    }
  }

  ping(data: string): void {
    this.#connection.ping(data);
  }

  close(code: number, reason: string): void {
    this.#connection.close(code, reason);
  }

  abort(): void {
    this.#connection.socket.destroy();
  }
}

/** Makes a peer's client and connects it. */
export type TheirClient = (url: string, options?: TheirOptions) => Promise<End>;

export const CLIENTS: Record<string, TheirClient> = {
  async ws(url, { protocols = [], deflate = false } = {}) {
    const options: ClientOptions = { perMessageDeflate: deflate };
    const ws = new WebSocket(url, [...protocols], options);
    const end = new WsEnd(ws);
    await new Promise((resolve, reject) => {
      ws.on("open", resolve);
      ws.on("error", reject);
    });
    return end;
  },

  async undici(url, { protocols = [] } = {}) {
    const end = new UndiciEnd(new UndiciWebSocket(url, [...protocols]));
    await end.opened;
    return end;
  },

  async "websocket-driver"(url, { protocols = [] } = {}) {
    const client = driver.client(url, { protocols });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    cleanUp(() => socket.destroy());
    const end = new DriverEnd(client, socket);
    socket.pipe(client.io).pipe(socket);
    client.start();
    await new Promise<void>((resolve, reject) => {
      client.on("open", resolve);
      client.on("error", reject);
    });
    return end;
  },

  "websocket-node": (url, { protocols = [] } = {}) =>
    new Promise((resolve, reject) => {
      const client = new websocketNode.client({ closeTimeout: 1000 });
      client.on("connectFailed", reject);
      client.on("connect", (connection) => {
        cleanUp(() => connection.socket.destroy());
        resolve(new NodeEnd(connection));
      });
      client.connect(url, [...protocols]);
    }),
};

// Use the runtime's own WebSocket, if there is one: Node 22 and later.
if (typeof globalThis.WebSocket === "function") {
  CLIENTS["global WebSocket"] = async (url, { protocols = [] } = {}) => {
    const end = new WhatwgEnd(new globalThis.WebSocket(url, [...protocols]) as unknown as UndiciWebSocket);
    await end.opened;
    return end;
  };
}

/** Starts a peer's server. */
export type TheirServer = (options?: TheirOptions) => Promise<{ url: string; connections: Queue<End> }>;

export const SERVERS: Record<string, TheirServer> = {
  async ws({ protocols = [], deflate = false } = {}) {
    const connections = new Queue<End>("a connection to the peer");
    const http = createHttpServer();
    const server = new WebSocketServer({
      server: http,
      perMessageDeflate: deflate,
      handleProtocols: (offered) => protocols.find((name) => offered.has(name)) ?? false,
    });
    server.on("connection", (ws) => connections.push(new WsEnd(ws)));
    cleanUp(() => server.close());
    return { url: await listen(http), connections };
  },

  async "websocket-driver"({ protocols = [] } = {}) {
    const connections = new Queue<End>("a connection to the peer");
    const http = createHttpServer();
    http.on("upgrade", (request, socket, head) => {
      const server = driver.http(request, { protocols, requireMasking: true });
      const end = new DriverEnd(server, socket);
      server.on("open", () => connections.push(end));
      socket.pipe(server.io).pipe(socket);
      server.start();
      server.io.write(head);
    });
    return { url: await listen(http), connections };
  },

  async "websocket-node"({ protocols = [] } = {}) {
    const connections = new Queue<End>("a connection to the peer");
    const http = createHttpServer();
    const server = new websocketNode.server({
      httpServer: http,
      closeTimeout: 1000,
      // The defaults are 64 KiB per frame and 1 MiB per message.
      maxReceivedFrameSize: 4194304,
      maxReceivedMessageSize: 4194304,
    });
    server.on("request", (request) => {
      const protocol = protocols.find((name) => request.requestedProtocols.includes(name));
      connections.push(new NodeEnd(request.accept(protocol, request.origin)));
    });
    return { url: await listen(http), connections };
  },
};
