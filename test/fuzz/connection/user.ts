// The user of the connection: makes the calls of the case and records the results.

import { AsyncLocalStorage } from "node:async_hooks";
import { PreparedMessage } from "../../../src/index.ts";
import type { Connection, Ending } from "../../../src/node/index.ts";
import { type Call, type ConnectionCase, type Listening, payload } from "./case.ts";
import { type Peer, PROGRESS } from "./peer.ts";
import type { Scheduler } from "./scheduler.ts";
import { Source, SourceError } from "./source.ts";
import type { Wire } from "./wire.ts";

/** The most calls that handlers make. Without a limit, handlers that call each other could continue forever. */
const MOST_CALLS = 3000;
/** The number of stack frames from the bottom of the process to a handler. */
const DEEP = 120;
/** The stack is measured once per this many messages. */
const MEASURED = 16;

const OBSTRUCTIVE: ReadonlySet<string> = new Set(["pause", "unlisten", "block"]);

export const context: AsyncLocalStorage<string> = new AsyncLocalStorage();

/** The exception that a handler of the case throws. */
export class UserError extends Error {}

export interface Callback {
  called: number;
  failed: boolean;
  /** The number of bytes that the system had accepted at the time of the call. */
  taken: number;
}

/** An accepted message. */
export interface Sent {
  readonly id: number;
  readonly text: boolean;
  readonly size: number;
  readonly form: "whole" | "pieces";
  /** Whether the message may be compressed in slices. */
  readonly sliced: boolean;
  /** For a message in pieces, undefined until its promise has settled. */
  outcome: "sent" | "not sent" | "failed" | undefined;
  readonly source: Source | undefined;
  readonly callback: Callback | undefined;
  readonly data: () => Buffer;
}

export interface Delivered {
  readonly data: Buffer;
  /** Whether the message was delivered as a string or as bytes. An option delivers text as bytes. */
  readonly text: boolean;
}

export class User {
  readonly connection: Connection;
  calls = 0;
  readonly findings: string[] = [];
  readonly sent: Sent[] = [];
  /** The sources that were refused. */
  readonly refusedSources: Source[] = [];
  readonly controls: Callback[] = [];
  readonly delivered: Delivered[] = [];
  deliveredBytes = 0;
  readonly events: string[] = [];
  pingEvents = 0;
  errors = 0;
  closes = 0;
  error: Error | undefined = undefined;
  ending: Ending | undefined = undefined;
  closed: Ending | undefined = undefined;
  closedAt: number | undefined = undefined;
  closingAt: number | undefined = undefined;
  errorAt: number | undefined = undefined;
  /** When the user called close(). */
  closeCalledAt: number | undefined = undefined;
  terminated = false;
  left = false;
  /** The number of exceptions that reach the process because handlers throw. */
  thrown = 0;
  drains = 0;
  get pieces(): number {
    return this.sent.reduce((sum, { source }) => sum + (source?.asked ?? 0), 0);
  }

  drained = 0;
  acceptedPings = 0;
  /** Bytes sent outside message handlers. */
  sentOutside = 0;
  loops = 0;
  loopsEnded = 0;
  listening: Listening | undefined = undefined;
  /** Whether there has been a time without a listener. */
  wasDeaf = true;
  finAt: number | undefined = undefined;
  /** Whether there was no listener when the end began. */
  deaf = false;
  /** The number of pause() calls since the last resume(), which a timer will make. */
  paused = 0;
  pauses = 0;
  /** How often the event loop was blocked. */
  blocks = 0;
  largestReply = 0;
  /** Whether handlers no longer delay anything. */
  settled = false;
  readonly #case: ConnectionCase;
  readonly #scheduler: Scheduler;
  readonly #wire: Wire;
  readonly #peer: Peer;
  #nextId = 1;
  #handled = 0;
  #messages = 0;
  #inMessage = 0;
  #leaving = false;
  #lastCallback = -1;
  #remove: () => void = () => {};

