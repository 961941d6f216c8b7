// How both ends of a connection reach each other, for each kind of transport, with the subject on either side.

import type { LookupOptions } from "node:dns";
import {
  type AddressInfo,
  createConnection,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { connect as connectSession, createServer as createHttp2Server, type IncomingHttpHeaders } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { Duplex } from "node:stream";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import type { Extension, Role } from "../../../src/index.ts";
import { acceptStream, connect, type Connection, type ConnectOptions, upgrade } from "../../../src/node/index.ts";
import {
  acceptWebSocketStream,
  type ByteDuplex,
  connectWebSocketStream,
  type WebSocketStreamPair,
} from "../../../src/streams/index.ts";
import { answer, CA, request, TLS } from "../../node/support/peer.ts";
import { DuplexLine, memoryPair, WebLine } from "./lines.ts";
import { Peer } from "./peer.ts";
import { within } from "./time.ts";

export type Options = Omit<ConnectOptions, "signal" | "agent" | "protocols">;

/** How to open a connection. */
export interface Opening<End> {
  readonly role: Role;
  readonly options: Options;
  /** Bytes that the peer writes in the same chunk as its part of the handshake. */
  readonly first: Uint8Array;
  /** Called in the turn in which the connection is made. */
  readonly begin: (end: End) => void;
}

export interface Transport<End> {
  readonly name: string;
  /** Whether the subject sees the end of the peer's side only after it has ended its own. */
  readonly hidesEnd?: boolean;
  open(opening: Opening<End>): Promise<{ readonly peer: Peer; readonly discard: () => void }>;
}

interface Waiting {
  readonly opening: Opening<Connection>;
  readonly opened: (peer?: Peer) => void;
  readonly failed: (error: unknown) => void;
}

/** Unfinished openings, by the paths of their requests, because the servers are shared. */
const waiting = new Map<string, Waiting>();
let paths = 0;

function extensionHeader({ extensions = [] }: { readonly extensions?: readonly Extension[] | undefined }): string {
  return extensions.map(({ name }) => name).join(", ");
}

function requestHead(path: string, options: Options): Buffer {
  const more: Record<string, string> = { "Sec-WebSocket-Extensions": extensionHeader(options) };
  return Buffer.from(request(more, `GET ${path} HTTP/1.1`), "latin1");
}

function answerHead(head: string): Buffer {
  const text = answer(head);
  const offered = /sec-websocket-extensions: ([^;,\r]+)/i.exec(head)?.[1];
  if (offered === undefined) return Buffer.from(text, "latin1");
  return Buffer.from(text.replace("\r\n\r\n", `\r\nSec-WebSocket-Extensions: ${offered}\r\n\r\n`), "latin1");
}

async function listening(server: Server): Promise<number> {
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A value that is made on its first use. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function accepted(path: string, accept: (options: Options) => Connection | undefined): void {
  const { opening, opened, failed } = waiting.get(path)!;
  try {
    const connection = accept(opening.options);
    if (connection === undefined) throw new Error("The handshake was refused");
    opening.begin(connection);
    opened();
  } catch (error) {
    failed(error);
  }
}

function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  accepted(request.url!, (options) => upgrade(request, socket, head, options));
}

/** A raw socket connects to our server, or our client connects to a server of raw sockets. */
function sockets(
  name: string,
  scheme: "ws" | "wss",
  ourServer: () => Promise<number>,
  dial: (port: number) => Promise<[Duplex, Socket]>,
  rawServer: (handle: (stream: Duplex, tcp: Socket) => void) => Promise<number>,
): Transport<Connection> {
  const server = once(ourServer);
  const raw = once(() =>
    rawServer((stream, tcp) => {
      const peer = new Peer(new DuplexLine(stream, () => tcp.resetAndDestroy()), "client", { hasHead: true });
      void peer.head().then((head) => {
        const { opening, opened } = waiting.get(/^GET (\S+)/.exec(head)![1]!)!;
        peer.line.write(Buffer.concat([answerHead(head), opening.first]));
        opened(peer);
      });
    }),
  );
  return {
    name,
    async open(opening) {
      const path = `/${++paths}`;
      const done = new Promise<Peer | undefined>((opened, failed) => waiting.set(path, { opening, opened, failed }));
      try {
        if (opening.role === "server") {
          const [stream, tcp] = await dial(await server());
          const peer = new Peer(new DuplexLine(stream, () => tcp.resetAndDestroy()), "server", { hasHead: true });
          peer.line.write(Buffer.concat([requestHead(path, opening.options), opening.first]));
          await Promise.all([within(done, "no connection"), peer.head()]);
          return { peer, discard: () => tcp.destroy() };
        }
        const connection = await connect(`${scheme}://localhost:${await raw()}${path}`, {
          ...opening.options,
          tls: { ...CA, lookup: localhost },
        });
        opening.begin(connection);
        const peer = (await within(done, "no request"))!;
        return { peer, discard: () => peer.line.reset() };
      } finally {
        waiting.delete(path);
      }
    },
  };
}

/** Avoids the system's resolver, whose few threads all tests would share. */
function localhost(
  _: string,
  options: LookupOptions,
  found: (error: null, address: string | { address: string; family: number }[], family?: number) => void,
): void {
  if (options.all === true) found(null, [{ address: "127.0.0.1", family: 4 }]);
  else found(null, "127.0.0.1", 4);
}

async function dialTcp(port: number): Promise<[Socket, Socket]> {
  const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return [socket, socket];
}

const secureContext = once(() => createSecureContext(TLS));

export const tcp: Transport<Connection> = sockets(
  "tcp",
  "ws",
  () => listening(createHttpServer().on("upgrade", onUpgrade)),
  dialTcp,
  (handle) => listening(createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => handle(socket, socket))),
);

