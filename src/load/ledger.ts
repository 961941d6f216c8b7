import type { Messages } from "./messages.ts";
import type { Tally } from "./tally.ts";
import { Waiting } from "./waiting.ts";

const MISMATCH = "MISMATCH";

/** What a ledger is kept for. */
export interface LedgerOptions {
  readonly messages: Messages;
  /** Gets all that is counted, together with the other connections. */
  readonly tally: Tally;
  /** How many messages may wait for their answers. */
  readonly inFlight: number;
  /** With a rate: when message `number` of the connection was due, counted from 0. */
  readonly dueAt?: ((number: number) => number) | undefined;
}

/**
 * The books of one connection: which messages have been sent, which of them wait for an answer and since when, and what came
 * back. It has no socket and no clock.
 */
export class Ledger {
  readonly #messages: Messages;
  readonly #tally: Tally;
  readonly #most: number;
  readonly #dueAt: ((number: number) => number) | undefined;
  /** Since when messages wait. With a rate this is computed. */
  readonly #waiting: Waiting | undefined;
  #next = 0;
  #due = 0;
  #inFlight = 0;
  #sent = 0;
  /** How many messages are settled: answered, or known to be lost. */
  #settled = 0;
  #ready = 0;
  /** How many of the last answers were wrong, one after another. */
  #wrong = 0;

  constructor({ messages, tally, inFlight, dueAt }: LedgerOptions) {
    this.#messages = messages;
    this.#tally = tally;
    this.#most = inFlight;
    this.#dueAt = dueAt;
    this.#waiting = dueAt ? undefined : new Waiting();
  }

  /** Which message is sent next. */
  get next(): number {
    return this.#next;
  }

  /** Which message is answered next. */
  get due(): number {
    return this.#due;
  }

  /** How many messages wait for their answers. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** With a rate: how many messages were due and have not been sent. */
  get unsent(): number {
    return this.#ready - this.#sent;
  }

  /** How many messages may be sent now. */
  get allowance(): number {
    const room = this.#most - this.#inFlight;
    return this.#dueAt ? Math.min(room, this.unsent) : room;
  }

  /** With a rate: `count` more messages are due. */
  makeReady(count: number): void {
    this.#ready += count;
  }

  /** The next `count` messages have been handed to the socket. */
  send(count: number, now: number): void {
    this.#next = (this.#next + count) % this.#messages.count;
    this.#inFlight += count;
    this.#sent += count;
    this.#tally.sent += count;
    this.#waiting?.add(count, now);
  }

  /** The next `count` answers have come, and are right. */
  match(count: number, now: number): void {
    this.#wrong = 0;
    this.#due = (this.#due + count) % this.#messages.count;
    this.#tally.received += count;
    this.#time(count, now);
    this.#settle(count);
  }

  /** A message has come, of `size` bytes. */
  receive(data: string | Uint8Array, size: number, now: number): void {
    const { count: period } = this.#messages;
    const found = this.#messages.is(this.#due, data) ? this.#due : this.#messages.find(data);
    const ahead = found === undefined ? period : (found - this.#due + period) % period;
    // How far it lies back, if its number is not in use again.
    const back = period - ahead;
    const known = back > 0 && back <= Math.min(this.#settled, period - this.#inFlight);
    if (known && back <= this.#wrong) {
      // The right answer to a message that seemed to have a wrong one: what came then was no answer.
      this.#wrong--;
      this.#tally.mismatches--;
      this.#tally.errors.takeBack(MISMATCH);
    } else if (ahead < this.#inFlight) {
      if (ahead > 0) this.#skip(ahead);
      this.match(1, now);
      return;
    } else if (this.#inFlight > 0 && !known) {
      this.#mismatch(data, size);
      return;
    }
    this.#tally.unexpected++;
    this.#tally.errors.add("UNEXPECTED", () =>
      this.#inFlight > 0 ? "an answer that was there before, or too late" : "a message where no answer was due",
    );
  }

  /** What waits for an answer will not get one. */
  giveUp(reason: string): void {
    const count = this.#inFlight;
    if (count === 0) return;
    this.#unanswered(count, reason);
    this.#settle(count);
  }

  /** The answer to a later message has come: those before it have none. */
  #skip(count: number): void {
    this.#unanswered(count, "a later message was answered, this one was not");
    this.#due = (this.#due + count) % this.#messages.count;
    this.#time(count, undefined);
    this.#settle(count);
  }

  #mismatch(data: string | Uint8Array, size: number): void {
    this.#wrong++;
    this.#tally.mismatches++;
    this.#tally.errors.add(MISMATCH, () => describe(data, size, this.#messages));
    this.#due = (this.#due + 1) % this.#messages.count;
    this.#tally.received++;
    this.#time(1, undefined);
    this.#settle(1);
  }

  #unanswered(count: number, reason: string): void {
    this.#tally.unanswered += count;
    this.#tally.errors.add("UNANSWERED", () => reason, count);
  }

  #settle(count: number): void {
    this.#inFlight -= count;
    this.#settled += count;
  }

  /**
   * Takes the times that the next `count` messages count from; with `now`, notes how long ago that was. What was sent in the
   * measured time is timed; with a rate also what has waited since before, which may be all that a server has come to.
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

/** What is wrong with an answer. */
function describe(data: string | Uint8Array, size: number, { binary, size: sent }: Messages): string {
  const kind = (isBinary: boolean, length: number) => `${isBinary ? "binary" : "text"} of ${length} bytes`;
  const isBinary = typeof data !== "string";
  if (isBinary === binary && size === sent) return `${kind(binary, size)} came back with other content`;
  return `${kind(binary, sent)} was answered with ${kind(isBinary, size)}`;
}
