// A connection and its model. Every call is made on both, and both must report, return and write the same.

import {
  Keepalive,
  perMessageDeflate,
  Protocol,
  PreparedMessage,
  WebSocketError,
  zlibCodec,
} from "../../../src/index.ts";
import type { AgreedExtension, MessageSink, ProtocolEvent, ProtocolOptions } from "../../../src/index.ts";
import { buffers, texts } from "../../../src/node/memory.ts";
import type { ReadWindow } from "../../../src/frame/read-window.ts";
import zlib from "node:zlib";
import {
  type ReferenceAnswer,
  ReferenceConnection,
  type ReferenceConnectionOptions,
  type ReferenceEvent,
  ReferenceKeepalive,
  sameFault,
} from "../../reference/connection.ts";
import type { ReferenceFault } from "../../reference/assembler.ts";
import { ReferenceInflater, type ReferenceSide } from "../../reference/inflate.ts";
import { bytesOf, Peer } from "./peer.ts";
import type { Call, Data, DeflateSettings, Form, Settings, Wrong } from "./case.ts";
import { MovedDecoder } from "./moved.ts";
import { Outbound } from "./outbound.ts";

/** The exception that a sink throws on request. */
export const THROWN: Error = new Error("thrown by a sink");

/** The shared buffer that takeInto() writes to. */
const TARGET = new Uint8Array(131_072);
const MIB_100 = 104857600;
const DEFAULT_THRESHOLD = 1024;
/** The number of delivered buffers that are checked again later. */
const MOST_KEPT = 8;
const MOST_FRAMES = 1000;
/** The longest reason of a Close, in bytes. */
const MAX_REASON = 123;

/** Makes calls of one party in the callbacks of another party's call. */
export interface Stage {
  /** Called after each event of a connection. Makes the calls nested there and returns whether to throw. */
  told(party: Party): boolean;
  /** Called when a source of keys is called. */
  asked(party: Party): void;
  /** The nesting depth of the running calls. */
  readonly depth: number;
  readonly now: number;
  /** How many connections hold a buffer from reserve(). */
  readonly landings: number;
  /** The first finding. */
  finding: Finding | undefined;
  /** The window that sockets read into. */
  window(core: "wasm" | "portable"): ReadWindow;
}

/** A difference between the connection and its model. */
export class Finding extends Error {}

interface Kept {
  readonly bytes: Uint8Array;
  readonly was: Buffer;
}

type Of<Op extends Call["op"]> = Call & { readonly op: Op };

export class Party {
  readonly name: string;
  readonly protocol: Protocol;
  readonly model: ReferenceConnection;
  /** How many calls that deliver events are running on the connection. */
  busy = 0;
  private readonly world: Stage;
  private readonly settings: Settings;
  private readonly peer: Peer;
  private readonly outbound: Outbound;
  private readonly moved: MovedDecoder | undefined;
  private readonly keepalive: Keepalive;
  private readonly keepaliveModel: ReferenceKeepalive;
  private readonly sink: MessageSink;
  private readonly kept: Map<number, Kept> = new Map();
  private told = 0;
  private reserves = 0;
  /** Buffers that send() has borrowed. */
  private lent: Uint8Array[] = [];
  /** Shared buffers, which must never be written to. */
  private readonly shared: Set<ArrayBufferLike> = new Set();
  /** The buffer from reserve(), and the bytes that were read into it. */
  private landing: { readonly buffer: Uint8Array; readonly bytes: Uint8Array } | undefined;

  constructor(world: Stage, name: string, settings: Settings) {
    this.world = world;
    this.name = name;
    this.settings = settings;
    const server = settings.role === "server";
    const { incoming, out } = sidesOf(settings);
    this.peer = new Peer(server, incoming);
    this.protocol = new Protocol(this.options());
    const options = modelOptions(settings, incoming);
    this.model = new ReferenceConnection(options);
    if (settings.decoder) this.moved = new MovedDecoder(settings, options.decoder);
    const outbound = {
      server,
      inflater: out && new ReferenceInflater(out),
      threshold: settings.deflate?.threshold ?? DEFAULT_THRESHOLD,
    };
    this.outbound = new Outbound(outbound, this.model.sent);
    const times = settings.keepalive ?? { pingInterval: 30_000, pongTimeout: 20_000, closeTimeout: 10_000 };
    this.keepalive = new Keepalive(this.protocol, world.now, times);
    this.keepaliveModel = new ReferenceKeepalive(times, world.now, 0);
    this.sink = this.makeSink();
  }

