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

/** The longest reason of a Close, in bytes: 125 less the two of its code (RFC 6455 §5.5). */
const MAX_REASON = 123;

/** What a Close adds to its reason, in bytes: header, masking-key and code. */
const CLOSE_OVERHEAD = 8;

const RULE = "data must be a string, bytes or a PreparedMessage";

/** Options of Protocol.take() and takeInto(). */
export interface TakeOptions {
  /**
   * Leave out the Close that answers the peer's Close or an error; `state` stays closing. Use it while somebody may still want
   * to answer what came before. Default false.
   */
  readonly holdClose?: boolean;
}

const NO_OPTIONS = {};

/** What is known of the end of a connection, made once there is something: open connections take less memory without it. */
interface End {
  /** The Close that take() adds while ANSWERING or FAILING; no code for one without a payload. */
  answer: number | undefined;
  answerReason: string;
  /** Whether the peer's Close has come. */
  wasClean: boolean;
  /** Whether the peer has ended the stream. */
  streamEnded: boolean;
  error: WebSocketError | undefined;
}

/** How many times `maxControlFrames` may come at once, after a time in which less was read. */
const MAX_CREDIT = 60;

/**
 * One side of a WebSocket connection after its opening handshake (RFC 6455 §5 to §7), without I/O. Bytes that arrive go in
 * through receive() or push() and come out as events. Messages go in through send(), ping() and close(), and take() returns
 * the bytes to write.
 *
 * The next take() answers Pings and the peer's Close. `streamEnd` says when to end the stream.
 *
 * It never throws because of what a peer sends: a broken rule is an error event, followed by the close event. There is one
 * close event, and it is the last event.
 */
export class Protocol {
  /** What the adapters of a thread share; the first of them makes it. @internal */
  declare static thread?: Thread;
  readonly #settings: ProtocolSettings;
  readonly #decoder: FrameDecoder;
  readonly #encoder: FrameEncoder;
  readonly #assembler: MessageAssembler;
  #state = OPEN;
  #end: End | undefined = undefined;
  /** A message that is being sent in pieces. */
  #outgoing: OutgoingMessage | undefined = undefined;
  /** Automatic Pongs since the last take(). */
  #pendingPongs = 0;
  /** How many more control frames may come in this period; undefined while nobody tells the time. */
  #controlLeft: number | undefined = undefined;
  /** When the period began, in milliseconds, the lower 32 bits. */
  #periodStart = 0;

