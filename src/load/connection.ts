import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import {
  type Agreement,
  checkResponse,
  type ClientRequest,
  CloseCode,
  type MessageSink,
  Protocol,
  ResponseParser,
  serializeRequest,
} from "../index.ts";
import { LINGER } from "../protocol/linger.ts";
import { type Messages, READ_SIZE } from "./messages.ts";
import type { Settings } from "./options.ts";
import type { Pace } from "./pace.ts";
import type { Stream } from "./stream.ts";
import type { Tally } from "./tally.ts";
import { Waiting } from "./waiting.ts";

/** What all sockets read into: each chunk is done with before the next is read. */
const chunk = Buffer.allocUnsafeSlow(READ_SIZE);

/** What the connections of a run share. */
export interface Shared {
  readonly settings: Settings;
  readonly messages: Messages;
  readonly tally: Tally;
  /** What to send where this has been agreed on. */
  stream(agreement: Agreement): Stream;
  /** When messages are due; undefined for as fast as the answers come. */
  readonly pace: Pace | undefined;
  /** A connection that was open has ended before the run did. */
  ended(): void;
}

/** Before the handshake is done; open; our Close is sent; over. */
const OPENING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const MISMATCH = "MISMATCH";

/**
 * One connection of a run: sends messages, and looks at what comes back.
 *
 * As long as that is what a server sends that answers each message with the same in one frame, it is compared as bytes, any
 * number of messages at once. From the first byte that differs it goes through a Protocol: what is compressed or fragmented,
 * comes with pings between, or is wrong. When that stands between two frames again, bytes are compared again.
 */
export class LoadConnection {
  readonly #shared: Shared;
  readonly #tally: Tally;
  readonly #messages: Messages;
  readonly #request: ClientRequest;
  /** Which one it is of those that are open. */
  index: number = 0;
  #agreement: Agreement | undefined = undefined;
  #stream: Stream | undefined = undefined;
  #socket: Socket | undefined = undefined;
  #phase: number = OPENING;
  #head: ResponseParser | undefined = undefined;
  /** What waits for the connection to be open, for the last answer, or for the end. */
  #opened: (() => void) | undefined = undefined;
  #drained: (() => void) | undefined = undefined;
  #closed: (() => void) | undefined = undefined;
  /** Whether the socket has not taken yet what was written. */
  #full = false;
  #stopped = false;

  /** Which message is sent next. */
  #next = 0;
  /** Which message is answered next. */
  #due = 0;
  /** How many bytes have come of the answer that is next. Only while bytes are compared. */
  #partial = 0;
  /** How many messages wait for their answers, and since when. */
  #inFlight = 0;
  readonly #waiting: Waiting | undefined;
  /** How many messages were sent, and are done with: answered, or known to be lost. */
  #sent = 0;
  #done = 0;
  /** With a rate: how many messages were due up to now. */
  #ready = 0;

  #protocol: Protocol | undefined = undefined;
  /** Whether chunks go through the Protocol. */
  #slow = false;
  /** Bytes that have gone there, and how many the frames of what it told have at least. When equal, no frame is cut. */
  #pushed = 0;
  #framed = 0;
  /** How many of the last answers were wrong, one after another. */
  #wrong = 0;
  /** When the chunk came that is being read. */
  #now = 0;

  constructor(shared: Shared, request: ClientRequest) {
    this.#shared = shared;
    this.#tally = shared.tally;
    this.#messages = shared.messages;
    this.#request = request;
    this.#waiting = shared.pace ? undefined : new Waiting();
  }

  get isOpen(): boolean {
    return this.#phase === OPEN;
  }

  /** What the handshake has agreed on, once the connection has been open. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  get isCompressed(): boolean {
    return (this.#agreement?.extensions.length ?? 0) > 0;
  }

  /** With a rate: how many messages were due and have not been sent. */
  get unsent(): number {
    return this.#ready - this.#sent;
  }

