// What `bufferedAmount` tells.

/** What is asked of a connection: an upper bound for the bytes that it has not written. */
interface Writer {
  readonly bufferedAmount: number;
}

/**
 * Counts the bytes of messages that the system has not taken: of application data, so without framing. Within a task the
 * number only grows; later it is also bounded by what the connection has not written. Compressed messages then count what is
 * left of them. What could not be sent counts for ever.
 * @internal
 */
export class Unsent {
  #writer: Writer | undefined = undefined;
  /** Messages that the connection has, or had. */
  #given = 0;
  /** Blobs that are being read. */
  #blobs = 0;
  #lost = 0;
  /** Whether a message was sent in this task. */
  #fresh = false;

  get amount(): number {
    return this.#lost + this.#blobs + this.#settle();
  }

  /** The connection that takes the messages from now on. */
  set writer(writer: Writer) {
    this.#writer = writer;
  }

  give(length: number): void {
    this.#given = this.#settle() + length;
    if (this.#fresh) return;
    this.#fresh = true;
    setImmediate(() => (this.#fresh = false));
  }

  /** Counts a Blob until `sent` says that the connection has all of it, or has not taken it. */
  async giveBlob(length: number, sent: Promise<boolean>): Promise<void> {
    this.#blobs += length;
    const given = await sent;
    this.#blobs -= length;
    if (given) this.give(length);
    else this.lose(length);
  }

  lose(length: number): void {
    this.#lost += length;
  }

  /** The connection is over: what it still has is lost. */
  end(): void {
    this.#lost += this.#settle();
    this.#given = 0;
    this.#writer = undefined;
  }

  #settle(): number {
    if (!this.#fresh && this.#writer !== undefined) this.#given = Math.min(this.#given, this.#writer.bufferedAmount);
    return this.#given;
  }
}
