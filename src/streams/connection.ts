import { asBytes, copyToSend } from "../frame/bytes.ts";
import { utf8Length } from "../frame/utf8.ts";
import {
  type Bytes,
  CloseCode,
  isValidCloseCode,
  type MessageSink,
  PreparedMessage,
  Protocol,
  WebSocketError,
} from "../index.ts";
import { readSliceSize } from "../protocol/options.ts";
import { SlicedMessage } from "../protocol/sliced-message.ts";
import { DEFAULT_SLICE_SIZE, SHORT_CHUNK, type Thread } from "../protocol/thread.ts";
import { CLOSE_TIMEOUT, LINGER } from "../protocol/times.ts";
import { WebSocketStreamError } from "./error.ts";
import { dataSize, readMark } from "./marks.ts";
import { Outlet } from "./outlet.ts";
import { Patience } from "./patience.ts";
import { Sender, type SenderHost } from "./sender.ts";
import { thread } from "./thread.ts";
import type { ByteDuplex, WebSocketStreamOptions } from "./web-socket-stream.ts";

/**
 * After our Close, at least this many bytes are kept for the reader before messages are dropped, even if the mark is
 * lower.
 */
const CLOSING_MARK = 65536;
/** From this many bytes on, a message is serialized when it is written. Shorter ones are copied and leave together. */
const SERIALIZED_AT_ONCE = 32768;
/** How many UTF-16 code units of a string are examined. */
const SAMPLE = 1024;
/** A peer that takes data has up to this many times `closeTimeout` to answer a Close. */
const MAX_CLOSE_TIMEOUTS = 30;
/** How long one side of the duplex may take to end after the other, in milliseconds. */
const REST = 500;

/**
 * The wait of a connection that is not simply open, each with its own time limit:
 *
 *   reader   the reader reads or answers what arrived before the peer's Close, an error or the end   closeTimeout
 *   anybody  the same, while the readable has no reader                                              LINGER
 *   peer     the peer takes data, answers our Close, and ends the stream after both    closeTimeout, starting again
 *   server   on a client: the server ends the stream after both Closes                               LINGER
 *   rest     the rest of the duplex ends, after our side is over and the other has had its time      REST
 *
 *   open -> reader -> peer -> settled           after a Close or an error of the peer; on a client, continued below
 *   open -> peer -> settled                     after our Close, or the end of the stream
 *           peer -> server -> rest -> settled   on a client
 *   open -> rest -> settled                     after the writable has failed
 *
 * After the limit of "reader" or "anybody", nothing waits for the reader any more. After any other limit, the duplex is cut.
 */
type Awaited = "reader" | "anybody" | "peer" | "server" | "rest";

interface Outcome {
  readonly closeCode: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A message that is being sent in slices. */
interface Underway {
  /** Drops the rest of the message. */
  readonly interrupt: () => void;
  /** The Close to send after it. */
  close: { readonly code: number | undefined; readonly reason: string | undefined } | undefined;
}

/**
 * Moves bytes and messages between a duplex, a Protocol and the pair of streams. It does the reading; a Sender writes.
 * The connection ends when both sides of the duplex have ended, or when their time has passed.
 * @internal
 */
export class Connection implements SenderHost {
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>;
  readonly #protocol: Protocol;
  /** Compressing and inflating take turns; undefined without extensions. */
  readonly #thread: Thread | undefined;
  /** Infinity without extensions. */
  readonly #sliceSize: number;
  readonly #closeTimeout: number;
  readonly #outlet: Outlet<string | Uint8Array<ArrayBuffer>>;
  readonly #closingMark: number;
  readonly #sink: MessageSink;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #sender: Sender;
  readonly #patience: Patience<Awaited> = new Patience((awaited) => this.#expired(awaited));
  #inlet!: WritableStreamDefaultController;
  /** How many messages wait in the writable. */
  #unwritten = 0;
  /** Whether the writable has failed, or its owner has closed or aborted it. */
  #inletEnded = false;
  #underway: Underway | undefined = undefined;
  /** Called when the connection may inflate; undefined while it is not waiting for its turn. */
  #waiting: (() => void) | undefined = undefined;
  /** Whether the connection has its turn: it may inflate one slice. */
  #served = false;
  /** Whether a call of the Protocol is delivering messages. */
  #delivering = false;
  /** Whether the time for the reader is over. */
  #impatient = false;
  /** How the connection ended, according to the Protocol. */
  #outcome: Outcome | undefined = undefined;
  /** Why the connection ended, if not because of a Close. */
  #cause: unknown = undefined;
  /** Why the connection failed. Made once. */
  #failure: WebSocketStreamError | undefined = undefined;
  /** Resumes reading from the duplex when it waits for room. */
  #readOn: () => void = () => {};
  #readEnded = false;
  /** Whether the server has had its time to end the stream. */
  #lingered = false;
  #settled = false;
  #settle!: () => void;

