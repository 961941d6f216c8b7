// Everything that a connection has accepted and the system has not yet taken: the counterpart of inbox.ts.

import { AsyncResource } from "node:async_hooks";
import { isUtf8 } from "node:buffer";
import type { Duplex } from "node:stream";
import { type Bytes, CloseCode, PreparedMessage, Protocol, type SendOptions } from "../index.ts";
import { asBytes, copyToSend, isBytes, type Memory } from "../frame/bytes.ts";
import { readFragmentSize } from "../protocol/options.ts";
import { SlicedMessage } from "../protocol/sliced-message.ts";
import { checkUtf8 } from "../frame/utf8.ts";
import type { Channel } from "./channel.ts";
import { throwLater } from "./events.ts";
import { allocateUnsafe, giveBack, isLent, lend } from "./memory.ts";
import { thread } from "./thread.ts";
import { giveSlot, takeSlot } from "./transport/slots.ts";
import { isClear, writeDirectly, type Writer } from "./transport/writes.ts";

/**
 * The pieces of one message, which may be larger than memory. It is a text message if the first piece is a string,
 * unless `binary` is set. Each piece is copied when it arrives.
 */
export type Pieces = AsyncIterable<string | Bytes>;
/** Options of a message in pieces. */
export type PiecesOptions = Pick<SendOptions, "binary" | "compress">;

/** What happens to a message that would raise `bufferedAmount` above `maxBufferedAmount`: see the option `overflow`. */
export type Overflow = "queue" | "drop" | 1008 | 1013;

/** Options of send(). */
export interface MessageOptions extends SendOptions {
  /**
   * Whether bytes are copied. If true, they are yours again when send() returns. If false, they are borrowed: do not
   * change them before drained() resolves. Default true.
   */
  readonly copy?: boolean | undefined;
  /**
   * Called without an argument once the operating system has taken the message, or with an error if the connection ends
   * before that. It is not called for a message that send() refuses. If nothing else is queued, the message is written
   * at once, not together with what you send later in the same turn. Default none.
   */
  readonly callback?: SentCallback | undefined;
}

/** Options of ping() and pong(). */
export type ControlOptions = Pick<MessageOptions, "callback">;

/** Called when a message was sent, or with an error if it was not. */
export type SentCallback = (error?: Error) => void;

interface Whole {
  readonly data: string | Uint8Array | PreparedMessage;
  readonly options: MessageOptions | undefined;
  /** Whether it continues a message that began with `fin: false`. */
  readonly continues: boolean;
}

/** A message, or a piece of one, that is compressed in slices, so that other connections get a turn in between. */
interface InSlices {
  readonly slices: SlicedMessage;
  readonly binary: boolean;
  readonly options: MessageOptions | undefined;
}

