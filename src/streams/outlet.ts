// The readable end of a pair: a queue measured in bytes. Its producer can wait for room, and can see whether the reader
// is done with an item.

/** How an Outlet is set up. @internal */
export interface OutletOptions<T> {
  /** The size of an item in bytes, more than 0. */
  readonly size: (item: T) => number;
  readonly highWaterMark: number;
  /** The reader has taken an item out of the queue, or asks for one that is not there yet. */
  readonly pulled?: () => void;
  /** The reader has cancelled. */
  readonly cancelled: (reason: unknown) => void;
}

/** Once this many items have been taken, the queue is compacted. */
const COMPACT = 1024;
/** The stream gets about this many bytes at once, because reading from its own queue is faster. */
const BATCH = 16384;

/**
 * The stream has a mark of 0, so each pull() is a pending read() for which the stream has no item. If there is no item
 * here either, the reader is done with the previous one and wants the next.
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
  /** The bytes of the queue, without those in the stream. */
  #itemBytes = 0;
  /** The size of the item that is being passed to the stream. */
  #nextSize = 0;
  #wanted = false;
  #handedOut = false;
  #ended = false;
  /** How the readable ends once the queue has been read. */
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
      { highWaterMark: 0, size: () => this.#nextSize },
    );
  }

  /** Whether it was closed or cancelled, or has failed. Items are then dropped. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the producer should wait. */
  get full(): boolean {
    return !this.#ended && !this.#wanted && this.queuedBytes >= this.#highWaterMark;
  }

  /** Whether the reader is waiting for an item. */
  get wanted(): boolean {
    return this.#wanted && !this.#ended;
  }

  /** Whether items are queued, or the reader has one and has not asked for the next. */
  get isBehind(): boolean {
    return !this.#ended && (this.#handedOut || this.#first < this.#items.length);
  }

  /** How many bytes wait to be read. */
  get queuedBytes(): number {
    return this.#itemBytes - (this.#controller.desiredSize ?? 0);
  }

  enqueue(item: T): void {
    if (this.#ended) return;
    const size = this.#size(item);
    if (this.#wanted) {
      this.#handOut(item, size);
    } else {
      this.#items.push(item);
      this.#sizes.push(size);
      this.#itemBytes += size;
    }
  }

  /** Waits for room, or for the end. */
  async ready(): Promise<void> {
    while (this.full) await this.pulled();
  }

  /** Waits until the reader takes or wants an item, or for the end. */
  pulled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Closes the readable after the queued items. */
  close(): void {
    this.#end({});
  }

  /** Fails the readable after the queued items, so that these are read first. */
  fail(error: unknown): void {
    this.#end({ error });
  }

  /** Fails the readable now. */
  abort(error: unknown): void {
    if (!this.#ended || this.#ending) this.#controller.error(error);
    this.#drop();
  }

  #pull(): void {
    if (this.#first === this.#items.length) {
      this.#handedOut = false;
      this.#wanted = true;
      this.#endIfRead();
      return;
    }
    let batch = 0;
    do {
      const size = this.#sizes[this.#first]!;
      this.#handOut(this.#items[this.#first++]!, size);
      this.#itemBytes -= size;
      batch += size;
    } while (this.#first < this.#items.length && batch + this.#sizes[this.#first]! <= BATCH);
    if (this.#first === this.#items.length || (this.#first >= COMPACT && 2 * this.#first >= this.#items.length)) {
      this.#items = this.#items.slice(this.#first);
      this.#sizes = this.#sizes.slice(this.#first);
      this.#first = 0;
    }
    this.#endIfRead();
  }

  #handOut(item: T, size: number): void {
    this.#wanted = false;
    this.#handedOut = true;
    this.#nextSize = size;
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
    // error() would drop the items that the stream holds; close() would not.
    if ("error" in ending && this.#controller.desiredSize! < 0) return;
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
    this.#itemBytes = 0;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
