// Keeps messages in order while a Blob is read: everything sent after it waits.

import type { SendCallback } from "./web-socket.ts";

/** A message or a control frame that waits. */
export interface Waiting {
  /** In bytes. */
  readonly size: number;
  readonly callback: SendCallback | undefined;
  /** Has to be read before it can be sent. */
  readonly blob: Blob | undefined;
  /** Sends it. `data` has the bytes of the Blob, if there is one. */
  send(data?: Uint8Array): void;
}

/** Sends messages in order, reading Blobs first. @internal */
export class BlobQueue {
  /** The number of bytes that wait. */
  bytes = 0;
  #waiting: Waiting[] = [];
  #ended = false;
  readonly #failed: (error: Error) => void;

  /** `failed` is called if a Blob cannot be read. Nothing more is sent then. */
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

  /** The connection has ended: calls all callbacks with the error. */
  end(error: Error): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.bytes = 0;
    for (const { callback } of waiting) callback?.(error);
  }

  /** Never rejects. */
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
