// What a connection does from time to time: it looks whether its peer is there, and whether somebody has had enough time.

import { CloseCode, Keepalive, type ProtocolEvent } from "../index.ts";
import type { Channel } from "./channel.ts";
import { wholeMilliseconds } from "./clock.ts";
import type { Flow } from "./flow.ts";
import type { Outbox } from "./outbox.ts";

/** The connection of some Vitals. Not internal itself: the published types of Connection name it. */
export interface VitalsHost {
  /** Whether our Close waits, because somebody may still want to answer what came before the peer's. @internal */
  readonly holdsClose: boolean;
  /** @internal */
  close(code: number, reason: string): void;
  /** Events that came without a chunk. @internal */
  handle(events: readonly ProtocolEvent[]): void;
}

/** @internal */
export class Vitals {
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  readonly #flow: Flow;
  readonly #keepalive: Keepalive;
  #activeAt: number;
  /** Whether something waited in the socket at the last beat. */
  #wasBlocked = false;
  /** Since when an end waits for what this side has to do first: closeTimeout at the most. */
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

  /** The peer has sent something that is not looked at yet. */
  seen(): void {
    this.#keepalive.alive(wholeMilliseconds());
  }

  /** The peer has ended its side, and what came before that is not handled yet. */
  held(): void {
    this.#heldSince ??= wholeMilliseconds();
  }

  /** Returns whether the peer has had its time: then the socket is to be cut. */
  beat(now: number): boolean {
    if (this.#channel.active) this.#activeAt = now;
    this.#channel.active = false;
    if (now - this.#activeAt >= this.#channel.settings.idleTimeout) this.#channel.close(CloseCode.GoingAway, "idle");
    this.#flow.beat();
    // What has come is not looked at yet, and that is our own fault.
    if (this.#flow.isSlicing) this.#keepalive.alive(now);
    this.#noteProgress(now);
    this.#limitHold(now);
    if (!this.#probe(now)) this.#channel.handle(this.#keepalive.tick(now));
    return this.#keepalive.expired;
  }

  /** A peer that goes on taking what had to wait for it is alive. */
  #noteProgress(now: number): void {
    const closing = this.#channel.endpoint.state !== "open" || this.#outbox.closeWaits;
    if (this.#outbox.progress && (this.#wasBlocked || closing)) {
      this.#keepalive.alive(now);
      if (this.#outbox.closeWaits) this.#heldSince = now;
    }
    this.#outbox.progress = false;
    this.#wasBlocked = this.#outbox.inSocket > 0;
  }

  /** After closeTimeout nothing is waited for any more that this side should have done. */
  #limitHold(now: number): void {
    const { holdsClose } = this.#channel;
    if (!holdsClose && !this.#outbox.closeWaits && this.#heldSince === undefined) return;
    this.#heldSince ??= now;
    // The peer's own time begins when our Close is no longer held, also if a stall of ours took up the time until then.
    if (holdsClose || this.#heldClose) this.#keepalive.alive(now);
    this.#heldClose = holdsClose;
    if (now - this.#heldSince < this.#channel.settings.closeTimeout) return;
    this.#outbox.end();
    // What a peer goes on sending still needs room.
    if (holdsClose || this.#channel.socket.readableEnded) this.#flow.finish();
  }

  /**
   * While nothing is read no Pong can be seen. So when one is due, more is read for a while: that, or the end of the stream,
   * shows whether the peer is there. Returns whether that has begun.
   */
  #probe(now: number): boolean {
    const due = this.#flow.isStopped && this.#keepalive.awaitsPong && now >= this.#keepalive.due;
    const begins = due && !this.#flow.probing && this.#flow.canProbe;
    // With no room left only what is written can tell: a socket whose peer has gone fails.
    if (due && !this.#flow.canProbe) this.#keepalive.alive(now);
    if (begins || (this.#flow.probing && !due)) {
      this.#flow.probing = begins;
      this.#flow.run();
    }
    return begins;
  }
}
