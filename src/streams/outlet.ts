// The readable end of a pair: a queue measured in bytes whose producer can wait until there is room, and can see whether the
// reader is done with what it was given.

/** How an Outlet is set up. @internal */
export interface OutletOptions<T> {
  /** In bytes, more than 0. */
  readonly size: (item: T) => number;
  readonly highWaterMark: number;
  /** The reader has taken an item out of the queue, or asks for one that is not there yet. */
  readonly pulled?: () => void;
  /** Nobody reads any more. */
  readonly cancelled: (reason: unknown) => void;
}

/** From this many taken items on, their places in the queue are given back. */
const COMPACT = 1024;

/**
 * The queue is its own and not that of its stream, which never holds an item: so every pull() is a read() that waits, and one
 * that finds the queue empty says that the reader wants the next item.
 * @internal
 */
export class Outlet<T> {
  readonly readable: ReadableStream<T>;
  readonly #size: (item: T) => number;
  readonly #highWaterMark: number;
  #controller!: ReadableStreamDefaultController<T>;
  #items: T[] = [];
  #sizes: number[] = [];
  #first = 0;
  #queuedBytes = 0;
  #wanted = false;
  #handedOut = false;
  #ended = false;
  /** How it ends when the queue has been read. */
  #ending: { readonly error?: unknown } | undefined = undefined;
  #waiting: (() => void)[] = [];

  constructor({ size, highWaterMark, pulled, cancelled }: OutletOptions<T>) {
    this.#size = size;
    this.#highWaterMark = highWaterMark;
    this.readable = new ReadableStream<T>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#pull();
          pulled?.();
          this.#wake();
        },
        cancel: (reason) => {
          this.#drop();
          cancelled(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** Whether it has been closed, cancelled or has failed: what is enqueued then is dropped. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the producer should wait. */
  get full(): boolean {
    return !this.#ended && !this.#wanted && this.#queuedBytes >= this.#highWaterMark;
  }

  /** Whether the reader waits for something. */
  get wanted(): boolean {
    return this.#wanted && !this.#ended;
  }

  /** Whether items wait, or the reader has been given one and has not asked for the next. */
  get isBehind(): boolean {
    return !this.#ended && (this.#handedOut || this.#first < this.#items.length);
  }

  /** How many bytes wait to be read. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  enqueue(item: T): void {
    if (this.#ended) return;
    if (this.#wanted) {
      this.#handOut(item);
    } else {
      const size = this.#size(item);
      this.#items.push(item);
      this.#sizes.push(size);
      this.#queuedBytes += size;
    }
  }

  /** Waits until there is room, or the end. */
  async ready(): Promise<void> {
    while (this.full) await this.pulled();
  }

  /** Waits for the next time that the reader takes or wants an item, or the end. */
  pulled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Ends it, after what is queued. */
  close(): void {
    this.#end({});
  }

  /** Errors it, after what is queued: what came before an error is read before it. */
  fail(error: unknown): void {
    this.#end({ error });
  }

  /** Errors it now. */
  abort(error: unknown): void {
    if (!this.#ended || this.#ending) this.#controller.error(error);
    this.#drop();
  }

  #pull(): void {
    if (this.#first === this.#items.length) {
      this.#handedOut = false;
      this.#wanted = true;
      return;
    }
    const item = this.#items[this.#first]!;
    this.#queuedBytes -= this.#sizes[this.#first++]!;
    if (this.#first === this.#items.length || (this.#first >= COMPACT && 2 * this.#first >= this.#items.length)) {
      this.#items = this.#items.slice(this.#first);
      this.#sizes = this.#sizes.slice(this.#first);
      this.#first = 0;
    }
    this.#handOut(item);
    this.#endIfRead();
  }

  #handOut(item: T): void {
    this.#wanted = false;
    this.#handedOut = true;
    this.#controller.enqueue(item);
  }

  #end(ending: { readonly error?: unknown }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#ending = ending;
    this.#endIfRead();
    this.#wake();
  }

  #endIfRead(): void {
    const ending = this.#ending;
    if (ending === undefined || this.#first < this.#items.length) return;
    this.#ending = undefined;
    if ("error" in ending) this.#controller.error(ending.error);
    else this.#controller.close();
  }

  #drop(): void {
    this.#ended = true;
    this.#ending = undefined;
    this.#items = [];
    this.#sizes = [];
    this.#first = 0;
    this.#queuedBytes = 0;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
