// A client of HTTP/2 that has nothing of ours: sessions, and the head of a request for WebSocket.

import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import type { ServeOptions } from "../../../src/node/index.ts";
import { CA, TLS } from "./peer.ts";
import { atEnd, until } from "./watch.ts";

/** The servers that there are. */
export const SERVERS: [name: string, options: ServeOptions][] = [
  ["http", {}],
  ["https", { tls: TLS, http2: false }],
  ["https and HTTP/2", { tls: TLS }],
];

export async function openSession(port: number, options: object = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { ...CA, ...options });
  session.on("error", () => {});
  atEnd(() => {
    session.destroy();
    return until(
      () => session.destroyed,
      () => "the session is open",
    );
  });
  await once(session, "remoteSettings");
  return session;
}

export const WEBSOCKET: Record<string, string> = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "https",
  ":path": "/",
  ":authority": "localhost",
  "sec-websocket-version": "13",
};
