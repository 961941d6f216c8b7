// Decides when a connection reads from its socket, and who gets the messages. Only this file sees all waiting data.

import type { MessageSink, WebSocketError } from "../index.ts";
import { SHORT_CHUNK } from "../protocol/thread.ts";
import type { Turns } from "../protocol/turns.ts";
import type { Channel } from "./channel.ts";
import { type MessageListener, throwLater } from "./events.ts";
import { Inbox, TextBytes } from "./inbox.ts";
import { asBuffer } from "./memory.ts";
import type { Outbox } from "./outbox.ts";
import { thread } from "./thread.ts";
import { pause, type ReadWindow } from "./transport/reads.ts";

type Data = string | Uint8Array<ArrayBuffer>;
type Message = Data | TextBytes;
type Result = IteratorResult<Data, undefined>;

/** A loop over the messages. @internal */
export interface Loop {
  /** Whether it has a message and has not asked for the next. */
  busy: boolean;
  /** The state that all loops of its connection share. */
  readonly loops: Loops;
}

/** The state that the loops of one connection share. */
interface Loops {
  /** The loops that wait for a message. */
  readers: Reader[];
  /** How many loops are busy. */
  busy: number;
  /** Whether a loop has asked for a message since the last beat. */
  asked: boolean;
  /** Whether the loops have stopped asking after our Close. */
  givenUp: boolean;
}

interface Reader {
  readonly loop: Loop;
  readonly resolve: (result: Result) => void;
}

/** After this many bytes of answers to one chunk, check how much is unsent. */
const STEP = 16384;
/** How many bytes may be read above the mark to find out whether the peer is alive. */
const PROBE = 1048576;

/** The connection of a Flow. Not marked internal, because the published types of Connection name it. */
export interface FlowHost {
  /** Sends the queued data soon. @internal */
  flushSoon(): void;
  /** Calls run() in the connection's own async context, not that of the caller. @internal */
  run(): void;
  /** Called at this connection's turn to inflate. @internal */
  turn(): void;
  /** Decoding has failed, which is not the peer's fault. @internal */
  broken(error: unknown): void;
  /** @internal */
  emitSafely(name: "message", data: Data, isBinary: boolean): void;
  /** @internal */
  emitSafely(name: "ping" | "pong", data: Uint8Array<ArrayBuffer>): void;
  /** @internal */
  failed(error: WebSocketError): void;
  /** @internal */
  setEnding(code: number, reason: string, wasClean: boolean): void;
}

/**
 * Gives messages to the listeners, or to loops that ask for them, or keeps them. While more than `highWaterMark` bytes
 * are unread or unsent, nothing is read, and decoding stops, even in the middle of a chunk.
 *
 * Delivery does not nest: whatever a handler calls, one loop delivers the waiting messages in order.
 * @internal
 */
export class Flow implements MessageSink {
  /** Whether the connection has ended, or is about to: nothing waits for room any more. */
  finished = false;
  /** Whether pause() was called: nothing is read or delivered. */
  paused = false;
  /** Whether it keeps reading although it is stopped, to find out whether the peer is alive. */
  probing = false;
  readonly #channel: Channel;
  readonly #outbox: Outbox;
  /** The waiting messages; undefined for most connections. */
  #inbox: Inbox | undefined = undefined;
  /** Whether messages are dropped, because their reader has left. */
  #abandoned = false;
  #listening = false;
  /** The listener of "message" if there is only one, because emit() takes as long as the rest of a delivery. */
  #listener: MessageListener | undefined = undefined;
  /** The same listener, while messages can go straight to it. */
  #direct: MessageListener | undefined = undefined;
  /** Made for the first loop, because most connections have none. */
  #loops: Loops | undefined = undefined;
  /** Chunks that arrived while a handler ran: some streams emit data from inside any call. */
  #early: Uint8Array[] | undefined = undefined;
  /** Called when the connection may inflate; undefined while it is not waiting for its turn. */
  #waiting: (() => void) | undefined = undefined;
  /** Whether the connection has its turn: it may inflate one slice. */
  #served = false;
  #running = false;
  #stopped = false;

  constructor(channel: Channel, outbox: Outbox) {
    this.#channel = channel;
    this.#outbox = outbox;
  }