  /** Connects. Resolves when the connection is open, or has failed, which is then in the tally. */
  open(): Promise<void> {
    const { host, port, secure } = this.#request;
    const { tls, timeout } = this.#shared.settings;
    const onread = {
      buffer: chunk,
      callback: (length: number): boolean => {
        this.#read(length);
        return true;
      },
    };
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#fail("TIMEOUT", `not open after ${timeout} ms`), timeout);
      this.#opened = () => {
        clearTimeout(timer);
        this.#opened = undefined;
        resolve();
      };
      const socket = secure
        ? connectTls({
            ALPNProtocols: ["http/1.1"],
            // A name is asked for, an address is not (RFC 6066 §3).
            ...(isIP(host) === 0 && { servername: host }),
            ...tls,
            host,
            port,
            onread,
          } as ConnectionOptions)
        : connectTcp({ host, port, onread });
      this.#socket = socket;
      socket.setNoDelay(true);
      socket.on("error", (error: NodeJS.ErrnoException) => this.#fail(error.code ?? "ERROR", error.message));
      socket.on("end", () => this.#end());
      socket.on("close", () => {
        this.#end();
        this.#phase = CLOSED;
        this.#closed?.();
      });
      this.#head = new ResponseParser();
      this.#write(serializeRequest(this.#request));
    });
  }

  /** With a rate: so many more messages are due. */
  makeReady(count: number, now: number): void {
    this.#ready += count;
    this.send(now);
  }

  /** Sends as much as may be sent. */
  send(now: number): void {
    if (this.#phase !== OPEN || this.#full || this.#stopped) return;
    const { inFlight: most } = this.#shared.settings;
    const { bytes, offsets, batch } = this.#stream!;
    const socket = this.#socket!;
    let wanted = most - this.#inFlight;
    if (this.#waiting === undefined) wanted = Math.min(wanted, this.#ready - this.#sent);
    while (wanted > 0) {
      const count = Math.min(wanted, batch);
      const from = offsets[this.#next]!;
      const to = offsets[this.#next + count]!;
      this.#next = (this.#next + count) % this.#messages.count;
      wanted -= count;
      this.#inFlight += count;
      this.#sent += count;
      this.#tally.sent += count;
      this.#tally.bytesSent += to - from;
      this.#waiting?.add(count, now);
      socket.write(bytes.subarray(from, to), this.#written);
      // The system has not taken all of it: more would only pile up.
      if (socket.writableLength > 0) {
        this.#full = true;
        return;
      }
    }
  }

  /** Stops sending. Resolves when nothing waits for an answer, or the connection has ended. */
  drain(): Promise<void> {
    this.#stopped = true;
    if (this.#phase !== OPEN || this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#drained = resolve));
  }

  /** Gives up what waits for an answer, and closes. Resolves when the connection has ended. */
  finish(): Promise<void> {
    this.#stopped = true;
    if (this.#phase === OPEN) {
      this.#giveUp("The run has ended without an answer");
      this.#readSlowly();
      this.#phase = CLOSING;
      this.#protocol!.close(CloseCode.NormalClosure);
      this.#flush();
    }
    if (this.#phase === CLOSED || this.#socket === undefined) return Promise.resolve();
    return new Promise((resolve) => (this.#closed = resolve));
  }

  /** Cuts the connection. One that should have closed by now has not. */
  destroy(): void {
    if (this.#phase === CLOSING && this.#protocol!.state !== "closed") {
      this.#tally.errors.add("NOT_CLOSED", () => "no Close in answer to ours");
    }
    this.#phase = CLOSED;
    this.#socket?.destroy();
    this.#opened?.();
    this.#drained?.();
    this.#closed?.();
  }

  readonly #written = (): void => {
    if (!this.#full || this.#socket!.writableLength > 0) return;
    this.#full = false;
    this.send(performance.now());
  };

  #write(bytes: Uint8Array): void {
    this.#tally.bytesSent += bytes.length;
    this.#socket!.write(bytes);
  }

  #flush(): void {
    for (const part of this.#protocol!.take()) this.#write(part);
  }

  #read(length: number): void {
    this.#tally.bytesReceived += length;
    if (this.#phase === OPEN && !this.#slow) {
      const now = performance.now();
      const { due, frame, count: period } = this.#messages;
      const at = this.#due * frame + this.#partial;
      const total = this.#partial + length;
      if (total <= this.#inFlight * frame && chunk.compare(due, at, at + length, 0, length) === 0) {
        const count = Math.floor(total / frame);
        this.#partial = total - count * frame;
        this.#due = (this.#due + count) % period;
        if (count > 0) this.#answered(count, now);
        this.send(now);
        return;
      }
      this.#readSlowly();
    }
    if (this.#phase === OPENING) this.#readHead(chunk.subarray(0, length));
    else if (this.#phase !== CLOSED) this.#push(chunk.subarray(0, length));
  }

  #readHead(bytes: Uint8Array): void {
    try {
      const found = this.#head!.push(bytes);
      if (found === undefined) return;
      this.#agreement = checkResponse(found.response, this.#request);
      this.#stream = this.#shared.stream(this.#agreement);
      this.#head = undefined;
      this.#phase = OPEN;
      this.#tally.open++;
      this.#opened!();
      if (this.isCompressed) this.#readSlowly();
      if (found.rest.length === 0) return;
      this.#readSlowly();
      this.#push(found.rest);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#fail(code ?? "ERROR", message);
    }
  }

  /** From here on through the Protocol, which first gets what has been compared of a frame that is cut. */
  #readSlowly(): void {
    if (this.#slow) return;
    this.#slow = true;
    this.#protocol ??= new Protocol({
      role: "client",
      extensions: this.#agreement!.extensions,
      allocate: Buffer.allocUnsafeSlow,
    });
    if (this.#partial === 0) return;
    const at = this.#due * this.#messages.frame;
    const begun = this.#messages.due.subarray(at, at + this.#partial);
    this.#partial = 0;
    this.#pushed += begun.length;
    this.#protocol.push(begun, this.#sink);
  }

  #push(bytes: Uint8Array): void {
    this.#now = performance.now();
    this.#pushed += bytes.length;
    this.#protocol!.push(bytes, this.#sink);
    this.#flush();
    if (this.#phase === CLOSED) this.#socket!.end();
    if (this.#phase !== OPEN) return;
    // What is compressed never looks like what was sent.
    if (this.#pushed === this.#framed && !this.isCompressed) this.#slow = false;
    this.send(this.#now);
  }

  readonly #sink: MessageSink = {
    text: (data) => this.#judge(data, this.#messages.is(this.#due, data) ? data.length : Buffer.byteLength(data)),
    binary: (data) => this.#judge(data, data.length),
    ping: (data) => {
      this.#framed += frameSize(data.length);
    },
    pong: (data) => {
      this.#framed += frameSize(data.length);
    },
    error: (error) => this.#lose(error.code, error.message),
    close: (code, reason) => {
      if (this.#phase === CLOSING) setTimeout(() => this.destroy(), LINGER).unref();
      else this.#lose(`CLOSED_${code}`, `closed by the server${reason === "" ? "" : `: ${reason}`}`);
    },
  };

  /** A message has come, of so many bytes. */
  #judge(data: string | Uint8Array, size: number): void {
    this.#framed += frameSize(size);
    // After our Close nothing counts any more.
    if (this.#phase !== OPEN) return;
    const { count: period } = this.#messages;
    const found = this.#messages.is(this.#due, data) ? this.#due : this.#messages.find(data);
    const ahead = found === undefined ? period : (found - this.#due + period) % period;
    // How far it lies back, if its number is not in use again.
    const behind = period - ahead;
    const known = behind > 0 && behind <= Math.min(this.#done, period - this.#inFlight);
    if (known && behind <= this.#wrong) {
      // The answer to a message whose answer seemed to be wrong: that was none.
      this.#wrong--;
      this.#tally.mismatches--;
      this.#tally.errors.takeBack(MISMATCH);
    } else if (this.#inFlight > 0) {
      if (ahead < this.#inFlight) {
        if (ahead > 0) this.#skip(ahead);
        this.#answered(1, this.#now);
        this.#due = (this.#due + 1) % period;
        return;
      }
      if (!known) {
        this.#wrong++;
        this.#tally.mismatches++;
        this.#tally.errors.add(MISMATCH, () => describe(data, size, this.#messages));
        this.#timed(1, undefined);
        this.#due = (this.#due + 1) % period;
        this.#tally.received++;
        this.#settle(1);
        return;
      }
    }
    this.#tally.unexpected++;
    this.#tally.errors.add("UNEXPECTED", () =>
      this.#inFlight > 0 ? "an answer that was there before, or too late" : "a message where no answer was due",
    );
  }

  /** The answers to so many messages have come. */
  #answered(count: number, now: number): void {
    this.#wrong = 0;
    this.#tally.received += count;
    this.#timed(count, now);
    this.#settle(count);
  }

  /** Messages will not be answered: the answer to a later one has come. */
  #skip(count: number): void {
    this.#tally.unanswered += count;
    this.#tally.errors.add("UNANSWERED", () => "a later message was answered, this one was not", count);
    this.#timed(count, undefined);
    this.#settle(count);
    this.#due = (this.#due + count) % this.#messages.count;
  }

  /** Nothing that waits for an answer will get one. */
  #giveUp(reason: string): void {
    const count = this.#inFlight;
    if (count === 0) return;
    this.#tally.unanswered += count;
    this.#tally.errors.add("UNANSWERED", () => reason, count);
    this.#settle(count);
  }

  #settle(count: number): void {
    this.#inFlight -= count;
    this.#done += count;
    if (this.#inFlight === 0) this.#drained?.();
  }

  /**
   * Takes the times that so many messages count from; with `now`, notes how long ago that was. What was sent in the measured
   * time is timed; with a rate also what has waited since before, which may be all that a server has come to.
   */
  #timed(count: number, now: number | undefined): void {
    const { latency, begin, end } = this.#tally;
    const waiting = this.#waiting;
    for (let left = count, number = this.#done; left > 0;) {
      const since = waiting ? waiting.time : this.#shared.pace!.dueAt(this.index, number);
      const taken = waiting ? waiting.take(left) : 1;
      if (now !== undefined && (waiting ? since : now) >= begin && since < end) latency.record(now - since, taken);
      left -= taken;
      number += taken;
    }
  }

  /** The connection is over, and should not be. */
  #lose(code: string, message: string): void {
    if (this.#phase === CLOSED) return;
    const before = this.#phase;
    this.#phase = CLOSED;
    if (before === CLOSING) {
      this.#closed?.();
      return;
    }
    this.#tally.errors.add(code, () => message);
    if (before === OPENING) {
      this.#tally.failed++;
      this.#opened!();
      return;
    }
    this.#tally.open--;
    this.#tally.lost++;
    this.#giveUp("The connection has ended before the answer");
    this.#shared.ended();
  }

  #fail(code: string, message: string): void {
    this.#lose(code, message);
    this.#socket!.destroy();
  }

  #end(): void {
    if (this.#phase === OPENING) this.#fail("CLOSED_1006", "ended before the response");
    else if (this.#phase === OPEN) this.#fail("CLOSED_1006", "ended without a Close");
  }
}

/** What is wrong with an answer. */
function describe(data: string | Uint8Array, size: number, { binary, size: sent }: Messages): string {
  const kind = (isBinary: boolean, length: number) => `${isBinary ? "binary" : "text"} of ${length} bytes`;
  const isBinary = typeof data !== "string";
  if (isBinary === binary && size === sent) return `${kind(binary, size)} came back with other content`;
  return `${kind(binary, sent)} was answered with ${kind(isBinary, size)}`;
}

/** How long a frame of a server is at least. */
function frameSize(length: number): number {
  return length + (length < 126 ? 2 : length < 65536 ? 4 : 10);
}
