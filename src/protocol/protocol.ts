import { BIT_FIN, BITS_RSV, OPCODE_BINARY, OPCODE_TEXT, WINDOW_SIZE } from "../../assembly/memory.ts";
import { asBytes, asBytesOrText, type Bytes, type Memory } from "../frame/bytes.ts";
import { FrameDecoder } from "../frame/decoder.ts";
import { FrameEncoder } from "../frame/encoder.ts";
import type { WebSocketError } from "../frame/errors.ts";
import { CloseCode, isValidCloseCode } from "../frame/opcodes.ts";
import { PreparedMessage } from "../frame/prepared.ts";
import { ReadWindow } from "../frame/read-window.ts";
import { decodeUtf8, encodeUtf8 } from "../frame/utf8.ts";
import { MessageAssembler } from "./assembler.ts";
import { EventList, type MessageSink, type ProtocolEvent, STOP, STOPPED } from "./events.ts";
import type { OpenExtension } from "./extensions.ts";
import { limitError } from "./limits.ts";
import { type ProtocolOptions, readFragmentSize, type SendOptions } from "./options.ts";
import { OutgoingMessage, sendFrames } from "./outgoing.ts";
import { encodePrepared } from "./prepared.ts";
import { readSettings, type ProtocolSettings } from "./settings.ts";
import type { Thread } from "./thread.ts";
import { ANSWERING, CLOSED, CLOSING, FAILING, OPEN, STATES } from "./states.ts";

/** The longest reason that fits in a Close, in bytes: 125 minus the two bytes of the code (RFC 6455 §5.5). */
const MAX_REASON = 123;

/** The bytes of a Close besides its reason: header, masking-key and code. */
const CLOSE_OVERHEAD = 8;

const RULE = "data must be a string, bytes or a PreparedMessage";

/** Options of `Protocol.take()` and `Protocol.takeInto()`. */
export interface TakeOptions {
  /**
   * Hold back the Close that answers the peer's Close or reports an error. `state` stays `"closing"`, so you can still answer
   * earlier messages. Default false.
   */
  readonly holdClose?: boolean;
}

const NO_OPTIONS = {};

/** How the connection ends. Created only when the end begins, because that saves memory on open connections. */
interface End {
  /** The code of the Close that take() adds in the states ANSWERING and FAILING; undefined for an empty Close. */
  answer: number | undefined;
  answerReason: string;
  /** Whether the peer has sent a Close. */
  wasClean: boolean;
  /** Whether the peer has ended the stream. */
  streamEnded: boolean;
  error: WebSocketError | undefined;
}

/** A peer can save up unused control frames for this many periods. A server that stops reading gets them all at once. */
const MAX_CREDIT = 60;

/**
 * One side of a WebSocket connection after the opening handshake (RFC 6455 §5 to §7). It does no I/O.
 *
 * Pass the bytes you read to receive(), which returns events, or to push(), which calls a sink. Queue messages with send(),
 * ping() and close(). Then write the bytes that take() returns.
 *
 * take() also answers Pings and the peer's Close. Check `streamEnd` to learn when to end the stream.
 *
 * No input from a peer makes a method throw. If the peer breaks a rule, you get an error event and then the close event. The
 * close event comes exactly once, and it is the last event.
 */
export class Protocol {
  /** State that all adapters on a thread share. The first adapter creates it. @internal */
  declare static thread?: Thread;
  readonly #settings: ProtocolSettings;
  readonly #decoder: FrameDecoder;
  readonly #encoder: FrameEncoder;
  readonly #assembler: MessageAssembler;
  #state = OPEN;
  #end: End | undefined = undefined;
  /** The message that is being sent in pieces. */
  #outgoing: OutgoingMessage | undefined = undefined;
  /** Automatic Pongs since the last take(). */
  #pendingPongs = 0;
  /** How many more control frames may arrive in this period; undefined if the caller does not pass the time. */
  #controlLeft: number | undefined = undefined;
  /** Start of the period, in milliseconds: the lower 32 bits. */
  #periodStart = 0;

