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

const DEFAULT_HIGH_WATER_MARK = 1048576;

/** What is a Connection's own. @throws RangeError @internal */
export function readOptions({ highWaterMark = DEFAULT_HIGH_WATER_MARK, idleTimeout = Infinity }: ConnectionOptions): {
  readonly highWaterMark: number;
  readonly idleTimeout: number;
} {
  if (typeof highWaterMark !== "number" || !(highWaterMark >= 0)) {
    throw new RangeError("highWaterMark must be a number, 0 or more");
  }
  if (typeof idleTimeout !== "number" || !(idleTimeout > 0)) {
    throw new RangeError("idleTimeout must be a number of more than 0");
  }
  return { highWaterMark, idleTimeout };
}

/** Throws what a Connection with these options would throw, before there is a socket. @internal */
export function checkOptions(role: Role, options: ConnectionOptions): void {
  const protocol = new Protocol({ ...options, role, extensions: [] });
  void new Keepalive(protocol, 0, options);
  void readOptions(options);
}