  /**
   * @throws TypeError for an unknown role, core or maskKey, or extensions that share an RSV bit
   * @throws RangeError for a limit, fragmentSize or textSlack out of range
   */
  constructor(options: ProtocolOptions) {
    const settings = readSettings(options);
    const { limits, extensions } = settings;
    this.#settings = settings;
    this.#decoder = new FrameDecoder({
      ...options,
      maxFrame: Math.floor(Math.min(limits.maxFrame, limits.maxMessage, Number.MAX_SAFE_INTEGER)),
      rsv: extensions.reduce((bits, { rsv }) => bits | rsv, 0),
    });
    this.#encoder = new FrameEncoder(options);
    this.#assembler = new MessageAssembler(settings, this);
  }

  /**
   * `"open"` until one side closes. `"closing"` while one of the two Closes is missing: after close(), the peer's; after the
   * peer's Close or an error, ours, which take() adds. Until it does, you can still answer what came before. `"closed"`:
   * nothing more is sent or delivered.
   */
  get state(): "open" | "closing" | "closed" {
    return STATES[this.#state]!;
  }

  /** Whether send() takes a message: neither has this side closed, nor has the connection ended. */
  get canSend(): boolean {
    return this.#state <= FAILING;
  }

  /** Whether a message that is a frame already may be written past take(): nothing waits, and none is changed. @internal */
  get isIdle(): boolean {
    return this.#state === OPEN && this.#outgoing === undefined && this.#settings.plain && this.#encoder.isEmpty;
  }

  /**
   * Why the connection failed, if it did: the rule or limit that the peer broke, or what fail() was given. Also what was
   * wrong with the peer's answer to our Close, which is no error event.
   */
  get error(): WebSocketError | undefined {
    return this.#end?.error;
  }

  /** How many bytes have been received and understood. When it changes, the peer is alive. */
  get bytesReceived(): number {
    return this.#decoder.bytesDecoded;
  }

  /**
   * An upper bound for the bytes that the next take() returns: text that is not yet encoded counts three bytes for each
   * UTF-16 code unit.
   */
  get bufferedAmount(): number {
    return this.#encoder.queuedBytes + this.answerSize;
  }

  /** How many bytes of it are the Close that take() adds, and can hold back. @internal */
  get answerSize(): number {
    return this.#answers() ? CLOSE_OVERHEAD + 3 * this.#end!.answerReason.length : 0;
  }

  /**
   * What to do with the stream that the connection runs over, once everything that take() returned is written
   * (RFC 6455 §7.1.1). `"none"`: leave it open. `"send"`: end it. `"expect"`: the server is about to end it; end it
   * yourself if that takes more than a second or so.
   */
  get streamEnd(): "none" | "expect" | "send" {
    if (this.#state !== CLOSED) return "none";
    return this.#settings.server || this.#end?.streamEnded || !this.#end?.wasClean ? "send" : "expect";
  }

  /** Whether pause() has been called, and resume() has not. */
  get paused(): boolean {
    return !this.#isOver() && (this.#settings.slices?.paused ?? this.#decoder.paused);
  }

  /**
   * Whether a call has stopped because of `sliceSize`: resume() goes on, after others have had a turn. Until then it is as if
   * pause() had been called.
   */
  get unfinished(): boolean {
    return !this.#isOver() && this.#settings.slices?.unfinished === true;
  }

  /** How much memory holds what a pause has kept back, in bytes: 0 if resume() would have nothing to deliver. */
  get heldBytes(): number {
    return this.#isOver() ? 0 : this.#decoder.heldBytes + this.#assembler.heldBytes;
  }

  /** Whether what still arrives is ignored. */
  #isOver(): boolean {
    return this.#state === FAILING || this.#state === CLOSED;
  }

  /** Whether take() adds a Close. */
  #answers(): boolean {
    return this.#state === ANSWERING || this.#state === FAILING;
  }

  /**
   * Returns the events of the next bytes of the stream, in order. `chunk` may be cut anywhere; it is not changed.
   *
   * @param now the time in milliseconds, from any clock that does not go back. Without it, `maxControlFrames` does not hold
   * @throws TypeError if the chunk is not bytes
   */
  receive(chunk: Bytes, now?: number): ProtocolEvent[] {
    const list = new EventList();
    this.push(chunk, list, now);
    return list.events;
  }

  /**
   * Tells that the stream has ended. Returns the events of that: without a Close before it, a close event with 1006 (RFC 6455
   * §7.1.5).
   */
  receiveEnd(): ProtocolEvent[] {
    const list = new EventList();
    this.pushEnd(list);
    return list.events;
  }

  /**
   * Like receive(), but calls a method of `sink` for each event. If the sink throws, push() throws the same; the rest of the
   * chunk is then lost, and nothing more can be received.
   *
   * @throws TypeError if the chunk is not bytes, or from inside a callback of this connection
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
   * Like receiveEnd(), for a sink. While paused, the end waits for resume() and comes after what was kept. Called from a
   * callback of this connection, it ends the connection at once, and the rest of the chunk is dropped.
   */
  pushEnd(sink: MessageSink): void {
    this.#ending().streamEnded = true;
    if (!this.paused && !this.unfinished && this.heldBytes === 0) this.#endStream(sink);
  }

  /** The connection was opened then: control frames that are received later have had all the time since. @internal */
  opened(now: number): void {
    this.#allowControl(now);
  }

  /** The stream is gone, in both directions: what a pause has kept back is dropped, and all memory given back. @internal */
  cut(sink: MessageSink): void {
    this.#ending().streamEnded = true;
    if (this.#isOver() || this.#answers()) this.#enter(CLOSED);
    else this.#endStream(sink);
  }

  /**
   * Stops the running push() or commit() after the frame or the piece of a message that is being delivered; later ones deliver
   * nothing. What is not delivered is kept, in a copy, until resume(), since a chunk may hold far more messages than you have
   * room for. Call it from a callback of the sink, or at any other time.
   */
  pause(): void {
    const { slices } = this.#settings;
    if (slices !== undefined) slices.paused = true;
    this.#decoder.pause();
  }

  /**
   * Goes on after pause(): delivers what was kept, until nothing is left or a callback pauses again. Called from a callback
   * of the sink, it undoes the pause, and the running call goes on.
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
   * A buffer of 64 KiB to read the next bytes of the stream into, as FrameDecoder.reserve() lends it.
   * @throws TypeError from inside a callback of this connection
   */
  reserve(): Uint8Array<ArrayBuffer> {
    // What is read into it then is ignored.
    return this.#isOver() ? new Uint8Array(WINDOW_SIZE) : this.#decoder.reserve();
  }

  /**
   * Does what push() does with the first `length` bytes of what reserve() returned, and takes that buffer back.
   * @throws RangeError if there is no reserved buffer, or it is shorter
   * @throws TypeError from inside a callback of this connection
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

  /** A window for the sockets of a thread, which pushFrom() decodes. @internal */
  static readWindow(...of: ConstructorParameters<typeof ReadWindow>): ReadWindow {
    return new ReadWindow(...of);
  }

  /** Does what push() does with the first `length` bytes of the window. @internal */
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
   * Queues a message, text for a string and binary for bytes, or a piece of one (see `fin`). Bytes are borrowed: do not
   * change them until what take() returns has been written.
   *
   * @returns false, and nothing is sent, if this side has closed or the connection has ended
   * @throws TypeError for other data, text in bytes that are not UTF-8, or a piece that is not of the kind of its message
   * @throws RangeError for a fragmentSize out of range
   * @throws what an extension or a maskKey function throws. A whole message that leaves as it is, in one frame, is then not
   *   sent; any other cannot go on, and the connection is closed (1011)
   */
  send(data: string | Bytes | PreparedMessage, options?: SendOptions): boolean {
    if (!this.canSend) return false;
    if (options === undefined && this.#outgoing === undefined && this.#settings.plain) {
      // Nearly all messages: whole, as they are.
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
   * Queues a binary message that the caller may change afterwards, where messages go out as they are. Large frames are made in
   * `memory`. Returns undefined, and nothing is sent, where they do not: use send() then.
   * @returns otherwise as send() @throws TypeError if data is not bytes @internal
   */
  sendCopy(data: Bytes, memory: Memory): boolean | undefined {
    if (this.#outgoing !== undefined || !this.#settings.plain) return undefined;
    if (!this.canSend) return false;
    this.#encoder.copy(BIT_FIN | OPCODE_BINARY, asBytes(data, RULE), memory);
    return true;
  }

  /** The same for text that is known to be UTF-8. @internal */
  sendTextCopy(data: Uint8Array, memory: Memory): boolean | undefined {
    if (this.#outgoing !== undefined || !this.#settings.plain) return undefined;
    if (!this.canSend) return false;
    this.#encoder.copy(BIT_FIN | OPCODE_TEXT, data, memory);
    return true;
  }

  /** Whether a whole message of this length, in bytes, would be compressed, or changed by another extension. @internal */
  compresses(length: number, compress: boolean | undefined): boolean {
    return this.#settings.extensions.some(({ session }) => session.wants?.(length, compress) ?? true);
  }

  /**
   * Lets go of memory that it can do without: what it has sent before. The next message is compressed without that, and so is
   * longer. For connections that have sent nothing for a while, see `releaseAfter`.
   */
  release(): void {
    // Within a message its earlier pieces are needed.
    if (this.#outgoing === undefined) for (const { session } of this.#settings.extensions) session.release?.();
  }

  /** After how many milliseconds without a message to send it is time to call release(). Infinity: never. */
  get releaseAfter(): number {
    return this.#settings.extensions.reduce(
      (least, { session }) => Math.min(least, session.releaseAfter ?? Infinity),
      Infinity,
    );
  }

  /**
   * Queues a Ping (RFC 6455 §5.5.2). Its payload is copied.
   * @returns false, and nothing is sent, if this side has closed or the connection has ended
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if it is longer than 125 bytes
   */
  ping(data?: string | Bytes): boolean {
    if (!this.canSend) return false;
    this.#encoder.ping(data);
    return true;
  }

  /**
   * Queues a Pong (§5.5.3): as your own answer with `autoPong` off, or as a sign of life that nobody asked for.
   * @returns and throws as ping() does
   */
  pong(data?: string | Bytes): boolean {
    if (!this.canSend) return false;
    this.#encoder.pong(data);
    return true;
  }

  /**
   * Queues a Close (§5.5.1), after which this side sends nothing, and waits for the peer's. Without a code it has no payload.
   * A reason of more than 123 bytes in UTF-8 is cut at a character. Messages that arrive before the peer's Close are still
   * delivered. After the peer's Close it is the answer, in place of the automatic one with the peer's code, and after an
   * error in place of the one that tells of it. Does nothing if this side has closed already.
   *
   * @throws RangeError if the code must not be sent (§7.4), or there is a reason and no code
   * @throws TypeError if the reason is not a string
   */
  close(code?: number, reason: string = ""): void {
    if (!this.canSend) return;
    this.#encoder.close(code, cutReason(reason));
    this.#enter(this.#state === OPEN ? CLOSING : CLOSED);
  }

  /**
   * Fails the connection for a reason of your own (§7.1.7): take() adds a Close with the error's close code (1011 if that
   * must not be sent), unless this side has closed. Returns the error event and the close event, or nothing if there was a
   * close event already.
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
   * Returns what to write, in order. Do not call it while the stream takes no more: small messages then leave together, and
   * Pongs that pile up are counted. The buffers are yours, except for large messages, which are what you passed to send(),
   * and prepared ones, which others send too: do not write to those.
   */
  take({ holdClose = false }: TakeOptions = NO_OPTIONS): Uint8Array<ArrayBuffer>[] {
    this.#beforeTake(holdClose);
    return this.#encoder.take();
  }

  /**
   * Like take(), but writes to the front of `target`, in order and as much as fits, and returns the number of bytes. 0 means
   * that there is nothing to write, or that the next frame does not fit or needs no copy: call take() then. With a buffer that
   * you use again and again, nothing is allocated.
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
    // With the same code (§5.5.1), unless there is none or it is one that only allowInvalidClose lets in.
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

  /** Gets ready for a call that delivers to `sink`. Nothing has changed if it throws. */
  #begin(sink: MessageSink, now: number | undefined, resumes: boolean = false): void {
    if (this.#assembler.sink !== undefined) throw new TypeError("A callback of a connection must not receive on it");
    if (this.#settings.fragments && (!sink.start || !sink.piece || !sink.end)) {
      throw new TypeError("With the option fragments a sink needs start, piece and end");
    }
    this.#assembler.sink = sink;
    this.#settings.slices?.refill();
    // While paused nothing is delivered: what is kept counts for all the time until resume().
    if (resumes || !this.paused) this.#tellTime(now);
  }

  #tellTime(now: number | undefined): void {
    if (now === undefined) this.#controlLeft = undefined;
    else this.#allowControl(now);
  }

  /** Ends a call that delivers. What has arrived and will not be delivered is dropped after it. */
  #endCall(): void {
    this.#assembler.sink = undefined;
    if (!this.#isOver()) return;
    this.#assembler.drop();
    this.#decoder.drop();
  }

  /** What a peer has not used of earlier periods stays: it may have sent that while nobody read. */
  #allowControl(now: number): void {
    const { maxControlFrames, controlPeriod } = this.#settings.limits;
    const elapsed = (now - this.#periodStart) | 0;
    if (this.#controlLeft === undefined || elapsed < 0 || controlPeriod === 0) {
      // The first call; or the clock has gone back, or nothing has come for weeks.
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

  /** What push() does with an exception: it was the peer's fault, or it is not for us. */
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
      // After our Close nothing the peer sends is an error: some reply with a malformed one, or with HTTP.
      this.failed(failure);
      this.#finish(CLOSED);
      sink.close(CloseCode.AbnormalClosure, "", false);
    }
  }

  /** The decoder's error, with the limit in it that was set here. */
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

  /** The close event is about to be delivered: nothing may come after it, not even from the call that is running. */
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

  /** Takes note of an error, and has take() add a Close that tells of it. */
  #answerWith(error: WebSocketError): void {
    const end = this.#ending();
    end.error = error;
    end.answer = isValidCloseCode(error.closeCode) ? error.closeCode : CloseCode.InternalError;
    end.answerReason = cutReason(error.message);
  }

  /** What is known of the end, which begins with this call if it has not begun before. */
  #ending(): End {
    return (this.#end ??= {
      answer: undefined,
      answerReason: "",
      wasClean: false,
      streamEnded: false,
      error: undefined,
    });
  }

  /** What was to be sent has failed half-way: frames of it are queued, or extensions believe that it was sent. */
  #abort(): void {
    const before = this.#state;
    this.#enter(before === OPEN ? CLOSING : CLOSED);
    this.#encoder.close(CloseCode.InternalError);
  }

  /** A whole text by a shorter way. */
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
      throw new TypeError(`A ${message.text ? "text" : "binary"} message has been begun and must be ended first`);
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
    if (this.#outgoing !== undefined) throw new TypeError("A message has been begun and must be ended first");
    if (options.fin === false) throw new TypeError("A PreparedMessage is a whole message");
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

/** As much of the reason as fits in a Close. */
function cutReason(reason: string): string {
  if (typeof reason !== "string") throw new TypeError("reason must be a string");
  if (3 * reason.length <= MAX_REASON) return reason;
  const bytes = encodeUtf8(reason.slice(0, MAX_REASON + 1));
  let end = Math.min(bytes.length, MAX_REASON);
  // Not inside a character: its other bytes are 10xxxxxx.
  while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
  return decodeUtf8(bytes.subarray(0, end));
}
