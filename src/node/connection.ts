import { AsyncResource } from "node:async_hooks";
import type { Duplex } from "node:stream";
import { isBytes } from "../frame/bytes.ts";
import {
  type Agreement,
  type Bytes,
  CloseCode,
  PreparedMessage,
  Protocol,
  type ProtocolEvent,
  type ProtocolOptions,
  type Role,
  serializeExtensions,
  WebSocketError,
} from "../index.ts";
import { LINGER } from "../protocol/times.ts";
import type { Channel } from "./channel.ts";
import type { AcceptedResponse } from "./connect.ts";
import { publishClose, publishError, publishOpen } from "./diagnostics.ts";
import {
  addListener,
  type AddListenerOptions,
  type ConnectionError,
  type EventHandler,
  type EventListenerOf,
  type EventType,
  getProperty,
  removeListener,
  setProperty,
} from "./event-target.ts";
import { ConnectionEmitter, type Ending, type MessageListener } from "./events.ts";
import { Flow } from "./flow.ts";
import { type Beating, startBeating, stopBeating } from "./heartbeat.ts";
import { allocateUnsafe, buffers, texts } from "./memory.ts";
import type { ConnectionOptions } from "./options.ts";
import {
  type ControlOptions,
  isPlain,
  type MessageOptions,
  Outbox,
  type Pieces,
  type PiecesOptions,
  type SentCallback,
} from "./outbox.ts";
import { settingsFor, type Settings } from "./settings.ts";
import { thread } from "./thread.ts";
import { pause, type ReadWindow, readerFor } from "./transport/reads.ts";
import { Vitals } from "./vitals.ts";

/** The key under which a stream keeps its connection. */
const CONNECTION: unique symbol = Symbol("connection");
type OwnedStream = Duplex & { [CONNECTION]?: Connection };

/** The end of a connection. Made when it is first needed, because open connections then take less memory. */
interface End {
  ending: Ending | undefined;
  error: ConnectionError | undefined;
  /** "close" has been emitted, or is about to be. */
  emitted: boolean;
  /** The socket has closed, but received data still waits for its turn to be inflated. */
  waits: boolean;
  /** Cuts the socket if the server does not end it. */
  lingering: NodeJS.Timeout | undefined;
  /** The promise of `closed`. Made when `closed` is first read. */
  closed: { readonly promise: Promise<Ending>; readonly resolve: (ending: Ending) => void } | undefined;
}

/**
 * A WebSocket connection over a stream of node:net, tls or http2. upgrade(), acceptStream(), serve() and connect() make
 * it.
 *
 * Messages go to the listeners of "message", to `onmessage`, or to a `for await` loop. Messages wait until there is a
 * listener or a loop (unless `discardUnread` is set), and reading stops above `highWaterMark`. Events do not wait:
 * "closing", "error", "close", "ping" and "pong" are lost without a listener. After an await, check `ending` or
 * `closed`.
 *
 * All that you send in one turn of the event loop, or while one chunk is handled, leaves in one write.
 */
