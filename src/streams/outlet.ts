// The readable end of a pair: a queue measured in bytes whose producer can wait until there is room.

/** How an Outlet is set up. @internal */
export interface OutletOptions<T> {
  /** In bytes, more than 0. */
  readonly size: (item: T) => number;
  readonly highWaterMark: number;
  /** There is room. */
  readonly pulled?: () => void;
  /** Nobody reads any more. */
  readonly cancelled: (reason: unknown) => void;
}

/** @internal */
export class Outlet<T> {
  readonly readable: ReadableStream<T>;
  readonly #highWaterMark: number;
  #controller!: ReadableStreamDefaultController<T>;
  /** Whether the reader has asked since the last enqueue(): with a mark of 0 there is no other sign. */
  #wanted = false;
  #ended = false;
  #failure: { readonly error: unknown } | undefined = undefined;
  #waiting: (() => void)[] = [];

  constructor({ size, highWaterMark, pulled, cancelled }: OutletOptions<T>) {
    this.#highWaterMark = highWaterMark;
    this.readable = new ReadableStream<T>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#wanted = true;
          if (this.#failure && this.#empty) this.#controller.error(this.#failure.error);
          pulled?.();
          this.#wake();
        },
        cancel: (reason) => {
          this.#ended = true;
          this.#wake();
          cancelled(reason);
        },
      },
      { size, highWaterMark },
    );
  }

  /** Whether it has been closed, cancelled or has failed: what is enqueued then is dropped. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the producer should wait. */
  get full(): boolean {
    return !this.#ended && !this.#wanted && this.#controller.desiredSize! <= 0;
  }

  /** Whether the reader waits for something. */
  get wanted(): boolean {
    return this.#wanted && !this.#ended;
  }

  /** How many bytes wait to be read. */
  get queuedBytes(): number {
    return this.#ended ? 0 : this.#highWaterMark - this.#controller.desiredSize!;
  }

  get #empty(): boolean {
    return this.#controller.desiredSize === this.#highWaterMark;
  }

  enqueue(item: T): void {
    if (this.#ended) return;
    this.#wanted = false;
    this.#controller.enqueue(item);
  }

  /** Waits until the reader has asked for more, or the end. */
  async ready(): Promise<void> {
    while (this.full) await this.pulled();
  }

  /** Waits for the next time that there is room, or the end. */
  pulled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Ends it, after what is queued. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#controller.close();
    this.#wake();
  }

  /** Errors it, after what is queued: what came before an error is read before it. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#empty) this.#controller.error(error);
    else this.#failure = { error };
    this.#wake();
  }

  /** Errors it now. */
  abort(error: unknown): void {
    if (!this.#ended || this.#failure) this.#controller.error(error);
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
