// Checks a connection from time to time: whether its peer is alive, and whether a time limit has passed.

import { CloseCode, Keepalive, type ProtocolEvent } from "../index.ts";
import type { Channel } from "./channel.ts";
import { wholeMilliseconds } from "./clock.ts";
import type { Flow } from "./flow.ts";
import type { Outbox } from "./outbox.ts";

/** The connection of some Vitals. Not marked internal, because the published types of Connection name it. */
export interface VitalsHost {
  /** Whether our Close waits, so that messages from before the peer's Close can still be answered. @internal */
  readonly holdsClose: boolean;
  /** @internal */
  close(code: number, reason: string): void;
  /** Handles events that do not come from a chunk. @internal */
  handle(events: readonly ProtocolEvent[]): void;
}

/** @internal */
export class Vitals {
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #flow: Flow;
  readonly #keepalive: Keepalive;
  #activeAt: number;
  /** Whether data waited in the socket at the last beat. */
  #wasBlocked = false;
  /** Since when the end waits for this side: up to closeTimeout. */
  #heldSince: number | undefined = undefined;
  /** Whether our Close was held at the last beat. */
  #heldClose = false;

  constructor(channel: Channel, outbox: Outbox, flow: Flow) {
    const now = wholeMilliseconds();
    this.#channel = channel;
    this.#outbox = outbox;
    this.#flow = flow;
    this.#keepalive = new Keepalive(channel.endpoint, now, channel.settings.times);
    this.#activeAt = now;
  }

  /** The peer has sent data that is not decoded yet. */
  seen(): void {
    this.#keepalive.alive(wholeMilliseconds());
  }

  /** The peer has ended its side, but earlier data is not handled yet. */
  held(): void {
    this.#heldSince ??= wholeMilliseconds();
  }

  /** Returns whether the peer's time is over. If so, cut the socket. */
  beat(now: number): boolean {
    if (this.#channel.active) this.#activeAt = now;
    this.#channel.active = false;
    if (now - this.#activeAt >= this.#channel.settings.idleTimeout) this.#channel.close(CloseCode.GoingAway, "idle");
    this.#flow.beat();
    // Received data is not decoded yet, which is our own fault.
    if (this.#flow.isSlicing) this.#keepalive.alive(now);
    this.#noteProgress(now);
    this.#limitHold(now);
    if (!this.#probe(now)) this.#channel.handle(this.#keepalive.tick(now));
    return this.#keepalive.expired;
  }

  /** A peer that takes waiting data is alive. */
  #noteProgress(now: number): void {
    const closing = this.#channel.endpoint.state !== "open" || this.#outbox.closeWaits;
    if (this.#outbox.progress && (this.#wasBlocked || closing)) {
      this.#keepalive.alive(now);
      if (this.#outbox.closeWaits) this.#heldSince = now;
    }
    this.#outbox.progress = false;
    this.#wasBlocked = this.#outbox.inSocket > 0;
  }

  /** After closeTimeout, the end no longer waits for this side. */
  #limitHold(now: number): void {
    const { holdsClose } = this.#channel;
    if (!holdsClose && !this.#outbox.closeWaits && this.#heldSince === undefined) return;
    this.#heldSince ??= now;
    // The peer's own time starts once our Close is no longer held, even if a stall of ours has used up the time until
    // then.
    if (holdsClose || this.#heldClose) this.#keepalive.alive(now);
    this.#heldClose = holdsClose;
    if (now - this.#heldSince < this.#channel.settings.closeTimeout) return;
    this.#outbox.end();
    // There must be room for what the peer still sends.
    if (holdsClose || this.#channel.socket.readableEnded) this.#flow.finish();
  }

  /**
   * While nothing is read, no Pong can be seen. When one is due, read more for a while: any data, or the end of the
   * stream, shows whether the peer is alive. Returns whether that has started.
   */
  #probe(now: number): boolean {
    const due = this.#flow.isStopped && this.#keepalive.awaitsPong && now >= this.#keepalive.due;
    const begins = due && !this.#flow.probing && this.#flow.canProbe;
    // Without room for that, only a write can show it: the socket fails if the peer is gone.
    if (due && !this.#flow.canProbe) this.#keepalive.alive(now);
    if (begins || (this.#flow.probing && !due)) {
      this.#flow.probing = begins;
      this.#flow.run();
    }
    return begins;
  }
}
