// The options of Keepalive, read.

import { lastIfSame } from "../frame/shared.ts";
import { CLOSE_TIMEOUT } from "./times.ts";

/** Options of Keepalive. All times are in milliseconds; Infinity means never. */
export interface KeepaliveOptions {
  /** A Ping is sent when nothing has arrived for this long: more than 0. Default 30,000. */
  readonly pingInterval?: number | undefined;
  /**
   * The connection fails (`WS_ERR_PONG_TIMEOUT`, 1008) when nothing has arrived for this long after the Ping: more than 0.
   * Any byte is a sign of life, not only the Pong. Default 20,000.
   */
  readonly pongTimeout?: number | undefined;
  /**
   * How long the peer has to answer a Close, and then to end the stream. It starts again whenever alive() is called, up to
   * 30 times as long in all. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
}

/** The times that hold. @internal */
export type KeepaliveTimes = { readonly [Name in keyof KeepaliveOptions]-?: number };

let last: KeepaliveTimes | undefined;

/** The same object as the last time, where the options say the same. @throws RangeError @internal */
export function readTimes(options: KeepaliveOptions): KeepaliveTimes {
  return (last = lastIfSame(last, {
    pingInterval: readTime("pingInterval", options.pingInterval ?? 30_000, "more"),
    pongTimeout: readTime("pongTimeout", options.pongTimeout ?? 20_000, "more"),
    closeTimeout: readTime("closeTimeout", options.closeTimeout ?? CLOSE_TIMEOUT, "zero"),
  }));
}

function readTime(name: string, value: number, least: "zero" | "more"): number {
  if (typeof value !== "number" || !(least === "zero" ? value >= 0 : value > 0)) {
    throw new RangeError(`${name} must be a number${least === "zero" ? ", 0 or more" : " of more than 0"}`);
  }
  return value;
}
