import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import {
  type Agreement,
  type Bytes,
  CloseCode,
  Keepalive,
  type MessageSink,
  PreparedMessage,
  Protocol,
  type ProtocolEvent,
  type Role,
  type SendOptions,
  type WebSocketError,
} from "../index.ts";
import type { AcceptedResponse } from "./connect.ts";
import { addListener, type EventHandler, type EventType, type Listeners, removeListener } from "./event-target.ts";
import { type Beating, intervalFor, startBeating, stopBeating } from "./heartbeat.ts";
import { Inbox } from "./inbox.ts";
import { type ConnectionOptions, readOptions } from "./options.ts";
import { readFrom } from "./reading.ts";

/** A message in pieces, which may be larger than memory: text, if the first piece is a string. */
export type Pieces = AsyncIterable<string | Bytes>;

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

/** Something that was to be sent while a message in pieces was on its way. */
interface Postponed {
  readonly data: string | Bytes | PreparedMessage;
  readonly options: SendOptions | undefined;
}

/**
 * A WebSocket connection over a stream of node:net, tls or http2: made by upgrade(), serve() and connect().
 *
 * Messages come to the listeners of "message", to `onmessage`, or to `for await`; until there is one of these they wait, and so
 * does the peer when `highWaterMark` is reached. What is sent while a chunk is handled, or in one turn of the event loop,
 * leaves in one write.
 */
