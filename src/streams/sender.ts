// Moves bytes from a Protocol to the writable of a duplex.

import { concat } from "../frame/bytes.ts";
import type { Protocol } from "../index.ts";

/**
 * Queued data is sent this many microtasks after the last message. A message takes about ten of them from one stream to
 * the next, so the answers to a chunk leave together, and without a timer.
 */
const TURNS = 16;
/**
 * Before a Close that answers the peer's, the number is higher, because a pipe may lead through transform streams, and
 * reads ahead of its writes.
 */
const CLOSE_TURNS = 4 * TURNS;
/** From this many bytes on, queued data is sent without waiting for more, and a writer waits. */
const BATCH = 65536;
/** The most that is written at once: there is progress after each write. */
const SLICE = 131072;
const HOLD_CLOSE = { holdClose: true } as const;

/** The connection of a Sender. @internal */
export interface SenderHost {
  /** Whether our Close waits, so that messages from before the peer's Close can still be answered. */
  readonly holdsClose: boolean;
  /** The duplex has taken data. */
  taken(): void;
  /** Everything has been written, or the stream has ended. */
  advance(): void;
  /** The stream has failed. */
  failed(error: unknown): void;
}

/** @internal */
export class Sender {
  readonly #protocol: Protocol;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #host: SenderHost;
  /** Serialized ahead of time, but not written. */
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #flushing = false;
  /** Microtasks to wait before the next flush. */
  #turns = 0;
  /** Resumes the write that waits for room. */
  #release: () => void = () => {};
  /** Whether close() was called on the writable. */
  #closing = false;
  #ended = false;
  #hasFailed = false;

  constructor(protocol: Protocol, writer: WritableStreamDefaultWriter<Uint8Array>, host: SenderHost) {
    this.#protocol = protocol;
    this.#writer = writer;
    this.#host = host;
    writer.closed.catch((error: unknown) => this.fail(error));
  }

  /** Whether nothing more can be written. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the stream has failed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Whether everything has been written. */
  get isIdle(): boolean {
    return this.#ended || (!this.#flushing && this.#queuedBytes === 0);
  }

  get #queuedBytes(): number {
    return this.#chunkBytes + this.#protocol.bufferedAmount;
  }

  /** Serializes the queued messages, so that they no longer need this buffer. */
  free(buffer: ArrayBufferLike): void {
    for (const chunk of slices(this.#protocol.take(HOLD_CLOSE), buffer)) {
      this.#chunks.push(chunk);
      this.#chunkBytes += chunk.length;
    }
  }

  /** Sends the queued data, once no more has been added for some microtasks. */
  flushSoon(): void {
    if (this.#ended) return;
    if (this.#protocol.state === "closing" && this.#protocol.canSend) this.#turns = CLOSE_TURNS;
    else this.#turns = this.#queuedBytes < BATCH ? TURNS : 0;
    if (this.#flushing) return;
    this.#flushing = true;
    void this.#flush();
  }

  /** Whether a writer should wait for room(). */
  get isFull(): boolean {
    return !this.#ended && this.#queuedBytes >= BATCH;
  }

  /** Waits until the queued data is being written, or for the end. Only one caller may wait at a time. */
  room(): Promise<void> {
    return new Promise((resolve) => (this.#release = resolve));
  }

  /** Ends the stream. */
  close(): void {
    if (this.#closing || this.#ended) return;
    this.#closing = true;
    this.#writer.close().then(
      () => {
        this.#ended = true;
        this.#host.advance();
      },
      (error: unknown) => this.fail(error),
    );
  }

  /** Fails the stream, unless it has failed already. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#hasFailed = true;
    this.#end(error);
    this.#host.failed(error);
  }

  /** Unlocks the stream, and aborts it if it has not ended. */
  release(error: unknown): void {
    if (!this.#ended) this.#end(error);
    this.#writer.releaseLock();
  }

  #end(error: unknown): void {
    this.#ended = true;
    this.#writer.abort(error).catch(() => {});
    this.#release();
  }

  /** It never rejects. */
  async #flush(): Promise<void> {
    try {
      for (;;) {
        do await undefined;
        while (--this.#turns > 0);
        if (!this.#ended && !(this.#writer.desiredSize! > 0)) await this.#writer.ready;
        if (this.#ended) break;
        const chunks = this.#chunks;
        const parts = this.#protocol.take(this.#host.holdsClose ? HOLD_CLOSE : undefined);
        if (chunks.length + parts.length === 0) break;
        this.#chunks = [];
        this.#chunkBytes = 0;
        for (const chunk of slices(parts)) chunks.push(chunk);
        this.#release();
        for (const chunk of chunks) {
          // One at a time, because some duplexes count chunks instead of bytes and would accept thousands.
          await this.#writer.write(chunk);
          if (this.#ended) return;
          this.#host.taken();
        }
      }
    } catch (error) {
      this.fail(error);
    }
    this.#flushing = false;
    this.#host.advance();
  }
}

/**
 * Groups the bytes into as few chunks of at most SLICE bytes as possible, without copying large parts. Copies
 * everything that is in the `borrowed` buffer.
 */
function* slices(parts: readonly Uint8Array[], borrowed?: ArrayBufferLike): Generator<Uint8Array, void> {
  let small: Uint8Array[] = [];
  let size = 0;
  for (const part of parts) {
    if (size > 0 && size + part.length > SLICE) {
      yield join(small, borrowed);
      small = [];
      size = 0;
    }
    if (part.length <= SLICE) {
      small.push(part);
      size += part.length;
    } else {
      for (let at = 0; at < part.length; at += SLICE) yield join([part.subarray(at, at + SLICE)], borrowed);
    }
  }
  if (size > 0) yield join(small, borrowed);
}

function join(parts: readonly Uint8Array[], borrowed: ArrayBufferLike | undefined): Uint8Array {
  return parts.length === 1 && parts[0]!.buffer !== borrowed ? parts[0]! : concat(parts);
}