  constructor(connection: Connection, one: ConnectionCase, scheduler: Scheduler, wire: Wire, peer: Peer) {
    this.connection = connection;
    this.#case = one;
    this.#scheduler = scheduler;
    this.#wire = wire;
    this.#peer = peer;
    void connection.closed.then((ending) => (this.closed = ending));
    connection.on("ping", () => {
      this.#event("ping");
      this.pingEvents++;
      this.#perform(one.on.ping);
    });
    connection.on("pong", () => this.#event("pong"));
    connection.on("closing", () => {
      this.#event("closing");
      this.noteEnd();
      this.closingAt ??= scheduler.now;
      this.#perform(one.on.closing);
    });
    if (one.on.error !== null) {
      const calls = one.on.error;
      connection.on("error", (error) => {
        this.#event("error");
        this.#failed(error);
        this.#perform(calls);
      });
    }
    connection.on("close", (code, reason, wasClean) => {
      this.#event("close");
      this.noteEnd();
      this.closes++;
      this.closedAt = scheduler.now;
      this.ending = { code, reason, wasClean };
      this.#perform(one.on.close);
    });
  }

  /** Call it when the connection is about to end. */
  noteEnd(): void {
    if (this.listening === undefined) this.deaf = true;
  }

  find(what: string): void {
    if (this.findings.length < 5) this.findings.push(what);
  }

  /** Whether a message sent now, in answer to one that was just delivered, must be accepted. */
  get #mustAccept(): boolean {
    const { options } = this.#case;
    const since = Math.min(this.closingAt ?? Infinity, this.errorAt ?? Infinity, this.finAt ?? Infinity);
    return (
      (options.overflow ?? "queue") === "queue" &&
      options.idleTimeout === undefined &&
      this.closeCalledAt === undefined &&
      !this.terminated &&
      !this.left &&
      !this.#wire.reset &&
      !this.connection.socket.destroyed &&
      !this.deaf &&
      (this.finAt === undefined || this.#peer.sentClose || this.#wasBad) &&
      !this.#timedOut &&
      // Without a listener, the time of the error is unknown.
      (this.#case.on.error !== null || this.connection.error === undefined) &&
      this.#scheduler.now - since < (options.closeTimeout ?? 10_000) &&
      !this.#piecesFailed
    );
  }

  get #wasBad(): boolean {
    return this.#peer.units.some(({ what }) => what === "bad");
  }

  get #timedOut(): boolean {
    const { error } = this.connection;
    return error !== undefined && "code" in error && error.code === "WS_ERR_PONG_TIMEOUT";
  }