  /** Makes a call. */
  call(call: Call): void {
    switch (call.op) {
      case "in":
        this.arrive(call);
        break;
      case "reserve":
        this.reserve(call);
        break;
      case "commit":
        this.commit(call);
        break;
      case "wrong":
        this.wrong(call.what);
        break;
      case "end":
        this.end(call);
        break;
      case "cut":
        this.cut();
        break;
      case "pause":
        this.model.pause(this.busy > 0);
        this.protocol.pause();
        break;
      case "resume":
        this.resume(call);
        break;
      case "send":
        this.send(call);
        break;
      case "copy":
        this.copy(call.data);
        break;
      case "ping":
      case "pong":
        this.control(call);
        break;
      case "close":
        this.close(call);
        break;
      case "fail":
        this.fail(call.closeCode);
        break;
      case "take":
        this.take(call.hold === true);
        break;
      case "into":
        this.takeInto(call.size, call.hold === true);
        break;
      case "release":
        this.protocol.release();
        break;
      case "move":
        this.moved?.move();
        break;
      case "tick":
        this.tick();
        break;
      case "alive":
        this.keepalive.alive(this.world.now);
        this.keepaliveModel.alive(this.world.now);
        break;
      case "throw":
        return;
    }
    this.compare();
  }

  /** Brings the connection to its end from any state. */
  finish(): void {
    for (let turns = 0; this.protocol.paused || this.protocol.unfinished; turns++) {
      if (turns > 100_000) this.wrongly("resume() makes no progress");
      this.resume({ c: 0, op: "resume" });
    }
    this.take(false);
    this.end({ c: 0, op: "end", via: "push" });
    this.compare();
    this.take(false);
    this.compare();
    if (!this.model.broken) this.must(this.protocol.streamEnd === "send", "the stream does not have to be ended");
    for (const each of this.kept.values()) this.check(each);
    // Returns the slots of the compressor.
    this.protocol.cut(this.sink);
  }

  wrongly(what: string): never {
    // Later differences do not matter, because a sink has thrown.
    throw (this.world.finding ??= new Finding(`${this.name} ${what}`));
  }

  private must(holds: boolean, what: string): void {
    if (!holds) this.wrongly(what);
  }

  /** Reports the result of a check. */
  private finds(what: string | undefined): void {
    if (what !== undefined) this.wrongly(what);
  }

  // Options.

  private options(): ProtocolOptions {
    const { settings } = this;
    const { role, core, maskKey, dirty, deflate, limits } = settings;
    const options: { -readonly [Name in keyof ProtocolOptions]: ProtocolOptions[Name] } = {
      role,
      core,
      fragments: settings.fragments,
      autoPong: settings.autoPong,
      fragmentSize: infinite(settings.fragmentSize),
      sliceSize: infinite(settings.sliceSize),
      textSlack: settings.textSlack,
      allowUnmasked: settings.allowUnmasked,
      allowMasked: settings.allowMasked,
      allowNonMinimalLength: settings.allowNonMinimalLength,
      allowInvalidClose: settings.allowInvalidClose,
      allowInvalidUtf8: settings.allowInvalidUtf8,
    };
    if (limits !== undefined) {
      options.limits = Object.fromEntries(Object.entries(limits).map(([name, value]) => [name, infinite(value)]));
    }
    if (maskKey === "fixed") options.maskKey = Uint8Array.of(1, 2, 3, 4);
    if (maskKey === "function" || maskKey === "nested") options.maskKey = (key) => this.makeKey(key);
    if (dirty) options.allocate = (length) => new Uint8Array(length).fill(0xa5);
    if (settings.textBytes) options.textBytes = true;
    if (settings.copies) options.copies = buffers;
    if (settings.texts) options.texts = texts;
    if (deflate) options.extensions = [agreed(deflate)];
    return options;
  }

