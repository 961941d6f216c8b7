// wsframe over sockets: a minimal server and client.

import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterEach } from "vitest";
import {
  acceptHandshake,
  type AcceptOptions,
  type Agreement,
  checkResponse,
  createRequest,
  type HandshakeRequest,
  Protocol,
  type ProtocolOptions,
  RequestParser,
  ResponseParser,
  type RequestOptions,
  serializeExtensions,
  serializeRequest,
  serializeResponse,
  type WebSocketError,
} from "../../../src/index.ts";
import type { Closed, End } from "./end.ts";
import { Queue } from "./queue.ts";

const cleanups: (() => unknown)[] = [];

/** Registers a function to call after the test. */
export function cleanUp(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Listens on the loopback during the test. Returns the URL. */
export async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
}

export interface OurOptions {
  readonly protocol?: Partial<ProtocolOptions> | undefined;
  /** Process input in pieces of this many bytes, like proxies that cut it. Default: as it arrives. */
  readonly pieces?: number | undefined;
  /** Messages to send in the same write as the request or the 101. */
  readonly early?: readonly string[] | undefined;
}

export interface ServeOptions extends OurOptions {
  readonly accept?: AcceptOptions | undefined;
  /** Let node:http parse the request. */
  readonly http?: boolean | undefined;
}

export interface DialOptions extends OurOptions {
  readonly request?: RequestOptions | undefined;
}

/** Our end: a Protocol and its socket. */
export class OurEnd implements End {
  readonly protocol: Protocol;
  readonly agreement: Agreement;
  readonly messages = new Queue<string | Buffer>("a message for us");
  readonly pings = new Queue<string>("a Ping for us");
  readonly pongs = new Queue<string>("a Pong for us");
  readonly errors: WebSocketError[] = [];
  /** The number of written bytes of frames. */
  bytesSent = 0;
  /** The pieces of messages, with the option `fragments`. */
  readonly pieces: (string | Uint8Array)[] = [];
  readonly closed: Promise<Closed & { wasClean: boolean }>;
  #close: (closed: Closed & { wasClean: boolean }) => void = () => {};
  readonly #socket: Duplex;
  readonly #role: "server" | "client";

  constructor(socket: Duplex, role: "server" | "client", agreement: Agreement, options: Partial<ProtocolOptions> = {}) {
    this.#socket = socket;
    this.#role = role;
    this.agreement = agreement;
    this.protocol = new Protocol({ ...options, role, extensions: agreement.extensions });
    this.closed = new Promise((resolve) => (this.#close = resolve));
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#end());
    socket.on("error", () => {});
  }

  get subprotocol(): string {
    return this.agreement.protocol ?? "";
  }

  get extensions(): string {
    return serializeExtensions(
      this.agreement.extensions.map(({ extension: { name }, parameters }) => ({ name, parameters })),
    );
  }

  receive(chunk: Uint8Array): void {
    for (const event of this.protocol.receive(chunk, performance.now())) this.#handle(event);
    this.flush();
  }

  flush(): void {
    for (const buffer of this.protocol.take()) {
      this.bytesSent += buffer.length;
      this.#socket.write(buffer);
    }
    // A server ends TCP first; a client does so only if it fails the connection (RFC 6455 §7.1.1, §7.1.7).
    const isOver = this.protocol.state === "closed" && (this.#role === "server" || this.protocol.error !== undefined);
    if (isOver) this.#socket.end();
  }

  send(data: string | Uint8Array): void {
    this.protocol.send(data);
    this.flush();
  }

  burst(messages: readonly (string | Uint8Array)[]): void {
    for (const message of messages) this.protocol.send(message);
    this.flush();
  }

  sendFragments(parts: readonly (string | Uint8Array)[]): void {
    for (const [i, part] of parts.entries()) {
      if (i > 0) this.protocol.ping(`between ${i}`);
      this.protocol.send(part, { fin: i === parts.length - 1 });
      this.flush();
    }
  }

  ping(data: string): void {
    this.protocol.ping(data);
    this.flush();
  }

  close(code: number, reason: string): void {
    this.protocol.close(code, reason);
    this.flush();
  }

  closeWithoutCode(): void {
    this.protocol.close();
    this.flush();
  }

  abort(): void {
    this.#socket.destroy();
  }

  #handle(event: ReturnType<Protocol["receive"]>[number]): void {
    switch (event.type) {
      case "text":
        return this.messages.push(event.data);
      case "binary":
        return this.messages.push(Buffer.from(event.data));
      case "piece":
        this.pieces.push(event.data);
        return;
      case "ping":
        return this.pings.push(Buffer.from(event.data).toString());
      case "pong":
        return this.pongs.push(Buffer.from(event.data).toString());
      case "error":
        this.errors.push(event.error);
        return;
      case "close":
        return this.#close(event);
    }
  }

  #end(): void {
    for (const event of this.protocol.receiveEnd()) this.#handle(event);
    this.#socket.end();
  }
}

function* inPieces(chunk: Uint8Array, size: number = chunk.length): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
}

