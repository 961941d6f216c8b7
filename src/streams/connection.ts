import { concat } from "../frame/bytes.ts";
import {
  type Bytes,
  CloseCode,
  isValidCloseCode,
  type MessageSink,
  type PreparedMessage,
  Protocol,
  WebSocketError,
} from "../index.ts";
import { WebSocketStreamError } from "./error.ts";
import { dataSize, readMark } from "./marks.ts";
import { Outlet } from "./outlet.ts";
import type { ByteDuplex, WebSocketStreamOptions } from "./web-socket-stream.ts";

/**
 * So many microtasks after the last message that was written, what is queued is sent. A message takes about ten of them from
 * one stream to the next: so the answers to a chunk leave together, and nothing waits for a timer.
 */
const TURNS = 16;
/** So many bytes are sent without waiting for more, and a writer waits while so many are queued. */
const BATCH = 65536;
/** The longest time that timers know. */
const MAX_TIME = 0x7fffffff;

interface Outcome {
  readonly closeCode: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/**
 * What moves bytes and messages between a duplex, a Protocol and the pair. One loop reads, one flushes; the connection is
 * over when both sides of the duplex have ended, or the time for it has.
 * @internal
 */
export class Connection {
  readonly writable: WritableStream<string | Bytes | PreparedMessage>;
  readonly closed: Promise<{ readonly closeCode: number; readonly reason: string }>;
  readonly #protocol: Protocol;
  readonly #server: boolean;
  readonly #closeTimeout: number;
  readonly #outlet: Outlet<string | Uint8Array<ArrayBuffer>>;
  readonly #sink: MessageSink;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #inlet!: WritableStreamDefaultController;
  /** Whether the writable has been closed or aborted by its owner. */
  #inletEnded = false;
  #flushing: Promise<void> | undefined = undefined;
  /** Lets the write go on that waits for what is queued to be taken. */
  #release: () => void = () => {};
  /** Microtasks to wait before the next flush. */
  #turns = 0;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  /** How the connection has ended for Protocol. */
  #outcome: Outcome | undefined = undefined;
  /** Why, if not by a Close. */
  #cause: unknown = undefined;
  /** Why the connection failed, made once. */
  #failure: WebSocketStreamError | undefined = undefined;
  #readEnded = false;
  #writeEnded = false;
  /** Whether the writer has been told to close. */
  #writeClosing = false;
  #settled = false;
  #settle!: () => void;