  private makeKey(key: Uint8Array): void {
    key.fill(0x2a);
    if (this.settings.maskKey === "nested") this.world.asked(this);
  }

  private makeSink(): MessageSink {
    const tell = (event: ReferenceEvent): void => {
      this.tell(event);
      if (this.world.told(this)) throw THROWN;
    };
    const own = (bytes: Uint8Array): Uint8Array => this.own(bytes);
    return {
      text: (data) => tell({ type: "text", data }),
      textBytes: (data) => tell({ type: "text", data: Buffer.from(own(data)).toString() }),
      binary: (data) => tell({ type: "binary", data: own(data) }),
      start: (kind) => tell({ type: "start", kind }),
      piece: (data) => tell({ type: "piece", data: typeof data === "string" ? data : own(data) }),
      end: () => tell({ type: "end" }),
      ping: (data) => tell({ type: "ping", data: own(data) }),
      pong: (data) => tell({ type: "pong", data: own(data) }),
      error: (error) => tell({ type: "error", fault: faultOf(error) }),
      close: (code, reason, wasClean) => tell({ type: "close", code, reason, wasClean }),
    };
  }

  // Events.

  private tell(event: ReferenceEvent): void {
    this.finds(this.model.told(event));
  }

  /** Checks a list of events. */
  private tellAll(events: readonly ProtocolEvent[], expected: readonly ReferenceEvent[] | undefined): void {
    const told = events.map((event) => this.asTold(event));
    if (expected === undefined) {
      for (const event of told) this.tell(event);
      return;
    }
    const wanted = expected.map(shown).join();
    const got = told.map(shown).join();
    this.must(wanted === got, `returned ${got}, not ${wanted}`);
  }

  private asTold(event: ProtocolEvent): ReferenceEvent {
    if (event.type === "error") return { type: "error", fault: faultOf(event.error) };
    if ("data" in event && typeof event.data !== "string") {
      const data = this.own(event.data);
      return event.type === "binary" ? { type: "binary", data } : { type: event.type as "piece", data };
    }
    return event as ReferenceEvent;
  }

  /**
   * Records bytes that were given away. They must not change any more, and their buffer must contain no other bytes.
   */
  private own(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    if (!this.settings.copies) {
      const { buffer, byteOffset, length } = bytes;
      if (buffer.byteLength > length) {
        const all = new Uint8Array(buffer);
        const clean = isZero(all, 0, byteOffset) && isZero(all, byteOffset + length, all.length);
        this.must(clean, "gave away a buffer that contains other bytes");
      }
    }
    this.told++;
    if (this.told % 3 === 0) {
      const copy = new Uint8Array(bytes);
      bytes.fill(0x5a);
      return copy;
    }
    const at = this.told % MOST_KEPT;
    const before = this.kept.get(at);
    if (before !== undefined) this.check(before);
    this.kept.set(at, { bytes, was: Buffer.from(bytes) });
    return bytes;
  }

  private check({ bytes, was }: Kept): void {
    this.must(Buffer.compare(bytes, was) === 0, "changed bytes that it had given away");
  }

  /** Makes a call that delivers events. */
  private deliver(expected: "TypeError" | undefined, go: () => void): void {
    this.busy++;
    let thrown: unknown;
    try {
      go();
    } catch (error) {
      thrown = error;
    }
    this.busy--;
    if (thrown instanceof Finding) throw thrown;
    if (thrown === THROWN) {
      if (!this.model.over) this.model.broken = true;
    } else if (thrown !== undefined || expected !== undefined) {
      this.must(nameOf(thrown) === expected, `threw ${String(thrown)}, not ${expected}`);
    }
    if (this.busy > 0) return;
    this.model.returned();
    this.finds(this.model.untold(this.protocol.unfinished));
  }

  /** The error that receiving must throw, if any. */
  private refuses(): "TypeError" | undefined {
    return !this.model.over && (this.busy > 0 || this.model.broken) ? "TypeError" : undefined;
  }