export const tls: Transport<Connection> = sockets(
  "tls",
  "wss",
  () => listening(createHttpsServer(TLS).on("upgrade", onUpgrade)),
  async (port) => {
    const [, tcp] = await dialTcp(port);
    const socket = connectTls({ socket: tcp, servername: "localhost", ...CA });
    await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    return [socket, tcp];
  },
  (handle) =>
    listening(
      createTcpServer({ allowHalfOpen: true, noDelay: true }, (tcp) => {
        const socket = new TLSSocket(tcp, { isServer: true, secureContext: secureContext() });
        socket.once("secure", () => handle(socket, tcp));
      }),
    ),
);

/** WebSocket over HTTP/2 (RFC 8441), by prior knowledge. */
export const http2: Transport<Connection> = http2Transport();

function http2Transport(): Transport<Connection> {
  const settings = { enableConnectProtocol: true };
  const server = once(() =>
    listening(
      createHttp2Server({ settings }).on("stream", (stream, headers: IncomingHttpHeaders) => {
        accepted(headers[":path"] as string, (options) => acceptStream(stream, headers, options));
      }),
    ),
  );
  /** The sockets of raw servers by their ports, because a session does not expose its own. */
  const sockets = new Map<number, Socket>();
  const raw = once(() =>
    listening(
      (createHttp2Server({ settings }) as Server)
        .on("connection", keep)
        .on("stream", (stream, headers: IncomingHttpHeaders) => {
          const { opening, opened } = waiting.get(headers[":path"] as string)!;
          const tcp = sockets.get(stream.session!.socket.remotePort!)!;
          const reset = (): void => {
            stream.session?.destroy();
            tcp.resetAndDestroy();
          };
          const peer = new Peer(new DuplexLine(stream, reset), "client", { hasHead: false });
          const extensions = extensionHeader(opening.options);
          stream.respond({ ":status": 200, ...(extensions !== "" && { "sec-websocket-extensions": extensions }) });
          if (opening.first.length > 0) stream.write(opening.first);
          opened(peer);
        }),
    ),
  );
  function keep(socket: Socket): void {
    const port = socket.remotePort!;
    sockets.set(port, socket);
    socket.on("close", () => sockets.delete(port));
  }
  return {
    name: "http2",
    async open(opening) {
      const path = `/${++paths}`;
      const done = new Promise<Peer | undefined>((opened, failed) => waiting.set(path, { opening, opened, failed }));
      try {
        if (opening.role === "client") {
          const connection = await connect(`ws://127.0.0.1:${await raw()}${path}`, { ...opening.options, http2: true });
          opening.begin(connection);
          const peer = (await within(done, "no request"))!;
          return { peer, discard: () => peer.line.reset() };
        }
        const [tcp] = await dialTcp(await server());
        const session = connectSession("http://localhost", { createConnection: () => tcp });
        session.on("error", () => {});
        await new Promise<void>((resolve) => session.once("remoteSettings", () => resolve()));
        const extensions = extensionHeader(opening.options);
        const stream = session.request(
          {
            ":method": "CONNECT",
            ":protocol": "websocket",
            ":scheme": "http",
            ":authority": "localhost",
            ":path": path,
            "sec-websocket-version": "13",
            ...(extensions !== "" && { "sec-websocket-extensions": extensions }),
          },
          { endStream: false },
        );
        const reset = (): void => {
          session.destroy();
          tcp.resetAndDestroy();
        };
        const peer = new Peer(new DuplexLine(stream, reset), "server", { hasHead: false });
        // A request is sent one turn later, together with data written before that.
        if (opening.first.length > 0) stream.write(opening.first);
        await within(done, "no connection");
        return { peer, discard: reset };
      } finally {
        waiting.delete(path);
      }
    },
  };
}