  /**
   * @throws TypeError for an unknown option, role, core or maskKey, or if two extensions share an RSV bit
   * @throws RangeError if a limit, `fragmentSize`, `sliceSize` or `textSlack` is out of range
   */
  constructor(options: ProtocolOptions) {
    const settings = readSettings(options);
    const { limits, extensions } = settings;
    this.#settings = settings;
    const { role, core, maskKey } = options;
    const { allocate, allowInvalidClose, allowInvalidUtf8, allowMasked, allowNonMinimalLength, allowUnmasked } =
      options;
    const { copies, textBytes, textSlack } = options;
    this.#decoder = new FrameDecoder({
      role,
      core,
      allocate,
      allowInvalidClose,
      allowInvalidUtf8,
      allowMasked,
      allowNonMinimalLength,
      allowUnmasked,
      copies,
      textBytes,
      textSlack,
      maxFrame: Math.floor(Math.min(limits.maxFrame, limits.maxMessage, Number.MAX_SAFE_INTEGER)),
      rsv: extensions.reduce((bits, { rsv }) => bits | rsv, 0),
    });
    this.#encoder = new FrameEncoder({ role, core, maskKey });
    this.#assembler = new MessageAssembler(settings, this);
  }

  /**
   * The state of the connection (RFC 6455 §7.1):
   *
   * - `"open"`: neither side has sent a Close.
   * - `"closing"`: one of the two Closes is missing. After close(), that is the peer's. After the peer's Close or an error, it
   * is ours: the next take() adds it, and until then you can still send.
   * - `"closed"`: nothing more is sent or delivered.
   */
  get state(): "open" | "closing" | "closed" {
    return STATES[this.#state]!;
  }

  /** Whether send() accepts a message: this side has not sent a Close, and the connection has not ended. */
  get canSend(): boolean {
    return this.#state <= FAILING;
  }

  /** Whether a ready-made frame may bypass take(): nothing is queued, and messages are sent unchanged. @internal */
  get isIdle(): boolean {
    return this.#state === OPEN && this.#outgoing === undefined && this.#settings.plain && this.#encoder.isEmpty;
  }

  /**
   * Why the connection failed: the rule or limit that the peer broke, or the error passed to fail(). Undefined if it did not
   * fail. An invalid answer to our Close is recorded here, but has no error event.
   */
  get error(): WebSocketError | undefined {
    return this.#end?.error;
  }

  /** The number of bytes received and decoded so far. If it grows, the peer is alive. */
  get bytesReceived(): number {
    return this.#decoder.bytesDecoded;
  }

  /**
   * An upper bound for the number of bytes that the next take() returns. Text that is not encoded yet counts as three bytes per
   * UTF-16 code unit.
   */
  get bufferedAmount(): number {
    return this.#encoder.queuedBytes + this.answerSize;
  }

  /** The part of `bufferedAmount` that is the Close added by take(), which can be held back. @internal */
  get answerSize(): number {
    return this.#answers() ? CLOSE_OVERHEAD + 3 * this.#end!.answerReason.length : 0;
  }

  /**
   * What to do with the underlying stream after you have written everything that take() returned (RFC 6455 §7.1.1):
   *
   * - `"none"`: leave it open.
   * - `"send"`: end it.
   * - `"expect"`: the server is about to end it. If it does not within a second or so, end it yourself.
   */
  get streamEnd(): "none" | "expect" | "send" {
    if (this.#state !== CLOSED) return "none";
    return this.#settings.server || this.#end?.streamEnded || !this.#end?.wasClean ? "send" : "expect";
  }

  /** Whether the connection is paused: pause() was called, and resume() was not called since. */
  get paused(): boolean {
    return !this.#isOver() && (this.#settings.slices?.paused ?? this.#decoder.paused);
  }

  /**
   * Whether a call stopped early because of `sliceSize`. Give other work a turn, then call resume(). Until then, the connection
   * acts as if you had called pause().
   */
  get unfinished(): boolean {
    return !this.#isOver() && this.#settings.slices?.unfinished === true;
  }

  /** Memory that holds bytes kept by a pause, in bytes. 0 means that resume() has nothing to deliver. */
  get heldBytes(): number {
    return this.#isOver() ? 0 : this.#decoder.heldBytes + this.#assembler.heldBytes;
  }

  /** Whether further input is ignored. */
  #isOver(): boolean {
    return this.#state === FAILING || this.#state === CLOSED;
  }

  /** Whether take() adds a Close. */
  #answers(): boolean {
    return this.#state === ANSWERING || this.#state === FAILING;
  }

  /**
   * Decodes the next bytes of the stream and returns their events, in order.
   *
   * @param chunk any number of bytes, cut anywhere. They are copied where needed and never changed; you can reuse the buffer
   * @param now the time in milliseconds, from a clock that never goes back. Without it, `maxControlFrames` is not enforced
   * @throws TypeError if the chunk is not bytes
   */
  receive(chunk: Bytes, now?: number): ProtocolEvent[] {
    const list = new EventList();
    this.push(chunk, list, now);
    return list.events;
  }

  /**
   * Call this when the stream has ended. Returns the remaining events. If the peer sent no Close, that is a close event with
   * code 1006 (RFC 6455 §7.1.5).
   */
  receiveEnd(): ProtocolEvent[] {
    const list = new EventList();
    this.pushEnd(list);
    return list.events;
  }

  /**
   * Like receive(), but calls a method of `sink` for each event. If the sink throws, push() throws the same error. The rest of
   * the chunk is then lost, and the connection can receive nothing more.
   *
   * @throws TypeError if the chunk is not bytes, or if you call it from a callback of this connection
   */
  push(chunk: Bytes, sink: MessageSink, now?: number): void {
    if (this.#isOver()) return;
    const bytes = asBytes(chunk);
    this.#begin(sink, now);
    try {
      this.#decoder.push(bytes, this.#assembler);
    } catch (error) {
      this.#caught(error, sink);
    } finally {
      this.#endCall();
    }
  }

  /**
   * Like receiveEnd(), but calls a sink. While the connection is paused, the end waits for resume() and is delivered after the
   * kept bytes. If you call it from a callback of this connection, the connection ends at once and the rest of the chunk is
   * dropped.
   */
  pushEnd(sink: MessageSink): void {
    this.#ending().streamEnded = true;
    if (!this.paused && !this.unfinished && this.heldBytes === 0) this.#endStream(sink);
  }

  /** Sets when the connection opened, so that control frames have been allowed since then. @internal */
  opened(now: number): void {
    this.#allowControl(now);
  }

  /** The stream is gone in both directions. Drops the bytes kept by a pause and frees all memory. @internal */
  cut(sink: MessageSink): void {
    this.#ending().streamEnded = true;
    if (this.#isOver() || this.#answers()) this.#enter(CLOSED);
    else this.#endStream(sink);
  }

  /**
   * Pauses delivery. A running push() or commit() stops after the frame or piece that it is delivering, and later calls deliver
   * nothing. Undelivered bytes are copied and kept until resume(). You can call pause() at any time, also from a callback of
   * the sink.
   */
  pause(): void {
    const { slices } = this.#settings;
    if (slices !== undefined) slices.paused = true;
    this.#decoder.pause();
  }

  /**
   * Ends a pause, or continues after `sliceSize` stopped a call. Delivers the kept bytes until none are left or a callback
   * pauses again. If you call it from a callback of the sink, the running call continues.
   *
   * @param now as in receive()
   */
  resume(sink: MessageSink, now?: number): void {
    if (this.#isOver()) return;
    this.#settings.slices?.begin();
    if (this.#assembler.sink !== undefined) {
      this.#decoder.resume(this.#assembler);
      return;
    }
    this.#begin(sink, now, true);
    try {
      this.#decoder.resume(this.#assembler);
    } catch (error) {
      this.#caught(error, sink);
    } finally {
      this.#endCall();
    }
    if (this.#end?.streamEnded && !this.paused && !this.unfinished) this.#endStream(sink);
  }

  /**
   * Lends you a buffer of 64 KiB to read the next bytes of the stream into, like FrameDecoder.reserve(). Hand it back with
   * commit().
   *
   * @throws TypeError if you call it from a callback of this connection
   */
  reserve(): Uint8Array<ArrayBuffer> {
    // The bytes read into it will be ignored.
    return this.#isOver() ? new Uint8Array(WINDOW_SIZE) : this.#decoder.reserve();
  }

  /**
   * Takes the buffer of reserve() back, and processes its first `length` bytes like push(). Do not touch the buffer afterwards.
   *
   * @throws RangeError if no buffer is reserved, or if it is shorter than `length`
   * @throws TypeError if you call it from a callback of this connection
   */
  commit(length: number, sink: MessageSink, now?: number): void {
    if (this.#isOver()) {
      if (this.#assembler.sink === undefined) this.#decoder.release();
      return;
    }
    const landing = this.#decoder.filled(length);
    this.#begin(sink, now);
    try {
      this.#decoder.commitFilled(landing, this.#assembler);
    } catch (error) {
      this.#caught(error, sink);
    } finally {
      this.#endCall();
    }
  }

  /** A window that the sockets of a thread share, for pushFrom(). @internal */
  static readWindow(...of: ConstructorParameters<typeof ReadWindow>): ReadWindow {
    return new ReadWindow(...of);
  }

  /** Like push(), for the first `length` bytes of the window. @internal */
  pushFrom(window: ReadWindow, length: number, sink: MessageSink, now?: number): void {
    if (this.#isOver()) return;
    this.#begin(sink, now);
    try {
      this.#decoder.pushFrom(window, length, this.#assembler);
    } catch (error) {
      this.#caught(error, sink);
    } finally {
      this.#endCall();
    }
  }

  /**
   * Queues a message: text for a string, binary for bytes. With `fin: false` it queues a piece of a message. Bytes are
   * borrowed: do not change them until you have written what take() returns.
   *
   * @returns false if nothing is sent, because this side has sent a Close or the connection has ended
   * @throws TypeError for other data, for text in bytes that are not UTF-8, or for a piece of the wrong kind
   * @throws RangeError if `fragmentSize` is out of range
   * @throws any error of an extension or a `maskKey` function. If the message was to leave in one frame, uncompressed, it is
   *   not sent and the connection stays open. Otherwise the connection is closed with code 1011
   */
  send(data: string | Bytes | PreparedMessage, options?: SendOptions): boolean {
    if (!this.canSend) return false;
    if (options === undefined && this.#outgoing === undefined && this.#settings.plain) {
      // The common case: a whole message, sent unchanged.
      if (typeof data === "string") this.#encoder.text(data);
      else if (data instanceof PreparedMessage) this.#encoder.prepared(data);
      else this.#encoder.binary(asBytes(data, RULE));
    } else if (
      typeof data === "string" &&
      options === undefined &&
      this.#outgoing === undefined &&
      this.#settings.forTexts
    ) {
      this.#sendText(data, this.#settings.forTexts);
    } else if (data instanceof PreparedMessage) {
      this.#sendPrepared(data, options ?? {});
    } else {
      this.#sendPiece(asBytesOrText(data), options ?? {});
    }
    return true;
  }

  /**
   * Queues a binary message that the caller may change afterwards. Large frames are built in `memory`. If messages are not sent
   * unchanged, it sends nothing and returns undefined: use send() then.
   * @returns otherwise like send() @throws TypeError if data is not bytes @internal
   */
  sendCopy(data: Bytes, memory: Memory): boolean | undefined {
    if (this.#outgoing !== undefined || !this.#settings.plain) return undefined;
    if (!this.canSend) return false;
    this.#encoder.copy(BIT_FIN | OPCODE_BINARY, asBytes(data, RULE), memory);
    return true;
  }

  /** Like sendCopy(), for text that is known to be valid UTF-8. @internal */
  sendTextCopy(data: Uint8Array, memory: Memory): boolean | undefined {
    if (this.#outgoing !== undefined || !this.#settings.plain) return undefined;
    if (!this.canSend) return false;
    this.#encoder.copy(BIT_FIN | OPCODE_TEXT, data, memory);
    return true;
  }

  /** Whether an extension would compress or change a whole message of `length` bytes. @internal */
  compresses(length: number, compress: boolean | undefined): boolean {
    return this.#settings.extensions.some(({ session }) => session.wants?.(length, compress) ?? true);
  }

  /**
   * Frees the compression context: the earlier messages that the next one could refer to. The next message gets longer without
   * it. Call this when the connection has sent nothing for `releaseAfter` milliseconds.
   */
  release(): void {
    // The rest of an unfinished message needs the context.
    if (this.#outgoing === undefined) for (const { session } of this.#settings.extensions) session.release?.();
  }

  /** How long a connection may send nothing before you should call release(), in milliseconds. Infinity means never. */
  get releaseAfter(): number {
    return this.#settings.extensions.reduce(
      (least, { session }) => Math.min(least, session.releaseAfter ?? Infinity),
      Infinity,
    );
  }

  /**
   * Queues a Ping (RFC 6455 §5.5.2). The payload is copied.
   *
   * @returns false if nothing is sent, because this side has sent a Close or the connection has ended
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if data is longer than 125 bytes
   */
  ping(data?: string | Bytes): boolean {
    if (!this.canSend) return false;
    this.#encoder.ping(data);
    return true;
  }

  /**
   * Queues a Pong (RFC 6455 §5.5.3). The payload is copied. Use it to answer Pings yourself when `autoPong` is off, or to send
   * an unsolicited Pong.
   *
   * @returns and throws like ping()
   */
  pong(data?: string | Bytes): boolean {
    if (!this.canSend) return false;
    this.#encoder.pong(data);
    return true;
  }

  /**
   * Queues a Close (RFC 6455 §5.5.1). After that, this side sends nothing and waits for the peer's Close. Messages that arrive
   * before it are still delivered. Does nothing if this side has already sent a Close.
   *
   * After the peer's Close, yours is the answer and replaces the automatic one. After an error, it replaces the Close that
   * reports the error.
   *
   * @param code without a code, the Close is empty
   * @param reason at most 123 bytes in UTF-8; a longer one is cut between two characters
   * @throws RangeError if the code must not be sent (RFC 6455 §7.4), or if there is a reason but no code
   * @throws TypeError if the reason is not a string
   */
  close(code?: number, reason: string = ""): void {
    if (!this.canSend) return;
    this.#encoder.close(code, cutReason(reason));
    this.#enter(this.#state === OPEN ? CLOSING : CLOSED);
  }

  /**
   * Fails the connection for a reason of your own (RFC 6455 §7.1.7). Unless this side has already sent a Close, take() adds one
   * with the error's close code, or 1011 if that code must not be sent.
   *
   * @returns the error event and the close event; nothing if there was a close event already
   */
  fail(error: WebSocketError): ProtocolEvent[] {
    const list = new EventList();
    if (this.#state === ANSWERING) {
      this.#answerWith(error);
    } else if (this.#state === OPEN || this.#state === CLOSING) {
      this.#fail(error, list);
    }
    return list.events;
  }

  /**
   * Returns the bytes to write, in order. Call it only when the stream accepts more: small messages then leave together, and
   * waiting Pongs count towards `maxPendingPongs`.
   *
   * The buffers are yours, with two exceptions that you must not write to: a large message is the array that you passed to
   * send(), and a prepared message is shared by all connections that send it.
   */
  take({ holdClose = false }: TakeOptions = NO_OPTIONS): Uint8Array<ArrayBuffer>[] {
    this.#beforeTake(holdClose);
    return this.#encoder.take();
  }

  /**
   * Like take(), but copies the bytes to the start of `target`, as many whole frames as fit. A buffer that you use again and
   * again saves allocations.
   *
   * @returns the number of bytes written. 0 means that there is nothing to write, or that the next frame does not fit or is
   *   better not copied: call take() then
   */
  takeInto(target: Uint8Array, { holdClose = false }: TakeOptions = NO_OPTIONS): number {
    this.#beforeTake(holdClose);
    return this.#encoder.takeInto(target);
  }

  /** @internal */
  receivedPing(data: Uint8Array<ArrayBuffer>): void {
    this.#countControl();
    if (this.#state === OPEN && this.#settings.autoPong) {
      if (++this.#pendingPongs > this.#settings.limits.maxPendingPongs) {
        throw this.#exceeded("WS_ERR_TOO_MANY_PENDING_PONGS", "maxPendingPongs");
      }
      this.#encoder.pong(data);
    }
    this.#assembler.sink!.ping(data);
  }

  /** @internal */
  receivedPong(data: Uint8Array<ArrayBuffer>): void {
    this.#countControl();
    this.#assembler.sink!.pong(data);
  }

  /** @internal */
  receivedClose(code: number, reason: string): void {
    // Repeats the peer's code (§5.5.1), unless it has none or an invalid one that allowInvalidClose accepted.
    const end = this.#ending();
    end.answer = isValidCloseCode(code) ? code : undefined;
    end.wasClean = true;
    if (this.#state === OPEN) this.#state = ANSWERING;
    else this.#enter(CLOSED);
    this.#assembler.sink!.close(code, reason, true);
  }

  /** @internal */
  decoded(length: number): boolean {
    if (this.#settings.slices?.uses(length)) this.#decoder.pause();
    return this.#decoder.paused;
  }

  /** @internal */
  failed(error: WebSocketError): WebSocketError {
    return (this.#ending().error = error);
  }

  #beforeTake(holdClose: boolean): void {
    this.#pendingPongs = 0;
    if (holdClose || !this.#answers()) return;
    const { answer, answerReason } = this.#ending();
    this.#encoder.close(answer, answerReason);
    this.#enter(CLOSED);
  }

  #enter(state: typeof CLOSING | typeof FAILING | typeof CLOSED): void {
    this.#state = state;
    if (state === CLOSED) for (const { session } of this.#settings.extensions) session.end?.();
    if (this.#assembler.sink === undefined) this.#endCall();
  }

  /** Prepares a call that delivers to `sink`. If it throws, nothing has changed. */
  #begin(sink: MessageSink, now: number | undefined, resumes: boolean = false): void {
    if (this.#assembler.sink !== undefined) throw new TypeError("A callback must not receive on its own connection");
    if (this.#settings.fragments && (!sink.start || !sink.piece || !sink.end)) {
      throw new TypeError("With `fragments: true`, the sink needs the methods start(), piece() and end()");
    }
    this.#assembler.sink = sink;
    this.#settings.slices?.refill();
    // A pause delivers nothing, so resume() counts the kept control frames over the whole pause.
    if (resumes || !this.paused) this.#tellTime(now);
  }

  #tellTime(now: number | undefined): void {
    if (now === undefined) this.#controlLeft = undefined;
    else this.#allowControl(now);
  }

  /** Ends a call that delivers. After the end of the connection, undelivered bytes are dropped. */
  #endCall(): void {
    this.#assembler.sink = undefined;
    if (!this.#isOver()) return;
    this.#assembler.drop();
    this.#decoder.drop();
  }

  /** Unused allowance of earlier periods is kept: the peer may have sent its frames while we did not read. */
  #allowControl(now: number): void {
    const { maxControlFrames, controlPeriod } = this.#settings.limits;
    const elapsed = (now - this.#periodStart) | 0;
    if (this.#controlLeft === undefined || elapsed < 0 || controlPeriod === 0) {
      // The first call, or the clock went back, or nothing arrived for weeks.
      this.#controlLeft = maxControlFrames;
    } else if (elapsed >= controlPeriod) {
      const more = (elapsed * maxControlFrames) / controlPeriod;
      this.#controlLeft = Math.min(this.#controlLeft + more, MAX_CREDIT * maxControlFrames);
    } else {
      return;
    }
    this.#periodStart = now | 0;
  }

  #countControl(): void {
    if (this.#controlLeft !== undefined && --this.#controlLeft < 0)
      throw this.#exceeded("WS_ERR_TOO_MANY_CONTROL_FRAMES", "maxControlFrames");
  }

  #exceeded(
    code: "WS_ERR_TOO_MANY_CONTROL_FRAMES" | "WS_ERR_TOO_MANY_PENDING_PONGS",
    limit: "maxControlFrames" | "maxPendingPongs",
  ): WebSocketError {
    return this.failed(limitError(code, CloseCode.PolicyViolation, limit, this.#assembler.frameEnd));
  }

  /** Handles an exception in push(): fails the connection if the peer is at fault, and throws it again otherwise. */
  #caught(error: unknown, sink: MessageSink): void {
    if (error === STOP) return;
    const own = this.#end?.error;
    if (error !== own && error !== this.#decoder.error) throw error;
    // A callback may have ended the connection.
    if (this.#isOver()) return;
    const failure = error === own ? own! : this.#ownLimit(this.#decoder.error!);
    if (this.#state === OPEN) {
      this.#fail(failure, sink);
    } else {
      // After our Close, what the peer sends is no error: some peers answer with a malformed Close, or with HTTP.
      this.failed(failure);
      this.#finish(CLOSED);
      sink.close(CloseCode.AbnormalClosure, "", false);
    }
  }

  /** The decoder's error, naming the limit that was set here. */
  #ownLimit(error: WebSocketError): WebSocketError {
    if (error.rule !== "maxFrame") return error;
    const { maxFrame, maxMessage } = this.#settings.limits;
    return limitError(
      error.code,
      error.closeCode,
      maxFrame <= maxMessage ? "maxFrame" : "maxMessage",
      error.byteOffset,
    );
  }

  #endStream(sink: MessageSink): void {
    if (this.#state === CLOSED || this.#answers()) return;
    this.#finish(CLOSED);
    sink.close(CloseCode.AbnormalClosure, "", false);
  }

  /** Call before the close event. Nothing may follow that event, not even from the running call. */
  #finish(state: typeof FAILING | typeof CLOSED): void {
    this.#enter(state);
    if (this.#assembler.sink !== undefined) this.#assembler.sink = STOPPED;
  }

  #fail(error: WebSocketError, sink: MessageSink): void {
    this.#answerWith(error);
    this.#finish(this.#state === OPEN ? FAILING : CLOSED);
    try {
      sink.error(error);
    } finally {
      sink.close(CloseCode.AbnormalClosure, "", false);
    }
  }

  /** Records an error. take() then adds a Close that reports it. */
  #answerWith(error: WebSocketError): void {
    const end = this.#ending();
    end.error = error;
    end.answer = isValidCloseCode(error.closeCode) ? error.closeCode : CloseCode.InternalError;
    end.answerReason = cutReason(error.message);
  }

  /** The state of the end, created on the first call. */
  #ending(): End {
    return (this.#end ??= {
      answer: undefined,
      answerReason: "",
      wasClean: false,
      streamEnded: false,
      error: undefined,
    });
  }

  /** Sending failed half-way: some frames are queued, or extensions count the message as sent. */
  #abort(): void {
    const before = this.#state;
    this.#enter(before === OPEN ? CLOSING : CLOSED);
    this.#encoder.close(CloseCode.InternalError);
  }

  /** The fast path for a whole text. */
  #sendText(text: string, { session, rsv }: OpenExtension): void {
    try {
      const encoded = session.encodeText!(text, undefined);
      if (encoded === undefined) this.#encoder.text(text);
      else this.#encoder.copy(BIT_FIN | (rsv << 4) | OPCODE_TEXT, encoded);
    } catch (error) {
      this.#abort();
      throw error;
    }
  }

  #sendPiece(data: string | Uint8Array, options: SendOptions): void {
    const text = options.binary === undefined ? typeof data === "string" : !options.binary;
    const fin = options.fin ?? true;
    const fragmentSize = this.#fragmentSize(options);
    const message = this.#outgoing ?? new OutgoingMessage(text, options.compress, this.#settings.extensions);
    if (message.text !== text) {
      throw new TypeError(
        `A ${message.text ? "text" : "binary"} message is unfinished: end it before you send ${text ? "text" : "binary"} data`,
      );
    }
    const piece = message.read(data, fin);
    try {
      message.send(this.#encoder, piece, fragmentSize);
    } catch (error) {
      this.#abort();
      throw error;
    }
    this.#outgoing = fin ? undefined : message;
  }

  #sendPrepared(message: PreparedMessage, options: SendOptions): void {
    if (this.#outgoing !== undefined)
      throw new TypeError("A message is unfinished: end it before you send a PreparedMessage");
    if (options.fin === false)
      throw new TypeError("A PreparedMessage is a whole message: send it without `fin: false`");
    const { compress } = options;
    const fragmentSize = this.#fragmentSize(options);
    const { extensions } = this.#settings;
    const [extension] = extensions;
    if (extension !== undefined && (extensions.length > 1 || !extension.session.encodePrepared)) {
      this.#sendPiece(message.payload, { ...options, binary: !message.text });
      return;
    }
    try {
      const encoded = extension && compress !== false ? encodePrepared(message, extension, compress) : undefined;
      const { payload, firstByte } = encoded ?? message;
      if (payload.length > fragmentSize) {
        const rsv = (firstByte & BITS_RSV) >> 4;
        sendFrames(this.#encoder, { text: message.text, payload, first: true, last: true, rsv }, fragmentSize);
      } else {
        this.#encoder.serialized(encoded ?? message);
      }
    } catch (error) {
      this.#abort();
      throw error;
    }
  }

  #fragmentSize({ fragmentSize }: SendOptions): number {
    return fragmentSize === undefined ? this.#settings.fragmentSize : readFragmentSize(fragmentSize);
  }
}

/** The part of the reason that fits in a Close. */
function cutReason(reason: string): string {
  if (typeof reason !== "string") throw new TypeError("reason must be a string");
  if (3 * reason.length <= MAX_REASON) return reason;
  const bytes = encodeUtf8(reason.slice(0, MAX_REASON + 1));
  let end = Math.min(bytes.length, MAX_REASON);
  // Do not cut inside a character: its later bytes are 10xxxxxx.
  while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
  return decodeUtf8(bytes.subarray(0, end));
}
