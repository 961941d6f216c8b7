import type { Messages } from "./messages.ts";
import type { Tally } from "./tally.ts";
import { Waiting } from "./waiting.ts";

const MISMATCH = "MISMATCH";

/** What a ledger is kept for. */
export interface LedgerOptions {
  readonly messages: Messages;
  /** Gets all that is counted, together with the other connections. */
  readonly tally: Tally;
  /** What the server answers to each message, as in LoadOptions. */
  readonly answers: number | "echo" | "any";
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
  readonly #answers: number | "echo" | "any";
  /** Whether messages wait for answers. */
  readonly #waits: boolean;
  readonly #most: number;
  readonly #dueAt: ((number: number) => number) | undefined;
  /** Since when messages wait. With a rate this is computed. */
  readonly #waiting: Waiting | undefined;
  #next = 0;
  #due = 0;
  #inFlight = 0;
  #sent = 0;
  /** How many messages are settled: answered in full, known to be lost, or sent to be answered by nothing. */
  #settled = 0;
  #ready = 0;
  /** How many of the last answers were wrong, one after another. */
  #wrong = 0;
  /** How many answers the message that is answered next has got. */
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
    this.#sent += count;
    this.#tally.sent += count;
    this.#inFlight += count;
    if (this.#waits) this.#waiting?.add(count, now);
    else this.#complete(count);
  }

  /** The next `count` answers have come, and are right. */
  match(count: number, now: number): void {
    this.#wrong = 0;
    this.#tally.received += count;
    this.#time(count, now);
    this.#complete(count);
  }

  /** A message has come, of `size` bytes. */
  receive(data: string | Uint8Array, size: number, now: number): void {
    if (this.#answers === "echo") this.#compare(data, size, now);
    else if (this.#answers === "any") this.#tally.received++;
    else if (this.#inFlight > 0) this.#count(this.#answers, now);
    else this.#unexpected("a message where no answer was due");
  }

  /** One of the `wanted` answers to a message has come. */
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
    // Whether its message lies back, and has not been sent again.
    const known = back <= Math.min(this.#settled, period - this.#inFlight);
    if (known && back <= this.#wrong) {
      // The right answer to a message that seemed to have a wrong one: what came then was no answer.
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
      this.#inFlight > 0 ? "an answer that was there before, or too late" : "a message where no answer was due",
    );
  }

  /** What waits for an answer will not get one. */
  giveUp(reason: string): void {
    if (this.#inFlight > 0) this.#lose(this.#inFlight, reason);
  }

  /** The answer to a later message has come: `count` before it have none. */
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

  /** The next `count` messages are done with, all their answers have come. */
  #complete(count: number): void {
    this.#tally.completed += count;
    this.#tally.payload += this.#messages.bytes(this.#due, count);
    this.#settle(count);
  }

  /** The next `count` messages will not be answered. */
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

/** What is wrong with an answer of `size` bytes. */
function describe(sent: string | Buffer, data: string | Uint8Array, size: number): string {
  const kind = (one: string | Uint8Array, length: number) =>
    `${typeof one === "string" ? "text" : "binary"} of ${length} bytes`;
  const expected = kind(sent, Buffer.byteLength(sent));
  const found = kind(data, size);
  return expected === found ? `${found} came back with other content` : `${expected} was answered with ${found}`;
}
