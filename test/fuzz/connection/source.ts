// Sources of messages in pieces. Each records how it is used.

import { Readable } from "node:stream";
import type { Call } from "./case.ts";

type PiecesCall = Extract<Call, { call: "pieces" }>;
type Piece = string | Uint8Array;

export class SourceError extends Error {}

export class Source {
  /** Whether the source has ended, thrown, or been told to stop. */
  over = false;
  begun = false;
  /** Whether the source has thrown. */
  failed = false;
  asked = 0;
  readonly #call: PiecesCall;
  readonly #pieces: readonly Buffer[];
  /** One buffer that all pieces use. Streams read ahead, so they have none. */
  readonly #buffer: Uint8Array | undefined;

  /** @param data the complete message */
  constructor(call: PiecesCall, data: Buffer) {
    this.#call = call;
    let at = 0;
    this.#pieces = call.sizes.map((size) => data.subarray(at, (at += size)));
    this.#buffer =
      call.reuses && !call.stream && call.kind === "binary" ? new Uint8Array(Math.max(0, ...call.sizes)) : undefined;
  }

  get iterable(): AsyncIterable<Piece> {
    return this.#call.stream ? this.#stream() : { [Symbol.asyncIterator]: () => this.#iterator() };
  }

  #stream(): AsyncIterable<Piece> {
    const iterator = this.#iterator();
    const stream = new Readable({
      objectMode: true,
      highWaterMark: 1,
      read: () => {
        void Promise.resolve(iterator.next()).then(
          ({ done, value }) => void stream.push(done ? null : value),
          (error: unknown) => void stream.destroy(error as Error),
        );
      },
      destroy: (error, done) => {
        this.over = true;
        done(error);
      },
    });
    return stream;
  }

  #iterator(): AsyncIterator<Piece> {
    const wait = this.#call.wait;
    const settle = (act: () => IteratorResult<Piece>): Promise<IteratorResult<Piece>> => {
      // Some iterators return their result without a promise.
      if (wait < 0) return act() as unknown as Promise<IteratorResult<Piece>>;
      if (wait === 0) return Promise.resolve().then(act);
      return new Promise((resolve, reject) => {
        setTimeout(() => {
          try {
            resolve(act());
          } catch (error) {
            reject(error as Error);
          }
        }, wait);
      });
    };
    return {
      next: () => {
        this.begun = true;
        // The source may now reuse the buffer of the last piece.
        this.#buffer?.fill(0xee);
        return settle(() => this.#next());
      },
      return: () => {
        this.over = true;
        return settle(() => ({ done: true, value: undefined }));
      },
    };
  }

  #next(): IteratorResult<Piece> {
    const index = this.asked++;
    if (index === this.#call.fails) {
      this.over = true;
      this.failed = true;
      throw new SourceError("the source has failed");
    }
    const piece = this.#pieces[index];
    if (piece === undefined) {
      this.over = true;
      return { done: true, value: undefined };
    }
    if (this.#call.kind === "text") return { done: false, value: piece.toString() };
    if (this.#buffer === undefined) return { done: false, value: new Uint8Array(piece) };
    this.#buffer.set(piece);
    return { done: false, value: this.#buffer.subarray(0, piece.length) };
  }
}