  private arrive({ sends, size, via, form, later }: Of<"in">): void {
    this.peer.sends(sends);
    const expected = this.refuses();
    const bytes = expected === undefined ? this.peer.next(size) : Buffer.from("not for now");
    const now = later === undefined ? undefined : this.world.now;
    if (expected === undefined) {
      this.model.receive(bytes, now);
      this.finds(this.moved?.push(bytes));
    }
    const { protocol, sink } = this;
    if (via === "commit" && expected === undefined && bytes.length <= 65536 && this.mayReserve()) {
      protocol.reserve().set(bytes);
      this.deliver(undefined, () => protocol.commit(bytes.length, sink, now));
    } else if (via === "window" && this.world.depth === 1 && bytes.length <= 65536) {
      const window = this.world.window(this.settings.core);
      window.bytes.set(bytes);
      this.deliver(expected, () => protocol.pushFrom(window, bytes.length, sink, now));
    } else {
      const chunk = asForm(bytes, form);
      // Lists of events cannot contain texts as bytes.
      if (via === "receive" && !this.settings.textBytes) {
        let events: ProtocolEvent[] = [];
        this.deliver(expected, () => {
          events = protocol.receive(chunk, now);
          this.tellAll(events, undefined);
        });
      } else {
        this.deliver(expected, () => protocol.push(chunk, sink, now));
      }
      const view = ArrayBuffer.isView(chunk) ? chunk : new Uint8Array(chunk);
      const left = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
      this.must(Buffer.compare(left, bytes) === 0, "has changed a chunk");
      left.fill(0xdb);
    }
  }

  get holdsLanding(): boolean {
    return this.landing !== undefined;
  }

  /** Whether to use reserve(). If that allocates a buffer of 64 KiB, only sometimes. */
  private mayReserve(): boolean {
    if (this.landing !== undefined) return false;
    return (!this.model.over && this.world.landings === 0) || this.reserves++ % 16 === 0;
  }

  private reserve({ sends, size }: Of<"reserve">): void {
    if (this.landing !== undefined) return;
    if (this.refuses() !== undefined) {
      this.throws(["TypeError"], () => this.protocol.reserve());
      return;
    }
    this.peer.sends(sends);
    const bytes = this.peer.next(size < 0 ? 65536 : Math.min(size, 65536));
    const buffer = this.protocol.reserve();
    this.must(buffer.length === 65536, "reserved another length");
    if (!this.model.over) this.must(this.protocol.reserve() === buffer, "reserved another buffer");
    buffer.set(bytes);
    this.landing = { buffer, bytes };
  }

  private commit({ later }: Of<"commit">): void {
    const { landing, protocol, sink } = this;
    if (landing === undefined) {
      if (!this.model.over) this.throws([this.refuses() ?? "RangeError"], () => protocol.commit(0, sink));
      return;
    }
    const expected = this.refuses();
    const now = later === undefined ? undefined : this.world.now;
    const { buffer, bytes } = landing;
    if (expected === undefined) {
      this.landing = undefined;
      // After the end of a connection, its buffer may be reused.
      if (!this.model.over) {
        this.must(Buffer.compare(buffer.subarray(0, bytes.length), bytes) === 0, "let others write to its buffer");
      }
      this.model.receive(bytes, now);
    }
    this.deliver(expected, () => protocol.commit(bytes.length, sink, now));
  }

  private end({ via }: Of<"end">): void {
    // cut() receives data, which a callback must not do.
    if (this.busy > 0) return;
    this.model.end();
    this.deliver(undefined, () => {
      if (via === "receive") this.tellAll(this.protocol.receiveEnd(), undefined);
      else this.protocol.pushEnd(this.sink);
    });
  }

  private cut(): void {
    if (this.busy > 0) return;
    const events: ReferenceEvent[] = [];
    const expected = this.model.cut();
    this.protocol.cut({
      ...this.sink,
      close: (code, reason, wasClean) => events.push({ type: "close", code, reason, wasClean }),
    });
    this.must(events.map(shown).join() === expected.map(shown).join(), "did not end when it was cut");
  }

