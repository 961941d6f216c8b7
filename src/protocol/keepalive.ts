// Pings that are due, Pongs that do not come, a Close that is not answered: functions of a time that the caller tells.

import { WebSocketError } from "../frame/errors.ts";
import { CloseCode } from "../frame/opcodes.ts";
import type { ProtocolEvent } from "./events.ts";
import { type KeepaliveOptions, type KeepaliveTimes, readTimes } from "./keepalive-times.ts";
import type { Protocol } from "./protocol.ts";

/** However alive it is, a peer has this many times `closeTimeout` to end a connection. */
const MAX_CLOSE_TIMEOUTS = 30;

interface End {
  /** When the connection was first seen not to be open. */
  readonly begunAt: number;
  expired: boolean;
}

/**
 * Watches over one connection. It has no timer: call tick() when `due` has come, or every second or so from one timer for all
 * connections. Read what has arrived first, or a Pong that already waits in the system comes too late.
 *
 * Times are in milliseconds, from any clock that does not go back; use the same one for all calls.
 */
export class Keepalive {
  readonly #protocol: Protocol;
  readonly #times: KeepaliveTimes;
  #bytesReceived: number;
  /** When something was last seen to have arrived. */
  #aliveAt: number;
  /** When the Ping was sent that nothing has come after. */
  #pingedAt: number | undefined = undefined;
  #end: End | undefined = undefined;

  /** @throws RangeError for a time that is out of range */
  constructor(protocol: Protocol, now: number, options: KeepaliveOptions = {}) {
    this.#protocol = protocol;
    this.#times = readTimes(options);
    this.#bytesReceived = protocol.bytesReceived;
    this.#aliveAt = now;
  }

  /** When tick() has something to do next, if nothing arrives before; -Infinity means now. */
  get due(): number {
    if (this.expired) return Infinity;
    if (this.#protocol.state !== "open") return this.#end === undefined ? -Infinity : this.#endDue(this.#end);
    return this.#pingedAt === undefined
      ? this.#aliveAt + this.#times.pingInterval
      : this.#pingedAt + this.#times.pongTimeout;
  }

  /** Whether a Ping has been sent that nothing has come after. */
  get awaitsPong(): boolean {
    return this.#pingedAt !== undefined;
  }

  /** Whether the peer's time is over: cut the stream now, whatever is left to write. */
  get expired(): boolean {
    return this.#end?.expired === true;
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
      const message = `Nothing has arrived for ${Math.round(now - this.#pingedAt)} ms after a Ping`;
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
