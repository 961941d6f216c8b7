// The transports that carry a peer's bytes, called lines: streams of Node, and web streams in memory.

import type { Duplex } from "node:stream";
import type { ByteDuplex } from "../../../src/streams/index.ts";
import type { Line } from "./peer.ts";

/** The line of a peer with a stream of Node. */
export class DuplexLine implements Line {
  receive: (chunk: Uint8Array) => void = () => {};
  finished: () => void = () => {};
  readonly #stream: Duplex;
  readonly #reset: () => void;

  /** @param reset cuts the underlying TCP connection */
  constructor(stream: Duplex, reset: () => void) {
    this.#stream = stream;
    this.#reset = reset;
    stream.on("data", (chunk: Buffer) => this.receive(chunk));
    stream.on("end", () => this.finished());
    stream.on("close", () => this.finished());
    stream.on("error", () => {});
  }

  get waiting(): number {
    return this.#stream.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.#stream.writable) this.#stream.write(bytes);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  reset(): void {
    this.#reset();
  }
}

/** The line of a peer with web streams. */
export class WebLine implements Line {
  receive: (chunk: Uint8Array) => void = () => {};
  finished: () => void = () => {};
  waiting = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #paused = false;
  #resumed: () => void = () => {};

  constructor({ readable, writable }: ByteDuplex) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
    void this.#read();
  }

  write(bytes: Uint8Array): void {
    this.waiting += bytes.length;
    this.#writer.write(bytes).then(
      () => (this.waiting -= bytes.length),
      () => {},
    );
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#resumed();
  }

  end(): void {
    this.#writer.close().catch(() => {});
  }

  reset(): void {
    const reason = new Error("cut");
    this.#writer.abort(reason).catch(() => {});
    this.#reader.cancel(reason).catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        while (this.#paused) await new Promise<void>((resolve) => (this.#resumed = resolve));
        const { done, value } = await this.#reader.read();
        if (done) break;
        // A chunk that was being read when the line was paused waits here.
        while (this.#paused) await new Promise<void>((resolve) => (this.#resumed = resolve));
        this.receive(value);
      }
    } catch {
      // The line was cut.
    }
    this.finished();
  }
}

/** Two ends of a connection in memory. */
export function memoryPair(): [near: ByteDuplex, far: ByteDuplex] {
  const there = new TransformStream<Uint8Array, Uint8Array>();
  const back = new TransformStream<Uint8Array, Uint8Array>();
  return [
    { readable: back.readable, writable: there.writable },
    { readable: there.readable, writable: back.writable },
  ];
}