  private resume({ later }: Of<"resume">): void {
    const now = later === undefined ? undefined : this.world.now;
    this.model.resume(now, this.busy > 0);
    this.deliver(undefined, () => this.protocol.resume(this.sink, now));
  }

  // Sending.

  private send(call: Of<"send">): void {
    const { data, prepared, form, binary, fin, compress, fragmentSize } = call;
    const isText = "t" in data;
    const { protocol } = this;
    const options = {
      ...(binary !== undefined && { binary }),
      ...(fin !== undefined && { fin }),
      ...(compress !== undefined && { compress }),
      ...(fragmentSize !== undefined && { fragmentSize: infinite(fragmentSize)! }),
    };
    const plain = Object.keys(options).length === 0;
    const content = isText ? data.t : bytesOf(data);
    // One frame for each byte of a long message would take a second.
    const size = infinite(fragmentSize ?? this.settings.fragmentSize) ?? Infinity;
    if (content.length > MOST_FRAMES * size) return;
    const answer = this.model.send({
      data: content,
      prepared: prepared === true,
      binary,
      fin: fin ?? true,
      compress,
      fragmentSize: fragmentSize === undefined ? undefined : infinite(fragmentSize),
    });
    if (prepared) {
      const source = typeof content === "string" ? content : new Uint8Array(content);
      const message = new PreparedMessage(source);
      if (typeof source !== "string") source.fill(0xee);
      this.shared.add(message.frame.buffer);
      this.answers(answer, () => (plain ? protocol.send(message) : protocol.send(message, options)));
    } else {
      const source = typeof content === "string" ? content : asForm(content, form);
      this.answers(answer, () => (plain ? protocol.send(source) : protocol.send(source, options)));
      if (typeof source !== "string") this.lend(source);
    }
  }

  private lend(source: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): void {
    const view = ArrayBuffer.isView(source) ? source : new Uint8Array(source);
    if (view.byteLength === 0) return;
    this.lent.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    this.shared.add(view.buffer);
  }

  /** Sends like an adapter: the caller may change the data immediately. */
  private copy(data: Data): void {
    const { settings, model, protocol } = this;
    const text = "t" in data;
    const source = new Uint8Array(bytesOf(data));
    const plain = settings.deflate === undefined && (settings.fragmentSize ?? -1) === -1;
    const answer: ReferenceAnswer<boolean | undefined> =
      model.inMessage || !plain
        ? { returns: undefined }
        : model.send({
            data: text ? data.t : source.slice(),
            prepared: false,
            binary: undefined,
            fin: true,
            compress: undefined,
            fragmentSize: undefined,
          });
    const memory = { allocate: (length: number) => new Uint8Array(length).fill(0xa5) };
    this.answers(answer, () => (text ? protocol.sendTextCopy(source, memory) : protocol.sendCopy(source, memory)));
    source.fill(0xee);
  }

  private control({ op, data }: Of<"ping" | "pong">): void {
    const { protocol } = this;
    const content = data === undefined ? undefined : "t" in data ? data.t : new Uint8Array(bytesOf(data));
    const answer = this.model.control(op === "ping" ? 9 : 10, content ?? "");
    this.answers(answer, () => (op === "ping" ? protocol.ping(content) : protocol.pong(content)));
    if (typeof content === "object") content.fill(0xee);
  }

  private close({ code, reason }: Of<"close">): void {
    const answer = this.model.close(code, reason ?? "");
    this.answers(answer, () => this.protocol.close(code, reason));
  }

  private fail(closeCode: number): void {
    const { protocol } = this;
    const error = new WebSocketError("WS_ERR_INVALID_OPCODE", `Failed with ${closeCode} at will`, {
      closeCode,
      byteOffset: 7,
      rule: "none",
    });
    const expected = this.model.fail(faultOf(error));
    this.tellAll(protocol.fail(error), expected);
  }