  constructor({ readable, writable }: ByteDuplex, options: WebSocketStreamOptions) {
    const { closeTimeout = 10_000 } = options;
    if (typeof closeTimeout !== "number" || !(closeTimeout >= 0)) {
      throw new RangeError("closeTimeout must be a number, 0 or more");
    }
    this.#closeTimeout = closeTimeout;
    this.#server = options.role === "server";
    this.#protocol = new Protocol({ ...options, fragments: false });
    const readableMark = readMark(options.readableHighWaterMark);
    const writableMark = readMark(options.writableHighWaterMark, 1);
    if (readable.locked || writable.locked) throw new TypeError("The streams of the duplex must not be locked");

    this.#outlet = new Outlet<string | Uint8Array<ArrayBuffer>>({
      size: dataSize,
      highWaterMark: readableMark,
      cancelled: (reason) => this.#closeFor(reason),
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
          // Behind the peer's Close, its code is the answer.
          if (this.#outcome === undefined) this.close(CloseCode.NormalClosure);
          return this.closed.then(() => {});
        },
      },
      { size: dataSize, highWaterMark: writableMark },
    );
    this.#sink = {
      text: (data) => this.#outlet.enqueue(data),
      binary: (data) => this.#outlet.enqueue(data),
      ping() {},
      pong() {},
      error: (error) => {
        this.#cause = error;
      },
      close: (closeCode, reason, wasClean) => this.#ended({ closeCode, reason, wasClean }),
    };
    this.closed = new Promise((resolve, reject) => {
      this.#settle = () => {
        const { closeCode, reason, wasClean } = this.#outcome!;
        if (wasClean) resolve({ closeCode, reason });
        else reject(this.#error());
      };
    });
    // Nobody has to look at it.
    this.closed.catch(() => {});
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch((error: unknown) => this.#broken(error));
    void this.#read(options.head);
  }

  get readable(): ReadableStream<string | Uint8Array<ArrayBuffer>> {
    return this.#outlet.readable;
  }

  /** @throws RangeError @throws TypeError */
  close(code: number | undefined, reason?: string): void {
    this.#protocol.close(code, reason);
    this.#flushSoon();
    this.#startTimer();
  }

  /** Closes with what a reason says, as far as it may be sent. */
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
    this.#closeFor(reason);
  }

  async #write(data: string | Bytes | PreparedMessage): Promise<void> {
    if (this.#settled) throw this.#error();
    try {
      if (!this.#protocol.send(data)) throw this.#error();
    } catch (error) {
      // Nothing more can be written.
      this.#inletEnded = true;
      this.close(CloseCode.InternalError);
      throw error;
    }
    this.#flushSoon();
    if (this.#protocol.bufferedAmount >= BATCH) {
      await new Promise<void>((resolve) => {
        this.#release = resolve;
      });
    }
  }

  /** Reads the duplex to its end. It never rejects. */
  async #read(head: Bytes | undefined): Promise<void> {
    try {
      if (head !== undefined && head.byteLength > 0) this.#received(head);
      for (;;) {
        // What is discarded needs no room.
        if (this.#outcome === undefined) await this.#outlet.ready();
        if (this.#settled) return;
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#received(value);
      }
      this.#protocol.pushEnd(this.#sink);
    } catch (error) {
      this.#broken(error);
    }
    this.#readEnded = true;
    this.#advance();
  }

  #received(chunk: Bytes): void {
    if (this.#outcome !== undefined) return;
    this.#protocol.push(chunk, this.#sink, performance.now());
    if (this.#protocol.bufferedAmount > 0) this.#flushSoon();
    else this.#advance();
  }

  /** The last event of the Protocol. */
  #ended(outcome: Outcome): void {
    this.#outcome = outcome;
    if (outcome.wasClean) this.#outlet.close();
    else this.#outlet.fail(this.#error());
    this.#startTimer();
  }

  /** What fails those who still use the connection. */
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
      cause instanceof WebSocketError ? `The peer broke a rule${why}` : `The connection ended without a Close${why}`;
    return (this.#failure ??= new WebSocketStreamError(message, { closeCode, reason, cause }));
  }

  /** A stream of the duplex has failed: nothing more goes either way. */
  #broken(error: unknown): void {
    if (this.#settled) return;
    this.#cause ??= error;
    this.#protocol.pushEnd(this.#sink);
    // Of a connection that is answering a Close, the outcome is known.
    this.#finish();
  }

  /** Sends what is queued when no more has been added for some microtasks. */
  #flushSoon(): void {
    if (this.#settled) return;
    this.#turns = this.#protocol.bufferedAmount < BATCH ? TURNS : 0;
    this.#flushing ??= this.#flush();
  }

  /** It never rejects. */
  async #flush(): Promise<void> {
    try {
      for (;;) {
        do await undefined;
        while (--this.#turns > 0);
        if (this.#settled) break;
        if (!(this.#writer.desiredSize! > 0)) await this.#writer.ready;
        if (this.#settled) break;
        const parts = this.#protocol.take();
        if (parts.length === 0) break;
        this.#release();
        // One at a time: some duplexes count chunks where they should count bytes, and are ready for thousands.
        await this.#writer.write(parts.length === 1 ? parts[0]! : concat(parts));
      }
    } catch (error) {
      this.#broken(error);
    }
    this.#flushing = undefined;
    this.#advance();
  }

  /** Ends what can be ended: the writing side once our last word is sent, the connection once both have ended. */
  #advance(): void {
    if (this.#settled || this.#outcome === undefined || this.#flushing || this.#protocol.state !== "closed") return;
    // A client leaves it to the server to end the stream first (RFC 6455 §7.1.1), unless it fails the connection.
    if (!this.#writeClosing && (this.#server || this.#readEnded || !this.#outcome.wasClean)) {
      this.#writeClosing = true;
      this.#writer.close().then(
        () => {
          this.#writeEnded = true;
          this.#advance();
        },
        (error: unknown) => this.#broken(error),
      );
    }
    if (this.#readEnded && this.#writeEnded) this.#finish();
  }

  #startTimer(): void {
    if (this.#timer !== undefined || this.#settled || this.#closeTimeout > MAX_TIME) return;
    this.#timer = setTimeout(() => {
      this.#cause ??= new Error(`The closing handshake took longer than ${this.#closeTimeout} ms`);
      this.#protocol.pushEnd(this.#sink);
      this.#finish();
    }, this.#closeTimeout);
  }

  /** Lets go of the duplex, ending what has not ended, and tells the outcome. */
  #finish(): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    const error = this.#error();
    if (!this.#readEnded) this.#reader.cancel(error).catch(() => {});
    if (!this.#writeEnded) this.#writer.abort(error).catch(() => {});
    this.#reader.releaseLock();
    this.#writer.releaseLock();
    this.#release();
    if (!this.#inletEnded) this.#inlet.error(error);
    this.#settle();
  }
}
