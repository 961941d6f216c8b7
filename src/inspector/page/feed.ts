// Decodes what comes in slices of time, so that the page goes on answering.

/** How long to decode before others get a turn, in milliseconds. */
const SLICE = 6;
/** How many bytes to decode before looking at the clock. */
const STEP = 8192;

interface Portion {
  readonly bytes: Uint8Array;
  readonly to: (bytes: Uint8Array) => void;
}

/** A queue of bytes on their way to their taps, and of what is to be done in between. */
export class Feed {
  #queue: (Portion | (() => void))[] = [];
  #at = 0;
  #running = false;
  /** Turns of the event loop without the delays that timers have. */
  readonly #turns = new MessageChannel();

  constructor() {
    this.#turns.port1.addEventListener("message", () => this.#run());
    this.#turns.port1.start();
  }

  /** Hands bytes on, a step at a time. They must not be written to afterwards. */
  push(bytes: Uint8Array, to: (bytes: Uint8Array) => void): void {
    for (let at = 0; at < bytes.length; at += STEP) this.#queue.push({ bytes: bytes.subarray(at, at + STEP), to });
    this.#start();
  }

  /** Calls a function when all before it has been decoded. */
  whenDone(call: () => void): void {
    this.#queue.push(call);
    this.#start();
  }

  /** Forgets what is waiting. */
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
