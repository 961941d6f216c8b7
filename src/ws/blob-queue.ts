// What waits while a Blob is read: everything that was sent after it.

import type { SendCallback } from "./web-socket.ts";

/** Something that was sent. */
export interface Waiting {
  /** In bytes. */
  readonly size: number;
  readonly callback: SendCallback | undefined;
  /** What is to be read before it can be sent. */
  readonly blob: Blob | undefined;
  /** Sends it, with the bytes of the Blob if there is one. */
  send(data?: Uint8Array): void;
}

/** Sends in order what waits. @internal */
export class BlobQueue {
  /** How many bytes wait. */
  bytes = 0;
  #waiting: Waiting[] = [];
  #ended = false;
  readonly #failed: (error: Error) => void;

  /** `failed` is called if a Blob cannot be read: nothing more is sent then. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  push(waiting: Waiting): void {
    this.bytes += waiting.size;
    if (this.#waiting.push(waiting) === 1) void this.#sendAll();
  }

  /** The connection is over: the callbacks are told. */
  end(error: Error): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.bytes = 0;
    for (const { callback } of waiting) callback?.(error);
  }

  /** It never rejects. */
  async #sendAll(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      let data: Uint8Array | undefined;
      try {
        data = next.blob && new Uint8Array(await next.blob.arrayBuffer());
      } catch (error) {
        if (this.#ended) return;
        this.end(error as Error);
        this.#failed(error as Error);
        return;
      }
      if (this.#ended) return;
      this.#waiting.shift();
      this.bytes -= next.size;
      next.send(data);
    }
  }
}