  private tick(): void {
    const { protocol, keepalive, model, world } = this;
    if (this.busy > 0) return;
    // Bytes that have arrived but were not delivered are a sign of life, too.
    const does = this.keepaliveModel.tick(world.now, model.state === "open", protocol.bytesReceived);
    const events: ProtocolEvent[] = [];
    if (does === "ping") model.control(9, "");
    if (does === "fail") {
      const fault = { code: "WS_ERR_PONG_TIMEOUT", closeCode: 1008, byteOffset: protocol.bytesReceived };
      this.tellAll(keepalive.tick(world.now), model.fail(fault));
      return;
    }
    if (does === "end") model.end();
    this.deliver(undefined, () => {
      events.push(...keepalive.tick(world.now));
      this.tellAll(events, undefined);
    });
    this.must(keepalive.expired === this.keepaliveModel.expired, "expired at another time");
  }

  private take(hold: boolean): void {
    const { protocol } = this;
    const most = protocol.bufferedAmount;
    this.model.take(hold);
    const parts = hold ? protocol.take({ holdClose: true }) : protocol.take();
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.must(length <= most, `wrote ${length} bytes, more than ${most}`);
    for (const part of parts) {
      this.finds(this.outbound.write(part, this.errorReason()));
    }
    this.disown(parts);
    this.finds(this.outbound.complete());
    const left = protocol.bufferedAmount - protocol.answerSize;
    this.must(left === 0, `buffers ${left} bytes of nothing`);
    this.giveBack();
  }

  private takeInto(size: number, hold: boolean): void {
    const { protocol } = this;
    const target = TARGET.subarray(0, size);
    this.model.take(hold);
    const written = hold ? protocol.takeInto(target, { holdClose: true }) : protocol.takeInto(target);
    this.must(written >= 0 && written <= size, `wrote ${written} bytes of ${size}`);
    if (written > 0) this.finds(this.outbound.write(target.subarray(0, written), this.errorReason()));
    if (protocol.bufferedAmount - protocol.answerSize === 0) {
      this.finds(this.outbound.complete());
      this.giveBack();
    }
  }

  private errorReason(): string {
    const message = this.protocol.error?.message ?? "";
    return message.slice(0, MAX_REASON);
  }

  /**
   * Passes written buffers to their new owner, unless others share them. Their buffer may contain other frames of the
   * same message.
   */
  private disown(parts: readonly Uint8Array[]): void {
    const own = parts.filter(({ buffer }) => !this.shared.has(buffer));
    const buffers = new Set(own.filter((part) => part.buffer.byteLength > part.length).map(({ buffer }) => buffer));
    const written = buffers.size > 0 ? Buffer.concat(parts) : undefined;
    for (const part of own) part.fill(0);
    for (const buffer of buffers) {
      const others = withoutZeros(Buffer.from(buffer));
      this.must(others.length === 0 || written!.includes(others), "wrote a buffer that contains other bytes");
    }
    for (const part of own) part.fill(0x77);
  }

  /** Returns the data that send() borrowed to its owner, who may change it once it is written. */
  private giveBack(): void {
    if (this.lent.length === 0) return;
    for (const bytes of this.lent) bytes.fill(0xee);
    this.lent = [];
  }

  // Invalid arguments.

  private wrong(what: Wrong): void {
    const { protocol, sink, model } = this;
    const nothing = JSON.parse("{}");
    switch (what) {
      case "chunk":
        if (!model.over) this.throws(["TypeError"], () => protocol.push(nothing, sink));
        break;
      case "commit too long":
      case "commit negative":
      case "commit fraction": {
        if (model.over) return;
        const length = what === "commit too long" ? 65537 : what === "commit negative" ? -1 : 0.5;
        this.throws([this.refuses() ?? "RangeError"], () => protocol.commit(length, sink));
        break;
      }
      case "data":
        this.refusesToSend(["TypeError"], () => protocol.send(nothing));
        break;
      case "options":
        this.refusesToSend(["RangeError", ...(model.inMessage ? ["TypeError" as const] : [])], () =>
          protocol.send("", { fragmentSize: 0 }),
        );
        break;
      case "ping":
        this.refusesToSend(["TypeError"], () => protocol.ping(nothing));
        break;
      case "reason":
        if (model.canSend) this.throws(["TypeError"], () => protocol.close(1000, nothing));
        break;
      case "sink":
        if (!model.over && this.settings.fragments) {
          const { start: _, ...rest } = sink;
          this.throws(["TypeError"], () => protocol.push(new Uint8Array(0), rest));
        }
        break;
    }
  }

