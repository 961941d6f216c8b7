import { NOTHING } from "./bytes.ts";

/** The smallest buffer to collect in, in bytes, unless the total is known to be smaller. */
const LEAST_CAPACITY = 4096;
/**
 * How many times larger than the received bytes a buffer may be. With this, a frame of 1 MiB in chunks of 64 KiB, the
 * first of which is partial, is allocated once and never moved; and a header that lies costs little.
 */
const GROWTH = 20;
/** A message moves to a new buffer if its buffer is larger than the message by more than this, in bytes. */
const SPARE = 1024;

/** How much larger a collector's buffer is than twice the received bytes, in bytes. */
interface Account {
  bytes: number;
}

/**
 * How much memory the buffers of a thread may still allocate ahead, out of 64 MiB in total. It bounds the cost of many
 * headers that lie. A buffer that would exceed it only doubles.
 */
let left = 67108864;
let dropped: FinalizationRegistry<Account> | undefined;

/** Creates an account that is returned when its owner is garbage-collected, if not earlier. */
function open(owner: Collector): Account {
  const account = { bytes: 0 };
  // Not every runtime has this.
  if (typeof FinalizationRegistry === "function") {
    dropped ??= new FinalizationRegistry(({ bytes }) => {
      left += bytes;
    });
    dropped.register(owner, account);
  }
  return account;
}

/**
 * Collects bytes in one buffer that grows.
 * @internal
 */
export class Collector {
  readonly #allocate: (length: number) => Uint8Array<ArrayBuffer>;
  /** The buffer. Its first `length` bytes are the collected ones. */
  buffer: Uint8Array<ArrayBuffer> = NOTHING;
  length = 0;
  #account: Account | undefined = undefined;

  constructor(allocate: (length: number) => Uint8Array<ArrayBuffer>) {
    this.#allocate = allocate;
  }

  /** The collected bytes, as a view of the buffer. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /**
   * Adds a copy of `bytes[start, end)`. `announced` is the expected total, which includes at least these bytes.
   * @throws RangeError if allocate returns fewer bytes than requested
   */
  append(bytes: Uint8Array, start: number, end: number, announced: number): void {
    const needed = this.length + end - start;
    const modest = Math.max(2 * needed, LEAST_CAPACITY);
    if (needed > this.buffer.length) {
      let length = Math.min(announced, Math.max(modest, needed * GROWTH));
      if (length - modest > left) length = modest;
      else if (length > modest) this.#account ??= open(this);
      const grown = this.#allocate(length);
      if (grown.length < length) throw new RangeError(`allocate returned only ${grown.length} bytes`);
      grown.set(this.bytes);
      this.buffer = grown;
    }
    this.buffer.set(bytes.subarray(start, end), this.length);
    this.length = needed;
    const account = this.#account;
    if (account === undefined) return;
    // Space that has been filled no longer counts, so a complete message takes nothing from the account.
    const ahead = Math.max(0, this.buffer.length - modest);
    left += account.bytes - ahead;
    account.bytes = ahead;
  }
}

/** Returns the collected bytes for the receiver of the message, with little other memory attached. @internal */
export function giveAway(collector: Collector): Uint8Array<ArrayBuffer> {
  const { bytes, buffer } = collector;
  return buffer.length - bytes.length > SPARE ? new Uint8Array(bytes) : lend(collector);
}

/**
 * Returns the collected bytes. Zeroes the rest of the buffer, which the view exposes and `allocate` may not have
 * zeroed.
 * @internal
 */
export function lend({ bytes, buffer }: Collector): Uint8Array<ArrayBuffer> {
  buffer.fill(0, bytes.length);
  return bytes;
}
