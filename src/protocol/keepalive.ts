// Pings that are due, Pongs that do not come, a Close that is not answered: functions of a time that the caller tells.

import { WebSocketError } from "../frame/errors.ts";
import { CloseCode } from "../frame/opcodes.ts";
import type { ProtocolEvent } from "./events.ts";
import type { Protocol } from "./protocol.ts";

/** Options of Keepalive. All times are in milliseconds; Infinity means never. */
export interface KeepaliveOptions {
  /** How long nothing may arrive before a Ping is sent: more than 0. Default 30,000. */
  readonly pingInterval?: number | undefined;
  /**
   * How long after the Ping still nothing may have arrived before the connection is given up (`WS_ERR_PONG_TIMEOUT`, 1008):
   * more than 0. Any byte is a sign of life, not only the Pong. Default 20,000.
   */
  readonly pongTimeout?: number | undefined;
  /**
   * How long the peer has to answer a Close, and then to end the stream. It starts again whenever alive() is called, up to
   * 30 times as long in all. Default 10,000.
   */
  readonly closeTimeout?: number | undefined;
}

/** However alive it is, a peer has this many times `closeTimeout` to end a connection. */
const MAX_CLOSE_TIMEOUTS = 30;

function readTime(name: string, value: number, least: "zero" | "more"): number {
  if (typeof value !== "number" || !(least === "zero" ? value >= 0 : value > 0)) {
    throw new RangeError(`${name} must be a number${least === "zero" ? ", 0 or more" : " of more than 0"}`);
  }
  return value;
}

/**
 * Watches over one connection. It has no timer: call tick() when `due` has come, or for all connections from one timer,
 * every second or so. Read what has arrived first: a Pong that waits in the system would come too late.
 *
 * Times are milliseconds of any clock that does not go back, the same for all calls.
 */
export class Keepalive {
  readonly #protocol: Protocol;
  readonly #pingInterval: number;
  readonly #pongTimeout: number;
  readonly #closeTimeout: number;
  #bytesReceived: number;
  /** When something was last seen to have arrived. */
  #aliveAt: number;
  /** When the Ping was sent that nothing has come after. */
  #pingedAt: number | undefined = undefined;
  /** When the connection was first seen not to be open. */
  #endingAt: number | undefined = undefined;
  #expired = false;

  /** @throws RangeError for a time that is out of range */
  constructor(protocol: Protocol, now: number, options: KeepaliveOptions = {}) {
    this.#protocol = protocol;
    this.#pingInterval = readTime("pingInterval", options.pingInterval ?? 30_000, "more");
    this.#pongTimeout = readTime("pongTimeout", options.pongTimeout ?? 20_000, "more");
    this.#closeTimeout = readTime("closeTimeout", options.closeTimeout ?? 10_000, "zero");
    this.#bytesReceived = protocol.bytesReceived;
    this.#aliveAt = now;
  }

  /** When tick() has something to do next, if nothing arrives before; -Infinity for now. */
  get due(): number {
    if (this.#expired) return Infinity;
    if (this.#protocol.state !== "open") return this.#endingAt === undefined ? -Infinity : this.#endDue;
    return this.#pingedAt === undefined ? this.#aliveAt + this.#pingInterval : this.#pingedAt + this.#pongTimeout;
  }

  /** Whether a Ping has been sent that nothing has come after. */
  get awaitsPong(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** Whether the peer has had its time: cut the stream now, whatever is left to write. */
  get expired(): boolean {
    return this.#expired;
  }

  /**
   * Tells of a sign of life that is not in what has arrived: that the peer goes on taking what is sent, for example. While
   * the connection is closing, `closeTimeout` starts again.
   */
  alive(now: number): void {
    this.#aliveAt = now;
    this.#pingedAt = undefined;
  }

  /**
   * Does what is due: queues a Ping, or gives the connection up. Returns the events of that; what is to be written is in
   * the connection's take().
   */
  tick(now: number): ProtocolEvent[] {
    return this.#protocol.state === "open" ? this.#tickOpen(now) : this.#tickEnding(now);
  }

  /** When the peer has had its time to end the connection. */
  get #endDue(): number {
    const latest = this.#endingAt! + MAX_CLOSE_TIMEOUTS * this.#closeTimeout;
    return Math.min(Math.max(this.#endingAt!, this.#aliveAt) + this.#closeTimeout, latest);
  }

  #tickOpen(now: number): ProtocolEvent[] {
    const { bytesReceived } = this.#protocol;
    if (bytesReceived !== this.#bytesReceived) {
      this.#bytesReceived = bytesReceived;
      this.alive(now);
    } else if (this.#pingedAt === undefined) {
      if (now - this.#aliveAt >= this.#pingInterval) {
        this.#pingedAt = now;
        this.#protocol.ping();
      }
    } else if (now - this.#pingedAt >= this.#pongTimeout) {
      this.#endingAt = now;
      const message = `Nothing has arrived for ${Math.round(now - this.#pingedAt)} ms after a Ping`;
      const where = { closeCode: CloseCode.PolicyViolation, byteOffset: bytesReceived, rule: "pongTimeout" };
      return this.#protocol.fail(new WebSocketError("WS_ERR_PONG_TIMEOUT", message, where));
    }
    return [];
  }

  #tickEnding(now: number): ProtocolEvent[] {
    this.#endingAt ??= now;
    if (now < this.#endDue) return [];
    this.#expired = true;
    return this.#protocol.receiveEnd();
  }
}