  private refusesToSend(names: readonly ("TypeError" | "RangeError")[], go: () => boolean): void {
    this.answers(this.model.canSend ? { throws: names } : { returns: false }, go);
  }

  private throws(names: readonly ("TypeError" | "RangeError")[], go: () => unknown): void {
    this.answers({ throws: names }, go);
  }

  private answers(answer: ReferenceAnswer<unknown>, go: () => unknown): void {
    let returned: unknown;
    let thrown: unknown;
    try {
      returned = go();
    } catch (error) {
      thrown = error;
    }
    if (thrown instanceof Finding) throw thrown;
    if ("throws" in answer) {
      const name = nameOf(thrown);
      const expected: readonly (string | undefined)[] = answer.throws;
      this.must(
        expected.includes(name),
        `threw ${String(thrown)} (returned ${String(returned)}), not ${answer.throws.join()}`,
      );
    } else {
      this.must(thrown === undefined, `threw ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
      this.must(returned === answer.returns, `returned ${String(returned)}, not ${String(answer.returns)}`);
    }
  }

  // Checks of the connection's own state.

  private compare(): void {
    const { protocol, model } = this;
    const state = model.state === "answering" || model.state === "failing" ? "closing" : model.state;
    if (protocol.state !== state) this.wrongly(`is ${protocol.state}, not ${state}`);
    if (protocol.canSend !== model.canSend) this.wrongly(`canSend: ${protocol.canSend}`);
    if (protocol.paused !== model.paused) this.wrongly(`paused: ${protocol.paused}`);
    if (protocol.streamEnd !== model.streamEnd)
      this.wrongly(`streamEnd: ${protocol.streamEnd}, not ${model.streamEnd}`);
    const { error } = protocol;
    const fault = model.fault ?? (error && model.possibleFault);
    if (error === undefined ? fault !== undefined : !sameFault(fault, faultOf(error))) {
      this.wrongly(`error: ${JSON.stringify(error && faultOf(error))}, not ${JSON.stringify(model.fault)}`);
    }
    if (this.busy > 0) return;
    const { unfinished } = protocol;
    if (unfinished && (this.settings.deflate === undefined || this.settings.sliceSize === undefined)) {
      this.wrongly("is unfinished without a sliceSize");
    }
    if (!model.broken) {
      if (protocol.heldBytes === 0) this.must(!model.waiting, "holds nothing, but has not reported everything");
      else this.must(protocol.paused || unfinished, `holds ${protocol.heldBytes} bytes for no reason`);
      if (!protocol.paused && !unfinished && !model.deaf && !model.over) {
        this.must(
          protocol.bytesReceived === model.received,
          `bytesReceived: ${protocol.bytesReceived}, not ${model.received}`,
        );
      }
    }
  }
}

function infinite(value: number | undefined): number | undefined {
  return value === -1 ? Infinity : value;
}

function faultOf({ code, closeCode, byteOffset }: WebSocketError): ReferenceFault {
  return { code, closeCode, byteOffset };
}

function nameOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? thrown.name : thrown === undefined ? undefined : String(thrown);
}

function shown(event: ReferenceEvent): string {
  return JSON.stringify(event);
}

/** The bytes between the zeros at both ends. */
function withoutZeros(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? bytes.subarray(0, 0) : bytes.subarray(start, bytes.findLastIndex((byte) => byte !== 0) + 1);
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** A copy of the bytes in one of the forms that the package accepts. */
export function asForm(bytes: Uint8Array, form: Form | undefined): ArrayBuffer | SharedArrayBuffer | ArrayBufferView {
  const { length } = bytes;
  switch (form) {
    case undefined:
    case "bytes":
      return new Uint8Array(bytes);
    case "offset": {
      const whole = new Uint8Array(length + 7);
      whole.set(bytes, 3);
      return whole.subarray(3, 3 + length);
    }
    case "view":
      return new DataView(new Uint8Array(bytes).buffer);
    case "buffer":
      return new Uint8Array(bytes).buffer;
    case "shared": {
      const shared = new SharedArrayBuffer(length);
      new Uint8Array(shared).set(bytes);
      return shared;
    }
  }
}

/** One for all connections with the same options, as in real programs. */
const extensions: Map<string, AgreedExtension["extension"]> = new Map();

function agreed(settings: DeflateSettings): AgreedExtension {
  const { codec, threshold, level, history, maxInflateRatio, contextBudget } = settings;
  const key = JSON.stringify([codec, threshold, level, history, maxInflateRatio, contextBudget]);
  let extension = extensions.get(key);
  if (extension === undefined) {
    extension = perMessageDeflate({
      ...(codec && { codec: zlibCodec(zlib) }),
      threshold: infinite(threshold),
      level,
      history,
      maxInflateRatio: infinite(maxInflateRatio),
      contextBudget,
    });
    extensions.set(key, extension);
  }
  const parameters: (readonly [string, string | true])[] = [];
  if (settings.serverNoContextTakeover) parameters.push(["server_no_context_takeover", true]);
  if (settings.clientNoContextTakeover) parameters.push(["client_no_context_takeover", true]);
  const { serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits } = settings;
  if (serverBits !== undefined) parameters.push(["server_max_window_bits", String(serverBits)]);
  if (clientBits !== undefined) parameters.push(["client_max_window_bits", String(clientBits)]);
  return { extension, parameters };
}

function sidesOf({ role, deflate }: Settings): { incoming?: ReferenceSide; out?: ReferenceSide } {
  if (deflate === undefined) return {};
  const server = { bits: deflate.serverMaxWindowBits ?? 15, takeover: !deflate.serverNoContextTakeover };
  const client = { bits: deflate.clientMaxWindowBits ?? 15, takeover: !deflate.clientNoContextTakeover };
  return role === "server" ? { incoming: client, out: server } : { incoming: server, out: client };
}

/** The defaults are those in docs/api.md. */
function modelOptions(settings: Settings, incoming: ReferenceSide | undefined): ReferenceConnectionOptions {
  const { fragments = false, autoPong = true, deflate, limits = {} } = settings;
  const limit = (value: number | undefined, otherwise: number): number => infinite(value) ?? otherwise;
  const byDefault = fragments ? Infinity : MIB_100;
  const maxMessage = limit(limits.maxMessage, byDefault);
  const maxFrame = Math.min(limit(limits.maxFrame, byDefault), maxMessage, Number.MAX_SAFE_INTEGER);
  const ratio = limit(deflate?.maxInflateRatio, 100);
  const free = deflate?.maxInflateRatio === undefined ? 16 * 1024 * 1024 : 0;
  return {
    server: settings.role === "server",
    decoder: {
      server: settings.role === "server",
      maxFrame: Math.floor(maxFrame),
      rsv: deflate === undefined ? 0 : 4,
      allowUnmasked: settings.allowUnmasked === true,
      allowMasked: settings.allowMasked === true,
      allowNonMinimalLength: settings.allowNonMinimalLength === true,
      allowInvalidClose: settings.allowInvalidClose === true,
      allowInvalidUtf8: settings.allowInvalidUtf8 === true,
    },
    pieces: fragments,
    autoPong,
    fragmentSize: limit(settings.fragmentSize, Infinity),
    maxFragments: limit(limits.maxFragments, 1048576),
    maxMessage,
    maxCollected: limit(limits.maxMessage, MIB_100),
    maxControlFrames: limit(limits.maxControlFrames, 1000),
    controlPeriod: limit(limits.controlPeriod, 1000),
    maxPendingPongs: limit(limits.maxPendingPongs, 1000),
    compression: incoming && {
      inflater: new ReferenceInflater(incoming),
      whole: deflate!.codec === true,
      most: (compressed) => (ratio === Infinity ? Infinity : Math.max(free, Math.floor(ratio * compressed))),
    },
  };
}
