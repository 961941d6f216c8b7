import type { Messages } from "./messages.ts";
import type { Tally } from "./tally.ts";
import { Waiting } from "./waiting.ts";

const MISMATCH = "MISMATCH";

/** Options of a Ledger. */
export interface LedgerOptions {
  readonly messages: Messages;
  /** The counts, shared with the other connections. */
  readonly tally: Tally;
  /** What the server sends back for each message, as in LoadOptions. */
  readonly answers: number | "echo" | "any";
  /** How many messages may wait for their answers. */
  readonly inFlight: number;
  /** With a rate, returns when message `number` of the connection was due, counted from 0. */
  readonly dueAt?: ((number: number) => number) | undefined;
}

/**
 * Keeps track of the messages of one connection: which have been sent, which wait for an answer and since when, and which
 * answers have arrived. It has no socket and no clock.
 */
export class Ledger {
  readonly #messages: Messages;
  readonly #tally: Tally;
  readonly #answers: number | "echo" | "any";
  /** Whether messages are waiting for answers. */
  readonly #waits: boolean;
  readonly #most: number;
  readonly #dueAt: ((number: number) => number) | undefined;
  /** When the waiting messages were sent. With a rate, times are computed instead. */
  readonly #waiting: Waiting | undefined;
  #next = 0;
  #due = 0;
  #inFlight = 0;
  #sent = 0;
  /** How many messages are settled: fully answered, known to be unanswered, or sent without an expected answer. */
  #settled = 0;
  #ready = 0;
  /** How many of the latest answers in a row were wrong. */
  #wrong = 0;
  /** How many answers to the next due message have arrived so far. */
  #got = 0;

  constructor({ messages, tally, answers, inFlight, dueAt }: LedgerOptions) {
    this.#messages = messages;
    this.#tally = tally;
    this.#answers = answers;
    this.#waits = answers !== 0 && answers !== "any";
    this.#most = inFlight;
    this.#dueAt = dueAt;
    this.#waiting = dueAt ? undefined : new Waiting();
  }

  /** Index of the message to send next. */
  get next(): number {
    return this.#next;
  }

  /** Index of the message whose answer is due next. */
  get due(): number {
    return this.#due;
  }

  /** How many messages wait for their answers. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** With a rate, how many messages are due but not sent. */
  get unsent(): number {
    return this.#ready - this.#sent;
  }

  /** How many messages may be sent now. */
  get allowance(): number {
    const room = this.#most - this.#inFlight;
    return this.#dueAt ? Math.min(room, this.unsent) : room;
  }

  /** With a rate, `count` more messages are due. */
  makeReady(count: number): void {
    this.#ready += count;
  }

  /** Notes that the next `count` messages have been handed to the socket. */
  send(count: number, now: number): void {
    this.#next = (this.#next + count) % this.#messages.count;
    this.#sent += count;
    this.#tally.sent += count;
    this.#inFlight += count;
    if (this.#waits) this.#waiting?.add(count, now);
    else this.#complete(count);
  }

  /** Notes `count` right answers. */
  match(count: number, now: number): void {
    this.#wrong = 0;
    this.#tally.received += count;
    this.#time(count, now);
    this.#complete(count);
  }

  /** Handles a message of `size` bytes. */
  receive(data: string | Uint8Array, size: number, now: number): void {
    if (this.#answers === "echo") this.#compare(data, size, now);
    else if (this.#answers === "any") this.#tally.received++;
    else if (this.#inFlight > 0) this.#count(this.#answers, now);
    else this.#unexpected("a message arrived when no answer was due");
  }

  /** Counts one of the `wanted` answers to a message. */
  #count(wanted: number, now: number): void {
    this.#tally.received++;
    if (++this.#got < wanted) return;
    this.#got = 0;
    this.#time(1, now);
    this.#complete(1);
  }

  #compare(data: string | Uint8Array, size: number, now: number): void {
    if (this.#inFlight > 0 && this.#messages.is(this.#due, data)) return this.match(1, now);
    const { count: period } = this.#messages;
    const { ahead, back } = this.#messages.locate(data, this.#due);
    // Whether this is the answer to an earlier message that has not been sent again since.
    const known = back <= Math.min(this.#settled, period - this.#inFlight);
    if (known && back <= this.#wrong) {
      // The right answer has followed a wrong one, so the wrong one did not answer this message.
      this.#wrong--;
      this.#tally.mismatches--;
      this.#tally.errors.takeBack(MISMATCH);
    } else if (ahead < this.#inFlight) {
      this.#skip(ahead);
      return this.match(1, now);
    } else if (this.#inFlight > 0 && !(known && this.#messages.numbered)) {
      return this.#mismatch(data, size);
    }
    this.#unexpected(
      this.#inFlight > 0 ? "an answer arrived twice or too late" : "a message arrived when no answer was due",
    );
  }

  /** Counts all waiting messages as unanswered. */
  giveUp(reason: string): void {
    if (this.#inFlight > 0) this.#lose(this.#inFlight, reason);
  }

  /** Counts `count` messages as unanswered, because a later one has been answered. */
  #skip(count: number): void {
    this.#time(count, undefined);
    this.#lose(count, "a later message was answered, this one was not");
  }

  #mismatch(data: string | Uint8Array, size: number): void {
    const due = this.#due;
    this.#wrong++;
    this.#tally.mismatches++;
    this.#tally.errors.add(MISMATCH, () => describe(this.#messages.data(due), data, size));
    this.#tally.received++;
    this.#time(1, undefined);
    this.#complete(1);
  }

  #unexpected(reason: string): void {
    this.#tally.unexpected++;
    this.#tally.errors.add("UNEXPECTED", () => reason);
  }

  /** Counts the next `count` messages as complete. */
  #complete(count: number): void {
    this.#tally.completed += count;
    this.#tally.payload += this.#messages.bytes(this.#due, count);
    this.#settle(count);
  }

  /** Counts the next `count` messages as unanswered. */
  #lose(count: number, reason: string): void {
    this.#tally.unanswered += count;
    this.#tally.errors.add("UNANSWERED", () => reason, count);
    this.#got = 0;
    this.#settle(count);
  }

  #settle(count: number): void {
    this.#due = (this.#due + count) % this.#messages.count;
    this.#inFlight -= count;
    this.#settled += count;
  }

  /**
   * Removes the start times of the next `count` messages. With `now`, records their latency if they were sent in the measured
   * time. With a rate, messages that have waited since before it count, too: a slow server may answer no others.
   */
  #time(count: number, now: number | undefined): void {
    const { latency, begin, end } = this.#tally;
    const waiting = this.#waiting;
    for (let left = count, number = this.#settled; left > 0;) {
      const since = waiting ? waiting.time : this.#dueAt!(number);
      const taken = waiting ? waiting.take(left) : 1;
      if (now !== undefined && (waiting ? since : now) >= begin && since < end) latency.record(now - since, taken);
      left -= taken;
      number += taken;
    }
  }
}

/** Describes a wrong answer of `size` bytes. */
function describe(sent: string | Buffer, data: string | Uint8Array, size: number): string {
  const kind = (one: string | Uint8Array, length: number) =>
    `${typeof one === "string" ? "text" : "binary"} of ${length} bytes`;
  const expected = kind(sent, Buffer.byteLength(sent));
  const found = kind(data, size);
  return expected === found ? `${found} came back with different content` : `${expected} was answered with ${found}`;
}
