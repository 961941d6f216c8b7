// Pings that are due, Pongs that do not come, a Close that is not answered: functions of a time that the caller tells.

import { WebSocketError } from "../frame/errors.ts";
import { CloseCode } from "../frame/opcodes.ts";
import type { ProtocolEvent } from "./events.ts";
import type { Protocol } from "./protocol.ts";

/** Options of Keepalive. All times are in milliseconds; Infinity turns one off. */
export interface KeepaliveOptions {
  /** How long nothing may arrive before a Ping is sent. Default 30,000. */
  readonly pingInterval?: number | undefined;
  /**
   * How long after it still nothing may have arrived before the connection is given up (`WS_ERR_PONG_TIMEOUT`, 1008).
   * Any byte is a sign of life, not only the Pong. Default 20,000.
   */
  readonly pongTimeout?: number | undefined;
  /** How long the peer has to answer a Close, and then to end the stream. Default 10,000. */
  readonly closeTimeout?: number | undefined;
}

function readTime(name: string, value: number): number {
  if (typeof value !== "number" || !(value >= 0)) throw new RangeError(`${name} must be a number, 0 or more`);
  return value;
}

/**
 * Watches over one connection. It has no timer: call tick() when `due` has come, or for all connections from one timer,
 * every second or so.
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

  /** @throws RangeError for a time that is not a number from 0 on */
  constructor(protocol: Protocol, now: number, options: KeepaliveOptions = {}) {
    this.#protocol = protocol;
    this.#pingInterval = readTime("pingInterval", options.pingInterval ?? 30_000);
    this.#pongTimeout = readTime("pongTimeout", options.pongTimeout ?? 20_000);
    this.#closeTimeout = readTime("closeTimeout", options.closeTimeout ?? 10_000);
    this.#bytesReceived = protocol.bytesReceived;
    this.#aliveAt = now;
  }

  /** When tick() has something to do next, if nothing arrives before; -Infinity for now. */
  get due(): number {
    if (this.#expired) return Infinity;
    if (this.#protocol.state !== "open") {
      return this.#endingAt === undefined ? -Infinity : this.#endingAt + this.#closeTimeout;
    }
    return this.#pingedAt === undefined ? this.#aliveAt + this.#pingInterval : this.#pingedAt + this.#pongTimeout;
  }

  /** Whether the peer has had its time: cut the stream now, whatever is left to write. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Tells of a sign of life that is not in what has arrived: that the peer takes what is sent, for example. */
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
      const message = `Nothing has arrived for ${now - this.#pingedAt} ms after a Ping`;
      const where = { closeCode: CloseCode.PolicyViolation, byteOffset: bytesReceived, rule: "pongTimeout" };
      return this.#protocol.fail(new WebSocketError("WS_ERR_PONG_TIMEOUT", message, where));
    }
    return [];
  }

  #tickEnding(now: number): ProtocolEvent[] {
    this.#endingAt ??= now;
    if (now - this.#endingAt < this.#closeTimeout) return [];
    this.#expired = true;
    return this.#protocol.receiveEnd();
  }
}