  constructor({ readable, writable }: ByteDuplex, options: WebSocketStreamOptions) {
    const { closeTimeout = CLOSE_TIMEOUT } = options;
    if (typeof closeTimeout !== "number" || !(closeTimeout >= 0)) {
      throw new RangeError("closeTimeout must be a number, 0 or more");
    }
    this.#closeTimeout = closeTimeout;
    const sliceSize = readSliceSize(options.sliceSize ?? DEFAULT_SLICE_SIZE);
    const extended = (options.extensions ?? []).length > 0;
    this.#thread = extended ? thread() : undefined;
    this.#sliceSize = extended ? sliceSize : Infinity;
    this.#protocol = new Protocol({ ...options, fragments: false, sliceSize, checked: true });
    this.#protocol.opened(performance.now());
    const readableMark = readMark(options, "readableHighWaterMark");
    const writableMark = readMark(options, "writableHighWaterMark");
    if (readable.locked || writable.locked) throw new TypeError("The streams of the duplex must not be locked");

    this.#closingMark = Math.max(readableMark, CLOSING_MARK);
    this.#outlet = new Outlet<string | Uint8Array<ArrayBuffer>>({
      size: dataSize,
      highWaterMark: readableMark,
      pulled: () => this.#pulled(),
      cancelled: (reason) => {
        this.#closeFor(reason);
        this.#stopHolding();
      },
    });
    this.writable = new WritableStream<string | Bytes | PreparedMessage>(
      {
        start: (controller) => {
          this.#inlet = controller;
          // abort() of the sink is not called while a write waits.
          controller.signal?.addEventListener("abort", () => this.#abort(controller.signal.reason));
        },
        abort: (reason) => this.#abort(reason),
        write: (data) => this.#write(data),
        close: () => {
          this.#inletEnded = true;
          // After the peer's Close, its code is the answer.
          if (this.#outcome === undefined) this.close(CloseCode.NormalClosure);
          else this.#stopHolding();
          return this.closed.then(() => {});
        },
      },
      {
        // Called in write(), before the message is queued.
        size: (data) => {
          this.#unwritten++;
          return dataSize(data);
        },
        highWaterMark: writableMark,
      },
    );
    this.#sink = {
      text: (data) => this.#deliver(data),
      binary: (data) => this.#deliver(data),
      ping() {},
      pong() {},
      error: (error) => {
        this.#cause ??= error;
      },
      close: (closeCode, reason, wasClean) => {
        this.#outcome = { closeCode, reason, wasClean };
      },
    };
    this.closed = new Promise((resolve, reject) => {
      this.#settle = () => {
        const { closeCode, reason, wasClean } = this.#outcome!;
        if (wasClean) resolve({ closeCode, reason });
        else reject(this.#error());
      };
    });
    // The promise need not be used, so it must not cause an unhandled rejection.
    this.closed.catch(() => {});
    this.#reader = readable.getReader();
    this.#sender = new Sender(this.#protocol, writable.getWriter(), this);
    void this.#read(options.head);
  }

