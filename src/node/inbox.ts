/** A text message as bytes, where others are binary. */
export class TextBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }
}

type Message = string | Uint8Array<ArrayBuffer> | TextBytes;

/** What a message takes beside its payload, in bytes, about: so that empty ones count too. */
const OVERHEAD = 64;

/** Once this many messages have been taken out, their places are given back. */
const COMPACT = 1024;

/** Messages that wait for somebody to read them: first in, first out, each in constant time. */
export class Inbox {
  #messages: (Message | undefined)[] = [];
  /** Where the next one stands. */
  #first = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#first === this.#messages.length;
  }

  /** How much memory the messages take, about. */
  get bytes(): number {
    return this.#bytes;
  }

  push(message: Message): void {
    this.#messages.push(message);
    this.#bytes += message.length + OVERHEAD;
  }

  shift(): Message | undefined {
    const message = this.#messages[this.#first];
    if (message === undefined) return undefined;
    this.#messages[this.#first++] = undefined;
    this.#bytes -= message.length + OVERHEAD;
    if (this.#first >= COMPACT && 2 * this.#first >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    return message;
  }
}
