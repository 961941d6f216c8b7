import { NOTHING } from "./bytes.ts";

/** The smallest buffer that something is collected in, in bytes, unless it is known to be shorter. */
const LEAST_CAPACITY = 4096;
/**
 * How many times larger than what has arrived a buffer may be: a frame of 1 MiB that comes in chunks of 64 KiB, the
 * first of them not whole, is allocated once and never moved, and a header that lies costs little.
 */
const GROWTH = 20;
/** A message's buffer may be so much larger than the message, in bytes, before the message is moved to its own. */
const SPARE = 1024;

/** How far a collector's buffer is ahead of twice what has arrived, in bytes. */
interface Account {
  bytes: number;
}

/**
 * How far those of a thread may yet get ahead together, of 64 MiB: many headers that lie cost little, too. A buffer that would
 * exceed it doubles.
 */
let left = 67108864;
let dropped: FinalizationRegistry<Account> | undefined;

/** An account that is given back when its owner is garbage, if not before. */
function open(owner: Collector): Account {
  const account = { bytes: 0 };
  // Not all runtimes tell of objects that nobody refers to any more.
  if (typeof FinalizationRegistry === "function") {
    dropped ??= new FinalizationRegistry(({ bytes }) => {
      left += bytes;
    });
    dropped.register(owner, account);
  }
  return account;
}

/**
 * Bytes that arrive one after the other, in one buffer that grows with them.
 * @internal
 */
export class Collector {
  readonly #allocate: (length: number) => Uint8Array<ArrayBuffer>;
  /** What it is collected in: the first `length` bytes. */
  buffer: Uint8Array<ArrayBuffer> = NOTHING;
  length = 0;
  #account: Account | undefined = undefined;

  constructor(allocate: (length: number) => Uint8Array<ArrayBuffer>) {
    this.#allocate = allocate;
  }

  /** What has been collected: a view on the buffer. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /**
   * Takes a copy of `bytes[start, end)`. `announced` is how many bytes there may be together, at least these.
   * @throws RangeError if allocate returns less than it was asked for
   */
  append(bytes: Uint8Array, start: number, end: number, announced: number): void {
    const needed = this.length + end - start;
    const modest = Math.max(2 * needed, LEAST_CAPACITY);
    if (needed > this.buffer.length) {
      let length = Math.min(announced, Math.max(modest, needed * GROWTH));
      if (length - modest > left) length = modest;
      else if (length > modest) this.#account ??= open(this);
      const grown = this.#allocate(length);
      if (grown.length < length) throw new RangeError(`allocate returned ${grown.length} bytes`);
      grown.set(this.bytes);
      this.buffer = grown;
    }
    this.buffer.set(bytes.subarray(start, end), this.length);
    this.length = needed;
    const account = this.#account;
    if (account === undefined) return;
    // What is filled is no longer ahead: a whole message holds nothing.
    const ahead = Math.max(0, this.buffer.length - modest);
    left += account.bytes - ahead;
    account.bytes = ahead;
  }
}

/** What has been collected, for the one who gets the message: it keeps little else in memory. @internal */
export function giveAway(collector: Collector): Uint8Array<ArrayBuffer> {
  const { bytes, buffer } = collector;
  return buffer.length - bytes.length > SPARE ? new Uint8Array(bytes) : lend(collector);
}

/**
 * What has been collected, with zeros after it: `allocate` need not zero, and the view reaches all of its buffer.
 * @internal
 */
export function lend({ bytes, buffer }: Collector): Uint8Array<ArrayBuffer> {
  buffer.fill(0, bytes.length);
  return bytes;
}
