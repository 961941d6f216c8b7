/** How many Pings may wait for their Pongs. */
const MOST_PINGS = 4;

/**
 * What keeps the load from running ahead of a server that does not answer: a Ping after each write. Its Pong tells that the
 * server has read what came before it. One Pong may answer several Pings (RFC 6455 §5.5.3), so they are numbered.
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

  /** A Pong has come; one that answers no Ping of ours means nothing. */
  pass(payload: Uint8Array): void {
    const number = Number(Buffer.from(payload).toString("latin1"));
    if (number > this.#passed && number <= this.#sent) this.#passed = number;
  }
}