export class Connection extends EventEmitter<ConnectionEvents> implements AsyncIterable<string | Uint8Array>, Beating {
  /** The subprotocol that was agreed on, or "". */
  readonly protocol: string;
  /** The extensions that were agreed on, by their names. */
  readonly extensions: readonly string[];
  /** Of a client: the response that accepted it. Undefined on servers. */
  readonly response: AcceptedResponse | undefined;
  /** The stream below. Do not read from it or write to it. */
  readonly socket: Duplex;
  readonly #protocol: Protocol;
  readonly #keepalive: Keepalive;
  readonly #role: Role;
  readonly #mark: number;
  readonly #idleTimeout: number;
  readonly #sink: MessageSink;
  /** @internal */
  readonly interval: number;
  #ending: Ending | undefined = undefined;
  #ended = false;
  /** Nothing more can be sent: "close" has been emitted, or is yet to be, but a message in pieces was broken off. */
  #gone = false;
  #error: Error | undefined = undefined;
  #handling = false;
  #flushScheduled = false;
  /** The socket does not take more for now. */
  #blocked = false;
  #paused = false;
  /** Messages that wait for a listener or a reader; none for most. */
  #inbox: Inbox | undefined = undefined;
  /** Readers of `for await` who wait for a message. */
  #readers: ((result: IteratorResult<string | Uint8Array, undefined>) => void)[] = [];
  #iterated = false;
  #hasListener = false;
  /** The listener of "message", if there is just one, and messages go to it: emit() takes as long as the rest of a delivery. */
  #listener: MessageListener | undefined = undefined;
  /** Resolves when the message in pieces that is on its way has been sent. */
  #pieces: Promise<void> | undefined = undefined;
  #postponed: Postponed[] | undefined = undefined;
  /** Ends the wait for the next piece. */
  #interrupt: (() => void) | undefined = undefined;
  #drains: (() => void)[] = [];
  /** For each write: a stream that was not full emits no "drain" when it has written. @internal */
  readonly written = (): void => {
    this.#hasWritten = true;
    if (this.#drains.length > 0 && this.bufferedAmount === 0) this.#wakeDrains();
  };
  /** Whether the socket has written something since the last beat. */
  #hasWritten = false;
  /** Whether a message has passed since the last beat. */
  #active = false;
  #activeAt = performance.now();
  #onProperties: Listeners | undefined = undefined;

  /** @internal */
  constructor(
    socket: Duplex,
    role: Role,
    agreement: Agreement,
    head: Uint8Array,
    options: ConnectionOptions,
    response?: AcceptedResponse,
  ) {
    super();
    this.response = response;
    this.protocol = agreement.protocol ?? "";
    this.extensions = agreement.extensions.map(({ extension }) => extension.name);
    this.socket = socket;
    this.#role = role;
    this.#protocol = new Protocol({ allocate: allocateUnsafe, ...options, role, extensions: agreement.extensions });
    this.#keepalive = new Keepalive(this.#protocol, performance.now(), options);
    const { highWaterMark, idleTimeout } = readOptions(options);
    this.#mark = highWaterMark;
    this.#idleTimeout = idleTimeout;
    this.#sink = new Delivery(this);
    const { pingInterval = 30_000, pongTimeout = 20_000, closeTimeout = 10_000 } = options;
    this.interval = intervalFor(this.#idleTimeout, pingInterval, pongTimeout, closeTimeout);
    // Whoever has the connection gets it before its first message.
    socket.pause();
    readFrom(socket, (chunk) => this.#receive(chunk), options.directReads ?? true);
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#receiveEnd());
    socket.on("error", (error) => this.#emitError(error));
    socket.on("close", () => this.#closed());
    if (head.length > 0) socket.unshift(head);
    startBeating(this);
    process.nextTick(() => this.#flow());
  }

  /** As in browsers: 1 open, 2 closing, 3 closed. */
  get readyState(): 1 | 2 | 3 {
    if (this.socket.destroyed) return 3;
    const { state } = this.#protocol;
    return state === "open" ? 1 : state === "closing" ? 2 : 3;
  }

  /** How the connection has ended, from the "close" event on. */
  get ending(): Ending | undefined {
    return this.#ended ? this.#ending : undefined;
  }

  /** Why the connection failed: what the "error" event told, if there was one. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** How many bytes wait to be written, at the most. */
  get bufferedAmount(): number {
    const postponed = this.#postponed?.reduce((sum, { data }) => sum + sizeOf(data), 0) ?? 0;
    return this.#protocol.bufferedAmount + this.socket.writableLength + postponed;
  }

  /**
   * Sends a message: text for a string, binary for bytes. One in pieces goes out as they come, each when the ones before it
   * are written; what else is sent meanwhile, except pings, waits behind it.
   *
   * @returns false, and nothing is sent, once the connection is closing; for pieces a promise of whether all were sent
   * @throws TypeError for other data
   */
  send(data: string | Bytes | PreparedMessage, options?: SendOptions): boolean;
  send(data: Pieces, options?: Pick<SendOptions, "binary" | "compress">): Promise<boolean>;
  send(data: string | Bytes | PreparedMessage | Pieces, options?: SendOptions): boolean | Promise<boolean> {
    if (typeof data === "object" && isPieces(data)) return this.#sendPieces(data, options ?? {});
    if (this.#gone) return false;
    if (this.#postponed) {
      if (this.readyState !== 1) return false;
      this.#postponed.push({ data: data instanceof PreparedMessage ? data : asSendable(data), options });
      return true;
    }
    this.#active = true;
    const sent = this.#protocol.send(data, options);
    if (!this.#handling) this.#scheduleFlush();
    return sent;
  }

  /** Sends a Ping with at most 125 bytes. @returns false once the connection is closing */
  ping(data?: string | Bytes): boolean {
    const sent = this.#protocol.ping(data);
    this.#scheduleFlush();
    return sent;
  }

  /** Sends a Pong that nobody has asked for, or an own answer with `autoPong` off. @returns false once it is closing */
  pong(data?: string | Bytes): boolean {
    const sent = this.#protocol.pong(data);
    this.#scheduleFlush();
    return sent;
  }

  /**
   * Begins the closing handshake: the peer has `closeTimeout` to answer, then the socket is cut. What was sent before goes out
   * first. Does nothing if it has begun.
   * @throws RangeError for a code that must not be sent
   */
  close(code?: number, reason?: string): void {
    this.#protocol.close(code, reason);
    this.#scheduleFlush();
    // Somebody has to read the answer.
    this.#flow();
  }

  /** Cuts the socket, without a closing handshake. */
  terminate(): void {
    this.#protocol.receiveEnd();
    this.socket.destroy();
  }

  /** Resolves when everything has been handed to the operating system, or the connection has ended. */
  drained(): Promise<void> {
    if (this.bufferedAmount === 0 || this.socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  /**
   * The messages. The loop ends with the connection, however that ended, see `ending` and `error`: no peer can make it throw.
   * Leaving it closes the connection (1000).
   */
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array, undefined> {
    this.#iterated = true;
    this.#listenersChanged();
    this.#flow();
    return {
      next: () => this.#next(),
      return: () => {
        this.close(CloseCode.NormalClosure);
        this.#inbox = undefined;
        // Nobody reads any more: what comes is dropped, so that the peer's Close is seen.
        this.#iterated = false;
        this.on("message", ignore);
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

  /** @internal */
  beat(now: number): void {
    if (this.#active) this.#activeAt = now;
    this.#active = false;
    if (now - this.#activeAt >= this.#idleTimeout) this.close(CloseCode.GoingAway, "idle");
    if (this.#paused && this.#protocol.state === "open") {
      // A peer that is not read cannot show that it is alive, but by taking what is sent.
      if (this.#inbox !== undefined || this.#hasWritten) this.#keepalive.alive(now);
      this.#hasWritten = false;
    }
    this.#handle(this.#keepalive.tick(now));
    if (this.#keepalive.expired) this.socket.destroy();
  }

  /** @internal */
  deliver(data: string | Uint8Array): void {
    this.#active = true;
    if (this.#inbox === undefined && this.#hasListener && !this.#iterated) {
      this.#emitMessage(data);
      return;
    }
    const reader = this.#readers.shift();
    if (reader) reader({ done: false, value: data });
    else (this.#inbox ??= new Inbox()).push(data);
  }

  /** @internal */
  deliverControl(name: "ping" | "pong", data: Uint8Array): void {
    if (this.listenerCount(name) > 0) this.#emitSafely(name, data);
  }

  /** @internal */
  failed(error: Error): void {
    this.#emitError(error);
  }

  /** @internal */
  ended(code: number, reason: string, wasClean: boolean): void {
    this.#ending = { code, reason, wasClean };
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
    this.#hasListener = listeners.length > 0;
    // Node can be told to look after what listeners return: then emit() has more to do.
    this.#listener = listeners.length === 1 && !EventEmitter.captureRejections ? listeners[0] : undefined;
    if (this.#hasListener && (this.#inbox !== undefined || this.#paused)) process.nextTick(() => this.#flow());
  }

  #receive(chunk: Uint8Array): void {
    this.#handling = true;
    this.#protocol.push(chunk, this.#sink, performance.now());
    this.#handling = false;
    this.#flush();
    this.#flow();
  }

  #receiveEnd(): void {
    this.#handle(this.#protocol.receiveEnd());
    this.socket.end();
  }

  /** Events that came without a chunk. */
  #handle(events: readonly ProtocolEvent[]): void {
    for (const event of events) {
      if (event.type === "error") this.failed(event.error);
      if (event.type === "close") this.ended(event.code, event.reason, event.wasClean);
    }
    this.#flush();
  }

  /** Reads from the socket, or stops, as the two ends of the way are behind or not. */
  #flow(): void {
    while (this.#inbox !== undefined && !this.#iterated && this.#hasListener) this.#emitMessage(this.#takeWaiting()!);
    // A client goes on reading while its own writing is behind: if both ends stopped, neither would ever go on.
    const writerBehind = this.#role === "server" && this.bufferedAmount > this.#mark;
    const behind = writerBehind || (this.#inbox !== undefined && this.#inbox.bytes > this.#mark);
    this.#paused = behind;
    if (behind) this.socket.pause();
    else if (!this.socket.readableFlowing) this.socket.resume();
  }

  #scheduleFlush(): void {
    if (this.#handling || this.#flushScheduled) return;
    this.#flushScheduled = true;
    // Not a timer: it runs before anything else that the event loop does.
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#blocked || this.#handling || this.socket.destroyed) return;
    const parts = this.#protocol.take();
    if (parts.length === 1) {
      this.#blocked = !this.socket.write(parts[0]!, this.written);
    } else if (parts.length > 1) {
      this.socket.cork();
      for (const part of parts) this.#blocked = !this.socket.write(part, this.written);
      this.socket.uncork();
    }
    // The server ends the stream (§7.1.1); a client waits for that.
    if (this.#protocol.state === "closed" && (this.#role === "server" || !this.#ending?.wasClean)) this.socket.end();
    if (this.#drains.length > 0 && this.bufferedAmount === 0) this.#wakeDrains();
  }

  #takeWaiting(): string | Uint8Array | undefined {
    const message = this.#inbox?.shift();
    if (this.#inbox?.isEmpty) this.#inbox = undefined;
    return message;
  }

  #drained(): void {
    this.#blocked = false;
    this.#flush();
    if (this.bufferedAmount === 0) this.#wakeDrains();
    this.#flow();
  }

  #wakeDrains(): void {
    const drains = this.#drains;
    this.#drains = [];
    for (const resolve of drains) resolve();
  }

  async #sendPieces(pieces: Pieces, options: Pick<SendOptions, "binary" | "compress">): Promise<boolean> {
    while (this.#pieces) await this.#pieces;
    if (this.readyState !== 1) return false;
    let sent!: () => void;
    this.#pieces = new Promise((resolve) => {
      sent = resolve;
    });
    this.#postponed = [];
    const iterator = pieces[Symbol.asyncIterator]();
    try {
      let binary = options.binary;
      let before: string | Bytes | undefined;
      let inTurn = 0;
      for (;;) {
        const next = await this.#untilEnd(iterator.next());
        if (next === undefined) break;
        if (next.done === true) return this.#sendPiece(before ?? "", { ...options, binary: binary ?? false });
        binary ??= typeof next.value !== "string";
        if (before !== undefined && !this.#sendPiece(before, { ...options, binary, fin: false })) break;
        before = asSendable(next.value);
        inTurn += sizeOf(before);
        if (this.bufferedAmount > this.#mark) {
          await this.drained();
        } else if (inTurn > this.#mark) {
          // A source that always has a piece, and a peer that takes all at once, would leave nobody else a turn.
          await new Promise((resolve) => setImmediate(resolve));
          inTurn = 0;
        }
      }
      // Whoever makes the pieces may stop.
      void iterator.return?.().catch(ignore);
      return false;
    } catch (error) {
      // The message can neither go on nor be taken back.
      this.close(CloseCode.InternalError);
      void iterator.return?.().catch(ignore);
      throw error;
    } finally {
      const postponed = this.#postponed ?? [];
      this.#postponed = undefined;
      this.#pieces = undefined;
      sent();
      for (const { data, options: theirs } of postponed) this.send(data, theirs);
    }
  }

  /** The promise's value; undefined if the connection ends before. */
  #untilEnd<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#interrupt = () => resolve(undefined);
      promise.then(resolve, reject);
    });
  }

  #sendPiece(data: string | Bytes, options: SendOptions): boolean {
    if (this.socket.destroyed) {
      this.#gone = true;
      return false;
    }
    this.#active = true;
    const sent = this.#protocol.send(data, options);
    this.#flush();
    return sent;
  }

  #next(): Promise<IteratorResult<string | Uint8Array, undefined>> {
    const value = this.#takeWaiting();
    if (value !== undefined) {
      this.#flow();
      return Promise.resolve({ done: false, value });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  #closed(): void {
    stopBeating(this);
    this.#handle(this.#protocol.receiveEnd());
    this.#ended = true;
    this.#gone = true;
    const { code, reason, wasClean } = (this.#ending ??= ABNORMAL);
    this.#wakeDrains();
    this.#interrupt?.();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
    this.#emitSafely("close", code, reason, wasClean);
  }

  #emitError(error: Error): void {
    // A peer that cuts the socket behind its Close has said how the connection ended.
    if (this.#ending?.wasClean) return;
    this.#error ??= error;
    // Without listeners an EventEmitter throws: a peer could end the process.
    if (this.listenerCount("error") > 0) this.#emitSafely("error", error);
  }

  #emitMessage(data: string | Uint8Array): void {
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

  /** An exception of a listener is nobody's fault here: it is thrown where nothing else is interrupted. */
  #emitSafely<K extends keyof ConnectionEvents>(name: K, ...args: ConnectionEvents[K]): void {
    try {
      this.emit(name as never, ...(args as never));
    } catch (error) {
      throwLater(error);
    }
  }
}

/** Memory that is not zeroed: all of it is written to before anybody sees it. Not a Buffer, as messages elsewhere are none. */
function allocateUnsafe(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer, byteOffset, length);
}

const ABNORMAL: Ending = { code: CloseCode.AbnormalClosure, reason: "", wasClean: false };

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
    this.#connection.ended(code, reason, wasClean);
  }
}

function ignore(): void {}

function isPieces(data: object): data is Pieces {
  return data !== null && Symbol.asyncIterator in data;
}

function sizeOf(data: string | Bytes | PreparedMessage): number {
  if (typeof data === "string") return data.length;
  return data instanceof PreparedMessage ? data.frame.length : data.byteLength;
}

/** @throws TypeError now, for what would be refused later */
function asSendable(data: string | Bytes): string | Bytes {
  if (typeof data === "string" || ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return data;
  throw new TypeError("data must be a string, an ArrayBuffer, a view, a PreparedMessage or an async iterable of these");
}
