/** How many Pings may wait for their Pongs. */
const MOST_PINGS = 4;

/**
 * Keeps the load from running ahead of a server that does not answer. A Ping follows each write, and its Pong shows that the
 * server has read everything before it. Pings are numbered, because one Pong may answer several (RFC 6455 §5.5.3).
 */
export class Fence {
  #sent = 0;
  #passed = 0;

  /** How many Pings wait for their Pongs. */
  get waiting(): number {
    return this.#sent - this.#passed;
  }

  get isOpen(): boolean {
    return this.waiting < MOST_PINGS;
  }

  /** Counts a Ping. @returns its payload */
  next(): string {
    return String(++this.#sent);
  }

  /** Notes a Pong. Ignores one that answers none of our Pings. */
  pass(payload: Uint8Array): void {
    const number = Number(Buffer.from(payload).toString("latin1"));
    if (number > this.#passed && number <= this.#sent) this.#passed = number;
  }
}
