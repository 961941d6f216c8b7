// The data between the two ends of a connection: the buffers of the system in each direction, and the network.

import type { Scheduler } from "./scheduler.ts";

/** How a socket handles received bytes. */
export interface Receiver {
  data(chunk: Uint8Array): void;
  end(): void;
  fail(): void;
}

interface Write {
  readonly bytes: Uint8Array;
  /** How many bytes of the write the system has accepted. */
  at: number;
  readonly done: (failed: boolean) => void;
}

/** Writes and reads are split into about this many parts or fewer. */
const MOST_PARTS = 50;
/** In milliseconds. */
const AT_ONCE = 1;

export class Wire {
  receiver: Receiver | undefined;
  /** Called when there is data for the peer to read, or when this side has ended. */
  readable: () => void = () => {};
  /** The number of bytes delivered to the socket. */
  delivered = 0;
  /** The number of bytes that the system has accepted from the socket. */
  taken = 0;
  /** Like `taken`, but only for writes whose callback has been called. */
  acknowledged = 0;
  /** The number of bytes that the peer has read. */
  read = 0;
  /** Whether the socket has ended its side or closed. */
  ended = false;
  /** Whether the socket has closed. */
  closed = false;
  /** Whether the socket closed before it had ended its side. */
  aborted = false;
  /** Whether the peer has reset the connection. */
  reset = false;
  /** When bytes last arrived. */
  arrivedAt = 0;
  /** Whether the end of the peer's side has been delivered. */
  endDelivered = false;
  readonly #scheduler: Scheduler;
  readonly #capacity: number;
  readonly #reads: readonly number[];
  #nextRead = 0;
  #reading = false;
  #scheduled = false;
  #arrived: Uint8Array[] = [];
  #finArrived = false;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #writes: Write[] = [];
  #blockedSince = 0;
  #unblockedAt = -Infinity;

  constructor(scheduler: Scheduler, capacity: number, reads: readonly number[]) {
    this.#scheduler = scheduler;
    this.#capacity = capacity;
    this.#reads = reads;
  }

  /** Whether there are bytes that the socket has not read. */
  get unread(): boolean {
    return !this.closed && (this.#arrived.length > 0 || (this.#finArrived && !this.endDelivered));
  }

  /** The number of bytes that the peer could read now. */
  get held(): number {
    return this.#heldBytes;
  }

  /** Whether a write is waiting for the peer. */
  get blocked(): boolean {
    return this.#writes.length > 0;
  }

  /** How long a write has been waiting, in milliseconds. The time continues if the next write follows immediately. */
  get blockedFor(): number {
    return this.blocked ? this.#scheduler.now - this.#blockedSince : 0;
  }

  get reading(): boolean {
    return this.#reading;
  }

  // The socket's side.

  /**
   * Returns whether the system accepted everything immediately. Otherwise, it calls `done`. The bytes are borrowed
   * until then.
   */
  write(bytes: Uint8Array, done: (failed: boolean) => void): boolean {
    if (this.reset || this.closed) {
      this.#scheduler.poll(0, () => done(true));
      return false;
    }
    const write = { bytes, at: 0, done };
    if (this.#writes.length === 0) {
      if (this.#take(write)) return true;
      if (this.#scheduler.now - this.#unblockedAt > AT_ONCE) this.#blockedSince = this.#scheduler.now;
    }
    this.#writes.push(write);
    return false;
  }

  setReading(reading: boolean): void {
    this.#reading = reading;
    this.#schedule();
  }

  /** Delivers received bytes within the current call. */
  deliverNow(): void {
    if (this.#reading) this.#deliver();
  }

  shutdown(): void {
    this.ended = true;
    this.readable();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.aborted = !this.ended;
    this.ended = true;
    for (const { done } of this.#writes.splice(0)) this.#scheduler.poll(0, () => done(true));
    this.readable();
  }

  // The peer's side.

  arrive(bytes: Uint8Array): void {
    if (bytes.length > 0 && !this.reset) this.#arrived.push(bytes);
    this.arrivedAt = this.#scheduler.now;
    this.#schedule();
  }

  arriveEnd(): void {
    this.#finArrived = true;
    this.#schedule();
  }

  /** Drops received bytes that were not read. */
  cut(): void {
    if (this.reset) return;
    this.reset = true;
    this.#arrived = [];
    this.#held = [];
    this.#heldBytes = 0;
    const writes = this.#writes.splice(0);
    this.#scheduler.poll(0, () => {
      for (const { done } of writes) done(true);
      if (!this.closed) this.receiver?.fail();
    });
  }

  /** Lets the peer read. */
  take(most: number): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let room = most;
    while (room > 0 && this.#held.length > 0) {
      const [chunk] = this.#held as [Uint8Array];
      const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
      if (part === chunk) this.#held.shift();
      else this.#held[0] = chunk.subarray(room);
      chunks.push(part);
      room -= part.length;
      this.read += part.length;
      this.#heldBytes -= part.length;
    }
    while (this.#writes.length > 0 && this.#take(this.#writes[0]!)) {
      const { done } = this.#writes.shift()!;
      this.#scheduler.poll(0, () => done(false));
      this.#unblockedAt = this.#scheduler.now;
    }
    return chunks;
  }

  #take(write: Write): boolean {
    // Large messages would take forever byte by byte.
    const room = Math.max(this.#capacity, 1, Math.floor(write.bytes.length / MOST_PARTS)) - this.#heldBytes;
    const part = write.bytes.subarray(write.at, write.at + Math.max(room, 0));
    if (part.length > 0) {
      // A copy, because the owner may still change bytes that the system has not accepted.
      this.#held.push(new Uint8Array(part));
      this.#heldBytes += part.length;
      this.taken += part.length;
      write.at += part.length;
      this.readable();
    }
    return write.at === write.bytes.length;
  }

  #schedule(): void {
    if (this.#scheduled || !this.#reading || !this.unread || this.reset) return;
    this.#scheduled = true;
    this.#scheduler.poll(0, () => {
      this.#scheduled = false;
      if (this.#reading) this.#deliver();
      this.#schedule();
    });
  }

  #deliver(): void {
    if (this.closed || this.reset) return;
    if (this.#arrived.length === 0) {
      if (!this.#finArrived || this.endDelivered) return;
      this.endDelivered = true;
      this.receiver?.end();
      return;
    }
    const arrived = this.#arrived.reduce((sum, { length }) => sum + length, 0);
    const most = Math.max(this.#reads[this.#nextRead++ % this.#reads.length]!, Math.floor(arrived / MOST_PARTS));
    const chunk: Uint8Array[] = [];
    let room = most;
    while (room > 0 && this.#arrived.length > 0) {
      const [first] = this.#arrived as [Uint8Array];
      if (first.length <= room) {
        chunk.push(first);
        this.#arrived.shift();
        room -= first.length;
      } else {
        chunk.push(first.subarray(0, room));
        this.#arrived[0] = first.subarray(room);
        room = 0;
      }
    }
    this.delivered += most - room;
    this.receiver?.data(Buffer.concat(chunk));
  }
}