  /** Whether terminate() was called: nothing is delivered then. */
  get isCut(): boolean {
    return this.#abandoned && this.#channel.socket.destroyed;
  }

  /** Whether a received message may still be answered. */
  get isBehind(): boolean {
    return this.#inbox !== undefined || (this.#loops !== undefined && this.#loops.busy > 0 && !this.#abandoned);
  }

  /** Whether a call is delivering messages. */
  get isRunning(): boolean {
    return this.#running || this.#outbox.corked;
  }

  /** Whether there is a listener or a loop. */
  get hasConsumer(): boolean {
    return this.#listening || this.#loops !== undefined;
  }

  /** Whether received data waits for its turn to be inflated. */
  get isSlicing(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether the connection does not read, because too much waits. */
  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Whether it may keep reading although nothing is taken. It then keeps the data undecoded. */
  get canProbe(): boolean {
    return this.#channel.endpoint.heldBytes <= PROBE;
  }

  /** Handles the next bytes from the socket. */
  receive(chunk: Uint8Array): void {
    if (this.#outbox.corked) {
      // Delivery does not nest.
      (this.#early ??= []).push(new Uint8Array(chunk));
      return;
    }
    // All that is sent in the meantime leaves together.
    this.#outbox.corked = true;
    const turns = this.#begin(chunk.length);
    try {
      this.#channel.endpoint.push(chunk, this, performance.now());
    } catch (error) {
      this.#channel.broken(error);
    }
    turns?.end();
    this.#outbox.corked = false;
    this.run();
  }

  /** Handles the first `length` bytes of the window that sockets read into. */
  receiveFrom(window: ReadWindow, length: number): void {
    if (this.#outbox.corked) {
      this.receive(window.bytes.subarray(0, length));
      return;
    }
    this.#outbox.corked = true;
    const turns = this.#begin(length);
    try {
      this.#channel.endpoint.pushFrom(window, length, this, performance.now());
    } catch (error) {
      this.#channel.broken(error);
    }
    turns?.end();
    this.#outbox.corked = false;
    this.run();
  }

  /**
   * Call this before decoding a chunk. It counts the time of this turn if there is something to inflate. Call end() of
   * the result.
   */
  #begin(length: number): Turns | undefined {
    if (this.#channel.settings.sliceSize === Infinity) return undefined;
    const { turns } = thread();
    if (this.#waiting === undefined && length > SHORT_CHUNK && !turns.hasTime) {
      // The Protocol keeps the chunk until then.
      this.#channel.endpoint.pause();
      this.#wait();
    }
    turns.begin();
    return turns;
  }

  #wait(): void {
    const serve = (): void => {
      this.#waiting = undefined;
      this.#served = true;
      this.#channel.turn();
      this.#served = false;
    };
    this.#waiting = serve;
    thread().turns.wait(serve);
  }

  text(data: string): void {
    const direct = this.#direct;
    if (direct === undefined) this.#deliver(data);
    else this.#call(direct, data, false);
  }

  textBytes(data: Uint8Array<ArrayBuffer>): void {
    const buffer = asBuffer(data);
    const direct = this.#direct;
    if (direct === undefined) this.#deliver(new TextBytes(buffer));
    else this.#call(direct, buffer, false);
  }

  binary(data: Uint8Array<ArrayBuffer>): void {
    const bytes = this.#bytes(data);
    const direct = this.#direct;
    if (direct === undefined) this.#deliver(bytes);
    else this.#call(direct, bytes, true);
  }

  ping(data: Uint8Array<ArrayBuffer>): void {
    if (this.isCut) return;
    this.#channel.emitSafely("ping", this.#bytes(data));
  }

  pong(data: Uint8Array<ArrayBuffer>): void {
    if (this.isCut) return;
    this.#channel.emitSafely("pong", this.#bytes(data));
  }

  error(error: WebSocketError): void {
    this.#channel.failed(error);
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.#channel.setEnding(code, reason, wasClean);
  }

  /** Converts bytes to the form that the user has chosen. */
  #bytes(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return this.#channel.settings.binaryType === "nodebuffer" ? asBuffer(data) : data;
  }

  #call(listener: MessageListener, data: Data, isBinary: boolean): void {
    this.#channel.active = true;
    try {
      listener.call(this.#channel, data, isBinary);
    } catch (error) {
      throwLater(error);
    }
  }

