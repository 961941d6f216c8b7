// What connections with the same options share.

import type { Duplex } from "node:stream";
import type { Role } from "../index.ts";
import { lastIfSame } from "../frame/shared.ts";
import { type KeepaliveTimes, readTimes } from "../protocol/keepalive-times.ts";
import { intervalFor } from "./heartbeat.ts";
import { type ConnectionOptions, type OwnOptions, ownOptions } from "./options.ts";
import { isSocket } from "./transport/sockets.ts";
import { writesDirectly } from "./transport/writes.ts";

/** What does not change while a connection lasts. @internal */
export interface Settings extends OwnOptions {
  readonly role: Role;
  /** Whether extensions have been agreed on. */
  readonly extended: boolean;
  /** Whether what the socket has been given may be written to again, once the socket holds nothing. */
  readonly reuses: boolean;
  /** Whether writes may pass the queue of the socket's stream. */
  readonly passes: boolean;
  readonly times: KeepaliveTimes;
  readonly closeTimeout: number;
  /** Whether there is something to look at from time to time before the end. */
  readonly watched: boolean;
  /** How often to look at the connection, in milliseconds. */
  readonly interval: number;
}

let last: Settings | undefined;

/** The same object as the last time, where it says the same. @throws RangeError @internal */
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