  /** Whether a message in pieces failed, which ends the connection. */
  get #piecesFailed(): boolean {
    return this.sent.some(
      // A source can have failed before its promise settles.
      ({ outcome, source }) => outcome === "failed" || outcome === "not sent" || source?.failed === true,
    );
  }

  /** Whether this side may have closed. Anything that arrives after that may be dropped. */
  get mayHaveClosed(): boolean {
    const { overflow, idleTimeout } = this.#case.options;
    return (
      this.closeCalledAt !== undefined ||
      this.#piecesFailed ||
      typeof overflow === "number" ||
      idleTimeout !== undefined
    );
  }

  /**
   * Called in every callback of the connection, which must run in the connection's own context and never after the end.
   */
  #event(name: string): void {
    this.calls++;
    if (this.events.length < 100) this.events.push(name);
    if (this.closes > 0) this.find(`"${name}" was emitted after "close"`);
    if (context.getStore() !== "connection") this.find(`"${name}" ran in the context of ${context.getStore()}`);
  }

  #failed(error: Error): void {
    this.errors++;
    this.noteEnd();
    this.error = error;
    this.errorAt ??= this.#scheduler.now;
    if (this.errors > 1) this.find('"error" was emitted twice');
    if (!("code" in error)) return;
    if (error.code !== "WS_ERR_PONG_TIMEOUT") {
      const isProtocol = String(error.code).startsWith("WS_ERR_");
      if (isProtocol && this.#peer.close !== undefined) this.find("data after our Close caused an error event");
      return;
    }
    const { pongTimeout = 20_000 } = this.#case.options;
    const since = this.#scheduler.now - pongTimeout + 20 * this.#case.clock;
    const answered =
      this.#wire.arrivedAt >= this.#peer.answeredAt && this.#wire.held === 0 && !this.#wire.blocked && !this.#peer.mute;
    if (answered) this.find("a peer whose Pong has arrived was treated as dead");
    if (this.#wire.arrivedAt > since) this.find("a peer whose bytes have arrived was treated as dead");
    const taken = this.#peer.takenSince(since, 2 * this.connection.interval);
    if (taken > PROGRESS) this.find(`a peer that has read ${taken} bytes was treated as dead`);
  }

  /**
   * A peer that sends less than a quarter of the allowed control frames must not be cut off, whenever they are read.
   */
  judgeControls(): void {
    // A user who pauses repeatedly gets everything that arrived in between at once.
    if (this.pauses > 1) return;
    const { maxControlFrames = 1000, controlPeriod = 1000 } = this.#case.options.limits ?? {};
    const { controlsAt } = this.#peer;
    let first = 0;
    for (const [last, at] of controlsAt.entries()) {
      while (controlsAt[first]! <= at - controlPeriod) first++;
      if (last - first + 1 > maxControlFrames / 4) return;
    }
    this.find("an honest peer was ended for its control frames");
  }

  #perform(calls: readonly Call[]): void {
    for (const call of calls) this.call(call, "handler");
  }

  /** The connection calls this function with each message. */
  #receive(data: string | Uint8Array, isBinary: boolean | undefined): void {
    this.calls++;
    // A loop still receives messages that were queued for it before.
    if (this.terminated && this.listening !== "loop") this.find("a message was delivered after terminate()");
    if (this.left) this.find("a message was delivered after its loop was left");
    if (this.closes > 0 && this.listening !== "loop") this.find("a message was delivered after close");
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const copy = Buffer.from(bytes);
    this.deliveredBytes += copy.length;
    this.delivered.push({ data: copy, text: isBinary === undefined ? typeof data === "string" : !isBinary });
    if (typeof data === "string" || data.buffer.byteLength === data.byteLength) return;
    if (Buffer.isBuffer(data)) return;
    // The buffer may contain only the message and zeros.
    const all = new Uint8Array(data.buffer);
    const outside = [all.subarray(0, data.byteOffset), all.subarray(data.byteOffset + data.byteLength)];
    if (outside.some((part) => part.some((byte) => byte !== 0)))
      this.find("the buffer of a message contains other bytes");
  }

  #onMessage(data: string | Uint8Array, isBinary: boolean | undefined): void {
    if (context.getStore() !== "connection") this.find(`"message" ran in the context of ${context.getStore()}`);
    if (this.connection.isPaused && this.connection.readyState === 1) {
      this.find("a message was delivered while paused");
    }
    if (this.#inMessage > 0) this.find("a message was delivered inside another");
    this.#checkQueue();
    this.#receive(data, isBinary);
    const calls = this.#case.on.message[this.#messages++ % Math.max(1, this.#case.on.message.length)] ?? [];
    if (this.#messages % MEASURED === 0 && depth() > DEEP) this.find("the stack grows with received data");
    this.#inMessage++;
    try {
      for (const call of calls) this.call(call, "message");
    } finally {
      this.#inMessage--;
    }
    if (typeof data !== "string" && !Buffer.isBuffer(data)) data.fill(0x55);
  }

  /** A server must stop delivering messages while too much of its answers is unsent. */
  #checkQueue(): void {
    const { role, options, compress } = this.#case;
    if (role === "client" || compress || this.connection.readyState !== 1) return;
    const { highWaterMark = 1048576 } = options;
    // Text that is not yet encoded counts three bytes for each character.
    const most = highWaterMark + 3 * 16384 + 2 * this.largestReply + this.sentOutside + 200 * this.pingEvents;
    const { bufferedAmount } = this.connection;
    if (bufferedAmount > most)
      this.find(`a message was delivered while ${bufferedAmount} bytes of answers were unsent`);
  }

  /** Makes a call of the case. */
  call(call: Call, where: "step" | "handler" | "message" | "loop"): void {
    if (this.calls++ > MOST_CALLS && where !== "step") return;
    if (this.settled && where !== "step" && OBSTRUCTIVE.has(call.call)) return;
    const { connection } = this;
    switch (call.call) {
      case "send":
        this.#send(call, where);
        break;
      case "parts":
        this.#sendParts(call, where);
        break;
      case "pieces":
        this.#sendPieces(call, where);
        break;
      case "ping":
      case "pong": {
        const { options, callback } = this.#callbackOption(call.callback === true, undefined);
        if (connection[call.call](Buffer.alloc(call.size, 1), options)) {
          if (this.terminated) this.find("a ping was accepted after terminate()");
          if (call.call === "ping") this.acceptedPings++;
          if (callback !== undefined) this.controls.push(callback);
          this.sentOutside += call.size + 14;
        }
        break;
      }
      case "close":
        if (connection.readyState !== 3) this.closeCalledAt ??= this.#scheduler.now;
        // Messages without a listener may be dropped from then on.
        this.noteEnd();
        if (call.code === undefined) connection.close();
        else connection.close(call.code, call.reason);
        break;
      case "terminate":
        this.terminated = true;
        connection.terminate();
        break;
      case "pause":
        connection.pause();
        this.paused++;
        this.pauses++;
        setTimeout(() => this.call({ call: "resume" }, "handler"), call.for);
        break;
      case "resume":
        this.paused = 0;
        connection.resume();
        break;
      case "listen":
        this.#listen(call.how);
        break;
      case "unlisten":
        if (this.listening === undefined || this.listening === "loop") break;
        this.#remove();
        this.listening = undefined;
        this.wasDeaf = true;
        break;
      case "leave":
        this.#leaving = true;
        break;
      case "drained":
        this.drains++;
        void connection.drained().then(() => this.drained++);
        break;
      case "throw":
        if (where === "step" || where === "loop") break;
        this.thrown++;
        throw new UserError("a handler throws");
      case "invalid":
        this.#callWrongly();
        break;
      case "block":
        this.blocks++;
        this.#scheduler.block(call.for);
        break;
    }
    this.#lookAround();
  }

  /** Checks properties that must always hold. */
  #lookAround(): void {
    const { connection } = this;
    const { highWaterMark = 1048576 } = this.#case.options;
    if (connection.needDrain !== connection.bufferedAmount > highWaterMark) this.find("needDrain is wrong");
    if (!(connection.bufferedAmount >= 0)) this.find(`bufferedAmount is ${connection.bufferedAmount}`);
  }

  #callbackOption(
    wanted: boolean,
    order: number | undefined,
  ): { options: { callback?: (error?: Error) => void }; callback: Callback | undefined } {
    if (!wanted) return { options: {}, callback: undefined };
    const callback: Callback = { called: 0, failed: false, taken: 0 };
    const options = {
      callback: (error?: Error) => {
        this.calls++;
        callback.called++;
        callback.failed = error !== undefined;
        callback.taken = this.#wire.taken;
        if (callback.called > 1) this.find("a callback was called twice");
        if (order !== undefined) {
          if (order < this.#lastCallback) this.find("callbacks were called out of order");
          this.#lastCallback = order;
        }
        if (this.#handled++ < 50) this.#perform(this.#case.on.callback);
      },
    };
    return { options, callback };
  }

  #note(sent: Sent, where: string): void {
    if (this.closeCalledAt !== undefined) this.find("a message was accepted after close()");
    if (this.terminated) this.find("a message was accepted after terminate()");
    this.sent.push(sent);
    if (where !== "message") this.sentOutside += 3 * sent.size + 14;
    else this.largestReply = Math.max(this.largestReply, 3 * sent.size);
  }

  #refused(where: string, before: number): void {
    const { overflow = "queue" } = this.#case.options;
    if (before === 1 && overflow === "queue") this.find("an open connection refused a message");
    if ((where === "message" || where === "loop") && this.#mustAccept)
      this.find("an answer to a message from before the end was refused");
  }

  #send(call: Extract<Call, { call: "send" }>, where: string): void {
    const id = this.#nextId++;
    const text = call.kind === "text" || call.kind === "text bytes" || (call.kind === "prepared" && id % 2 === 0);
    const kind = text ? "text" : "binary";
    const data = payload(id, kind, call.size);
    const size = data.length;
    const bytes = new Uint8Array(data);
    const { options, callback } = this.#callbackOption(call.callback === true, id);
    const more = {
      ...options,
      ...(call.kind === "text bytes" && { binary: false }),
      ...(call.copy === false && { copy: false }),
      ...(call.fragmentSize !== undefined && call.kind !== "prepared" && { fragmentSize: call.fragmentSize }),
      ...(call.compress !== undefined && { compress: call.compress }),
    };
    let argument: string | Uint8Array | SharedArrayBuffer | PreparedMessage = bytes;
    if (call.kind === "text") argument = data.toString();
    else if (call.kind === "prepared") argument = new PreparedMessage(text ? data.toString() : bytes);
    else if (call.kind === "shared") {
      argument = new SharedArrayBuffer(size);
      new Uint8Array(argument).set(data);
    }
    const before = this.connection.readyState;
    const accepted =
      Object.keys(more).length === 0 ? this.connection.send(argument) : this.connection.send(argument, more);
    const reuse = (): void => {
      if (argument instanceof SharedArrayBuffer) new Uint8Array(argument).fill(0xee);
      else if (argument === bytes) bytes.fill(0xee);
    };
    if (call.copy === false) {
      void this.connection.drained().then(() => {
        if (this.connection.readyState === 1) reuse();
      });
    } else {
      reuse();
    }
    if (!accepted) {
      this.#refused(where, before);
      if (callback !== undefined)
        setTimeout(() => callback.called > 0 && this.find("the callback of a refused message was called"), 1);
      return;
    }
    const sliced = this.#case.compress && size > (this.#case.options.sliceSize ?? 32768);
    this.#note(
      {
        id,
        text,
        size,
        form: "whole",
        sliced,
        outcome: "sent",
        source: undefined,
        callback,
        data: () => payload(id, kind, call.size),
      },
      where,
    );
  }

  #sendParts(call: Extract<Call, { call: "parts" }>, where: string): void {
    const id = this.#nextId++;
    const text = call.kind === "text";
    const size = call.sizes.reduce((sum, size) => sum + size, 0);
    const data = payload(id, call.kind, size, "ascii");
    const before = this.connection.readyState;
    let at = 0;
    for (const [index, length] of call.sizes.entries()) {
      const part = new Uint8Array(data.subarray(at, (at += length)));
      const fin = index === call.sizes.length - 1;
      const accepted = this.connection.send(text ? Buffer.from(part).toString() : part, { fin });
      part.fill(0xee);
      if (accepted) continue;
      if (index > 0) this.find("part of a message was refused");
      else this.#refused(where, before);
      return;
    }
    const kept = Buffer.from(data);
    this.#note(
      {
        id,
        text,
        size,
        form: "whole",
        sliced: this.#case.compress,
        outcome: "sent",
        source: undefined,
        callback: undefined,
        data: () => kept,
      },
      where,
    );
  }

  #sendPieces(call: Extract<Call, { call: "pieces" }>, where: string): void {
    const id = this.#nextId++;
    const size = call.sizes.reduce((sum, size) => sum + size, 0);
    const data = payload(id, call.kind, size, "ascii");
    const source = new Source(call, data);
    const { readyState } = this.connection;
    const options = call.compress === undefined ? undefined : { compress: call.compress };
    const promise =
      options === undefined ? this.connection.send(source.iterable) : this.connection.send(source.iterable, options);
    // An empty list is an empty text.
    const text = call.kind === "text" || call.sizes.length === 0;
    const sent: Sent = {
      id,
      text,
      size,
      form: "pieces",
      sliced: true,
      outcome: undefined,
      source,
      callback: undefined,
      data: () => data,
    };
    // A call that is refused immediately reports that only later.
    const refused = readyState !== 1 && this.closeCalledAt !== undefined;
    if (refused) this.refusedSources.push(source);
    else this.sent.push(sent);
    if (where !== "message") this.sentOutside += 3 * size + 14;
    else this.largestReply = Math.max(this.largestReply, 3 * size);
    promise.then(
      (whole) => {
        this.calls++;
        sent.outcome = whole ? "sent" : "not sent";
        if (whole && refused) this.find("pieces were accepted after close()");
        if (this.#handled++ < 50)
          for (const call of this.#case.on.sent) if (call.call !== "throw") this.call(call, "handler");
      },
      (error: unknown) => {
        this.calls++;
        sent.outcome = "failed";
        if (!(error instanceof SourceError)) this.find(`pieces failed with ${String(error)}`);
      },
    );
  }

  #callWrongly(): void {
    const { connection } = this;
    const wrong: [string, () => unknown][] = [
      ["fragmentSize", () => connection.send("x", { fragmentSize: 0 })],
      ["UTF-8", () => connection.send(Uint8Array.of(0xc3, 0x28), { binary: false })],
      ["data", () => connection.send(7 as never)],
      ["code", () => connection.close(1005)],
      ["ping", () => connection.ping(new Uint8Array(126))],
    ];
    for (const [name, call] of wrong) {
      try {
        if (call() === true) this.find(`an invalid ${name} was accepted`);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof RangeError))
          this.find(`an invalid ${name} threw ${String(error)}`);
      }
    }
  }

  #listen(how: Listening): void {
    if (this.listening !== undefined) return;
    this.listening = how;
    const { connection } = this;
    const { textType } = this.#case.options;
    if (how === "loop") {
      this.loops++;
      void this.#loop();
    } else if (how === "on") {
      const listener = (data: string | Uint8Array, isBinary: boolean): void => this.#onMessage(data, isBinary);
      connection.on("message", listener);
      this.#remove = () => connection.off("message", listener);
    } else if (how === "property") {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the property is under test
      connection.onmessage = ({ data }) =>
        this.#onMessage(data, textType === "nodebuffer" ? undefined : typeof data !== "string");
      // oxlint-disable-next-line unicorn/prefer-add-event-listener
      this.#remove = () => (connection.onmessage = null);
    } else {
      const listener = ({ data }: { data: string | Uint8Array }): void =>
        this.#onMessage(data, textType === "nodebuffer" ? undefined : typeof data !== "string");
      connection.addEventListener("message", listener);
      this.#remove = () => connection.removeEventListener("message", listener);
    }
  }

  async #loop(): Promise<void> {
    const { waits, on } = this.#case;
    for await (const data of this.connection) {
      this.#receive(data, undefined);
      const calls = on.message[this.#messages % Math.max(1, on.message.length)] ?? [];
      const wait = waits[this.#messages++ % Math.max(1, waits.length)] ?? -1;
      if (wait === 0) await Promise.resolve();
      else if (wait > 0) await new Promise((resolve) => void setTimeout(resolve, wait));
      for (const call of calls) this.call(call, "loop");
      if (this.#leaving) {
        this.left = true;
        this.closeCalledAt ??= this.#scheduler.now;
        break;
      }
    }
    this.loopsEnded++;
  }
}

/** The number of calls on the stack. */
function depth(): number {
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = 2 * DEEP;
  Error.prepareStackTrace = (_, sites) => sites.length;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder);
  const { stack } = holder;
  Error.stackTraceLimit = stackTraceLimit;
  Error.prepareStackTrace = prepareStackTrace;
  return stack as number;
}
