// A model of a whole connection after its opening handshake: what it may report, what it sends, and how it ends. It is
// written from RFC 6455 §5 to §7 on top of the reference assembler and shares no code with src/. Behaviour that the RFC
// leaves open and docs/api.md defines is marked "choice".

import { type AssemblerOptions, faultOf, ReferenceAssembler, type ReferenceFault } from "./assembler.ts";

export interface ReferenceConnectionOptions extends AssemblerOptions {
  server: boolean;
  autoPong: boolean;
  fragmentSize: number;
  /** Choices: how many control frames may arrive in a period, and how many Pongs may wait for take(). */
  maxControlFrames: number;
  controlPeriod: number;
  maxPendingPongs: number;
}

/** The events of the connection. */
export type ReferenceEvent =
  | { type: "text"; data: string }
  | { type: "binary"; data: Uint8Array }
  | { type: "start"; kind: "text" | "binary" }
  | { type: "piece"; data: string | Uint8Array }
  | { type: "end" }
  | { type: "ping"; data: Uint8Array }
  | { type: "pong"; data: Uint8Array }
  | { type: "error"; fault: ReferenceFault }
  | { type: "close"; code: number; reason: string; wasClean: boolean };

/** The frames that the connection has to send. */
export type ReferenceSent =
  | { type: "control"; opcode: number; payload: Uint8Array }
  /** A Close for an error. Its reason is readable text. The code may be that of another error: see ReferenceFault. */
  | { type: "failure"; code: number; sure: boolean }
  | ReferencePart;

/** A message or a piece of one. */
export interface ReferencePart {
  type: "part";
  text: boolean;
  payload: Uint8Array;
  first: boolean;
  last: boolean;
  fragmentSize: number;
  /** The value from the first part of the message. */
  compress: boolean | undefined;
}

/** The arguments of send(). All others are undefined. */
export interface ReferenceSend {
  data: string | Uint8Array | undefined;
  prepared: boolean;
  binary: boolean | undefined;
  fin: boolean;
  compress: boolean | undefined;
  fragmentSize: number | undefined;
}

/** The result of a call: it returns, or throws one of these. */
export type ReferenceAnswer<T> = { returns: T } | { throws: readonly ("TypeError" | "RangeError")[] };

/**
 * The states (§7.1), by the Closes that are still missing:
 *
 *   open       both
 *   answering  ours; the peer's has arrived
 *   failing    ours, which reports the peer's error
 *   closing    the peer's; ours has been sent
 *   closed     neither
 */
export type ReferenceState = "open" | "answering" | "failing" | "closing" | "closed";

/** A choice: control frames that a peer has not used remain available for this many periods. */
const MAX_CREDIT = 60;
const MAX_REASON = 123;
const NOTHING: Uint8Array = new Uint8Array(0);

interface Outgoing {
  text: boolean;
  compress: boolean | undefined;
  /** A high surrogate whose other half may follow. */
  surrogate: string;
  /** For text that is sent as bytes: the beginning of an incomplete character. */
  incomplete: Uint8Array;
}

export class ReferenceConnection {
  state: ReferenceState = "open";
  /** The reason for the failure. */
  fault: ReferenceFault | undefined;
  /** The possible reason for the failure, if the connection has also ended. */
  possibleFault: ReferenceFault | undefined;
  /** Frames that have been sent but not checked yet, in order. */
  readonly sent: ReferenceSent[] = [];
  /** The number of bytes received. */
  received = 0;
  /** Whether a sink has thrown, after which nothing can be received. */
  broken = false;
  private readonly options: ReferenceConnectionOptions;
  private readonly assembler: ReferenceAssembler;
  /** Events that follow from one that was already reported. */
  private due: ReferenceEvent[] = [];
  private answer: { code: number | undefined; reason: string; failure: boolean } | undefined;
  private wasClean = false;
  private streamEnded = false;
  private stopped = false;
  /** The frame that was being reported when the connection was paused. It may be reported to its end. */
  private stoppedIn = 0;
  /** The last reported frame. */
  private frame = 0;
  private message: Outgoing | undefined;
  private pendingPongs = 0;
  private period: { start: number; left: number } | undefined;

  constructor(options: ReferenceConnectionOptions) {
    this.options = options;
    this.assembler = new ReferenceAssembler(options);
  }

