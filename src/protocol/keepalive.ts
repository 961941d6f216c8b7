// Detects dead peers and unanswered Closes. The caller passes the time.

import { WebSocketError } from "../frame/errors.ts";
import { checkNames } from "../frame/known-options.ts";
import { CloseCode } from "../frame/opcodes.ts";
import type { ProtocolEvent } from "./events.ts";
import { type KeepaliveOptions, type KeepaliveTimes, NAMES, readTimes } from "./keepalive-times.ts";
import type { Protocol } from "./protocol.ts";

/** A peer gets at most this many times `closeTimeout` to end a connection, even if it is alive. */
const MAX_CLOSE_TIMEOUTS = 30;

interface End {
  /** When the connection was first seen in a state other than open. */
  readonly begunAt: number;
  expired: boolean;
}

/**
 * Keeps one connection alive: sends Pings (RFC 6455 §5.5.2), and gives up on a peer that stops answering. It has no timer of
 * its own. Call tick() at the time `due`, or about once a second from one timer for all connections. Read the socket before you
 * call tick(), or a Pong that the system already received counts as late.
 *
 * Times are in milliseconds. Use the same clock for all calls, one that never goes back.
 */
export class Keepalive {
  readonly #protocol: Protocol;
  readonly #times: KeepaliveTimes;
  #bytesReceived: number;
  /** When new bytes were last noticed. */
  #aliveAt: number;
  /** When the last Ping was sent, if nothing has arrived since. */
  #pingedAt: number | undefined = undefined;
  #end: End | undefined = undefined;

  /** @throws TypeError for an unknown option @throws RangeError if a time is out of range */
  constructor(protocol: Protocol, now: number, options: KeepaliveOptions = {}) {
    this.#protocol = protocol;
    checkNames("Keepalive", options, NAMES, {});
    this.#times = readTimes(options);
    this.#bytesReceived = protocol.bytesReceived;
    this.#aliveAt = now;
  }

  /** When tick() next has something to do, if nothing arrives until then. -Infinity means now. */
  get due(): number {
    if (this.expired) return Infinity;
    if (this.#protocol.state !== "open") return this.#end === undefined ? -Infinity : this.#endDue(this.#end);
    return this.#pingedAt === undefined
      ? this.#aliveAt + this.#times.pingInterval
      : this.#pingedAt + this.#times.pongTimeout;
  }

  /** Whether a Ping was sent and nothing has arrived since. */
  get awaitsPong(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** Whether the peer is out of time. If so, cut the stream now, even if there is more to write. */
  get expired(): boolean {
    return this.#end?.expired === true;
  }

  /**
   * Reports another sign of life besides received bytes, for example that the peer still reads. While the connection is
   * closing, this restarts `closeTimeout`.
   */
  alive(now: number): void {
    this.#aliveAt = now;
    this.#pingedAt = undefined;
  }

  /**
   * Does what is due: sends a Ping, or fails the connection. Then write what take() of the Protocol returns.
   *
   * @returns the events of a failed connection, or none
   */
  tick(now: number): ProtocolEvent[] {
    return this.#protocol.state === "open" ? this.#tickOpen(now) : this.#tickEnding(now);
  }

  /** When the time to end the connection is over. */
  #endDue({ begunAt }: End): number {
    const { closeTimeout } = this.#times;
    return Math.min(Math.max(begunAt, this.#aliveAt) + closeTimeout, begunAt + MAX_CLOSE_TIMEOUTS * closeTimeout);
  }

  #tickOpen(now: number): ProtocolEvent[] {
    const { bytesReceived } = this.#protocol;
    if (bytesReceived !== this.#bytesReceived) {
      this.#bytesReceived = bytesReceived;
      this.alive(now);
    } else if (this.#pingedAt === undefined) {
      if (now - this.#aliveAt >= this.#times.pingInterval) {
        this.#pingedAt = now;
        this.#protocol.ping();
      }
    } else if (now - this.#pingedAt >= this.#times.pongTimeout) {
      this.#end = { begunAt: now, expired: false };
      const message = `Nothing was received for ${Math.round(now - this.#pingedAt)} ms after a Ping`;
      const where = { closeCode: CloseCode.PolicyViolation, byteOffset: bytesReceived, rule: "pongTimeout" };
      return this.#protocol.fail(new WebSocketError("WS_ERR_PONG_TIMEOUT", message, where));
    }
    return [];
  }

  #tickEnding(now: number): ProtocolEvent[] {
    const end = (this.#end ??= { begunAt: now, expired: false });
    if (now < this.#endDue(end)) return [];
    end.expired = true;
    return this.#protocol.receiveEnd();
  }
}
