import { Keepalive, type KeepaliveOptions, Protocol, type ProtocolOptions, type Role } from "../index.ts";

/** What holds for a connection, once its handshake is done. */
export interface ConnectionOptions
  extends Omit<ProtocolOptions, "role" | "extensions" | "fragments" | "maskKey">, KeepaliveOptions {
  /**
   * How many bytes may wait, on the way in for who reads messages, or of a server on the way out for the peer, before
   * nothing more is read from the socket. Default 1 MiB.
   */
  readonly highWaterMark?: number | undefined;
  /** After how many milliseconds without a message in either direction the connection is closed (1001). Default never. */
  readonly idleTimeout?: number | undefined;
  /**
   * Take each chunk of a socket as Node reads it, past the queue of its stream: see docs/architecture.md. Other runtimes, and
   * streams that are not sockets, do not have it. Default true.
   */
  readonly directReads?: boolean | undefined;
}

/** Throws what a Connection with these options would throw, before there is a socket. @internal */
export function checkOptions(role: Role, options: ConnectionOptions): void {
  const protocol = new Protocol({ ...options, role, extensions: [] });
  void new Keepalive(protocol, 0, options);
}