  // The connection's own state.

  get over(): boolean {
    return this.state === "failing" || this.state === "closed";
  }

  get canSend(): boolean {
    return this.state === "open" || this.state === "answering" || this.state === "failing";
  }

  get paused(): boolean {
    return this.stopped && !this.over;
  }

  /** §7.1.1: the server ends the stream. After an error, both sides do. */
  get streamEnd(): "none" | "expect" | "send" {
    if (this.state !== "closed") return "none";
    return this.options.server || this.streamEnded || !this.wasClean ? "send" : "expect";
  }

  get inMessage(): boolean {
    return this.message !== undefined;
  }

  /** Whether there is something that has not been reported. */
  get waiting(): boolean {
    return this.due.length > 0 || (!this.over && this.state !== "answering" && this.assembler.items.length > 0);
  }

  /** Whether the peer's last byte has arrived. Anything after a Close or an error is ignored. */
  get deaf(): boolean {
    return this.assembler.over;
  }

  // Receiving.

  receive(bytes: Uint8Array, now: number | undefined): void {
    if (this.over) return;
    // Data that arrives during a pause counts when it is reported, for the whole time until resume().
    if (!this.paused) this.begin(now);
    if (this.state === "answering") return;
    this.received += bytes.length;
    if (!this.assembler.over) this.assembler.push(bytes);
  }

  end(): void {
    this.streamEnded = true;
  }

  /** `inCall`: called inside an event, whose frame may still be reported to its end. A choice. */
  pause(inCall: boolean): void {
    this.stopped = true;
    if (!inCall) this.stoppedIn = 0;
    else if (this.stoppedIn === 0) this.stoppedIn = this.frame;
  }

  /** The call that reported events has returned. */
  returned(): void {
    this.stoppedIn = 0;
  }

  resume(now: number | undefined, nested: boolean): void {
    if (this.over) return;
    this.stopped = false;
    this.stoppedIn = 0;
    if (!nested) this.begin(now);
  }

  /** A choice: if the caller passes the time, the limit on control frames applies per period. */
  private begin(now: number | undefined): void {
    const { maxControlFrames, controlPeriod } = this.options;
    if (now === undefined) {
      this.period = undefined;
    } else if (this.period === undefined || now < this.period.start || controlPeriod === 0) {
      this.period = { start: now, left: maxControlFrames };
    } else if (now - this.period.start >= controlPeriod) {
      const more = ((now - this.period.start) * maxControlFrames) / controlPeriod;
      this.period = { start: now, left: Math.min(this.period.left + more, MAX_CREDIT * maxControlFrames) };
    }
  }

  /** Accepts a reported event. Returns what is wrong with it, if anything. */
  told(event: ReferenceEvent): string | undefined {
    const expected = this.next(event);
    if (typeof expected === "string") return `${expected}, but reported ${show(event)}`;
    return differ(expected, event);
  }

  /**
   * An event that should have been reported by now, if any. `unfinished`: the connection has said that it needs another
   * call.
   */
  untold(unfinished: boolean): string | undefined {
    if (this.due.length > 0) return `did not report ${show(this.due[0]!)}`;
    if (this.paused || unfinished || this.broken || this.over || this.state === "answering") return undefined;
    const [item] = this.assembler.items;
    if (item !== undefined) return `did not report ${JSON.stringify(item)}`;
    return this.streamEnded ? "did not report the end of the stream" : undefined;
  }

