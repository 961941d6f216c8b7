import { AsyncResource } from "node:async_hooks";
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import {
  type Agreement,
  type Bytes,
  CloseCode,
  Keepalive,
  type MessageSink,
  type PreparedMessage,
  Protocol,
  type ProtocolEvent,
  type Role,
  serializeExtensions,
  WebSocketError,
} from "../index.ts";
import { LINGER } from "../protocol/linger.ts";
import type { Channel } from "./channel.ts";
import { addListener, type EventHandler, type EventType, type Listeners, removeListener } from "./event-target.ts";
import { Flow, type FlowHost } from "./flow.ts";
import { type Beating, intervalFor, startBeating, stopBeating } from "./heartbeat.ts";
import { allocateUnsafe } from "./memory.ts";
import { type ConnectionOptions, ownOptions } from "./options.ts";
import { type MessageOptions, Outbox, type OutboxHost, type Pieces, type PiecesOptions } from "./outbox.ts";
import { readFrom } from "./reading.ts";

/** What a Connection emits: the arguments of its listeners. */
export interface ConnectionEvents {
  /** A text message, or a binary one, whose bytes are yours. */
  message: [data: string | Uint8Array];
  /** A Ping (RFC 6455 §5.5.2): its Pong is on its way, unless `autoPong` is off. Its bytes are yours. */
  ping: [data: Uint8Array];
  /** A Pong (§5.5.3). Its bytes are yours. */
  pong: [data: Uint8Array];
  /** The peer has broken a rule, or the socket failed. Nothing is thrown where nobody listens. */
  error: [error: WebSocketError | Error];
  /** The last event, once the socket has closed. The code is 1005 or 1006 where there was none (RFC 6455 §7.1.5). */
  close: [code: number, reason: string, wasClean: boolean];
}

/** How a connection has ended (RFC 6455 §7.1.4 to §7.1.6). */
export interface Ending {
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close. */
  readonly code: number;
  /** The reason in the peer's Close, or "". */
  readonly reason: string;
  /** Whether there was a Close. */
  readonly wasClean: boolean;
}

type MessageListener = (data: string | Uint8Array) => void;

/**
 * A WebSocket connection over a stream of node:net, tls or http2: made by upgrade(), serve() and connect().
 *
 * Messages come to the listeners of "message", to `onmessage`, or to `for await`. Until there is one of these they wait
 * here, unless `discardUnread` is set; when `highWaterMark` is reached, the peer waits too. What you send while a chunk is
 * handled, or in one turn of the event loop, leaves in one write.
 */
