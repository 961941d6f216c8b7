/** A text message as bytes, to tell it from a binary message. */
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

/** About how many bytes a message takes in addition to its payload, so that empty ones count too. */
const OVERHEAD = 64;

/** Once this many messages have been taken, the array is compacted. */
const COMPACT = 1024;

/** Unread messages: first in, first out, each in constant time. */
export class Inbox {
  #messages: (Message | undefined)[] = [];
  /** The index of the next message. */
  #first = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#first === this.#messages.length;
  }

  /** About how much memory the messages take, in bytes. */
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