/** Starts our server. */
export async function serve(options: ServeOptions = {}): Promise<{ url: string; connections: Queue<OurEnd> }> {
  const connections = new Queue<OurEnd>("a connection");
  /** Answers a request. The bytes after it go to the connection. */
  const answer = (socket: Duplex, request: HandshakeRequest): OurEnd | undefined => {
    const result = acceptHandshake(request, options.accept);
    if (!result.accepted) {
      socket.end(serializeResponse(result));
      return undefined;
    }
    const connection = new OurEnd(socket, "server", result, options.protocol);
    for (const message of options.early ?? []) connection.protocol.send(message);
    socket.write(Buffer.concat([serializeResponse(result), ...connection.protocol.take()]));
    connections.push(connection);
    return connection;
  };
  const listenTo = (socket: Duplex, connection: OurEnd, head: Uint8Array): void => {
    const receive = (chunk: Uint8Array): void => {
      for (const piece of inPieces(chunk, options.pieces)) connection.receive(piece);
    };
    receive(head);
    socket.on("data", receive);
  };
  if (options.http) {
    const server = createHttpServer();
    server.on("upgrade", (request, socket, head) => {
      const connection = answer(socket, request);
      if (connection) listenTo(socket, connection, head);
    });
    return { url: await listen(server), connections };
  }
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const parser = new RequestParser();
    const receiveHead = (chunk: Uint8Array): void => {
      let at = 0;
      for (const piece of inPieces(chunk, options.pieces)) {
        at += piece.length;
        const found = parser.push(piece);
        if (found === undefined) continue;
        socket.off("data", receiveHead);
        const connection = answer(socket, found.request);
        if (connection) listenTo(socket, connection, chunk.subarray(at - found.rest.length));
        return;
      }
    };
    socket.on("data", receiveHead);
  });
  return { url: await listen(server), connections };
}

/** Connects our client. */
export function dial(url: string, options: DialOptions = {}): Promise<OurEnd> {
  const request = createRequest(url, options.request);
  const socket = connect(request.port, request.host);
  socket.setNoDelay(true);
  cleanUp(() => socket.destroy());
  // From another Protocol: ours begins when the extensions are agreed on.
  const early = new Protocol({ role: "client" });
  for (const message of options.early ?? []) early.send(message);
  socket.write(Buffer.concat([serializeRequest(request), ...early.take()]));
  return new Promise((resolve, reject) => {
    const parser = new ResponseParser();
    let connection: OurEnd | undefined;
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("The connection ended before the response")));
    socket.on("data", (chunk) => {
      try {
        for (const piece of inPieces(chunk, options.pieces)) {
          if (connection !== undefined) {
            connection.receive(piece);
            continue;
          }
          const found = parser.push(piece);
          if (found === undefined) continue;
          connection = new OurEnd(socket, "client", checkResponse(found.response, request), options.protocol);
          if (found.rest.length > 0) connection.receive(found.rest);
          resolve(connection);
        }
      } catch (error) {
        socket.destroy();
        reject(error as Error);
      }
    });
  });
}