  /** The expected next event, after its effects have been applied, or the reason why there must be none. */
  private next(event: ReferenceEvent): ReferenceEvent | string {
    const due = this.due.shift();
    if (due !== undefined) return due;
    if (this.over) return "it is over";
    if (this.state === "answering") return "the peer has closed";
    if (this.broken && event.type !== "close") return "a sink has thrown";
    if (this.broken) this.assembler.items.length = 0;
    const [item] = this.assembler.items;
    if (item === undefined) {
      const { early } = this.assembler;
      const mayFail = early !== undefined && !this.paused;
      const isEnd = event.type === "close" && this.state === "closing";
      if (mayFail && (event.type === "error" || (isEnd && !this.streamEnded))) {
        this.assembler.over = true;
        return this.failed(early, true);
      }
      if (!this.streamEnded) return "nothing has arrived";
      if (this.paused) return "it is paused";
      if (mayFail) this.possibleFault = early;
      this.state = "closed";
      return { type: "close", code: 1006, reason: "", wasClean: false };
    }
    if (this.paused && item.frame !== this.stoppedIn) return "it is paused";
    this.frame = item.frame;
    const isUnsure = item.type === "fault" && item.after > 0;
    if (event.type === "piece" && (item.type === "piece" || isUnsure)) return this.piece(event.data);
    this.assembler.items.shift();
    switch (item.type) {
      case "ping":
        return this.countControl(item.byteOffset) ?? this.ping(item.data, item.byteOffset);
      case "pong":
        return this.countControl(item.byteOffset) ?? { type: "pong", data: item.data };
      case "close":
        return this.close1(item);
      case "fault":
        return this.failed(item.fault, true);
      default:
        return item;
    }
  }

  /** Pieces may be cut anywhere, but each has at least one complete character or byte. */
  private piece(told: string | Uint8Array): ReferenceEvent | string {
    if (told.length === 0) return "a piece is not empty";
    const { items } = this.assembler;
    let at = 0;
    const parts: (string | Uint8Array)[] = [];
    for (let [item] = items; at < told.length && item?.type === "piece"; [item] = items) {
      const { data } = item;
      const left = told.length - at;
      parts.push(data.slice(0, left));
      if (left < data.length) item.data = data.slice(left);
      else items.shift();
      at += Math.min(left, data.length);
    }
    const [next] = items;
    if (at < told.length && next?.type === "fault" && next.after > 0) {
      // The connection may have read further than the reference before the invalid byte.
      parts.push(told.slice(at));
      next.after -= told.length - at;
    }
    if (typeof told !== "string") {
      return {
        type: "piece",
        data: parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts as Uint8Array[]),
      };
    }
    return /[\ud800-\udbff]$/.test(told) ? "half a character" : { type: "piece", data: parts.join("") };
  }

  /** §5.5.2: a Ping is answered unless a Close has been received. No Pong is sent after our own Close (§5.5.1). */
  private ping(data: Uint8Array, byteOffset: number): ReferenceEvent {
    if (this.options.autoPong && this.state === "open") {
      if (++this.pendingPongs > this.options.maxPendingPongs) {
        return this.failed(faultOf("WS_ERR_TOO_MANY_PENDING_PONGS", byteOffset), true);
      }
      this.sent.push({ type: "control", opcode: 10, payload: data });
    }
    return { type: "ping", data };
  }

  private countControl(byteOffset: number): ReferenceEvent | undefined {
    if (this.period === undefined || --this.period.left >= 0) return undefined;
    return this.failed(faultOf("WS_ERR_TOO_MANY_CONTROL_FRAMES", byteOffset), true);
  }

  /** §5.5.1: a Close is answered with the same code, unless that code must not be sent. */
  private close1({ code, reason }: { code: number; reason: string }): ReferenceEvent {
    this.wasClean = true;
    if (this.state === "open") {
      this.answer = { code: maySend(code) ? code : undefined, reason: "", failure: false };
      this.state = "answering";
    } else {
      this.state = "closed";
    }
    return { type: "close", code, reason, wasClean: true };
  }

  /** §7.1.7. A choice: after our own Close, nothing is an error any more, and the connection just ends. */
  private failed(fault: ReferenceFault, byPeer: boolean): ReferenceEvent {
    const isError = this.state === "open" || !byPeer;
    this.fault = fault;
    if (this.state === "open") {
      this.answer = { code: maySend(fault.closeCode) ? fault.closeCode : 1011, reason: "", failure: true };
      this.state = "failing";
    } else {
      this.state = "closed";
    }
    const close: ReferenceEvent = { type: "close", code: 1006, reason: "", wasClean: false };
    if (!isError) return close;
    this.due.push(close);
    return { type: "error", fault };
  }

  // Sending.

  /** Ends the connection because the stream is gone. */
  cut(): ReferenceEvent[] {
    this.streamEnded = true;
    const tells = this.state === "open" || this.state === "closing";
    this.state = "closed";
    return tells ? [{ type: "close", code: 1006, reason: "", wasClean: false }] : [];
  }

  fail(fault: ReferenceFault): ReferenceEvent[] {
    if (this.state === "answering") {
      this.fault = fault;
      this.answer = { code: maySend(fault.closeCode) ? fault.closeCode : 1011, reason: "", failure: true };
      return [];
    }
    if (this.over) return [];
    const error = this.failed(fault, false);
    return [error, this.due.shift()!];
  }

  close(code: number | undefined, reason: unknown): ReferenceAnswer<undefined> {
    if (!this.canSend) return { returns: undefined };
    if (typeof reason !== "string") return { throws: ["TypeError"] };
    if (code === undefined && reason !== "") return { throws: ["RangeError"] };
    if (code !== undefined && !maySend(code)) return { throws: ["RangeError"] };
    this.sendClose(code, reason);
    this.state = this.state === "open" ? "closing" : "closed";
    return { returns: undefined };
  }

  private sendClose(code: number | undefined, reason: string): void {
    if (code === undefined) {
      this.sent.push({ type: "control", opcode: 8, payload: Buffer.alloc(0) });
      return;
    }
    const payload = Buffer.concat([Buffer.from([code >> 8, code & 255]), cutReason(reason)]);
    this.sent.push({ type: "control", opcode: 8, payload });
  }

  /** Takes the queued frames, together with a Close that is due. */
  take(holdClose: boolean): void {
    this.pendingPongs = 0;
    if (holdClose || (this.state !== "answering" && this.state !== "failing")) return;
    const { code, reason, failure } = this.answer!;
    if (failure) this.sent.push({ type: "failure", code: code!, sure: !this.fault?.or?.length });
    else this.sendClose(code, reason);
    this.state = "closed";
  }

  control(opcode: number, data: string | Uint8Array | undefined): ReferenceAnswer<boolean> {
    if (!this.canSend) return { returns: false };
    if (data === undefined) return { throws: ["TypeError"] };
    const payload = Buffer.from(data as Uint8Array);
    if (payload.length > 125) return { throws: ["RangeError"] };
    this.sent.push({ type: "control", opcode, payload });
    return { returns: true };
  }

  send({ data, prepared, binary, fin, compress, fragmentSize }: ReferenceSend): ReferenceAnswer<boolean> {
    if (!this.canSend) return { returns: false };
    const throws: ("TypeError" | "RangeError")[] = [];
    const size = fragmentSize ?? this.options.fragmentSize;
    if (data === undefined) throws.push("TypeError");
    if (size !== Infinity && (!Number.isInteger(size) || size < 1)) throws.push("RangeError");
    const { message } = this;
    const text = prepared || binary === undefined ? typeof data === "string" : !binary;
    if (message !== undefined && (prepared || message.text !== text)) throws.push("TypeError");
    if (prepared && !fin) throws.push("TypeError");
    if (throws.length > 0) return { throws };
    const open = message ?? { text, compress, surrogate: "", incomplete: NOTHING };
    const piece = readPiece(open, data!, fin);
    if (piece === undefined) return { throws: ["TypeError"] };
    const { payload, surrogate, incomplete } = piece;
    const part = { type: "part", text, payload, first: message === undefined, last: fin } as const;
    this.sent.push({ ...part, fragmentSize: size, compress: open.compress });
    this.message = fin ? undefined : { ...open, surrogate, incomplete };
    return { returns: true };
  }
}