  get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    return this.#outlet.readable;
  }

  /** @throws RangeError @throws TypeError */
  close(code: number | undefined, reason?: string): void {
    if (this.#underway !== undefined && this.#protocol.canSend) {
      // An invalid one throws now, not when it is sent.
      new Protocol({ role: "server" }).close(code, reason);
      this.#underway.close ??= { code, reason };
      return;
    }
    this.#protocol.close(code, reason);
    this.#goOn();
    this.#sender.flushSoon();
    this.advance();
  }

  /** @internal */
  get holdsClose(): boolean {
    return this.#isAnswerable && (this.#outlet.isBehind || this.#unwritten > 0 || this.#underway !== undefined);
  }

  /** @internal */
  taken(): void {
    this.#patience.progress();
  }

  /** @internal */
  failed(error: unknown): void {
    // After the peer's Close, we already know how the connection ended.
    this.#cause ??= error;
    this.advance();
  }

  /** Ends everything that can end, and waits for the rest. Call it after any change. @internal */
  advance(): void {
    if (this.#settled) return;
    this.#endOutlet();
    const { streamEnd } = this.#protocol;
    if (this.#sender.isIdle && (streamEnd === "send" || (this.#lingered && streamEnd === "expect"))) {
      this.#sender.close();
    }
    if (this.#outcome !== undefined && this.#readEnded && this.#sender.ended) this.#finish();
    else this.#wait();
  }

  /** Closes with the code and reason of `cause`, if they may be sent. */
  #closeFor(cause: unknown): void {
    if (this.#outcome !== undefined) return;
    const { closeCode, reason } = (cause ?? {}) as { readonly closeCode?: unknown; readonly reason?: unknown };
    if (typeof closeCode === "number" && isValidCloseCode(closeCode)) {
      this.close(closeCode, typeof reason === "string" ? reason : "");
    } else {
      this.close(undefined);
    }
  }

  #abort(reason: unknown): void {
    this.#inletEnded = true;
    this.#underway?.interrupt();
    this.#closeFor(reason);
    this.#stopHolding();
  }

  async #write(data: string | Bytes | PreparedMessage): Promise<void> {
    this.#unwritten--;
    // The stream has failed. Wait until it is known how the connection ended.
    if (this.#sender.hasFailed) await this.closed.catch(() => {});
    if (this.#settled) throw this.#error();
    try {
      const sent = this.#send(data);
      if (!(typeof sent === "boolean" ? sent : await sent)) throw this.#error();
    } catch (error) {
      // Nothing more can be written.
      this.#inletEnded = true;
      this.close(CloseCode.InternalError);
      throw error;
    }
    this.#sender.flushSoon();
    if (this.#sender.isFull) await this.#sender.room();
  }

  /** Sends a message. Its bytes belong to their owner again when this is done. */
  #send(data: string | Bytes | PreparedMessage): boolean | Promise<boolean> {
    if (this.#thread !== undefined) {
      const length = lengthOf(data);
      if (this.#protocol.compresses(length, undefined)) {
        this.#thread.idle.used(this.#protocol);
        // A PreparedMessage is compressed once, for all its receivers.
        if (length > this.#sliceSize && !(data instanceof PreparedMessage)) {
          return this.#sendInSlices(typeof data === "string" ? data : asBytes(data), length, this.#thread);
        }
      }
    }
    if (typeof data === "string" || data instanceof PreparedMessage) return this.#protocol.send(data);
    const bytes = asBytes(data, "data must be a string or bytes");
    if (bytes.length < SERIALIZED_AT_ONCE)
      return this.#protocol.send(this.#thread === undefined ? copyToSend(bytes) : new Uint8Array(bytes));
    const sent = this.#protocol.send(bytes);
    this.#sender.free(bytes.buffer);
    return sent;
  }

  /** Sends a message in slices, each in its turn, while there is room. Resolves with whether all of it was sent. */
  #sendInSlices(data: string | Uint8Array, length: number, { turns, idle }: Thread): Promise<boolean> {
    const message = new SlicedMessage(data, length, this.#sliceSize);
    const binary = typeof data !== "string";
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        const close = this.#underway?.close;
        this.#underway = undefined;
        turns.leave(serve);
        if (close !== undefined) this.close(close.code, close.reason);
      };
      const interrupt = (): void => {
        settle();
        resolve(false);
      };
      const next = (): void => {
        if (this.#sender.hasFailed) {
          // Wait until it is known how the connection ended.
          settle();
          resolve(this.closed.then(notSent, notSent));
          return;
        }
        turns.begin();
        try {
          const piece = message.next();
          if (!this.#protocol.send(piece, { binary, fin: message.isDone })) return interrupt();
          if (typeof data !== "string") this.#sender.free(data.buffer);
        } catch (error) {
          settle();
          reject(error);
          return;
        } finally {
          turns.end();
        }
        idle.used(this.#protocol);
        this.#patience.progress();
        this.#sender.flushSoon();
        if (!message.isDone) return;
        settle();
        resolve(true);
      };
      const serve = (): void => {
        do next();
        while (this.#underway === underway && turns.hasTime && !this.#sender.isFull);
        wait();
      };
      const wait = (): void => {
        if (this.#underway !== underway) return;
        if (this.#sender.isFull) void this.#sender.room().then(wait);
        else turns.wait(serve);
      };
      const underway: Underway = { interrupt, close: undefined };
      this.#underway = underway;
      if (turns.hasTime) serve();
      else wait();
    });
  }

  /** Reads the duplex to its end. It never rejects. */
  async #read(head: Bytes | undefined): Promise<void> {
    try {
      if (head !== undefined && head.byteLength > 0) this.#received(head);
      for (;;) {
        while (this.#isFull || this.#hasStopped) await new Promise<void>((resolve) => (this.#readOn = resolve));
        if (this.#settled) return;
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#received(value);
      }
    } catch (error) {
      if (this.#settled) return;
      // Both directions have ended.
      this.#cause ??= error;
      this.#sender.fail(error);
    }
    this.#readEnded = true;
    this.#protocol.pushEnd(this.#sink);
    // The readable has no reader, so do not wait for one.
    if (!this.readable.locked && this.#outlet.isBehind) this.#giveUpReader();
    this.advance();
  }

  #received(chunk: Bytes): void {
    // Data after the end is discarded, and needs no room.
    if (this.#outcome !== undefined) return;
    const turns = this.#sliceSize === Infinity ? undefined : this.#thread?.turns;
    if (turns !== undefined && chunk.byteLength > SHORT_CHUNK && !turns.hasTime) {
      // The Protocol keeps the chunk until its turn.
      this.#protocol.pause();
    }
    this.#delivering = true;
    turns?.begin();
    try {
      this.#protocol.push(chunk, this.#sink, performance.now());
    } catch (error) {
      this.#broken(error);
    }
    turns?.end();
    this.#delivering = false;
    this.#goOn();
    if (this.#protocol.bufferedAmount > 0) this.#sender.flushSoon();
    if (this.#protocol.state !== "open") this.advance();
  }

  /** Queues a received message for the reader. */
  #deliver(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#isDropping && this.#outlet.queuedBytes >= this.#closingMark) return;
    this.#outlet.enqueue(data);
    if (this.#isFull) this.#protocol.pause();
  }

  /** Continues with a chunk that a full queue has stopped, and with the duplex, while there is room. */
  #goOn(): void {
    if (this.#delivering) return;
    const turns = this.#sliceSize === Infinity ? undefined : this.#thread?.turns;
    this.#delivering = true;
    while (this.#hasStopped && !this.#isFull && this.#hasTurn) {
      this.#served = false;
      turns?.begin();
      try {
        this.#protocol.resume(this.#sink, performance.now());
      } catch (error) {
        this.#broken(error);
      }
      turns?.end();
    }
    this.#delivering = false;
    if (this.#isFull) return;
    if (this.#hasStopped) this.#waitForTurn();
    else this.#readOn();
  }

  /** Whether decoding has stopped in the middle of received data. */
  get #hasStopped(): boolean {
    return this.#protocol.paused || this.#protocol.unfinished;
  }

  /** Whether the connection may inflate now. Always true without slices. */
  get #hasTurn(): boolean {
    if (this.#sliceSize === Infinity || this.#served) return true;
    return this.#waiting === undefined && this.#thread!.turns.hasTime;
  }

  #waitForTurn(): void {
    if (this.#waiting !== undefined || this.#settled) return;
    this.#waiting = () => {
      this.#waiting = undefined;
      this.#served = true;
      this.#patience.progress();
      this.#pulled();
      this.#served = false;
    };
    this.#thread!.turns.wait(this.#waiting);
  }

  /** The reader has taken a message, or wants one. */
  #pulled(): void {
    this.#goOn();
    if (this.#protocol.bufferedAmount > 0) this.#sender.flushSoon();
    if (this.#protocol.state !== "open") this.#stopHolding();
  }

  /** Sends our Close, which may have waited for the reader. */
  #stopHolding(): void {
    if (this.#isAnswering && !this.holdsClose) this.#sender.flushSoon();
    this.advance();
  }

  /** Stops waiting for the reader. */
  #giveUpReader(): void {
    this.#impatient = true;
    this.#goOn();
    this.#stopHolding();
  }

  /** Whether our Close answers the peer's, or follows an error, and has not been sent. */
  get #isAnswering(): boolean {
    return this.#protocol.state === "closing" && this.#protocol.canSend;
  }

  /** Whether messages from before it can still be answered. */
  get #isAnswerable(): boolean {
    return this.#isAnswering && !this.#impatient && !this.#inletEnded && !this.#sender.ended;
  }

  /** Whether no more messages should arrive for now. */
  get #isFull(): boolean {
    return this.#outcome === undefined && !this.#isDropping && this.#outlet.full;
  }

  /** Whether messages are dropped if there is no room. After our Close, the peer's Close must arrive. */
  get #isDropping(): boolean {
    return this.#impatient || !this.#protocol.canSend;
  }

  /** Ends the readable, unless the reader can still answer something. */
  #endOutlet(): void {
    if (this.#outcome === undefined || (this.#isAnswerable && this.#outlet.isBehind)) return;
    if (this.#outcome.wasClean) this.#outlet.close();
    else this.#outlet.fail(this.#error());
  }

  /** An extension or `allocate` has thrown, which is not the peer's fault. */
  #broken(error: unknown): void {
    this.#cause ??= error;
    const where = { closeCode: CloseCode.InternalError, byteOffset: this.#protocol.bytesReceived, rule: "none" };
    for (const event of this.#protocol.fail(new WebSocketError("WS_ERR_INTERNAL", "Internal error", where))) {
      if (event.type === "close") this.#sink.close(event.code, event.reason, event.wasClean);
    }
  }

  /** The error for calls that are pending, or come later. */
  #error(): WebSocketStreamError {
    const { closeCode, reason, wasClean } = this.#outcome ?? {
      closeCode: CloseCode.NoStatusReceived,
      reason: "",
      wasClean: true,
    };
    if (wasClean) return new WebSocketStreamError("The connection is closed", { closeCode, reason });
    const cause = this.#cause;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    const message =
      cause instanceof WebSocketError
        ? `The peer broke a rule${why}`
        : this.#protocol.error?.code === "WS_ERR_INTERNAL"
          ? `Decoding failed${why}`
          : `The connection ended without a Close${why}`;
    return (this.#failure ??= new WebSocketStreamError(message, { closeCode, reason, cause }));
  }

  /** Waits for the next step: see Awaited. */
  #wait(): void {
    const closeTimeout = this.#closeTimeout;
    const { state, streamEnd } = this.#protocol;
    const { hasFailed } = this.#sender;
    if (this.holdsClose || (hasFailed && this.#isFull)) {
      if (this.readable.locked) this.#patience.waitFor("reader", closeTimeout);
      else this.#patience.waitFor("anybody", Math.min(closeTimeout, LINGER));
    } else if (hasFailed || this.#lingered) {
      this.#patience.waitFor("rest", Math.min(closeTimeout, REST));
    } else if (streamEnd === "expect" && this.#sender.isIdle) {
      this.#patience.waitFor("server", Math.min(closeTimeout, LINGER));
    } else if (state !== "open") {
      this.#patience.waitFor("peer", closeTimeout, MAX_CLOSE_TIMEOUTS * closeTimeout);
    }
  }

  #expired(awaited: Awaited): void {
    if (awaited === "reader" || awaited === "anybody") {
      this.#giveUpReader();
    } else if (awaited === "server") {
      this.#lingered = true;
      this.advance();
    } else {
      this.#cause ??= new Error(`The closing handshake took longer than ${this.#closeTimeout} ms`);
      this.#impatient = true;
      this.#goOn();
      this.#protocol.cut(this.#sink);
      this.#finish();
    }
  }

  /** Releases the duplex, ends all that is still open, and settles `closed`. */
  #finish(): void {
    this.#settled = true;
    this.#patience.stop();
    this.#protocol.cut(this.#sink);
    this.#underway?.interrupt();
    if (this.#waiting !== undefined) this.#thread?.turns.leave(this.#waiting);
    this.#thread?.idle.forget(this.#protocol);
    const error = this.#error();
    this.#impatient = true;
    this.#endOutlet();
    this.#readOn();
    if (!this.#readEnded) this.#reader.cancel(error).catch(() => {});
    this.#reader.releaseLock();
    this.#sender.release(error);
    if (!this.#inletEnded) this.#inlet.error(error);
    this.#settle();
  }
}

/** About how many bytes it is, estimated from the beginning of a long string. */
function lengthOf(data: string | Bytes | PreparedMessage): number {
  if (data instanceof PreparedMessage) return data.payload.length;
  if (typeof data !== "string") return data.byteLength;
  if (data.length <= SAMPLE) return utf8Length(data);
  return Math.ceil((data.length / SAMPLE) * utf8Length(data.slice(0, SAMPLE)));
}

function notSent(): boolean {
  return false;
}
