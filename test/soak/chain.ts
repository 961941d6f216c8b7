// A chain of hashes of messages. Each hash covers its message and the previous hash.

import type { Direction } from "./report.ts";

/** SHA-256. It may be asynchronous because browsers have no synchronous version. */
export type Sha256 = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array | Promise<Uint8Array>;

/** The number of hex digits of a hash that are reported. */
const DIGITS = 16;
const SIZE = 32;
const encoder = new TextEncoder();

export class Chain {
  readonly #sha256: Sha256;
  #last: Promise<Uint8Array> = Promise.resolve(new Uint8Array(SIZE));
  readonly #hashes: string[] = [];
  #count = 0;
  #bytes = 0;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  get count(): number {
    return this.#count;
  }

  add(data: string | Uint8Array): void {
    const isText = typeof data === "string";
    const payload = isText ? encoder.encode(data) : data;
    const input = new Uint8Array(SIZE + 1 + payload.length);
    input[SIZE] = isText ? 1 : 2;
    input.set(payload, SIZE + 1);
    this.#count++;
    this.#bytes += payload.length;
    this.#last = this.#last.then(async (last) => {
      input.set(last);
      const hash = await this.#sha256(input);
      this.#hashes.push(
        Array.from(hash.subarray(0, DIGITS / 2), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      );
      return hash;
    });
  }

  async direction(): Promise<Direction> {
    await this.#last;
    return { count: this.#count, bytes: this.#bytes, hashes: this.#hashes };
  }
}
