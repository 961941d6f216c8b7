// A connection of either role, with a peer that is only a socket.

import { connect, type Connection, type ConnectOptions } from "../../../src/node/index.ts";
import { answer, CA, dialWebSocket, listen, type RawPeer, TLS } from "./peer.ts";
import { start } from "./server.ts";
import { until } from "./watch.ts";

export type Role = "server" | "client";
export const ROLES: readonly Role[] = ["server", "client"];

export interface Opened {
  readonly connection: Connection;
  /** The peer. Its received data starts after the handshake. */
  readonly peer: RawPeer;
}

export type OpenOptions = Omit<ConnectOptions, "tls" | "agent" | "signal" | "http2" | "protocols" | "extensions">;

export interface Opening extends OpenOptions {
  readonly tls?: boolean;
  /** Called in the turn in which the connection is made. */
  readonly begin?: (connection: Connection) => void;
}

/** Opens a connection. Its only listeners are those that `begin` adds. */
export async function open(role: Role, { tls = false, begin, ...options }: Opening = {}): Promise<Opened> {
  if (role === "server") {
    const { port, connections } = await start({ ...options, ...(tls && { tls: TLS }) }, (connection) =>
      begin?.(connection),
    );
    const peer = await dialWebSocket(port, { tls });
    await until(
      () => connections.length === 1,
      () => "no connection",
    );
    return { connection: connections[0]!, peer };
  }
  const { port, peers } = await listen(
    async (peer) => {
      const head = await peer.head();
      peer.received = peer.received.subarray(head.length);
      await peer.write(answer(head));
    },
    { tls, host: "localhost" },
  );
  const connection = await connect(`${tls ? "wss" : "ws"}://localhost:${port}`, {
    closeTimeout: 200,
    ...options,
    tls: CA,
  });
  begin?.(connection);
  return { connection, peer: peers[0]! };
}