  #emit(message: Message): void {
    const data = dataOf(message);
    const isBinary = data === message && typeof data !== "string";
    if (this.#listener === undefined) this.#channel.emitSafely("message", data, isBinary);
    else this.#call(this.#listener, data, isBinary);
  }

  #deliver(data: Message): void {
    this.#channel.active = true;
    if (this.#abandoned) return;
    const loops = this.#loops;
    if (this.#inbox === undefined && this.#listening && loops === undefined) {
      this.#emit(data);
      return;
    }
    const reader = loops?.readers.shift();
    if (reader !== undefined) {
      setBusy(reader.loop, true);
      reader.resolve({ done: false, value: dataOf(data) });
      return;
    }
    if (this.#discards()) return;
    (this.#inbox ??= new Inbox()).push(data);
    if (this.#full()) this.#channel.endpoint.pause();
  }

  /** Much was sent while a chunk was handled: the limits apply now, not at the end of the chunk. */
  look(): void {
    this.#outbox.room = Math.min(this.#channel.settings.highWaterMark, STEP);
    if (this.#writerBehind()) this.#channel.endpoint.pause();
  }

  /** The listeners of "message" have changed. `only` is the single one, if it may be called without emit(). */
  listen(some: boolean, only: MessageListener | undefined): void {
    this.#listening = some;
    this.#listener = only;
    this.#redirect();
  }

  /** Starts a loop. */
  iterate(): Loop {
    const loops = (this.#loops ??= { readers: [], busy: 0, asked: false, givenUp: false });
    this.#redirect();
    return { busy: false, loops };
  }

  next(loop: Loop, ended: boolean): Promise<Result> {
    const { loops } = loop;
    loops.asked = true;
    let value = this.#shift();
    setBusy(loop, value !== undefined);
    if (this.#stopped && !this.#full()) {
      this.#channel.run();
      value ??= this.#shift();
    }
    if (value !== undefined) {
      setBusy(loop, true);
      return Promise.resolve({ done: false, value: dataOf(value) });
    }
    if (ended) return Promise.resolve({ done: true, value: undefined });
    // Every message has been handled, so our Close need not wait any longer.
    if (this.#channel.endpoint.state !== "open") this.#channel.flushSoon();
    return new Promise((resolve) => loops.readers.push({ loop, resolve }));
  }

  /** The reader has left. Messages are dropped from now on, so that the peer's Close is noticed. */
  abandon(): void {
    this.#abandoned = true;
    this.#inbox = undefined;
    this.#redirect();
  }

  /** Stops delivering and reading until resume(). */
  pause(): void {
    this.paused = true;
    this.#channel.endpoint.pause();
    this.#redirect();
    this.run();
  }

  resume(): void {
    this.paused = false;
    this.#redirect();
    this.run();
  }

  /**
   * Delivers the waiting messages while there is room, and starts or stops reading from the socket. Call it whenever
   * less is waiting, or a listener or a loop wants messages.
   */
  run(): void {
    if (this.isRunning) return;
    this.#running = true;
    do {
      while (this.#canGoOn()) this.#goOn();
      this.#outbox.flush();
      // If the system took data at once, there is room again.
    } while (this.#canGoOn());
    this.#running = false;
    if (this.#canDecode() && this.#waiting === undefined) this.#wait();
    this.#stopped = this.#hasStopped() || this.#full();
    if (this.#stopped && !(this.probing && this.canProbe)) pause(this.#channel.socket);
    else if (this.#channel.socket.readableFlowing !== true) this.#channel.socket.resume();
  }

  #canGoOn(): boolean {
    return this.#canEmit() || this.#early !== undefined || (this.#canDecode() && this.#hasTurn());
  }

  /** Whether decoding has stopped in the middle of received data. */
  #hasStopped(): boolean {
    return this.#channel.endpoint.paused || this.#channel.endpoint.unfinished;
  }

  /** Whether decoding may continue, apart from turns. */
  #canDecode(): boolean {
    return this.#hasStopped() && !this.#full();
  }

  /** Whether the connection may inflate now. Always true without slices. */
  #hasTurn(): boolean {
    if (this.#channel.settings.sliceSize === Infinity) return true;
    return this.#served || (this.#waiting === undefined && thread().turns.hasTime);
  }

  #goOn(): void {
    this.#outbox.corked = true;
    try {
      while (this.#canEmit()) this.#emit(this.#shift()!);
      if (this.#canDecode() && this.#hasTurn()) this.#decode();
      this.#pushEarly();
    } catch (error) {
      this.#channel.broken(error);
    }
    this.#outbox.corked = false;
    this.#outbox.flush();
  }

  #decode(): void {
    const turns = this.#channel.settings.sliceSize === Infinity ? undefined : thread().turns;
    this.#served = false;
    turns?.begin();
    try {
      this.#channel.endpoint.resume(this, performance.now());
    } finally {
      turns?.end();
    }
  }

  /** The connection has ended, or is about to: deliver all waiting messages, or keep them for a loop that continues. */
  finish(): void {
    this.finished = true;
    this.run();
  }

  /** Called from time to time. A loop that has stopped asking must not hide the peer's answer to our Close. */
  beat(): void {
    const loops = this.#loops;
    if (loops === undefined) return;
    if (this.#stopped && this.#closing() && !loops.asked) {
      loops.givenUp = true;
      this.run();
    }
    loops.asked = false;
  }

  /** No more messages will arrive. */
  end(): void {
    if (this.#waiting !== undefined) thread().turns.leave(this.#waiting);
    this.#waiting = undefined;
    const loops = this.#loops;
    if (loops === undefined) {
      this.#inbox = undefined;
      return;
    }
    const { readers } = loops;
    loops.readers = [];
    for (const { resolve } of readers) resolve({ done: true, value: undefined });
  }

  /** Whether a message is dropped if no listener or loop is waiting for it. */
  #discards(): boolean {
    const full = this.#closing() && this.#inboxFull();
    if (this.#loops !== undefined) return full && this.#loops.givenUp;
    return full || this.#channel.settings.discardUnread || this.finished;
  }

  #canEmit(): boolean {
    return (
      this.#inbox !== undefined &&
      this.#listening &&
      this.#loops === undefined &&
      (this.finished || (!this.paused && !this.#writerBehind()))
    );
  }

  /**
   * Whether no more messages should arrive for now. After our Close the peer's Close matters more, unless a loop still
   * asks.
   */
  #full(): boolean {
    if (this.finished) return false;
    if (this.paused) return true;
    if (this.#closing()) return this.#loops?.givenUp === false && this.#inboxFull();
    // Only the end of the stream can follow, and it must be noticed.
    if (this.#channel.endpoint.state === "closed") return false;
    return this.#inboxFull() || this.#writerBehind();
  }

  #closing(): boolean {
    return this.#channel.endpoint.state === "closing" && !this.#channel.endpoint.canSend;
  }

  #inboxFull(): boolean {
    return this.#inbox !== undefined && this.#inbox.bytes > this.#channel.settings.highWaterMark;
  }

  /** A client keeps reading if its peer does not read. If both ends stopped, neither would ever continue. */
  #writerBehind(): boolean {
    return (
      this.#channel.settings.role === "server" &&
      !this.#closing() &&
      this.#outbox.weight > this.#channel.settings.highWaterMark
    );
  }

  #pushEarly(): void {
    for (let early = this.#early; early !== undefined; early = this.#early) {
      this.#early = undefined;
      for (const chunk of early) {
        const turns = this.#begin(chunk.length);
        try {
          this.#channel.endpoint.push(chunk, this, performance.now());
        } finally {
          turns?.end();
        }
      }
    }
  }

  #redirect(): void {
    const straight = this.#inbox === undefined && this.#loops === undefined && !this.#abandoned;
    this.#direct = straight ? this.#listener : undefined;
  }

  #shift(): Message | undefined {
    const message = this.#inbox?.shift();
    if (this.#inbox?.isEmpty) {
      this.#inbox = undefined;
      this.#redirect();
    }
    return message;
  }
}

function setBusy(loop: Loop, busy: boolean): void {
  if (loop.busy === busy) return;
  loop.busy = busy;
  loop.loops.busy += busy ? 1 : -1;
}

function dataOf(message: Message): Data {
  return message instanceof TextBytes ? message.bytes : message;
}
