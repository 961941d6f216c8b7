import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import {
  type Agreement,
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
import { addListener, type EventHandler, type EventType, type Listeners, removeListener } from "./event-target.ts";
import { type Beating, startBeating, stopBeating } from "./heartbeat.ts";
import type { ConnectionOptions } from "./options.ts";

const DEFAULT_HIGH_WATER_MARK = 1048576;

/** Bytes in any form. They are borrowed until they have been written. */
export type Bytes = ArrayBuffer | ArrayBufferView;
/** A message in pieces, which may be larger than memory: text, if the first piece is a string. */
export type Pieces = AsyncIterable<string | Bytes>;

/** What a Connection emits: the arguments of its listeners. */
export interface ConnectionEvents {
  /** A text message, or a binary one, whose bytes are yours. */
  message: [data: string | Uint8Array];
  ping: [data: Uint8Array];
  pong: [data: Uint8Array];
  /** The peer has broken a rule, or the socket failed. Nothing is thrown where nobody listens. */
  error: [error: WebSocketError | Error];
  /** The last event, once the socket has closed. The code is 1005 or 1006 where there was none (RFC 6455 §7.1.5). */
  close: [code: number, reason: string, wasClean: boolean];
}

/** How a connection has ended. */
interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A message that waits for somebody to read it. */
interface Waiting {
  readonly data: string | Uint8Array;
  readonly size: number;
}

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
  /** The stream below. Do not read from it or write to it. */
  readonly socket: Duplex;
  readonly #protocol: Protocol;
  readonly #keepalive: Keepalive;
  readonly #role: Role;
  readonly #mark: number;
  readonly #idleTimeout: number;
  readonly #sink: MessageSink;
  #ending: Ending | undefined = undefined;
  #handling = false;
  #flushScheduled = false;
  /** The socket does not take more for now. */
  #blocked = false;
  #paused = false;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Readers of `for await` who wait for a message. */
  #readers: ((result: IteratorResult<string | Uint8Array, undefined>) => void)[] = [];
  #iterated = false;
  /** Resolves when the message in pieces that is on its way has been sent. */
  #pieces: Promise<void> | undefined = undefined;
  #postponed: Postponed[] | undefined = undefined;
  #drains: (() => void)[] = [];
  /** Whether a message has passed since the last beat. */
  #active = false;
  #activeAt = performance.now();
  #onProperties: Listeners | undefined = undefined;

  /** @internal */
  constructor(socket: Duplex, role: Role, agreement: Agreement, head: Uint8Array, options: ConnectionOptions) {
    super();
    this.protocol = agreement.protocol ?? "";
    this.extensions = agreement.extensions.map(({ extension }) => extension.name);
    this.socket = socket;
    this.#role = role;
    this.#protocol = new Protocol({ ...options, role, extensions: agreement.extensions });
    this.#keepalive = new Keepalive(this.#protocol, performance.now(), options);
    this.#mark = options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK;
    this.#idleTimeout = options.idleTimeout ?? Infinity;
    this.#sink = new Delivery(this);
    // Whoever has the connection gets it before its first message.
    socket.pause();
    socket.on("data", (chunk: Uint8Array) => this.#receive(chunk));
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
    if (isPieces(data)) return this.#sendPieces(data, options ?? {});
    if (this.readyState !== 1) return false;
    this.#active = true;
    if (this.#postponed) {
      this.#postponed.push({ data, options });
      return true;
    }
    const sent = this.#protocol.send(toBytes(data), options);
    this.#scheduleFlush();
    return sent;
  }

  /** Sends a Ping with at most 125 bytes. @returns false once the connection is closing */
  ping(data?: string | Bytes): boolean {
    const sent = this.#protocol.ping(data === undefined ? data : bytesOrText(data));
    this.#scheduleFlush();
    return sent;
  }

  /** Sends a Pong that nobody has asked for, or an own answer with `autoPong` off. @returns false once it is closing */
  pong(data?: string | Bytes): boolean {
    const sent = this.#protocol.pong(data === undefined ? data : bytesOrText(data));
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
    this.socket.destroy();
  }

  /** Resolves when everything has been handed to the operating system, or the connection has ended. */
  drained(): Promise<void> {
    if (this.bufferedAmount === 0 || this.socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  /** The messages. Ends with the connection; throws if that failed. Leaving the loop closes the connection (1000). */
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array, undefined> {
    this.#iterated = true;
    this.#flow();
    return {
      next: () => this.#next(),
      return: () => {
        this.close(CloseCode.NormalClosure);
        this.#waiting = [];
        this.#waitingBytes = 0;
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

  removeEventListener<T extends EventType>(type: T, listener: EventHandler<T>): void {
    removeListener(this as unknown as EventEmitter, type, listener);
  }

  get onmessage(): EventHandler<"message"> | undefined {
    return this.#onProperties?.message;
  }

  set onmessage(listener: EventHandler<"message"> | undefined) {
    this.#setOn("message", listener);
  }

  get onclose(): EventHandler<"close"> | undefined {
    return this.#onProperties?.close;
  }

  set onclose(listener: EventHandler<"close"> | undefined) {
    this.#setOn("close", listener);
  }

  get onerror(): EventHandler<"error"> | undefined {
    return this.#onProperties?.error;
  }

  set onerror(listener: EventHandler<"error"> | undefined) {
    this.#setOn("error", listener);
  }

  override on<K extends keyof ConnectionEvents>(name: K, listener: (...args: ConnectionEvents[K]) => void): this {
    super.on(name as never, listener as never);
    if (name === "message") process.nextTick(() => this.#flow());
    return this;
  }

  override addListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    return this.on(name, listener);
  }

  /** @internal */
  beat(now: number): void {
    if (this.#active) this.#activeAt = now;
    this.#active = false;
    if (now - this.#activeAt >= this.#idleTimeout) this.close(CloseCode.GoingAway, "idle");
    // A peer that is not read cannot show that it is alive.
    if (this.#paused && this.#protocol.state === "open") return;
    this.#handle(this.#keepalive.tick(now));
    if (this.#keepalive.expired) this.socket.destroy();
  }

  /** @internal */
  deliver(data: string | Uint8Array): void {
    this.#active = true;
    const reader = this.#readers.shift();
    if (reader) {
      reader({ done: false, value: data });
    } else if (!this.#iterated && this.#waiting.length === 0 && this.listenerCount("message") > 0) {
      this.#emitSafely("message", data);
    } else {
      const size = sizeOf(data);
      this.#waiting.push({ data, size });
      this.#waitingBytes += size;
    }
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
    while (this.#waiting.length > 0 && !this.#iterated && this.listenerCount("message") > 0) {
      const { data, size } = this.#waiting.shift()!;
      this.#waitingBytes -= size;
      this.#emitSafely("message", data);
    }
    // A client goes on reading while its own writing is behind: if both ends stopped, neither would ever go on.
    const writerBehind = this.#role === "server" && this.bufferedAmount > this.#mark;
    const behind = this.#waitingBytes > this.#mark || writerBehind;
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
      this.#blocked = !this.socket.write(parts[0]!);
    } else if (parts.length > 1) {
      this.socket.cork();
      for (const part of parts) this.#blocked = !this.socket.write(part);
      this.socket.uncork();
    }
    // The server ends the stream (§7.1.1); a client waits for that.
    if (this.#protocol.state === "closed" && (this.#role === "server" || !this.#ending?.wasClean)) this.socket.end();
    if (this.#drains.length > 0 && this.bufferedAmount === 0) this.#wakeDrains();
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
    try {
      let binary = options.binary;
      let before: string | Uint8Array | undefined;
      for await (const piece of pieces) {
        const data = bytesOrText(piece);
        binary ??= typeof data !== "string";
        if (before !== undefined && !this.#sendPiece(before, { ...options, binary, fin: false })) return false;
        before = data;
        if (this.bufferedAmount > this.#mark) await this.drained();
      }
      return this.#sendPiece(before ?? "", { ...options, binary: binary ?? false });
    } catch (error) {
      // The message can neither go on nor be taken back.
      this.close(CloseCode.InternalError);
      throw error;
    } finally {
      const postponed = this.#postponed ?? [];
      this.#postponed = undefined;
      this.#pieces = undefined;
      sent();
      for (const { data, options: theirs } of postponed) this.send(data, theirs);
    }
  }

  #sendPiece(data: string | Uint8Array, options: SendOptions): boolean {
    this.#active = true;
    const sent = this.#protocol.send(data, options);
    this.#flush();
    return sent;
  }

  #next(): Promise<IteratorResult<string | Uint8Array, undefined>> {
    const first = this.#waiting.shift();
    if (first) {
      this.#waitingBytes -= first.size;
      this.#flow();
      return Promise.resolve({ done: false, value: first.data });
    }
    if (this.socket.closed || this.socket.destroyed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  #closed(): void {
    stopBeating(this);
    this.#handle(this.#protocol.receiveEnd());
    const { code, reason, wasClean } = this.#ending ?? { code: CloseCode.AbnormalClosure, reason: "", wasClean: false };
    this.#wakeDrains();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
    this.#emitSafely("close", code, reason, wasClean);
  }

  #emitError(error: Error): void {
    // Without listeners an EventEmitter throws: a peer could end the process.
    if (this.listenerCount("error") > 0) this.#emitSafely("error", error);
  }

  /** An exception of a listener is nobody's fault here: it is thrown where nothing else is interrupted. */
  #emitSafely<K extends keyof ConnectionEvents>(name: K, ...args: ConnectionEvents[K]): void {
    try {
      this.emit(name as never, ...(args as never));
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
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

function isPieces(data: unknown): data is Pieces {
  return typeof data === "object" && data !== null && Symbol.asyncIterator in data;
}

function sizeOf(data: string | Bytes | PreparedMessage): number {
  if (typeof data === "string") return data.length;
  return data instanceof PreparedMessage ? data.frame.length : data.byteLength;
}

function toBytes(data: string | Bytes | PreparedMessage): string | Uint8Array | PreparedMessage {
  return data instanceof PreparedMessage ? data : bytesOrText(data);
}

/** @throws TypeError */
function bytesOrText(data: string | Bytes): string | Uint8Array {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError("data must be a string, an ArrayBuffer, a view, a PreparedMessage or an async iterable of these");
}
