// Reads the options of Keepalive.

import type { Names } from "../frame/known-options.ts";
import { lastIfSame } from "../frame/shared.ts";
import { CLOSE_TIMEOUT } from "./times.ts";

/** Options of Keepalive. Times are in milliseconds; Infinity means never. */
export interface KeepaliveOptions {
  /** Idle time before a Ping is sent (RFC 6455 §5.5.2). More than 0. Default 30,000. */
  readonly pingInterval?: number | undefined;
  /**
   * Time after a Ping in which something must arrive. Otherwise the connection fails with the error `WS_ERR_PONG_TIMEOUT` and
   * close code 1008. Any byte counts, not only the Pong. More than 0. Default 20,000.
   */
  readonly pongTimeout?: number | undefined;
  /**
   * Time for the peer to answer a Close and then to end the stream. Each call of alive() starts it again, up to 30 times this
   * long in total. 0 or more. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
}

/** All times, with defaults filled in. @internal */
export type KeepaliveTimes = { readonly [Name in keyof KeepaliveOptions]-?: number };

/** @internal */
export const NAMES: Names<KeepaliveOptions> = { pingInterval: true, pongTimeout: true, closeTimeout: true };

let last: KeepaliveTimes | undefined;

/** Returns the previous object if the values are the same. @throws RangeError @internal */
export function readTimes(options: KeepaliveOptions): KeepaliveTimes {
  return (last = lastIfSame(last, {
    pingInterval: readTime("pingInterval", options.pingInterval ?? 30_000, "more"),
    pongTimeout: readTime("pongTimeout", options.pongTimeout ?? 20_000, "more"),
    closeTimeout: readTime("closeTimeout", options.closeTimeout ?? CLOSE_TIMEOUT, "zero"),
  }));
}

function readTime(name: string, value: number, least: "zero" | "more"): number {
  if (typeof value !== "number" || !(least === "zero" ? value >= 0 : value > 0)) {
    throw new RangeError(`${name} must be a number of milliseconds, ${least === "zero" ? "0 or more" : "more than 0"}`);
  }
  return value;
}
