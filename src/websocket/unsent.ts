// Computes `bufferedAmount` of a WebSocket.

/** The part of a connection that is used here. `bufferedAmount` is an upper bound for the bytes that it has not written. */
interface Writer {
  readonly bufferedAmount: number;
}

/**
 * Counts the bytes of messages that the system has not accepted, without framing. Within a task the number only grows. In later
 * tasks it is not more than the number of bytes that the connection has not written, so a compressed message counts its
 * compressed bytes. Messages that could not be sent count forever.
 * @internal
 */
export class Unsent {
  #writer: Writer | undefined = undefined;
  /** The bytes of messages that were passed to the connection and may not be written yet. */
  #given = 0;
  /** The bytes of Blobs that are being read. */
  #blobs = 0;
  #lost = 0;
  /** Whether a message was sent in the current task. */
  #fresh = false;

  get amount(): number {
    return this.#lost + this.#blobs + this.#settle();
  }

  /** Sets the connection that sends the messages. */
  set writer(writer: Writer) {
    this.#writer = writer;
  }

  give(length: number): void {
    this.#given = this.#settle() + length;
    if (this.#fresh) return;
    this.#fresh = true;
    setImmediate(() => (this.#fresh = false));
  }

  /** Counts a Blob until `sent` resolves: true if the connection has all of it, false if it was not sent. */
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

  /** Ends the counting. Bytes that the connection has not written are lost. */
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
