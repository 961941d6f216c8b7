// Pings that are due, Pongs that do not come, a Close that is not answered: functions of a time that the caller tells.

import { WebSocketError } from "../frame/errors.ts";
import { CloseCode } from "../frame/opcodes.ts";
import type { ProtocolEvent } from "./events.ts";
import type { Protocol } from "./protocol.ts";
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

/** However alive it is, a peer has this many times `closeTimeout` to end a connection. */
const MAX_CLOSE_TIMEOUTS = 30;

function readTime(name: string, value: number, least: "zero" | "more"): number {
  if (typeof value !== "number" || !(least === "zero" ? value >= 0 : value > 0)) {
    throw new RangeError(`${name} must be a number${least === "zero" ? ", 0 or more" : " of more than 0"}`);
  }
  return value;
}

/**
 * Watches over one connection. It has no timer: call tick() when `due` has come, or every second or so from one timer for all
 * connections. Read what has arrived first, or a Pong that already waits in the system comes too late.
 *
 * Times are in milliseconds, from any clock that does not go back; use the same one for all calls.
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
    this.#closeTimeout = readTime("closeTimeout", options.closeTimeout ?? CLOSE_TIMEOUT, "zero");
    this.#bytesReceived = protocol.bytesReceived;
    this.#aliveAt = now;
  }

  /** When tick() has something to do next, if nothing arrives before; -Infinity means now. */
  get due(): number {
    if (this.#expired) return Infinity;
    if (this.#protocol.state !== "open") return this.#endingAt === undefined ? -Infinity : this.#endDue;
    return this.#pingedAt === undefined ? this.#aliveAt + this.#pingInterval : this.#pingedAt + this.#pongTimeout;
  }

  /** Whether a Ping has been sent that nothing has come after. */
  get awaitsPong(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** Whether the peer's time is over: cut the stream now, whatever is left to write. */
  get expired(): boolean {
    return this.#expired;
  }

  /**
   * Reports a sign of life other than received bytes, for example that the peer goes on taking data. While the connection is
   * closing, this starts `closeTimeout` again.
   */
  alive(now: number): void {
    this.#aliveAt = now;
    this.#pingedAt = undefined;
  }

  /**
   * Does what is due: queues a Ping, or fails the connection. Returns the events of that. Write what take() of the Protocol
   * returns afterwards.
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
