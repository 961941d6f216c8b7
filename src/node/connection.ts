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

/** Where a stream has its connection. */
const CONNECTION: unique symbol = Symbol("connection");
type OwnedStream = Duplex & { [CONNECTION]?: Connection };

/** What is known of the end of a connection, made once there is something: open connections take less memory without it. */
interface End {
  ending: Ending | undefined;
  error: ConnectionError | undefined;
  /** "close" has been emitted, or is about to be. */
  emitted: boolean;
  /** The socket has closed, and what has come waits for its turn to be inflated. */
  waits: boolean;
  /** Cuts the socket if the server does not end it. */
  lingering: NodeJS.Timeout | undefined;
  /** What `closed` has returned, if somebody has asked. */
  closed: { readonly promise: Promise<Ending>; readonly resolve: (ending: Ending) => void } | undefined;
}

/**
 * A WebSocket connection over a stream of node:net, tls or http2: made by upgrade(), serve() and connect().
 *
 * Messages go to the listeners of "message", to `onmessage`, or to a `for await` loop. Without any of these they wait, unless
 * `discardUnread` is set, and once `highWaterMark` is reached the peer waits too. What you send while a chunk is handled, or
 * in one turn of the event loop, leaves in one write.
 */
export class Connection
  extends ConnectionEmitter
  implements AsyncIterable<string | Uint8Array<ArrayBuffer>>, Beating, Channel
{
  /** The subprotocol that was agreed on, or "". */
  readonly protocol: string;
  /** The extensions that were agreed on, as in Sec-WebSocket-Extensions; empty for none. */
  readonly extensions: string;
  /** The response that accepted a client. Undefined on servers. */
  readonly response: AcceptedResponse | undefined;
  /** The stream below. Do not read from it or write to it. */
  readonly socket: Duplex;
  // What its parts share: see Channel.
  /** @internal */
  readonly endpoint: Protocol;
  /** @internal */
  readonly settings: Settings;
  /** @internal */
  active = false;
  readonly #outbox: Outbox;
  readonly #flow: Flow;
  /** Made when there is something to look at from time to time: many connections only ever need it at their end. */
  #vitals: Vitals | undefined = undefined;
  /** Where the connection was made. Its events run there, whatever brings them about: its socket, a timer, another connection. */
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
    this.endpoint = new Protocol({ ...memoryFor(options), ...options, sliceSize, role, extensions });
    this.endpoint.opened(performance.now());
    this.#outbox = new Outbox(this);
    this.#flow = new Flow(this, this.#outbox);
    // What came before the peer ended its side can still be answered.
    socket.allowHalfOpen = true;
    const owned: OwnedStream = socket;
    owned[CONNECTION] = this;
    Connection.#read(socket, this.settings.directReads);
    // Listeners that are added in this turn get the first message.
    pause(socket);
    socket.on("end", Connection.#onEnd);
    socket.on("error", Connection.#onError);
    socket.on("close", Connection.#onClose);
    // A stream that has emitted "end" takes nothing back, and does not emit it again.
    const hasEnded = socket.readableEnded;
    if (head.length > 0 && !hasEnded) socket.unshift(head);
    if (this.settings.watched) this.#watch();
    this.#runSoon();
    if (hasEnded) process.nextTick(Connection.#receiveLast, this, head);
    publishOpen(this);
  }

  // The listeners of streams: the same functions for all, since a closure costs memory for each connection.
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

  /** All that a stream has brought which ended before it got its connection. */
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

  /** As in browsers: 1 is open, 2 closing, 3 closed. A connection that you get has been opened, so 0 does not occur. */
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

  /** Resolves with how the connection ended, when it emits "close". It never rejects. */
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
   * Why the connection failed: the error of the "error" event, if there was one. Also what was wrong with a malformed answer
   * to our Close, which is no event: after our Close, nothing that the peer sends is an error event.
   */
  get error(): ConnectionError | undefined {
    return this.#end?.error ?? this.endpoint.error;
  }

  /**
   * How many bytes wait to be written. It is an upper bound: text that is not yet encoded counts three bytes for each UTF-16
   * code unit.
   */
  get bufferedAmount(): number {
    return this.#outbox.bytes;
  }

  /** Whether more than `highWaterMark` bytes wait to be written: before you send more, await drained(). */
  get needDrain(): boolean {
    return this.#outbox.isAboveMark;
  }

  /**
   * Sends a message: text for a string, binary for bytes, which are yours again when it returns (see `copy`). A message in
   * pieces goes out as the pieces come, while no more than `highWaterMark` bytes wait. What you send meanwhile follows it,
   * except for pings.
   *
   * @returns true, or false if the message was refused, because the connection is closing or because of `overflow`. For
   *   pieces a promise of whether all were sent. It rejects with what the source throws; if the message had begun, the
   *   connection is then closed (1011)
   * @throws TypeError, RangeError for other data or options
   */
  send(data: string | Bytes | PreparedMessage, options?: MessageOptions): boolean;
  send(data: Pieces, options?: PiecesOptions): Promise<boolean>;
  send(data: string | Bytes | PreparedMessage | Pieces, options?: MessageOptions): boolean | Promise<boolean> {
    const outbox = this.#outbox;
    let sent: boolean;
    let size: number;
    if (typeof data === "string" && options === undefined && outbox.isDirect) {
      // Nearly all messages, by the shortest way.
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
   * Sends a message whose callback asks for the next: it may be called before the message is written, which then leaves together
   * with what follows. @internal
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

  /** Sends a Ping with at most 125 bytes, which are copied. @returns false once the connection is closing */
  ping(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.#sent(!this.socket.destroyed && this.endpoint.ping(data), options);
  }

  /**
   * Sends a Pong with at most 125 bytes: one that nobody asked for, or your own answer with `autoPong` off. @returns false
   * once the connection is closing
   */
  pong(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.#sent(!this.socket.destroyed && this.endpoint.pong(data), options);
  }

  /** Sends a Ping or a Pong that does not overtake the messages before it. @internal */
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
   * Begins the closing handshake. What you sent before goes out first, also the rest of a message in pieces. The peer has
   * `closeTimeout` to answer, which starts again whenever it takes data, up to 30 times as long in all; then the socket is
   * cut. Messages go on arriving until the peer's Close, but if nobody takes them, those that exceed `highWaterMark` are
   * dropped. Does nothing if this side has closed already.
   * @throws RangeError for a code that must not be sent
   */
  close(code?: number, reason?: string): void {
    this.#outbox.close(code, reason);
    this.#watch();
    this.flushSoon();
    // Somebody has to read the answer.
    this.run();
  }

  /** Cuts the socket without a closing handshake. Messages that wait are dropped. */
  terminate(): void {
    this.#flow.abandon();
    this.#outbox.end();
    this.socket.destroy();
  }

  /** Stops reading from the socket, and handing out messages, until resume(). Meanwhile the peer's Close is not seen either. */
  pause(): void {
    this.#flow.pause();
  }

  /** Goes on after pause(). */
  resume(): void {
    this.#context.runInAsyncScope(this.#flow.resume, this.#flow);
    if (this.endpoint.state !== "open") this.#advance();
  }

  /** Whether pause() has been called, and resume() has not. */
  get isPaused(): boolean {
    return this.#flow.paused;
  }

  /** Resolves once the operating system has taken everything, or the connection has ended. It never rejects. */
  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  /**
   * Iterates over the messages. The loop ends with the connection, however that ended (see `ending` and `error`): no peer can
   * make it throw. Leaving the loop closes the connection (1000).
   *
   * The loop's body can answer every message that came before the peer's Close or error, even after an `await`: our own Close
   * goes out when the loop asks for the next message, or after `closeTimeout`.
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
   * As in browsers: the listener gets an object with `type`, `target` and what belongs to the event. A listener that has been
   * added for this event is not added again. The on-properties are separate.
   * @throws TypeError if it is neither a function nor an object
   */
  addEventListener<T extends EventType>(type: T, listener: EventListenerOf<T>, options?: AddListenerOptions): void {
    addListener(this, type, listener, options);
  }

  /** Removes what addEventListener() has added. */
  removeEventListener<T extends EventType>(type: T, listener: EventListenerOf<T>): void {
    removeListener(this, type, listener);
  }

  /** A listener of "message", as in browsers; null for none. */
  get onmessage(): EventHandler<"message"> | null {
    return getProperty(this, "message");
  }

  set onmessage(handler: EventHandler<"message"> | null) {
    setProperty(this, "message", handler);
  }

  /** A listener of "close", as in browsers; null for none. */
  get onclose(): EventHandler<"close"> | null {
    return getProperty(this, "close");
  }

  set onclose(handler: EventHandler<"close"> | null) {
    setProperty(this, "close", handler);
  }

  /** A listener of "error", as in browsers; null for none. */
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

  /** Whether our Close waits, because somebody may still want to answer what came before the peer's. @internal */
  get holdsClose(): boolean {
    if (this.endpoint.state === "open" || !this.endpoint.canSend || this.#flow.finished) return false;
    return this.#flow.isBehind || this.#outbox.sendsPieces;
  }

  /** Writes the response that has accepted the connection: drained() waits for it, too. @internal */
  writeResponse(response: Uint8Array): void {
    this.#outbox.writeResponse(response);
  }

  /** @internal */
  taken(): void {
    this.#advance();
    if (this.#flow.isStopped || this.#flow.isBehind) this.run();
  }

  /** Nothing is written until release(): what is sent in several turns leaves together. @internal */
  hold(): void {
    this.#outbox.held = true;
  }

  /** Goes on after hold(), when this turn is over. @internal */
  release(): void {
    this.#outbox.held = false;
    this.flushSoon();
  }

  /** Runs the Flow. @internal */
  run(): void {
    this.#context.runInAsyncScope(this.#flow.run, this.#flow);
    // What was handed out may have been all that our Close waited for, and what the system takes at once tells nobody.
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
    // A peer that cuts the socket after its Close has said how the connection ended.
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

  /** The same from inside a handler, where what is sent waits for the end of the chunk. @internal */
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
    // Not a timer: it runs before anything else that the event loop does.
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
    // With nobody there, what waits need not be waited for.
    if (!this.#flow.hasConsumer) this.#flow.finish();
    else if (this.#flow.isStopped) this.#watch().held();
    this.flush();
  }

  /** Begins to look at the connection from time to time, unless that has begun: at its end, it has. */
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
      // A stream that closes inside a handler: what waits is handed out first.
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

  /** What is known of the end, which begins with this call if it has not begun before. */
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

/** What a message counts beside its payload, so that empty ones count. */
const OVERHEAD = 64;
/** Where memory comes from, unless the caller says otherwise. */
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

/** About how many bytes. */
function sizeOf(data: string | Bytes | PreparedMessage): number {
  if (typeof data === "string") return data.length;
  return data instanceof PreparedMessage ? data.frame.length : data.byteLength;
}

function assertOptions(options: unknown): void {
  if (typeof options === "function") {
    throw new TypeError("send() takes no callback: it returns whether the message was accepted; await drained()");
  }
  if (typeof options !== "object") throw new TypeError("The options of send() must be an object");
}