export class Connection
  extends EventEmitter<ConnectionEvents>
  implements AsyncIterable<string | Uint8Array>, Beating, FlowHost, OutboxHost
{
  /** The subprotocol that was agreed on, or "". */
  readonly protocol: string;
  /** The extensions that were agreed on, as in Sec-WebSocket-Extensions; empty for none. */
  readonly extensions: string;
  /** The stream below. Do not read from it or write to it. */
  readonly socket: Duplex;
  readonly #channel: Channel;
  readonly #protocol: Protocol;
  readonly #keepalive: Keepalive;
  readonly #closeTimeout: number;
  readonly #sink: MessageSink;
  readonly #outbox: Outbox;
  readonly #flow: Flow;
  /** Events that a timer or another connection brings about run where this one was made. */
  readonly #context: AsyncResource = new AsyncResource("WSFRAME_CONNECTION", { requireManualDestroy: true });
  /** @internal */
  readonly interval: number;
  #ending: Ending | undefined = undefined;
  /** "close" has been emitted, or is about to be. */
  #ended = false;
  #error: Error | undefined = undefined;
  #flushScheduled = false;
  /** The listener of "message", if there is just one, and messages go to it: emit() takes as long as the rest of a delivery. */
  #listener: MessageListener | undefined = undefined;
  #onProperties: Listeners | undefined = undefined;
  #closed: { readonly promise: Promise<Ending>; readonly resolve: (ending: Ending) => void } | undefined = undefined;
  /** Cuts the socket if the server does not end it. */
  #lingering: NodeJS.Timeout | undefined = undefined;
  /** Whether a message has passed since the last beat. */
  #active = false;
  #activeAt: number = performance.now();
  /** Whether something waited in the socket at the last beat. */
  #wasBlocked = false;
  /** Since when an end waits for messages that came before it to be handled; it waits for closeTimeout at the most. */
  #heldSince: number | undefined = undefined;

  /** @internal */
  constructor(socket: Duplex, role: Role, agreement: Agreement, head: Uint8Array, options: ConnectionOptions) {
    super();
    const { extensions } = agreement;
    this.protocol = agreement.protocol ?? "";
    this.extensions =
      extensions.length === 0
        ? ""
        : serializeExtensions(extensions.map(({ extension, parameters }) => ({ name: extension.name, parameters })));
    this.socket = socket;
    const own = ownOptions(options);
    const protocol = new Protocol({ allocate: allocateUnsafe, ...options, role, extensions });
    this.#protocol = protocol;
    this.#keepalive = new Keepalive(protocol, this.#activeAt, options);
    this.#channel = { protocol, socket, role, extended: extensions.length > 0, options: own };
    this.#sink = new Delivery(this);
    this.#outbox = new Outbox(this.#channel, this);
    this.#flow = new Flow(this.#channel, this.#outbox, this.#sink, this);
    const { pingInterval = 30_000, pongTimeout = 20_000, closeTimeout = 10_000 } = options;
    this.#closeTimeout = closeTimeout;
    this.interval = intervalFor(own.idleTimeout, pingInterval, pongTimeout, closeTimeout);
    // What came before the peer ended its side can still be answered.
    socket.allowHalfOpen = true;
    // Listeners that are added in this turn get the first message.
    socket.pause();
    readFrom(socket, (chunk) => this.#receive(chunk), own.directReads);
    socket.on("end", () => this.#receiveEnd());
    socket.on("error", (error) => this.#context.runInAsyncScope(this.#emitError, this, error));
    socket.on("close", () => this.#context.runInAsyncScope(this.#close, this));
    if (head.length > 0) socket.unshift(head);
    startBeating(this);
    this.#runSoon();
  }

  /** As in browsers: 1 open, 2 closing, 3 closed. */
  get readyState(): 1 | 2 | 3 {
    if (this.socket.destroyed) return 3;
    const { state } = this.#protocol;
    if (state === "open") return this.#outbox.closeWaits ? 2 : 1;
    return state === "closing" ? 2 : 3;
  }

  /** How the connection has ended, from the "close" event on. */
  get ending(): Ending | undefined {
    return this.#ended ? this.#ending : undefined;
  }

  /** Resolves with the "close" event. It never rejects. */
  get closed(): Promise<Ending> {
    if (this.#closed === undefined) {
      let resolve!: (ending: Ending) => void;
      const promise = new Promise<Ending>((settle) => (resolve = settle));
      this.#closed = { promise, resolve };
      if (this.ending !== undefined) resolve(this.ending);
    }
    return this.#closed.promise;
  }

  /**
   * Why the connection failed: what the "error" event told, if there was one. Also what was wrong with the peer's answer to our
   * Close, which is no event: after a Close nothing the peer sends is an error.
   */
  get error(): Error | undefined {
    return this.#error ?? this.#protocol.error;
  }

  /** How many bytes wait to be written, at the most: text that is not yet encoded counts with its longest form. */
  get bufferedAmount(): number {
    return this.#outbox.bytes;
  }

  /** Whether more than `highWaterMark` waits to be written: it is time to wait for drained(). */
  get needDrain(): boolean {
    return this.#outbox.bytes > this.#channel.options.highWaterMark;
  }

  /**
   * Sends a message: text for a string, binary for bytes. One in pieces goes out as they come, each when the ones before it
   * are written; what you send meanwhile, except pings, follows it. Bytes are yours again when it returns, see `copy`.
   *
   * @returns false, and nothing is sent, once the connection is closing, or if `overflow` says so; for pieces a promise of
   *   whether all were sent. The promise rejects with what the source throws; if the message had begun, the connection is
   *   closed then (1011)
   * @throws TypeError, RangeError for other data or options
   */
  send(data: string | Bytes | PreparedMessage, options?: MessageOptions): boolean;
  send(data: Pieces, options?: PiecesOptions): Promise<boolean>;
  send(data: string | Bytes | PreparedMessage | Pieces, options?: MessageOptions): boolean | Promise<boolean> {
    if (options !== undefined) assertOptions(options);
    this.#active = true;
    if (typeof data === "object" && isPieces(data)) return this.#outbox.sendPieces(data, options ?? {});
    const sent = this.#outbox.send(data, options);
    if (this.#outbox.corked) this.#flow.sent(sizeOf(data));
    else this.#flushSoon();
    return sent;
  }

  /** Sends a Ping with at most 125 bytes. @returns false once the connection is closing */
  ping(data?: string | Bytes): boolean {
    const sent = this.#protocol.ping(data);
    this.#flushSoon();
    return sent;
  }

  /** Sends a Pong that nobody has asked for, or an own answer with `autoPong` off. @returns false once it is closing */
  pong(data?: string | Bytes): boolean {
    const sent = this.#protocol.pong(data);
    this.#flushSoon();
    return sent;
  }

  /**
   * Begins the closing handshake. What you sent before goes out first, also the rest of a message in pieces. The peer has
   * `closeTimeout` to answer, which starts again while it goes on taking data, up to 30 times as long; then the socket is
   * cut. Messages go on arriving until the peer's Close, but those that would wait beyond `highWaterMark` are dropped if
   * nobody takes them.
   * Does nothing if it has begun.
   * @throws RangeError for a code that must not be sent
   */
  close(code?: number, reason?: string): void {
    this.#outbox.close(code, reason);
    this.#flushSoon();
    // Somebody has to read the answer.
    this.#flow.run();
  }

  /** Cuts the socket, without a closing handshake. Messages that wait are dropped. */
  terminate(): void {
    this.#flow.abandon();
    this.socket.destroy();
  }

  /** Resolves when everything has been handed to the operating system, or the connection has ended. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /**
   * The messages. The loop ends with the connection, however that ended, see `ending` and `error`: no peer can make it throw.
   * Leaving it closes the connection (1000).
   *
   * The peer's Close is answered when the loop asks for the next message, so its body can answer each one that came before.
   */
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array, undefined> {
    this.#flow.iterate();
    this.#listenersChanged();
    this.#flow.run();
    return {
      next: () => this.#flow.next(this.#ended),
      return: () => {
        this.#flow.abandon();
        this.close(CloseCode.NormalClosure);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** As in browsers: the listener gets an object with type, target and what belongs to the event. */
  addEventListener<T extends EventType>(type: T, listener: EventHandler<T>, options?: { once?: boolean }): void {
    addListener(this as unknown as EventEmitter, type, listener, options?.once === true);
  }

  /** Takes back what addEventListener() was given. */
  removeEventListener<T extends EventType>(type: T, listener: EventHandler<T>): void {
    removeListener(this as unknown as EventEmitter, type, listener);
  }

  /** A listener of "message", as in browsers; undefined for none. */
  get onmessage(): EventHandler<"message"> | undefined {
    return this.#onProperties?.message;
  }

  set onmessage(listener: EventHandler<"message"> | undefined) {
    this.#setOn("message", listener);
  }

  /** A listener of "close", as in browsers; undefined for none. */
  get onclose(): EventHandler<"close"> | undefined {
    return this.#onProperties?.close;
  }

  set onclose(listener: EventHandler<"close"> | undefined) {
    this.#setOn("close", listener);
  }

  /** A listener of "error", as in browsers; undefined for none. */
  get onerror(): EventHandler<"error"> | undefined {
    return this.#onProperties?.error;
  }

  set onerror(listener: EventHandler<"error"> | undefined) {
    this.#setOn("error", listener);
  }

  /** As of every EventEmitter. With the first listener of "message" the messages begin that have waited. */
  override on<K extends keyof ConnectionEvents>(name: K, listener: (...args: ConnectionEvents[K]) => void): this {
    super.on(name as never, listener as never);
    if (name === "message") this.#listenersChanged();
    return this;
  }

  /** The same as on(). */
  override addListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    return this.on(name, listener);
  }

  /** As on(), in front of the other listeners. */
  override prependListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    super.prependListener(name as never, listener as never);
    if (name === "message") this.#listenersChanged();
    return this;
  }

  /** As of every EventEmitter. Without a listener of "message" messages wait again, and so does the peer. */
  override off<K extends keyof ConnectionEvents>(name: K, listener: (...args: ConnectionEvents[K]) => void): this {
    super.off(name as never, listener as never);
    if (name === "message") this.#listenersChanged();
    return this;
  }

  /** The same as off(). */
  override removeListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    return this.off(name, listener);
  }

  /** Those of one event, or of all. */
  override removeAllListeners(name?: keyof ConnectionEvents): this {
    // Called without an argument it removes those of all names; with undefined, none.
    if (name === undefined) super.removeAllListeners();
    else super.removeAllListeners(name as never);
    this.#listenersChanged();
    return this;
  }

  /** Whether our Close waits, because somebody may still want to answer what came before the peer's. @internal */
  get holdsClose(): boolean {
    if (this.#protocol.state === "open" || !this.#protocol.canSend || this.#flow.finished) return false;
    return this.#flow.isBehind || this.#outbox.sendsPieces;
  }

  /** For each write on the socket. @internal */
  get written(): () => void {
    return this.#outbox.written;
  }

  /** @internal */
  taken(): void {
    this.#advance();
    if (this.#flow.isStopped || this.#flow.isBehind) this.#context.runInAsyncScope(this.#flow.run, this.#flow);
  }

  /** @internal */
  beat(now: number): void {
    this.#context.runInAsyncScope(this.#beat, this, now);
  }

  /** @internal */
  deliver(data: string | Uint8Array): void {
    this.#active = true;
    this.#flow.deliver(data);
  }

  /** @internal */
  deliverControl(name: "ping" | "pong", data: Uint8Array): void {
    if (this.listenerCount(name) > 0) this.#emitSafely(name, data);
  }

  /** @internal */
  emitMessage(data: string | Uint8Array): void {
    const listener = this.#listener;
    if (listener === undefined) {
      this.#emitSafely("message", data);
      return;
    }
    try {
      listener.call(this, data);
    } catch (error) {
      throwLater(error);
    }
  }

  /** @internal */
  broken(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.#emitError(cause);
    const where = { closeCode: CloseCode.InternalError, byteOffset: this.#protocol.bytesReceived, rule: "none" };
    for (const event of this.#protocol.fail(new WebSocketError("WS_ERR_INTERNAL", "Internal error", where))) {
      if (event.type === "close") this.setEnding(event.code, event.reason, event.wasClean);
    }
  }

  /** @internal */
  failed(error: Error): void {
    this.#emitError(error);
  }

  /** @internal */
  setEnding(code: number, reason: string, wasClean: boolean): void {
    this.#ending ??= { code, reason, wasClean };
  }

  #setOn<T extends EventType>(type: T, listener: EventHandler<T> | undefined): void {
    const properties = (this.#onProperties ??= {});
    const before = properties[type];
    if (before) removeListener(this as unknown as EventEmitter, type, before);
    (properties as Record<EventType, unknown>)[type] = listener;
    if (listener) addListener(this as unknown as EventEmitter, type, listener, false);
  }

  /** Whether messages have somewhere to go, and where. */
  #listenersChanged(): void {
    const listeners = this.rawListeners("message") as MessageListener[];
    this.#flow.listening = listeners.length > 0;
    // Node can be told to look after what listeners return: then emit() has more to do.
    this.#listener = listeners.length === 1 && !EventEmitter.captureRejections ? listeners[0] : undefined;
    if (this.#flow.listening && (this.#flow.isBehind || this.#flow.isStopped)) this.#runSoon();
  }

  #runSoon(): void {
    process.nextTick(() => this.#context.runInAsyncScope(this.#flow.run, this.#flow));
  }

  #flushSoon(): void {
    if (this.#outbox.corked || this.#flushScheduled) return;
    this.#flushScheduled = true;
    // Not a timer: it runs before anything else that the event loop does.
    process.nextTick(flushNow, this);
  }

  /** @internal */
  flush(): void {
    this.#flushScheduled = false;
    this.#outbox.flush();
    this.#advance();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#flow.probing) this.#keepalive.alive(performance.now());
    this.#flow.receive(chunk);
    if (this.#protocol.state !== "open") this.#advance();
  }

  #receiveEnd(): void {
    this.#protocol.pushEnd(this.#sink);
    // With nobody there, what waits need not be waited for.
    if (!this.#flow.listening && !this.#flow.isIterated) this.#flow.finish();
    else if (this.#flow.isStopped) this.#heldSince = performance.now();
    this.#outbox.flush();
    this.#advance();
  }

  /** Ends the socket, if it is time. */
  #advance(): void {
    const { streamEnd } = this.#protocol;
    if (streamEnd === "none" || this.socket.writableEnded) return;
    if (this.#outbox.sendsPieces) this.#outbox.end();
    if (!this.#outbox.isFlushed) return;
    if (streamEnd === "send") this.socket.end();
    else if (this.socket.writableLength === 0) this.#lingering ??= setTimeout(() => this.socket.destroy(), LINGER);
  }

  #beat(now: number): void {
    if (this.#active) this.#activeAt = now;
    this.#active = false;
    if (now - this.#activeAt >= this.#channel.options.idleTimeout) this.close(CloseCode.GoingAway, "idle");
    this.#flow.beat();
    this.#noteProgress(now);
    this.#limitHold(now);
    if (!this.#probe(now)) this.#handle(this.#keepalive.tick(now));
    if (this.#keepalive.expired) this.socket.destroy();
    else this.flush();
  }

  /** A peer that goes on taking what had to wait for it is alive. */
  #noteProgress(now: number): void {
    const closing = this.#protocol.state !== "open" || this.#outbox.closeWaits;
    if (this.#outbox.progress && (this.#wasBlocked || closing)) {
      this.#keepalive.alive(now);
      if (this.#outbox.closeWaits) this.#heldSince = now;
    }
    this.#outbox.progress = false;
    this.#wasBlocked = this.socket.writableLength > 0;
  }

  /** After closeTimeout nothing is waited for any more that this side should have done. */
  #limitHold(now: number): void {
    if (!this.holdsClose && !this.#outbox.closeWaits && this.#heldSince === undefined) return;
    this.#heldSince ??= now;
    if (now - this.#heldSince < this.#closeTimeout) {
      if (this.holdsClose) this.#keepalive.alive(now);
      return;
    }
    this.#outbox.end();
    this.#flow.finish();
  }

  /**
   * While nothing is read no Pong can be seen. So when one is due, more is read for a while: that, or the end of the stream,
   * shows whether the peer is there. Returns whether that has begun.
   */
  #probe(now: number): boolean {
    const due = this.#flow.isStopped && this.#keepalive.awaitsPong && now >= this.#keepalive.due;
    const begins = due && !this.#flow.probing && this.#flow.canProbe;
    // With no room left only what is written can tell: a socket whose peer has gone fails.
    if (due && !this.#flow.canProbe) this.#keepalive.alive(now);
    if (begins || (this.#flow.probing && !due)) {
      this.#flow.probing = begins;
      this.#flow.run();
    }
    return begins;
  }

  /** Events that came without a chunk. */
  #handle(events: readonly ProtocolEvent[]): void {
    for (const event of events) {
      if (event.type === "error") this.failed(event.error);
      if (event.type === "close") this.setEnding(event.code, event.reason, event.wasClean);
    }
  }

  #close(): void {
    if (this.#flow.isRunning) {
      // A stream that closes inside a handler: what waits is handed out first.
      process.nextTick(() => this.#context.runInAsyncScope(this.#close, this));
      return;
    }
    stopBeating(this);
    clearTimeout(this.#lingering);
    this.#outbox.end();
    this.#flow.finish();
    this.#protocol.pushEnd(this.#sink);
    this.#ended = true;
    const { code, reason, wasClean } = (this.#ending ??= ABNORMAL);
    this.#flow.end();
    this.#closed?.resolve(this.#ending);
    this.#emitSafely("close", code, reason, wasClean);
  }

  #emitError(error: Error): void {
    // A peer that cuts the socket after its Close has said how the connection ended.
    if (this.#ending?.wasClean) return;
    this.#error ??= error;
    // Without listeners an EventEmitter throws: a peer could end the process.
    if (this.listenerCount("error") > 0) this.#emitSafely("error", error);
  }

  /** An exception of a listener is nobody's fault here: it is thrown where nothing else is interrupted. */
  #emitSafely<K extends keyof ConnectionEvents>(name: K, ...args: ConnectionEvents[K]): void {
    try {
      this.emit(name as never, ...(args as never));
    } catch (error) {
      throwLater(error);
    }
  }
}

const ABNORMAL: Ending = { code: CloseCode.AbnormalClosure, reason: "", wasClean: false };

function flushNow(connection: Connection): void {
  connection.flush();
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

/** Hands what a Protocol says to its connection. */
class Delivery implements MessageSink {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  text(data: string): void {
    this.#connection.deliver(data);
  }

  binary(data: Uint8Array): void {
    this.#connection.deliver(data);
  }

  ping(data: Uint8Array): void {
    this.#connection.deliverControl("ping", data);
  }

  pong(data: Uint8Array): void {
    this.#connection.deliverControl("pong", data);
  }

  error(error: WebSocketError): void {
    this.#connection.failed(error);
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.#connection.setEnding(code, reason, wasClean);
  }
}

function isPieces(data: object): data is Pieces {
  return data !== null && Symbol.asyncIterator in data;
}

/** About how many bytes. */
function sizeOf(data: string | Bytes | PreparedMessage): number {
  if (typeof data === "string") return data.length;
  return "frame" in data ? data.frame.length : data.byteLength;
}

function assertOptions(options: unknown): void {
  if (typeof options === "function") {
    throw new TypeError("send() takes no callback: it returns whether the message was accepted; await drained()");
  }
  if (typeof options !== "object") throw new TypeError("The options of send() must be an object");
}
