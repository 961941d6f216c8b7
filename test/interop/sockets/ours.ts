// Our side of the tests: a server of serve(), and connections of connect().

import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { afterEach } from "vitest";
import { perMessageDeflate } from "../../../src/index.ts";
import {
  connect,
  type ConnectOptions,
  serve,
  type ServeOptions,
  type WebSocketServer,
} from "../../../src/node/index.ts";
import { Queue } from "../../peers/support/queue.ts";
import { End } from "./end.ts";
import type { Order, Peer, Report } from "./process.ts";
import type { OpenOptions, Subject, Talk } from "./suite.ts";

const cleanups: (() => unknown)[] = [];

/** Adds something to do after the test. */
export function cleanUp(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function pem(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url));
}

/** A certificate for localhost. */
export const TLS: { key: Buffer; cert: Buffer } = { key: pem("key"), cert: pem("cert") };

/** Long enough for a peer to answer a Close, and short enough to fail within a test. */
const closeTimeout = 5000;

/** permessage-deflate for messages of any length, or nothing. */
const extensions = (deflate: boolean) => (deflate ? [perMessageDeflate({ threshold: 0 })] : []);

export interface OurServer {
  readonly server: WebSocketServer;
  readonly connections: Queue<{ end: End; request: IncomingMessage | Http2ServerRequest }>;
  /** Without a scheme: localhost:port/. */
  readonly address: string;
}

/** A server of ours for the duration of a test. */
export async function ourServer(
  { protocols = [], deflate = false, oursDeflate = deflate }: OpenOptions = {},
  options: ServeOptions = {},
): Promise<OurServer> {
  const connections: OurServer["connections"] = new Queue("a connection to our server");
  const common = { host: "127.0.0.1", closeTimeout, protocols, extensions: extensions(oursDeflate) };
  const server = await serve({ ...common, ...options }, (connection, request) => {
    connections.push({ end: new End(connection), request });
  });
  cleanUp(async () => {
    for (const connection of server.connections) connection.terminate();
    await server.close();
  });
  return { server, connections, address: `localhost:${server.port}/` };
}

/** A connection of ours. */
export async function ourClient(
  url: string,
  { protocols = [], deflate = false, oursDeflate = deflate }: OpenOptions = {},
  options: ConnectOptions = {},
): Promise<End> {
  const connection = await connect(url, { closeTimeout, protocols, extensions: extensions(oursDeflate), ...options });
  const end = new End(connection);
  cleanUp(() => connection.terminate());
  return end;
}

let ids = 0;

/** A name for a connection. */
const newId = () => `${++ids}`;

/** Makes one of their clients connect, and returns its report. */
export type Dial = (order: Order) => Promise<Report>;

/** How the two sides connect. */
export interface Way {
  readonly scheme?: "ws" | "wss";
  readonly options?: ServeOptions;
  /** Returns another address than that of our server, such as that of a proxy. */
  via?(address: string): string;
  /** Checks the request at our server. */
  check?(request: IncomingMessage | Http2ServerRequest): void;
}

/** One of their clients against serve(). */
export function withClient(dial: Dial, { scheme = "ws", options, via, check }: Way = {}): Subject["open"] {
  return async (open = {}): Promise<Talk> => {
    const { connections, address } = await ourServer(open, options);
    const { protocols = [], deflate = false } = open;
    const report = dial({ url: `${scheme}://${via?.(address) ?? address}${newId()}`, protocols, deflate });
    report.catch(() => {});
    // A client that cannot connect reports why.
    const early = report.then((each) => {
      throw new Error(`The client ended before it connected: ${JSON.stringify(each)}`);
    });
    const { end, request } = await Promise.race([connections.next(), early]);
    early.catch(() => {});
    check?.(request);
    return { ours: end, report: () => report };
  };
}

/** A client in its own process. */
export function dialWith(peer: Peer): Dial {
  return (order) => {
    peer.write(order);
    return peer.report(order.url);
  };
}

/** connect() against one of their servers, which is a process. */
export function withServer(peer: Peer): Subject["open"] {
  return async (open = {}): Promise<Talk> => {
    const { plain, deflate } = await peer.ports();
    const port = open.deflate ? deflate! : plain;
    const url = `ws://127.0.0.1:${port}/${newId()}`;
    return { ours: await ourClient(url, open), report: () => peer.report(url) };
  };
}