/** A piece as bytes, and the bytes that belong to the next piece. Undefined for invalid text. */
function readPiece(
  { text, surrogate: before, incomplete }: Outgoing,
  data: string | Uint8Array,
  last: boolean,
): { payload: Uint8Array; surrogate: string; incomplete: Uint8Array } | undefined {
  // A complete string cannot be invalid.
  if (typeof data === "string" && last && incomplete.length === 0) {
    return { payload: Buffer.from(before + data), surrogate: "", incomplete };
  }
  let payload: Buffer;
  let surrogate = "";
  if (typeof data === "string") {
    const all = before + data;
    surrogate = last ? "" : (/[\ud800-\udbff]$/.exec(all)?.[0] ?? "");
    payload = Buffer.from(all.slice(0, all.length - surrogate.length));
  } else {
    payload = Buffer.concat([Buffer.from(before), data]);
  }
  if (!text) return { payload, surrogate, incomplete: NOTHING };
  const all = Buffer.concat([incomplete, payload]);
  for (let rest = 0; rest <= (last ? 0 : Math.min(3, all.length)); rest++) {
    const complete = all.subarray(0, all.length - rest);
    if (!isUtf8(complete)) continue;
    const tail = all.subarray(all.length - rest);
    if (rest === 0 || mayBegin(tail)) return { payload, surrogate, incomplete: tail };
  }
  return undefined;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Whether a longer character begins with these bytes. Tries the smallest and largest continuations. */
function mayBegin(bytes: Uint8Array): boolean {
  const first = bytes[0]!;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (bytes.length >= length) return false;
  return [0x80, 0x90, 0x9f, 0xa0, 0xbf].some((next) => {
    const rest = Array.from({ length: length - bytes.length }, (_, i) => (i === 0 ? next : 0x80));
    return isUtf8(Buffer.concat([bytes, Buffer.from(rest)]));
  });
}

/** §7.4: the codes that a Close may contain. */
function maySend(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  return [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].includes(code);
}

/** §5.5: as many whole characters as fit. A choice: a longer reason is cut instead of refused. */
function cutReason(reason: string): Buffer {
  let cut = "";
  let bytes = 0;
  for (const character of reason) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_REASON) break;
    cut += character;
  }
  return Buffer.from(cut);
}