function streamsOptions({ highWaterMark, closeTimeout, extensions, sliceSize }: Options): object {
  return {
    ...(highWaterMark !== undefined && {
      readableHighWaterMark: highWaterMark,
      writableHighWaterMark: Math.max(highWaterMark, 1),
    }),
    ...(closeTimeout !== undefined && { closeTimeout }),
    ...(extensions !== undefined && { extensions }),
    ...(sliceSize !== undefined && { sliceSize }),
  };
}

async function openStreams(
  near: ByteDuplex,
  peer: Peer,
  { role, options, first, begin }: Opening<WebSocketStreamPair>,
): Promise<void> {
  const own = streamsOptions(options);
  if (role === "server") {
    peer.line.write(Buffer.concat([requestHead("/", options), first]));
    begin(await within(acceptWebSocketStream(near, own), "no connection"));
    await peer.head();
  } else {
    const opening = connectWebSocketStream(near, "ws://localhost/", own);
    peer.line.write(Buffer.concat([answerHead(await peer.head()), first]));
    begin(await within(opening, "no connection"));
  }
}

/**
 * Duplex.toWeb() of a socket that does not end its side by itself. Before Node 24, the readable of such a socket ends
 * only after both sides.
 */
export const streamsOverTcp: Transport<WebSocketStreamPair> = {
  ...overTcp("streams over tcp", true),
  hidesEnd: Number.parseInt(process.versions.node) < 24,
};

/** Duplex.toWeb() of a socket that ends its side when the peer has ended, as in the guide. Unsent data is then lost. */
export const streamsOverFullTcp: Transport<WebSocketStreamPair> = overTcp("streams over tcp without half-open", false);

function overTcp(name: string, allowHalfOpen: boolean): Transport<WebSocketStreamPair> {
  return {
    name,
    async open(opening) {
      let connected!: (socket: Socket) => void;
      const incoming = new Promise<Socket>((resolve) => (connected = resolve));
      const atServer = opening.role === "server";
      const server = createTcpServer({ noDelay: true, allowHalfOpen: allowHalfOpen || !atServer }, connected);
      const socket = createConnection({
        port: await listening(server),
        host: "127.0.0.1",
        noDelay: true,
        allowHalfOpen: allowHalfOpen || atServer,
      });
      const other = await incoming;
      server.close();
      const [subject, raw] = atServer ? [other, socket] : [socket, other];
      subject.on("error", () => {});
      const line = new DuplexLine(raw, () => raw.resetAndDestroy());
      const peer = new Peer(line, opening.role, { hasHead: true });
      await openStreams(Duplex.toWeb(subject), peer, opening);
      return {
        peer,
        discard: () => {
          raw.destroy();
          subject.destroy();
        },
      };
    },
  };
}

export const streamsInMemory: Transport<WebSocketStreamPair> = {
  name: "streams in memory",
  async open(opening) {
    const [near, far] = memoryPair();
    const line = new WebLine(far);
    const peer = new Peer(line, opening.role, { hasHead: true });
    await openStreams(near, peer, opening);
    return { peer, discard: () => line.reset() };
  },
};