interface InPieces {
  readonly pieces: Pieces;
  readonly options: PiecesOptions;
  readonly resolve: (sent: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** A Ping or a Pong that keeps its place among the messages. */
interface Control {
  readonly kind: "ping" | "pong";
  readonly data: string | Uint8Array | undefined;
  readonly options: ControlOptions | undefined;
}

interface Close {
  readonly code: number | undefined;
  readonly reason: string | undefined;
}

type Entry = Whole | InPieces | Control | Close;

/** A message in pieces or in slices, and everything sent after it, in order. */
interface Queue {
  entries: (Entry | undefined)[];
  /** The message that is being sent in slices. */
  current: InSlices | undefined;
  /** The index of the next entry. */
  first: number;
  /** The size of the whole messages in it as frames, plus the rest of a message that is being sent in slices. */
  bytes: number;
  /** Whether a Close is in it: nothing is accepted after that. */
  closed: boolean;
  /** Ends the wait for the next piece, or for a turn. */
  interrupt: (() => void) | undefined;
  /** Ends the wait for the socket. */
  wake: (() => void) | undefined;
}

/** The callbacks of messages that the system has not taken. */
interface Callbacks {
  /**
   * In order, each with the position of the end of its message in the socket's data. The position is an upper bound
   * until the message is serialized.
   */
  readonly entries: { end: number; readonly callback: SentCallback }[];
  /** How many bytes the socket has been given since there are callbacks. */
  given: number;
}

/** Copies in memory that is reused once nothing is unsent. */
interface Lent {
  readonly copies: Uint8Array<ArrayBuffer>[];
  /** The total size of their buffers. */
  bytes: number;
}

/** How much may be lent. With a slow peer something is always unsent, so nothing would ever be given back. */
const MOST_LENT = 1048576;
/** About how many bytes an entry takes in addition to its payload, so that empty messages count too. */
const OVERHEAD = 64;
/** The array is compacted once this many entries have been sent. */
const COMPACT = 1024;
/** The most that is written at once, in bytes: there is progress after each write. */
const SLICE = 131072;
/** While the system takes each write at once, this much may be written at once. */
const FAST_SLICE = 524288;
/** Up to this many bytes of text are examined in JavaScript. */
const MOST_LOOKED_AT = 64;
/** How many bytes a source of pieces may send before others get a turn. */
const TURN = 262144;
const UNSENT = "The connection has ended before the message was sent";
const HOLD_CLOSE = { holdClose: true } as const;
/** Messages are accepted. */
const OPEN = 0;
/** Nothing is accepted any more. */
const ENDED = 1;
/** The socket has closed. */
const CLOSED = 2;

/** The connection of an Outbox. Not marked internal, because the published types of Connection name it. */
export interface OutboxHost {
  /** Whether our Close waits, so that messages from before the peer's Close can still be answered. @internal */
  readonly holdsClose: boolean;
  /** @internal */
  close(code: number, reason: string): void;
  /** The system has taken data. @internal */
  taken(): void;
}

/** @internal */
export class Outbox implements Writer, Memory {
  /** Nothing is written while a chunk is being handled, so that its answers leave together. */
  corked = false;
  /** Like `corked`, while a chunk is handled in several turns: see Connection.hold(). */
  held = false;
  /** How many bytes may be sent before the next check of how much is unsent. */
  room = 0;
  /** Whether messages go straight to the Protocol. */
  isDirect: boolean;
  /** Whether the system has taken data since Vitals last reset this. */
  progress = false;
  readonly #protocol: Protocol;
  readonly #channel: Channel;
  /** Serialized, but not yet given to the socket. */
  #parts: Uint8Array[] | undefined = undefined;
  #partsBytes = 0;
  #slice = SLICE;
  /** How many bytes are being written directly, without the queue of the socket. */
  #underway = 0;
  /** The memory of the parts, or memory that the socket may still read. */
  #slot: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** Exists while a message is sent in pieces or in slices. */
  #queue: Queue | undefined = undefined;
  #drains: (() => void)[] | undefined = undefined;
  #callbacks: Callbacks | undefined = undefined;
  /** Copies that the socket may still read. */
  #lent: Lent | undefined = undefined;
  /** The kind of a message that began with `fin: false`. Not tracked while messages go straight to the Protocol. */
  #begun: "text" | "binary" | undefined = undefined;
  #phase: number = OPEN;
  /** Whether the callback of a message sent by sendAlone() is still to be called. */
  #sentAlone = false;
  /** Whether the last of these callbacks has sent more. */
  #sendsMore = false;

  constructor(channel: Channel) {
    this.#protocol = channel.endpoint;
    this.#channel = channel;
    this.isDirect = channel.settings.overflow === "queue" && !channel.settings.extended;
  }

  /** How many bytes wait for the socket and in it. */
  get waiting(): number {
    const held = this.#channel.holdsClose ? this.#protocol.answerSize : 0;
    return this.#protocol.bufferedAmount - held + this.#partsBytes + this.inSocket;
  }

  /** How many bytes the socket holds that the system has not taken. */
  get inSocket(): number {
    return this.#underway + this.#channel.socket.writableLength;
  }

  /** How many bytes are unsent, including those after a message in pieces. */
  get bytes(): number {
    return this.waiting + (this.#queue?.bytes ?? 0);
  }

  /** Whether more than `highWaterMark` bytes are unsent. */
  get isAboveMark(): boolean {
    return this.bytes > this.#channel.settings.highWaterMark;
  }

  /** About how much memory all unsent data takes, in bytes. */
  get weight(): number {
    const queue = this.#queue;
    return queue === undefined
      ? this.waiting
      : this.waiting + queue.bytes + (queue.entries.length - queue.first) * OVERHEAD;
  }

  /** Whether a message in pieces is being sent. */
  get sendsPieces(): boolean {
    return this.#queue !== undefined;
  }

  /** Whether a Close waits for a message in pieces to end. */
  get closeWaits(): boolean {
    return this.#queue?.closed === true;
  }

  /** Whether the socket has been given everything and may be ended. end() would not wait for direct writes. */
  get isFlushed(): boolean {
    return (
      this.#underway === 0 &&
      this.#queue === undefined &&
      this.#parts === undefined &&
      this.#protocol.bufferedAmount === 0
    );
  }

  /** Whether messages are accepted. */
  get accepts(): boolean {
    return this.#phase === OPEN && !this.closeWaits && this.#protocol.canSend;
  }

  /** @returns false if it was refused @throws TypeError, RangeError as Protocol.send() does */
  send(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined): boolean {
    if (this.isDirect) return this.sendNow(data, options);
    if (!this.accepts || (this.#channel.settings.overflow !== "queue" && !this.#fits(data, options))) return false;
    const kind = kindOf(data, options);
    const continues = this.#begun !== undefined;
    if (continues && this.#begun !== kind)
      throw new TypeError(`Finish the ${this.#begun} message first: its last piece has fin: true`);
    if (this.#queue !== undefined) this.#enqueue(this.#queue, { data: this.#owned(data, options), options, continues });
    else if (!this.#channel.settings.extended) this.sendNow(data, options);
    else this.#sendExtended(data, options, continues);
    this.#begun = options?.fin === false ? kind : undefined;
    return true;
  }

  /** Sends a message that an extension may compress: at once, or in slices if it is long. */
  #sendExtended(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined, continues: boolean): void {
    if (!this.#isSliced(data, options, continues)) {
      this.sendNow(data, options);
      this.#noteUse(data, options, continues);
      return;
    }
    const owned = typeof data === "string" ? data : options?.copy === false ? asBytes(data) : this.#copy(data);
    assertSendable({ data: owned, options, continues });
    const message = this.#inSlices(owned, options);
    if (this.#hasTurn && this.#sendSlices(message)) return;
    const queue = (this.#queue = newQueue());
    this.#redirect();
    queue.bytes = message.slices.bytes;
    void this.#pump(queue, message);
  }

  /**
   * Whether a message is compressed in slices. A PreparedMessage is not, because it is compressed once for all
   * connections.
   */
  #isSliced(
    data: string | Bytes | PreparedMessage,
    options: MessageOptions | undefined,
    continues: boolean,
  ): data is string | Bytes {
    const { sliceSize } = this.#channel.settings;
    const most = typeof data === "string" ? 3 * data.length : isBytes(data) ? data.byteLength : 0;
    if (most <= sliceSize || data instanceof PreparedMessage) return false;
    const bytes = lengthOf(data);
    return bytes > sliceSize && this.#compresses(bytes, options, continues);
  }

  #inSlices(data: string | Uint8Array, options: MessageOptions | undefined): InSlices {
    const slices = new SlicedMessage(data, lengthOf(data), this.#channel.settings.sliceSize);
    return { slices, binary: kindOf(data, options) === "binary", options };
  }

  /** Whether an extension compresses a message. The final length of a message in pieces is unknown. */
  #compresses(bytes: number, options: MessageOptions | undefined, continues: boolean): boolean {
    return this.#protocol.compresses(continues || options?.fin === false ? Infinity : bytes, options?.compress);
  }

  /** Keeps the compression context while messages are compressed. */
  #noteUse(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined, continues: boolean): void {
    const { length } = data instanceof PreparedMessage ? data.payload : typeof data === "string" ? data : asBytes(data);
    if (this.#compresses(length, options, continues)) thread().idle.used(this.#protocol);
  }

  /** Whether slices may be sent now. */
  get #hasTurn(): boolean {
    return thread().turns.hasTime && this.#hasSpace;
  }

  get #hasSpace(): boolean {
    return this.waiting <= this.#channel.settings.highWaterMark;
  }

  /**
   * Sends one slice, and more while there is time. Returns whether the last one was sent.
   * @throws as Protocol.send() does
   */
  #sendSlices(message: InSlices): boolean {
    do this.#sendSlice(message);
    while (!message.slices.isDone && this.#hasTurn);
    return message.slices.isDone;
  }

  #sendSlice({ slices, binary, options }: InSlices): void {
    const { turns, idle } = thread();
    turns.begin();
    try {
      const piece = slices.next();
      const fin = slices.isDone && options?.fin !== false;
      if (!this.#protocol.send(piece, { ...options, binary, fin })) throw new Error(UNSENT);
      idle.used(this.#protocol);
    } finally {
      turns.end();
    }
    this.#channel.active = true;
    // This is progress: no new messages are accepted, so less and less is left before the Close.
    if (this.closeWaits) this.progress = true;
    if (slices.isDone && options?.callback !== undefined) this.callLater(options.callback);
  }

  /**
   * Sends slices in their turns, while there is room for them. Resolves with whether all were sent. If not, the
   * connection is ending. It never rejects.
   */
  #sendInTurns(message: InSlices, queue: Queue): Promise<boolean> {
    const { slices } = message;
    const { turns } = thread();
    return new Promise((resolve) => {
      let counted = slices.bytes;
      const count = (bytes: number): void => {
        queue.bytes += bytes - counted;
        counted = bytes;
      };
      const settle = (sent: boolean): void => {
        queue.interrupt = undefined;
        queue.wake = undefined;
        count(0);
        resolve(sent);
      };
      const go = (): void => {
        // Until its "close" event, nothing else reports this.
        if (this.#channel.socket.destroyed) this.end();
        if (this.#phase !== OPEN) return;
        try {
          if (this.#hasSpace && this.#sendSlices(message)) settle(true);
          else wait();
        } catch {
          settle(false);
        }
        this.#channel.flushSoon();
      };
      const serve = AsyncResource.bind(go);
      const wait = (): void => {
        count(slices.bytes);
        if (this.#hasSpace) {
          turns.wait(serve);
          return;
        }
        queue.wake = () => {
          queue.wake = undefined;
          turns.wait(serve);
        };
        this.#channel.flushSoon();
      };
      queue.interrupt = () => {
        turns.leave(serve);
        settle(false);
      };
      if (this.#phase !== OPEN) settle(false);
      else if (this.#hasTurn) go();
      else wait();
    });
  }

  /** Like send(), while messages go straight to the Protocol. */
  sendNow(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined): boolean {
    const sent = this.#put(data, options);
    if (sent && options?.callback !== undefined) this.callLater(options.callback);
    return sent;
  }

  #put(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined): boolean {
    return (
      (isPlain(options) ? this.#sendPlain(data, options?.binary) : undefined) ??
      this.#protocol.send(this.#owned(data, options), options)
    );
  }

  /**
   * Sends a whole message by a shorter path: bytes are copied once, into a frame. Undefined if that is not possible.
   */
  #sendPlain(data: string | Bytes | PreparedMessage, binary: boolean | undefined): boolean | undefined {
    if (typeof data === "string") return binary === true ? undefined : this.#protocol.send(data);
    if (data instanceof PreparedMessage) return this.#protocol.send(data);
    if (binary !== false) return this.#protocol.sendCopy(data, this);
    const bytes = asBytes(data);
    return isText(bytes) ? this.#protocol.sendTextCopy(bytes, this) : undefined;
  }

  /**
   * Writes a message at once if nothing is queued before it, because its sender may wait for the callback. What is sent
   * before the callback, or by it, leaves together.
   *
   * With "accepted", the sender only needs to know when it may send the next message. If the last callback sent more,
   * this callback is called before the write, so that all of it leaves together.
   *
   * @returns false if it is not possible: then use send()
   */
  sendAlone(
    data: string | Bytes | PreparedMessage,
    options: MessageOptions | undefined,
    callback: SentCallback,
    counts: "written" | "accepted",
  ): boolean {
    const { socket, settings } = this.#channel;
    if (this.#sentAlone || this.corked || !this.isDirect || !settings.passes || !this.#protocol.isIdle) return false;
    if (this.#underway > 0 || this.#callbacks !== undefined || !socket.writable || !isClear(socket)) return false;
    if (this.#sendsMore && counts === "accepted") {
      this.#put(data, options);
    } else if (!this.#writeAlone(data, options)) {
      this.callLater(callback);
      return true;
    }
    this.#sentAlone = true;
    process.nextTick(calledAlone, this, callback);
    return true;
  }

  /** Returns whether the system has taken all of it. */
  #writeAlone(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined): boolean {
    if (data instanceof PreparedMessage && this.#channel.settings.role === "server") {
      this.#pass(data.frame);
    } else {
      this.#put(data, options);
      this.#writeAll(this.#channel.socket);
      if (this.#slot !== undefined) this.#freeSlot();
    }
    // A socket that has failed reports that when it closes.
    return this.inSocket === 0 && !this.#channel.socket.destroyed;
  }

  /** Calls the callback of a message sent by sendAlone(). */
  calledAlone(callback: SentCallback): void {
    const before = this.#protocol.bufferedAmount;
    callSafely(callback, undefined);
    this.#sentAlone = false;
    this.#sendsMore = this.#protocol.bufferedAmount > before;
    if (this.#callbacks !== undefined) this.#callBack(this.#callbacks);
  }

  /** Calls the callback when the system has taken everything sent until now. */
  callLater(callback: SentCallback): void {
    const callbacks = (this.#callbacks ??= { entries: [], given: this.inSocket });
    const end = callbacks.given + this.#partsBytes + this.#protocol.bufferedAmount;
    const { entries } = callbacks;
    // No earlier message ends after this one: text that was encoded since then was counted in its longest form.
    for (let i = entries.length - 1; i >= 0 && entries[i]!.end > end; i--) entries[i]!.end = end;
    entries.push({ end, callback });
  }

  /** Calls the callbacks of messages that the system has taken. */
  #callBack(callbacks: Callbacks): void {
    const { entries } = callbacks;
    if (this.#parts === undefined && this.#protocol.bufferedAmount === 0) {
      for (let i = entries.length - 1; i >= 0 && entries[i]!.end > callbacks.given; i--)
        if (entries[i]!.end < Infinity) entries[i]!.end = callbacks.given;
    }
    const taken = callbacks.given - this.inSocket;
    // A failed socket also holds nothing, but has not sent everything: closed() reports that.
    while (entries.length > 0 && entries[0]!.end <= taken && !this.#channel.socket.destroyed) {
      callSafely(entries.shift()!.callback, undefined);
    }
    if (entries.length === 0) this.#callbacks = undefined;
  }

  /** The socket has closed: everything that is unsent is lost. */
  closed(): void {
    if (this.#phase === CLOSED) return;
    this.end();
    this.#phase = CLOSED;
    const callbacks = this.#callbacks?.entries.map(({ callback }) => callback) ?? [];
    this.#callbacks = undefined;
    if (this.#queue !== undefined) callbacks.push(...callbacksOf(this.#queue));
    for (const callback of callbacks) callSafely(callback, new Error(UNSENT));
  }

  /** An accepted message cannot be sent: closed() calls its callback, after those before it. */
  #unsent(callback: SentCallback | undefined): void {
    if (callback === undefined || this.#phase === CLOSED) return;
    (this.#callbacks ??= { entries: [], given: this.inSocket }).entries.push({ end: Infinity, callback });
  }

  #enqueue(queue: Queue, entry: Whole): void {
    assertSendable(entry);
    queue.entries.push(entry);
    queue.bytes += this.#sizeOf(entry);
  }

  /**
   * Sends a Ping or a Pong after the messages before it, if these are queued.
   * @returns and throws as Protocol.ping() does
   */
  control(kind: "ping" | "pong", data: string | Bytes | undefined, options: ControlOptions | undefined): boolean {
    const queue = this.#queue;
    if (!this.accepts) return false;
    if (queue === undefined) return this.#sendControl({ kind, data, options });
    // An invalid one throws now, not when it is sent.
    new Protocol({ role: "server" })[kind](data);
    const own = data === undefined || typeof data === "string" ? data : new Uint8Array(asBytes(data));
    queue.entries.push({ kind, data: own, options });
    return true;
  }

  #sendControl({
    kind,
    data,
    options,
  }: { readonly data: string | Bytes | undefined } & Omit<Control, "data">): boolean {
    const sent = this.#protocol[kind](data);
    if (sent && options?.callback !== undefined) this.callLater(options.callback);
    return sent;
  }

  /**
   * @returns a promise of whether all pieces were sent. It rejects with the error of the source, or a TypeError for a
   *   piece
   */
  sendPieces(pieces: Pieces, options: PiecesOptions): Promise<boolean> {
    if (!this.accepts) {
      release(pieces, undefined);
      return Promise.resolve(false);
    }
    return new Promise((resolve, reject) => {
      const entry = { pieces, options, resolve, reject };
      if (this.#queue !== undefined) {
        this.#queue.entries.push(entry);
        return;
      }
      this.#queue = newQueue(entry);
      this.#redirect();
      void this.#pump(this.#queue);
    });
  }

  /** Sends a Close after everything that was accepted before. @throws RangeError, TypeError as Protocol.close() does */
  close(code: number | undefined, reason: string | undefined): void {
    const queue = this.#queue;
    if (queue === undefined || !this.#protocol.canSend) {
      this.#protocol.close(code, reason);
    } else if (!queue.closed) {
      // An invalid one throws now, not when it is sent.
      new Protocol({ role: "server" }).close(code, reason);
      queue.closed = true;
      queue.entries.push({ code, reason });
    }
  }

  /** Abandons a message in pieces, so nothing after it can be sent. Accepts no more messages. */
  end(): void {
    this.#phase = Math.max(this.#phase, ENDED);
    this.#redirect();
    this.#queue?.interrupt?.();
    this.#queue?.wake?.();
    this.#wakeDrains();
  }

  /** Resolves when the system has taken everything, or the connection has ended. */
  drained(): Promise<void> {
    if (this.bytes === 0 || this.#phase !== OPEN) return Promise.resolve();
    return new Promise((resolve) => (this.#drains ??= []).push(resolve));
  }

  /** Writes what the socket has room for. The rest stays together in the Protocol. */
  flush(): void {
    const { socket } = this.#channel;
    if (this.corked || this.held) return;
    if (!socket.destroyed && !socket.writableEnded) this.#writeAll(socket);
    if (this.#slot !== undefined) this.#freeSlot();
    if (this.#lent !== undefined && this.waiting === 0) this.#giveBack(this.#lent);
    if (this.#callbacks !== undefined && !this.#sentAlone) this.#callBack(this.#callbacks);
    if (this.#drains !== undefined && this.bytes === 0) this.#wakeDrains();
    // There is no event for data that the system takes at once.
    if (this.#queue?.wake !== undefined && this.#hasSpace) this.#queue.wake();
  }

  /** If the source of masking keys throws, nothing can be sent, not even a Close. */
  #writeAll(socket: Duplex): void {
    try {
      while (this.#hasRoom() && this.#writeNext());
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Like flush(), but also while a chunk is being handled. */
  flushNow(): void {
    const { corked } = this;
    this.corked = false;
    this.flush();
    this.corked = corked;
  }

  /** Writes the response that accepts the connection, before anything else. */
  writeResponse(response: Uint8Array): void {
    this.#writePart(response);
  }

  /**
   * A callback for one write, because a stream that was not full emits no "drain". It is not kept, because it would
   * cost memory for each connection.
   */
  get written(): (error?: Error | null) => void {
    return (error) => {
      // A stream that has failed is about to close. Writing to it until then would make its writableLength wrong.
      if (!error) this.#taken();
    };
  }

  /** A direct write has ended. */
  wrote(error: Error | null | undefined): void {
    this.#underway = 0;
    if (error) this.#channel.socket.destroy(error);
    this.#taken();
  }

  /** The system has taken data. */
  #taken(): void {
    this.progress = true;
    this.flush();
    this.#channel.taken();
  }

  /** A direct write must end before the next begins. */
  #hasRoom(): boolean {
    const { writableLength, writableHighWaterMark } = this.#channel.socket;
    return this.#underway === 0 && (writableLength === 0 || writableLength < writableHighWaterMark);
  }

  /** Returns whether there was something to write, and memory for it. */
  #writeNext(): boolean {
    if (this.#parts !== undefined) {
      this.#writeSlice(this.#parts);
      return true;
    }
    if (this.#protocol.bufferedAmount === 0 || (this.#slot !== undefined && this.inSocket > 0)) return false;
    const bytes = this.#channel.settings.reuses ? this.#layOut() : undefined;
    const parts = bytes === undefined ? this.#protocol.take(this.#hold()) : [bytes];
    if (parts.length === 0) return false;
    if (parts.length === 1 && parts[0]!.length <= this.#slice) {
      // The usual case.
      this.#writePart(parts[0]!);
    } else {
      this.#parts = this.#counted(parts);
      this.#writeSlice(parts);
    }
    return true;
  }

  #hold(): typeof HOLD_CLOSE | undefined {
    return this.#channel.holdsClose ? HOLD_CLOSE : undefined;
  }

  /** The next frames, in a slot. Undefined if nothing is queued, no slot is free, or take() needs no copy of them. */
  #layOut(): Uint8Array | undefined {
    const slot = this.#slot ?? takeSlot();
    if (slot === undefined) return undefined;
    const length = this.#protocol.takeInto(slot, this.#hold());
    if (length === 0) {
      this.#slot = undefined;
      giveSlot(slot);
      return undefined;
    }
    this.#slot = slot;
    return slot.subarray(0, length);
  }

  /** Gives the slot back, unless it holds data that the system has not taken. */
  #freeSlot(): void {
    if (this.inSocket > 0) return;
    giveSlot(this.#slot!);
    this.#slot = undefined;
  }

  #counted(parts: Uint8Array[]): Uint8Array[] {
    for (const { length } of parts) this.#partsBytes += length;
    return parts;
  }

  #writePart(part: Uint8Array): void {
    const { socket, settings } = this.#channel;
    if (this.#callbacks !== undefined) this.#callbacks.given += part.length;
    if (!settings.passes || !isClear(socket)) {
      socket.write(part, this.written);
      return;
    }
    this.#pass(part);
  }

  /** Writes directly, without the queue of the socket. */
  #pass(part: Uint8Array): void {
    const { socket } = this.#channel;
    try {
      if (writeDirectly(socket, part, this)) {
        this.progress = true;
        this.#slice = FAST_SLICE;
      } else {
        this.#underway = part.length;
        this.#slice = SLICE;
      }
    } catch (error) {
      socket.destroy(error as Error);
    }
  }

  /** Writes the first parts, up to SLICE bytes, in one write. */
  #writeSlice(parts: Uint8Array[]): void {
    const { socket } = this.#channel;
    const slice: Uint8Array[] = [];
    const most = this.#partsBytes > this.#slice ? SLICE : this.#slice;
    let room = most;
    let count = 0;
    while (count < parts.length && room > 0) {
      const part = parts[count]!;
      if (part.length > room) {
        slice.push(part.subarray(0, room));
        parts[count] = part.subarray(room);
        room = 0;
        break;
      }
      slice.push(part);
      room -= part.length;
      count++;
    }
    this.#partsBytes -= most - room;
    if (count === parts.length) this.#parts = undefined;
    else parts.splice(0, count);
    if (slice.length === 1) {
      this.#writePart(slice[0]!);
      return;
    }
    const { written } = this;
    if (this.#callbacks !== undefined) this.#callbacks.given += most - room;
    socket.cork();
    for (const part of slice) socket.write(part, written);
    // Last, because a stream may deliver the peer's answer from inside this call, and that flushes.
    socket.uncork();
  }

  /** Whether a message fits into the limit. */
  #fits(data: string | Bytes | PreparedMessage, options: MessageOptions | undefined): boolean {
    // An unfinished message would be worse than exceeding the limit.
    if (this.#begun !== undefined) return true;
    const { maxBufferedAmount, overflow } = this.#channel.settings;
    const size = this.#sizeOf({ data, options });
    if (this.bytes + size <= maxBufferedAmount) return true;
    // The Protocol counts unencoded text in its longest form. Serializing it gives its real size.
    const parts = this.#protocol.take(HOLD_CLOSE);
    if (parts.length > 0) this.#parts = [...(this.#parts ?? []), ...this.#counted(parts)];
    if (this.bytes + size <= maxBufferedAmount) return true;
    if (typeof overflow === "number") this.#channel.close(overflow, "Too much unsent data");
    return false;
  }

  /** The data in a form that the caller cannot change any more. */
  #owned(
    data: string | Bytes | PreparedMessage,
    options: MessageOptions | undefined,
  ): string | Uint8Array | PreparedMessage {
    if (typeof data === "string" || data instanceof PreparedMessage) return data;
    if (options?.copy === false) return asBytes(data);
    // `waiting` tells when lent memory is free, but it does not include the queue.
    return this.#queue === undefined ? this.#lend(data) : this.#copy(data);
  }

  #copy(data: Bytes): Uint8Array {
    return this.#channel.settings.extended ? new Uint8Array(asBytes(data)) : copyToSend(asBytes(data), allocateUnsafe);
  }

  /** A copy for the Protocol. Pass it on before anything else happens. */
  #lend(data: Bytes): Uint8Array {
    const bytes = asBytes(data);
    if (this.#channel.settings.extended || !isLent(bytes.length)) return this.#copy(bytes);
    const copy = this.allocate(bytes.length);
    copy.set(bytes);
    return copy;
  }

  /** Memory for data that is sent unchanged, lent if possible. */
  allocate(length: number): Uint8Array<ArrayBuffer> {
    if (!this.#channel.settings.reuses || !isLent(length)) return allocateUnsafe(length);
    const lent = (this.#lent ??= { copies: [], bytes: 0 });
    if (lent.bytes > MOST_LENT) return allocateUnsafe(length);
    const memory = lend(length);
    lent.copies.push(memory);
    lent.bytes += memory.buffer.byteLength;
    return memory;
  }

  #giveBack({ copies }: Lent): void {
    this.#lent = undefined;
    for (const copy of copies) giveBack(copy);
  }

  /** The size as frames, not compressed. */
  #sizeOf({
    data,
    options,
  }: {
    readonly data: string | Bytes | PreparedMessage;
    readonly options: MessageOptions | undefined;
  }): number {
    const mask = this.#channel.settings.role === "client" ? 4 : 0;
    const most = readFragmentSize(options?.fragmentSize ?? this.#channel.settings.fragmentSize);
    const length = data instanceof PreparedMessage ? data.payload.length : lengthOf(data);
    if (length <= most) return length + headerSize(length) + mask;
    const full = Math.ceil(length / most) - 1;
    return length + full * (headerSize(most) + mask) + headerSize(length - full * most) + mask;
  }

  /** Sends the rest of a message and then the queue, in order. It never rejects. */
  async #pump(queue: Queue, begun?: InSlices): Promise<void> {
    if (begun !== undefined) await this.#sendRest(begun, queue);
    for (let next = takeFirst(queue); next !== undefined; next = takeFirst(queue)) {
      if ("pieces" in next) {
        await this.#sendAll(next, queue);
      } else if ("kind" in next) {
        if (!this.#sendControl(next)) this.#unsent(next.options?.callback);
      } else if ("data" in next) {
        queue.bytes -= this.#sizeOf(next);
        const { data, options, continues } = next;
        if (data instanceof PreparedMessage || !this.#isSliced(data, options, continues)) {
          this.#sendQueued(next);
        } else {
          const message = this.#inSlices(data, options);
          queue.bytes += message.slices.bytes;
          await this.#sendRest(message, queue);
        }
      } else {
        this.#protocol.close(next.code, next.reason);
      }
    }
    this.#queue = undefined;
    this.#redirect();
    this.flush();
    if (this.bytes === 0) this.#wakeDrains();
    this.#channel.taken();
  }

  /** If a message cannot be finished, the connection ends. */
  async #sendRest(message: InSlices, queue: Queue): Promise<void> {
    queue.current = message;
    const sent = await this.#sendInTurns(message, queue);
    queue.current = undefined;
    if (sent) return;
    this.#protocol.close(CloseCode.InternalError);
    this.#unsent(message.options?.callback);
  }

  /** If an extension throws, it has closed the connection. */
  #sendQueued({ data, options, continues }: Whole): void {
    let sent = false;
    try {
      sent = this.#protocol.send(data, options);
    } catch {
      this.#protocol.close(CloseCode.InternalError);
    }
    if (!sent) this.#unsent(options?.callback);
    else if (options?.callback !== undefined) this.callLater(options.callback);
    if (sent && this.#channel.settings.extended) this.#noteUse(data, options, continues);
  }

  async #sendAll({ pieces, options, resolve, reject }: InPieces, queue: Queue): Promise<void> {
    if (this.#phase !== OPEN || !this.#protocol.canSend) {
      release(pieces, undefined);
      resolve(false);
      return;
    }
    let iterator: AsyncIterator<string | Bytes> | undefined;
    const { sliceSize } = this.#channel.settings;
    let { binary } = options;
    let begun = false;
    let inTurn = 0;
    const send = (data: string | Uint8Array, fin: boolean): boolean => {
      // Until its "close" event, nothing else reports this.
      if (this.#channel.socket.destroyed) this.end();
      this.#channel.active = true;
      const sent = this.#phase === OPEN && this.#protocol.send(data, { ...options, binary: binary ?? false, fin });
      begun ||= sent;
      return sent;
    };
    try {
      iterator = pieces[Symbol.asyncIterator]();
      for (;;) {
        const next = await this.#untilEnd(iterator.next(), queue);
        if (next === undefined) break;
        if (next.done === true) {
          resolve(send("", true));
          return;
        }
        binary ??= typeof next.value !== "string";
        const piece = typeof next.value === "string" ? next.value : this.#lend(next.value);
        if (sliceSize < Infinity && piece.length > 0) {
          const slices = new SlicedMessage(piece, lengthOf(piece), sliceSize);
          const sliced = { slices, binary, options: { ...options, fin: false } };
          queue.bytes += slices.bytes;
          begun = true;
          if (!(await this.#sendInTurns(sliced, queue))) break;
        } else {
          if (!send(piece, false)) break;
          this.flush();
          inTurn += piece.length + OVERHEAD;
        }
        if (this.waiting > this.#channel.settings.highWaterMark) {
          await new Promise<void>((wake) => (queue.wake = wake));
          queue.wake = undefined;
        } else if (inTurn > TURN) {
          // If the source always has a piece and the peer takes each of them at once, others would never get a turn.
          await new Promise((wake) => setImmediate(wake));
          inTurn = 0;
        }
      }
      release(pieces, iterator);
      // A message that is partly sent can be neither finished nor withdrawn.
      if (begun) this.#protocol.close(CloseCode.InternalError);
      resolve(false);
    } catch (error) {
      release(pieces, iterator);
      if (begun) this.#protocol.close(CloseCode.InternalError);
      reject(error);
    }
  }

  /** The value, or undefined if the connection ends first. */
  #untilEnd<T>(value: T | Promise<T>, queue: Queue): Promise<T | undefined> {
    if (this.#phase !== OPEN) {
      // Its error no longer matters.
      Promise.resolve(value).catch(ignore);
      return Promise.resolve(undefined);
    }
    return new Promise((resolve, reject) => {
      queue.interrupt = () => resolve(undefined);
      Promise.resolve(value).then(resolve, reject);
    });
  }

  #redirect(): void {
    const { overflow, extended } = this.#channel.settings;
    this.isDirect = this.#queue === undefined && this.#phase === OPEN && overflow === "queue" && !extended;
  }

  #wakeDrains(): void {
    const drains = this.#drains;
    this.#drains = undefined;
    if (drains !== undefined) for (const resolve of drains) resolve();
  }
}

/** Whether these options do not change how a message is sent. @internal */
export function isPlain(options: MessageOptions | undefined): boolean {
  if (options === undefined) return true;
  if (options === null || typeof options !== "object") return false;
  const { fin, compress, fragmentSize, copy } = options;
  return fin !== false && compress === undefined && fragmentSize === undefined && copy === undefined;
}

/** Whether bytes are UTF-8. */
function isText(bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (length > MOST_LOOKED_AT) return isUtf8(bytes);
  // For a few bytes of ASCII, a loop is faster than a call.
  for (let i = 0; i < length; i++) if (bytes[i]! > 0x7f) return isUtf8(bytes);
  return true;
}

/** Calls a callback. If it throws, that must not interrupt sending. */
function callSafely(callback: SentCallback, error: Error | undefined): void {
  try {
    callback(error);
  } catch (thrown) {
    throwLater(thrown);
  }
}

function calledAlone(outbox: Outbox, callback: SentCallback): void {
  outbox.calledAlone(callback);
}

/** The callbacks of the unsent messages. */
function callbacksOf({ entries, first, current }: Queue): SentCallback[] {
  const messages = entries.slice(first).filter((entry) => entry !== undefined && "data" in entry);
  return [current, ...messages].flatMap((message) => message?.options?.callback ?? []);
}

function newQueue(...entries: Entry[]): Queue {
  return { entries, current: undefined, first: 0, bytes: 0, closed: false, interrupt: undefined, wake: undefined };
}

function kindOf(data: unknown, options: MessageOptions | undefined): "text" | "binary" {
  return (options?.binary ?? typeof data !== "string") ? "binary" : "text";
}

function lengthOf(data: string | Bytes): number {
  return typeof data === "string" ? Buffer.byteLength(data) : asBytes(data).length;
}

/** The size of a header without a masking-key (RFC 6455 §5.2). */
function headerSize(length: number): number {
  return length < 126 ? 2 : length < 65536 ? 4 : 10;
}

function ignore(): void {}

/** The next entry of a queue. Array.shift() would move all the others. */
function takeFirst(queue: Queue): Entry | undefined {
  const entry = queue.entries[queue.first];
  if (entry === undefined) return undefined;
  queue.entries[queue.first++] = undefined;
  if (queue.first >= COMPACT && 2 * queue.first >= queue.entries.length) {
    queue.entries = queue.entries.slice(queue.first);
    queue.first = 0;
  }
  return entry;
}

/** Tells a source that the rest is not needed, so that it can close its files. */
function release(pieces: Pieces, iterator: AsyncIterator<string | Bytes> | undefined): void {
  try {
    const begun = iterator ?? pieces[Symbol.asyncIterator]();
    Promise.resolve(begun.return?.()).catch(ignore);
    // A stream of node:stream ignores return() until it has been read, so destroy it.
    if ("destroy" in pieces && typeof pieces.destroy === "function") pieces.destroy();
  } catch {
    // A source that is no longer used may fail.
  }
}

/** Checks a message before it is queued. @throws TypeError, RangeError that sending it would throw */
function assertSendable({ data, options }: Whole): void {
  readFragmentSize(options?.fragmentSize);
  if (data instanceof Uint8Array && options?.binary === false && options.fin !== false) checkUtf8(data, true);
}