function show(event: ReferenceEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  ).slice(0, 400);
}

function differ(expected: ReferenceEvent, event: ReferenceEvent): string | undefined {
  return same(expected, event) ? undefined : `reported ${show(event)}, not ${show(expected)}`;
}

function same(a: ReferenceEvent, b: ReferenceEvent): boolean {
  if (a.type === "text" || a.type === "binary" || a.type === "piece" || a.type === "ping" || a.type === "pong") {
    return a.type === b.type && sameData(a.data, b.data);
  }
  if (a.type === "start") return b.type === "start" && a.kind === b.kind;
  if (a.type === "end") return b.type === "end";
  if (a.type === "close") {
    return b.type === "close" && a.code === b.code && a.reason === b.reason && a.wasClean === b.wasClean;
  }
  return b.type === "error" && sameFault(a.fault, b.fault);
}

function sameData(a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** `a` is the expected fault. */
export function sameFault(a: ReferenceFault | undefined, b: ReferenceFault | undefined): boolean {
  if (a?.byteOffset !== b?.byteOffset) return false;
  return (b !== undefined && a?.or?.includes(b.code)) || (a?.code === b?.code && a?.closeCode === b?.closeCode);
}

/** All of these are choices: see Keepalive. Times are in milliseconds on the caller's clock. */
export interface ReferenceTimes {
  pingInterval: number;
  pongTimeout: number;
  closeTimeout: number;
}

/** Says when to send a Ping and when to treat a connection as dead. */
export class ReferenceKeepalive {
  expired = false;
  private readonly times: ReferenceTimes;
  private aliveAt: number;
  private received: number;
  private pingedAt: number | undefined;
  private endedAt: number | undefined;

  constructor(times: ReferenceTimes, now: number, received: number) {
    this.times = times;
    this.aliveAt = now;
    this.received = received;
  }

  alive(now: number): void {
    this.aliveAt = now;
    this.pingedAt = undefined;
  }

  /** The action that is due. "fail" is an error (WS_ERR_PONG_TIMEOUT), "end" the end of the stream. */
  tick(now: number, open: boolean, received: number): "nothing" | "ping" | "fail" | "end" {
    const { pingInterval, pongTimeout, closeTimeout } = this.times;
    if (!open) {
      this.endedAt ??= now;
      const patience = Math.max(this.endedAt, this.aliveAt) + closeTimeout;
      if (now < Math.min(patience, this.endedAt + 30 * closeTimeout)) return "nothing";
      this.expired = true;
      return "end";
    }
    if (received !== this.received) {
      this.received = received;
      this.alive(now);
      return "nothing";
    }
    if (this.pingedAt === undefined) {
      if (now - this.aliveAt < pingInterval) return "nothing";
      this.pingedAt = now;
      return "ping";
    }
    if (now - this.pingedAt < pongTimeout) return "nothing";
    this.endedAt = now;
    return "fail";
  }
}
