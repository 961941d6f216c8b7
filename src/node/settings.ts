// The settings that connections with the same options share.

import type { Duplex } from "node:stream";
import type { Role } from "../index.ts";
import { lastIfSame } from "../frame/shared.ts";
import { type KeepaliveTimes, readTimes } from "../protocol/keepalive-times.ts";
import { intervalFor } from "./heartbeat.ts";
import { type ConnectionOptions, type OwnOptions, ownOptions } from "./options.ts";
import { isSocket } from "./transport/sockets.ts";
import { writesDirectly } from "./transport/writes.ts";

/** Everything that does not change during a connection. @internal */
export interface Settings extends OwnOptions {
  readonly role: Role;
  /** Whether the handshake agreed on extensions. */
  readonly extended: boolean;
  /** Whether memory that was written to the socket may be reused once nothing is waiting in the socket. */
  readonly reuses: boolean;
  /** Whether writes may bypass the queue of the socket's stream. */
  readonly passes: boolean;
  readonly times: KeepaliveTimes;
  readonly closeTimeout: number;
  /** Whether the connection must be checked from time to time before its end. */
  readonly watched: boolean;
  /** How often to check the connection, in milliseconds. */
  readonly interval: number;
}

let last: Settings | undefined;

/** Returns the previous object if it is the same. @throws RangeError @internal */
export function settingsFor(role: Role, options: ConnectionOptions, extended: boolean, socket: Duplex): Settings {
  const own = ownOptions(options);
  const times = readTimes(options);
  const { pingInterval, pongTimeout, closeTimeout } = times;
  return (last = lastIfSame(last, {
    ...own,
    sliceSize: extended ? own.sliceSize : Infinity,
    role,
    extended,
    reuses: own.directWrites && isSocket(socket),
    passes: own.directWrites && writesDirectly(socket),
    times,
    closeTimeout,
    watched: Math.min(own.idleTimeout, pingInterval) < Infinity,
    interval: intervalFor(own.idleTimeout, pingInterval, pongTimeout, closeTimeout),
  }));
}
