// An HTTP/2 client without any code of ours: sessions, and the head of a WebSocket request.

import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ServeOptions } from "../../../src/node/index.ts";
import { CA, TLS } from "./peer.ts";
import { atEnd, until } from "./watch.ts";

/** All kinds of servers. */
export const SERVERS: [name: string, options: ServeOptions][] = [
  ["http", {}],
  ["https", { tls: TLS, http2: false }],
  ["https and HTTP/2", { tls: TLS }],
];

const sockets: WeakMap<ClientHttp2Session, Socket> = new WeakMap();

export async function openSession(port: number, options: object = {}): Promise<ClientHttp2Session> {
  const tcp = createConnection({ port, host: "127.0.0.1" });
  const secure = { socket: tcp, servername: "localhost", ...CA, ALPNProtocols: ["h2"] };
  const session = connect(`https://localhost:${port}`, { createConnection: () => connectTls(secure), ...options });
  sockets.set(session, tcp);
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

/** Resets the TCP connection of a session. */
export function resetSession(session: ClientHttp2Session): void {
  sockets.get(session)!.resetAndDestroy();
}

export const WEBSOCKET: Record<string, string> = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "https",
  ":path": "/",
  ":authority": "localhost",
  "sec-websocket-version": "13",
};