export class Connection
  extends ConnectionEmitter
  implements AsyncIterable<string | Uint8Array<ArrayBuffer>>, Beating, Channel
{
  /** The subprotocol that both sides agreed on, or "" (RFC 6455 §1.9). */
  readonly protocol: string;
  /** The extensions that both sides agreed on, as in Sec-WebSocket-Extensions; "" for none (RFC 6455 §9.1). */
  readonly extensions: string;
  /** On a client, the response that accepted it. On a server, undefined. */
  readonly response: AcceptedResponse | undefined;
  /** The underlying stream: for addresses and certificates, for example. Do not read from it or write to it. */
  readonly socket: Duplex;
  // The state that the parts of a connection share: see Channel.
  /** @internal */
  readonly endpoint: Protocol;
  /** @internal */
  readonly settings: Settings;
  /** @internal */
  active = false;
  readonly #outbox: Outbox;
  readonly #flow: Flow;
  /** Made for a connection that has something to check from time to time. Many need it only when they end. */
  #vitals: Vitals | undefined = undefined;
  /**
   * The context in which the connection was made. All events run in it, whether a socket, a timer or another connection
   * causes them.
   */
  readonly #context: AsyncResource = new AsyncResource("WSFRAME_CONNECTION", { requireManualDestroy: true });
  #end: End | undefined = undefined;
  #flushScheduled = false;

  /** @internal */
  constructor(
    socket: Duplex,
    role: Role,
    { protocol = "", extensions }: Agreement,
    head: Uint8Array,
    options: ConnectionOptions,
    response?: AcceptedResponse,
  ) {
    super();
    const named = extensions.map(({ extension, parameters }) => ({ name: extension.name, parameters }));
    this.protocol = protocol;
    this.extensions = serializeExtensions(named);
    this.response = response;
    this.socket = socket;
    this.settings = settingsFor(role, options, named.length > 0, socket);
    const { sliceSize } = this.settings;
    this.endpoint = new Protocol({ ...memoryFor(options), ...options, sliceSize, role, extensions, checked: true });
    this.endpoint.opened(performance.now());
    this.#outbox = new Outbox(this);
    this.#flow = new Flow(this, this.#outbox);
    // Messages that arrived before the peer ended its side can still be answered.
    socket.allowHalfOpen = true;
    const owned: OwnedStream = socket;
    owned[CONNECTION] = this;
    Connection.#read(socket, this.settings.directReads);
    // Start paused, so the caller can add listeners first.
    pause(socket);
    socket.on("end", Connection.#onEnd);
    socket.on("error", Connection.#onError);
    socket.on("close", Connection.#onClose);
    // After "end", a stream accepts no unshift() and does not emit "end" again.
    const hasEnded = socket.readableEnded;
    if (head.length > 0 && !hasEnded) socket.unshift(head);
    if (this.settings.watched) this.#watch();
    this.#runSoon();
    if (hasEnded) process.nextTick(Connection.#receiveLast, this, head);
    publishOpen(this);
  }

  // All streams share these listeners, because a closure would cost memory for each connection.
  static readonly #read = readerFor({
    chunk(this: OwnedStream, chunk) {
      this[CONNECTION]!.#receive(chunk);
    },
    filled(this: OwnedStream, window, length) {
      this[CONNECTION]!.#receiveFrom(window, length);
    },
  });

  static #onEnd(this: OwnedStream): void {
    const connection = this[CONNECTION]!;
    connection.#context.runInAsyncScope(connection.#receiveEnd, connection);
  }

  /** All data of a stream that ended before it had a connection. */
  static #receiveLast(connection: Connection, head: Uint8Array): void {
    if (head.length > 0) connection.#receive(head);
    connection.#context.runInAsyncScope(connection.#receiveEnd, connection);
  }

  static #onError(this: OwnedStream, error: Error): void {
    const connection = this[CONNECTION]!;
    connection.#context.runInAsyncScope(connection.failed, connection, error);
  }

  static #onClose(this: OwnedStream): void {
    const connection = this[CONNECTION]!;
    connection.#context.runInAsyncScope(connection.#close, connection);
  }

  /** As in browsers: 1 is open, 2 closing, 3 closed. It is never 0, because a connection is open from the start. */
  get readyState(): 1 | 2 | 3 {
    if (this.socket.destroyed) return 3;
    const { state } = this.endpoint;
    if (state === "open") return this.#outbox.accepts ? 1 : 2;
    return state === "closing" ? 2 : 3;
  }

  /** How the connection ended. Undefined until the "close" event. */
  get ending(): Ending | undefined {
    return this.#end?.emitted === true ? this.#end.ending : undefined;
  }

  /** Resolves with how the connection ended, at its "close" event or at once after it. It never rejects. */
  get closed(): Promise<Ending> {
    const end = this.#ending();
    if (end.closed === undefined) {
      let resolve!: (ending: Ending) => void;
      const promise = new Promise<Ending>((settle) => (resolve = settle));
      end.closed = { promise, resolve };
      if (this.ending !== undefined) resolve(this.ending);
    }
    return end.closed.promise;
  }

  /**
   * Why the connection failed: the error of the "error" event, if there was one. If the peer's answer to our Close is
   * malformed, its error is recorded here, without an "error" event.
   */
  get error(): ConnectionError | undefined {
    return this.#end?.error ?? this.endpoint.error;
  }

  /**
   * How many bytes are unsent: accepted by send(), but not yet taken by the operating system, with the headers of their
   * frames. It is an upper bound: until it is encoded, a text may count three bytes for each UTF-16 code unit, and until
   * it is compressed, a message counts with its whole length. `maxBufferedAmount` counts text exactly.
   */
  get bufferedAmount(): number {
    return this.#outbox.bytes;
  }

  /** Whether more than `highWaterMark` bytes are unsent. If so, await drained() before you send more. */
  get needDrain(): boolean {
    return this.#outbox.isAboveMark;
  }

  /**
   * Sends a message (RFC 6455 §5.6): a string as text, bytes as binary. Bytes are copied, so they are yours again when
   * send() returns (see `copy`).
   *
   * An async iterable is sent as one message in fragments as its pieces arrive, while no more than `highWaterMark`
   * bytes are unsent. What you send in the meantime follows it, except Pings and Pongs.
   *
   * @returns true, or false if the message was refused: because the connection is closing, or because of `overflow`.
   *   For pieces, a promise of whether all of them were sent. It rejects with what the source throws; if a piece was
   *   already sent, the connection is then closed (1011)
   * @throws TypeError for other data, for bytes sent as text that are not UTF-8, or for a piece of another kind than
   *   its message
   * @throws RangeError for a `fragmentSize` out of range
   */
  send(data: string | Bytes | PreparedMessage, options?: MessageOptions): boolean;
  send(data: Pieces, options?: PiecesOptions): Promise<boolean>;
  send(data: string | Bytes | PreparedMessage | Pieces, options?: MessageOptions): boolean | Promise<boolean> {
    const outbox = this.#outbox;
    let sent: boolean;
    let size: number;
    if (typeof data === "string" && options === undefined && outbox.isDirect) {
      // The shortest path, for nearly all messages.
      sent = this.endpoint.send(data);
      size = data.length;
    } else if (data instanceof Uint8Array && outbox.isDirect && isPlain(options)) {
      if (options?.callback !== undefined && this.#sendAlone(data, options, options.callback, "written")) return true;
      sent = outbox.sendNow(data, options);
      size = data.length;
    } else {
      if (options !== undefined) assertOptions(options);
      if (isPieces(data)) return outbox.sendPieces(data, options ?? {});
      if (options?.callback !== undefined && this.#sendAlone(data, options, options.callback, "written")) return true;
      sent = outbox.send(data, options);
      size = sizeOf(data);
    }
    this.active = true;
    if (!outbox.corked) this.flushSoon();
    else if ((outbox.room -= size + OVERHEAD) < 0) this.#flow.look();
    return sent;
  }

  /**
   * Sends a message whose callback asks for the next one. The callback may run before the message is written, so that
   * both leave in one write. @internal
   */
  sendEagerly(message: PreparedMessage, callback: SentCallback): boolean {
    return this.#sendAlone(message, undefined, callback, "accepted") || this.send(message, { callback });
  }

  #sendAlone(
    data: string | Bytes | PreparedMessage,
    options: MessageOptions | undefined,
    callback: SentCallback,
    counts: "written" | "accepted",
  ): boolean {
    if (this.#flushScheduled || !this.#outbox.sendAlone(data, options, callback, counts)) return false;
    this.active = true;
    if (!this.#outbox.isFlushed) this.flushSoon();
    return true;
  }

  /**
   * Sends a Ping with a payload of up to 125 bytes, which are copied (RFC 6455 §5.5.2). The Ping may overtake queued
   * messages. When the peer answers, there is a "pong" event.
   * @returns false if the connection is closing or closed: nothing is sent then
   * @throws TypeError if the payload is neither a string nor bytes
   * @throws RangeError if it is longer than 125 bytes
   */
  ping(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.#sent(!this.socket.destroyed && this.endpoint.ping(data), options);
  }

  /**
   * Sends a Pong with a payload of up to 125 bytes, which are copied (RFC 6455 §5.5.3): unsolicited, or as your own
   * answer to a Ping if `autoPong` is off.
   * @returns and throws as ping() does
   */
  pong(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.#sent(!this.socket.destroyed && this.endpoint.pong(data), options);
  }

  /** Sends a Ping or a Pong in order: it does not overtake the messages before it. @internal */
  control(kind: "ping" | "pong", data: string | Bytes | undefined, options: ControlOptions | undefined): boolean {
    const sent = this.#outbox.control(kind, data, options);
    this.flushSoon();
    return sent;
  }

  #sent(sent: boolean, options: ControlOptions | undefined): boolean {
    if (sent && options?.callback) this.#outbox.callLater(options.callback);
    this.flushSoon();
    return sent;
  }

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2). Everything you sent before goes out first, including the rest of a
   * message in pieces. Does nothing if this side has already closed.
   *
   * The peer then has `closeTimeout` to answer. The time starts again whenever it takes data, up to 30 times
   * `closeTimeout` in total; then the socket is cut. Messages still arrive until the peer's Close, but without a
   * listener or a loop, those above `highWaterMark` are dropped.
   *
   * @param code 1000, or another code that may be sent (RFC 6455 §7.4). Without a code, the Close is empty
   * @param reason Up to 123 bytes of UTF-8. A longer reason is cut at a character
   * @throws RangeError if the code must not be sent, or if there is a reason but no code
   * @throws TypeError if the reason is not a string
   */
  close(code?: number, reason?: string): void {
    this.#outbox.close(code, reason);
    this.#watch();
    this.flushSoon();
    // The peer's answer has to be read.
    this.run();
  }

  /**
   * Cuts the socket without a closing handshake: `ending.code` is 1006 unless the peer has sent a Close. Unread and
   * unsent messages are dropped.
   */
  terminate(): void {
    this.#flow.abandon();
    this.#outbox.end();
    this.socket.destroy();
  }

  /**
   * Stops reading from the socket and delivering messages, until resume(). The peer's Close is not noticed in the
   * meantime.
   */
  pause(): void {
    this.#flow.pause();
  }

  /** Continues after pause(). */
  resume(): void {
    this.#context.runInAsyncScope(this.#flow.resume, this.#flow);
    if (this.endpoint.state !== "open") this.#advance();
  }

  /** Whether the connection is paused by pause(). */
  get isPaused(): boolean {
    return this.#flow.paused;
  }

  /**
   * Resolves when the operating system has taken everything that was sent, or when the connection has ended. It never
   * rejects.
   */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /**
   * Iterates over the messages: strings for text, bytes that are yours for binary. The loop ends when the connection
   * ends, in any way (see `ending` and `error`). No peer can make it throw. Leaving the loop early closes the
   * connection (1000).
   *
   * In the loop you can answer every message that arrived before the peer's Close or an error, even after an `await`:
   * our own Close is sent when the loop asks for the next message, or after `closeTimeout`.
   */
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array<ArrayBuffer>, undefined> {
    const loop = this.#flow.iterate();
    this.run();
    return {
      next: () => this.#flow.next(loop, this.#end?.emitted === true),
      return: () => {
        this.#flow.abandon();
        this.close(CloseCode.NormalClosure);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /**
   * Adds a listener, as in browsers. It gets an object with `type`, `target` and the properties of the event: see
   * EventOf. A listener that is already there for this event is not added again. The on-properties are independent of
   * it.
   * @throws TypeError if the listener is not a function, an object or null
   */
  addEventListener<T extends EventType>(type: T, listener: EventListenerOf<T>, options?: AddListenerOptions): void {
    addListener(this, type, listener, options);
  }

  /** Removes a listener that addEventListener() has added. */
  removeEventListener<T extends EventType>(type: T, listener: EventListenerOf<T>): void {
    removeListener(this, type, listener);
  }

  /**
   * A listener of "message", as in browsers, or null.
   * @throws TypeError if it is set to anything else
   */
  get onmessage(): EventHandler<"message"> | null {
    return getProperty(this, "message");
  }

  set onmessage(handler: EventHandler<"message"> | null) {
    setProperty(this, "message", handler);
  }

  /**
   * A listener of "close", as in browsers, or null.
   * @throws TypeError if it is set to anything else
   */
  get onclose(): EventHandler<"close"> | null {
    return getProperty(this, "close");
  }

  set onclose(handler: EventHandler<"close"> | null) {
    setProperty(this, "close", handler);
  }

  /**
   * A listener of "error", as in browsers, or null.
   * @throws TypeError if it is set to anything else
   */
  get onerror(): EventHandler<"error"> | null {
    return getProperty(this, "error");
  }

  set onerror(handler: EventHandler<"error"> | null) {
    setProperty(this, "error", handler);
  }

  /** @internal */
  get interval(): number {
    return this.settings.interval;
  }

  /** Whether our Close waits, so that messages from before the peer's Close can still be answered. @internal */
  get holdsClose(): boolean {
    if (this.endpoint.state === "open" || !this.endpoint.canSend || this.#flow.finished) return false;
    return this.#flow.isBehind || this.#outbox.sendsPieces;
  }

  /** Writes the response that accepts the connection. drained() waits for it, too. @internal */
  writeResponse(response: Uint8Array): void {
    this.#outbox.writeResponse(response);
  }

  /** @internal */
  taken(): void {
    this.#advance();
    if (this.#flow.isStopped || this.#flow.isBehind) this.run();
  }

  /** Nothing is written until release(), so that all that is sent in several turns leaves together. @internal */
  hold(): void {
    this.#outbox.held = true;
  }

  /** Writes again after hold(), at the end of this turn. @internal */
  release(): void {
    this.#outbox.held = false;
    this.flushSoon();
  }

  /** Runs the Flow. @internal */
  run(): void {
    this.#context.runInAsyncScope(this.#flow.run, this.#flow);
    // Our Close may have waited only for these messages, and there is no event if the system takes all data at once.
    if (this.endpoint.state !== "open") this.#advance();
  }

  /** @internal */
  turn(): void {
    this.run();
    if (this.#end?.waits === true) this.#context.runInAsyncScope(this.#close, this);
  }

  /** @internal */
  beat(now: number): void {
    this.#context.runInAsyncScope(() => {
      if (this.#watch().beat(now)) this.socket.destroy();
      else this.flush();
    });
  }

  /** @internal */
  broken(error: unknown): void {
    this.failed(error instanceof Error ? error : new Error(String(error)));
    const where = { closeCode: CloseCode.InternalError, byteOffset: this.endpoint.bytesReceived, rule: "none" };
    this.handle(this.endpoint.fail(new WebSocketError("WS_ERR_INTERNAL", "Internal error", where)));
  }

  /** @internal */
  failed(error: ConnectionError): void {
    // If a peer cuts the socket after its Close, we already know how the connection ended.
    const end = this.#ending();
    if (end.ending?.wasClean || end.error !== undefined) return;
    end.error = error;
    publishError(this, error);
    this.emitSafely("error", error);
  }

  /** @internal */
  setEnding(code: number, reason: string, wasClean: boolean): void {
    const end = this.#ending();
    if (end.ending !== undefined) return;
    end.ending = { code, reason, wasClean };
    this.#watch();
    if (wasClean) this.emitSafely("closing", code, reason);
  }

  /** @internal */
  handle(events: readonly ProtocolEvent[]): void {
    for (const event of events) {
      if (event.type === "error") this.failed(event.error);
      if (event.type === "close") this.setEnding(event.code, event.reason, event.wasClean);
    }
  }

  /** @internal */
  flush(): void {
    this.#flushScheduled = false;
    this.#outbox.flush();
    this.taken();
  }

  /** Like flush(), but also inside a handler, where sent data otherwise waits for the end of the chunk. @internal */
  flushNow(): void {
    this.#outbox.flushNow();
  }

  /** @internal */
  protected override listenersChanged(some: boolean, only: MessageListener | undefined): void {
    this.#flow.listen(some, only);
    if (some && (this.#flow.isBehind || this.#flow.isStopped)) this.#runSoon();
  }

  #runSoon(): void {
    process.nextTick(runNow, this);
  }

  /** @internal */
  flushSoon(): void {
    if (this.#outbox.corked || this.#flushScheduled) return;
    this.#flushScheduled = true;
    // Not a timer, because this runs before anything else in the event loop.
    process.nextTick(flushNow, this);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#flow.probing) this.#vitals?.seen();
    this.#context.runInAsyncScope(this.#flow.receive, this.#flow, chunk);
    if (this.endpoint.state !== "open") this.#advance();
  }

  #receiveFrom(window: ReadWindow, length: number): void {
    if (this.#flow.probing) this.#vitals?.seen();
    this.#context.runInAsyncScope(this.#flow.receiveFrom, this.#flow, window, length);
    if (this.endpoint.state !== "open") this.#advance();
  }

  #receiveEnd(): void {
    this.endpoint.pushEnd(this.#flow);
    // Without a consumer, there is no reason to keep the messages.
    if (!this.#flow.hasConsumer) this.#flow.finish();
    else if (this.#flow.isStopped) this.#watch().held();
    this.flush();
  }

  /** Makes the Vitals, which check the connection from time to time, unless they exist. */
  #watch(): Vitals {
    if (this.#vitals === undefined) {
      this.#vitals = new Vitals(this, this.#outbox, this.#flow);
      startBeating(this);
    }
    return this.#vitals;
  }

  /** Ends the socket, if it is time. */
  #advance(): void {
    const { streamEnd } = this.endpoint;
    if (streamEnd === "none" || this.socket.writableEnded) return;
    if (this.#outbox.sendsPieces) this.#outbox.end();
    if (!this.#outbox.isFlushed) return;
    if (streamEnd === "send") this.socket.end();
    else if (this.#outbox.inSocket === 0) this.#ending().lingering ??= setTimeout(() => this.socket.destroy(), LINGER);
  }

  #close(): void {
    // Some streams emit it twice.
    if (this.#end?.emitted) return;
    if (this.#flow.isRunning) {
      // The stream has closed inside a handler: deliver the waiting messages first.
      process.nextTick(() => this.#context.runInAsyncScope(this.#close, this));
      return;
    }
    clearTimeout(this.#end?.lingering);
    this.#outbox.closed();
    this.#flow.finish();
    const end = this.#ending();
    end.waits = this.#flow.isSlicing && !this.#flow.isCut;
    if (end.waits) return;
    this.endpoint.cut(this.#flow);
    stopBeating(this);
    if (this.settings.extended) thread().idle.forget(this.endpoint);
    end.emitted = true;
    const ending = (end.ending ??= ABNORMAL);
    this.#flow.end();
    end.closed?.resolve(ending);
    publishClose(this, ending);
    this.emitSafely("close", ending.code, ending.reason, ending.wasClean);
    this.#context.emitDestroy();
  }

  /** The End, made at the first call. */
  #ending(): End {
    return (this.#end ??= {
      ending: undefined,
      error: undefined,
      emitted: false,
      waits: false,
      lingering: undefined,
      closed: undefined,
    });
  }
}

/** How many bytes a message counts in addition to its payload, so that empty ones count too. */
const OVERHEAD = 64;
/** Where memory comes from without `allocate`. */
const MEMORY = { allocate: allocateUnsafe, texts };
const MEMORY_OF_BUFFERS = { ...MEMORY, copies: buffers };
const ABNORMAL: Ending = { code: CloseCode.AbnormalClosure, reason: "", wasClean: false };

function memoryFor({ allocate, textType, binaryType }: ConnectionOptions): Partial<ProtocolOptions> {
  const textBytes = textType === "nodebuffer";
  const memory = binaryType === "nodebuffer" ? MEMORY_OF_BUFFERS : MEMORY;
  return { ...(allocate === undefined && memory), textBytes };
}

function runNow(connection: Connection): void {
  connection.run();
}

function flushNow(connection: Connection): void {
  connection.flush();
}

function isPieces(data: unknown): data is Pieces {
  if (typeof data !== "object" || data === null || ArrayBuffer.isView(data) || data instanceof PreparedMessage)
    return false;
  return Symbol.asyncIterator in data && !isBytes(data);
}

/** The approximate size in bytes. */
function sizeOf(data: string | Bytes | PreparedMessage): number {
  if (typeof data === "string") return data.length;
  return data instanceof PreparedMessage ? data.frame.length : data.byteLength;
}

function assertOptions(options: unknown): void {
  if (typeof options === "function") {
    throw new TypeError("send() takes no callback as its second argument: use `{ callback }`, or await drained()");
  }
  if (typeof options !== "object") throw new TypeError("The options of send() must be an object");
}
