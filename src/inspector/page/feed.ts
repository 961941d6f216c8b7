// Decodes in short slices of time, so that the page stays responsive.

/** Length of a slice, in milliseconds. */
const SLICE = 6;
/** How many bytes to decode before checking the clock again. */
const STEP = 8192;

interface Portion {
  readonly bytes: Uint8Array;
  readonly to: (bytes: Uint8Array) => void;
}

/** A queue of bytes for taps, and of functions to call in between. */
export class Feed {
  #queue: (Portion | (() => void))[] = [];
  #at = 0;
  #running = false;
  /** Starts a turn of the event loop without the delay of timers. */
  readonly #turns = new MessageChannel();

  constructor() {
    this.#turns.port1.addEventListener("message", () => this.#run());
    this.#turns.port1.start();
  }

  /** Queues bytes. Do not write to them afterwards. */
  push(bytes: Uint8Array, to: (bytes: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length; at += STEP) this.#queue.push({ bytes: bytes.subarray(at, at + STEP), to });
    this.#start();
  }

  /** Queues a function, which is called when everything before it has been decoded. */
  whenDone(call: () => void): void {
    this.#queue.push(call);
    this.#start();
  }

  /** Empties the queue. */
  clear(): void {
    this.#queue = [];
    this.#at = 0;
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#turns.port2.postMessage(null);
  }

  #run(): void {
    const stop = performance.now() + SLICE;
    while (this.#at < this.#queue.length) {
      const next = this.#queue[this.#at++]!;
      if (typeof next === "function") next();
      else next.to(next.bytes);
      if (performance.now() > stop) break;
    }
    this.#running = false;
    if (this.#at < this.#queue.length) this.#start();
    else this.clear();
  }
}
