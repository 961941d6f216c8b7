// The other end. It writes the data of the case, valid or not, reads at its own speed, and records everything it
// receives.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Role } from "../../../src/index.ts";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import { type CasePeer, payload, type Wrote } from "./case.ts";
import { FrameReader } from "./frames.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Wire } from "./wire.ts";

const KEY = [0x37, 0xfa, 0x21, 0x3d];
const TAIL = Buffer.of(0, 0, 0xff, 0xff);
/** How often a peer with a limited speed reads, in milliseconds. */
export const PERIOD = 10;
/** A peer that reads more than this many bytes within the timeout must not be cut off. */
export const PROGRESS = 540_000;

/** Bytes that break a rule. */
const BAD: readonly ((mask: readonly number[] | undefined) => Uint8Array)[] = [
  (mask) => serialize({ opcode: 3, maskKey: mask }),
  (mask) => serialize({ opcode: 1, rsv: 2, maskKey: mask }),
  (mask) => serialize({ opcode: 1, maskKey: mask === undefined ? KEY : undefined, payload: Buffer.from("x") }),
  (mask) => serialize({ opcode: 9, fin: false, maskKey: mask }),
  (mask) => serialize({ opcode: 1, maskKey: mask, payload: Buffer.of(0xc3, 0x28) }),
  (mask) => serialize({ opcode: 8, maskKey: mask, payload: Buffer.of(3) }),
  (mask) => serialize({ opcode: 8, maskKey: mask, payload: Buffer.of(0x03, 0xed) }),
  (mask) => serialize({ opcode: 2, maskKey: mask, lengthBytes: 9, claimedLength: 2n ** 63n }),
  (mask) => serialize({ opcode: 2, maskKey: mask, lengthBytes: 3, payload: Buffer.of(1) }),
  (mask) => serialize({ opcode: 0xb, maskKey: mask }),
  () => Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
];
export const BAD_RULES: number = BAD.length;

/** A unit that the peer has written. */
export interface Unit {
  readonly what: "message" | "ping" | "pong" | "close" | "bad";
  /** The number of the message, if the unit is one. */
  readonly id: number;
  readonly kind: "text" | "binary";
  readonly payload: Buffer;
  /** The position of its end in the stream. */
  readonly end: number;
}

export interface Received {
  readonly text: boolean;
  readonly payload: Buffer;
  /** The position of its end in the stream. */
  readonly end: number;
}

export class Peer {
  readonly units: Unit[] = [];
  readonly messages: Received[] = [];
  readonly pongs: Buffer[] = [];
  pings = 0;
  /** When the last Ping arrived, if the peer has answered that Ping. Infinity otherwise. */
  answeredAt = Infinity;
  /** The payload of our Close. */
  close: Buffer | undefined = undefined;
  /** When our Close arrived. */
  closeAt: number | undefined = undefined;
  /** When the peer's own Close arrived at the other side. */
  closeArrivedAt: number | undefined = undefined;
  /** The times at which the peer sent control frames. */
  readonly controlsAt: number[] = [];
  /** Whether anything arrived after our Close. */
  afterClose = false;
  /** Whether our side has ended. */
  sawEnd = false;
  /** Whether the peer has sent a Close. */
  sentClose = false;
  finSent = false;
  /** The error in the bytes that the peer has received. */
  wrong: string | undefined = undefined;
  /** Whether the peer has stopped reading and answering. */
  mute = false;
  reading = true;
  /** When the peer last wrote something, or read data that was waiting. */
  aliveAt: number;
  /** The bytes that the peer read in each period. They show whether it was alive. */
  readonly #taken: { readonly at: number; readonly bytes: number; readonly blockedFor: number }[] = [];
  readonly #scheduler: Scheduler;
  readonly #wire: Wire;
  readonly #settings: CasePeer;
  readonly #latency: number;
  readonly #mask: readonly number[] | undefined;
  readonly #compressed: boolean;
  readonly #reader: FrameReader;
  #rate: number | null;
  #budget = Infinity;
  #begun: Buffer[] = [];
  #begunText = false;
  #begunRsv = 0;
  #pumping = false;
  #written = 0;
  #nextId = 0;

  /** @param role the role of the connection on the other side */
  constructor(role: Role, scheduler: Scheduler, wire: Wire, settings: CasePeer, latency: number, compressed: boolean) {
    this.#scheduler = scheduler;
    this.#wire = wire;
    this.#settings = settings;
    this.#latency = latency;
    this.#rate = settings.rate;
    this.#mask = role === "server" ? KEY : undefined;
    this.#compressed = compressed;
    this.#reader = new FrameReader(role, compressed);
    this.aliveAt = scheduler.now;
    wire.readable = () => this.#pump();
  }

  /**
   * The number of bytes that the peer has read since then and that had waited for more than `unseen` ms. Shorter waits
   * may go unnoticed.
   */
  takenSince(since: number, unseen: number): number {
    const seen = this.#taken.filter(({ at, blockedFor }) => at > since && blockedFor > unseen);
    return seen.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The number of bytes that the peer has written. */
  get written(): number {
    return this.#written;
  }

  get isInsideFrame(): boolean {
    return this.#reader.isInside || this.#begun.length > 0;
  }

  /** Writes everything at once. The first `head` bytes are returned instead of being sent. */
  write(wrote: readonly Wrote[], head: number = 0): Uint8Array {
    if (this.finSent) return new Uint8Array();
    const parts = wrote.flatMap((one) => this.#bytesOf(one));
    const bytes = concat(parts);
    this.#send(bytes.subarray(head));
    return bytes.subarray(0, head);
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.finSent) return;
    const { sentClose } = this;
    this.#scheduler.outside(this.#latency, () => {
      this.aliveAt = this.#scheduler.now;
      if (sentClose) this.closeArrivedAt ??= this.#scheduler.now;
      this.#wire.arrive(bytes);
    });
  }

  /** Writes Pings repeatedly, even while the event loop of the other side is blocked. */
  keepPinging(pings: number, every: number, times: number): void {
    const from = this.#scheduler.now;
    for (let i = 0; i < times; i++) {
      this.#scheduler.outside(i * every, () => {
        if (this.mute || this.finSent || this.sentClose) return;
        const before = this.controlsAt.length;
        this.write(Array.from({ length: pings }, () => ({ write: "ping", size: 1 }) as const));
        this.controlsAt.fill(from + i * every, before);
      });
    }
  }

  fin(): void {
    if (this.finSent) return;
    this.finSent = true;
    this.#scheduler.outside(this.#latency, () => this.#wire.arriveEnd());
  }

  reset(): void {
    this.finSent = true;
    this.#wire.cut();
  }

  stop(): void {
    this.reading = false;
  }

  go(): void {
    this.reading = true;
    this.#budget = Infinity;
    this.#pump();
  }

  /** From now on, reads everything as soon as it arrives. */
  hurry(): void {
    if (this.mute) return;
    this.#rate = null;
    this.go();
  }

  takes(bytes: number): void {
    this.reading = true;
    this.#budget = bytes;
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#scheduler.outside(this.#rate === null ? this.#latency : PERIOD, () => {
      this.#pumping = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.mute || !this.reading || this.#wire.reset) return;
    const { blocked, blockedFor } = this.#wire;
    const most = Math.min(this.#rate === null ? Infinity : this.#rate * PERIOD, this.#budget);
    let bytes = 0;
    for (const chunk of this.#wire.take(most)) {
      bytes += chunk.length;
      this.#receive(chunk);
    }
    this.#budget -= bytes;
    if (bytes > 0 && blocked) {
      this.aliveAt = this.#scheduler.now;
      this.#taken.push({ at: this.#scheduler.now, bytes, blockedFor });
    }
    if (this.#budget <= 0) this.reading = false;
    else if (this.#wire.held > 0) this.#pump();
    else if (this.#wire.ended && !this.sawEnd) this.#ended();
  }

  #ended(): void {
    this.sawEnd = true;
    if (this.#settings.fins) this.fin();
  }

  #receive(chunk: Uint8Array): void {
    if (this.wrong !== undefined) return;
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.close !== undefined) this.afterClose = true;
        if (frame.opcode === 8) this.#receiveClose(frame.payload);
        else if (frame.opcode === 9) this.#receivePing(frame.payload);
        else if (frame.opcode === 10) this.pongs.push(Buffer.from(frame.payload));
        else this.#receiveData(frame);
      }
    } catch (error) {
      this.wrong = String(error);
    }
  }

  #receivePing(data: Buffer): void {
    this.pings++;
    this.answeredAt = Infinity;
    if (!this.#settings.pongs || this.mute || this.sentClose) return;
    this.answeredAt = this.#scheduler.now;
    this.controlsAt.push(this.#scheduler.now);
    this.#write({ opcode: 10, payload: data });
  }

  #receiveClose(data: Buffer): void {
    this.close = Buffer.from(data);
    this.closeAt = this.#scheduler.now;
    if (this.#settings.closes && !this.sentClose && !this.finSent) {
      this.sentClose = true;
      this.#add("close", -1, "binary", data);
      this.#write({ opcode: 8, payload: data });
    }
    if (this.sentClose && this.#settings.fins && this.#mask === undefined) this.fin();
  }

  #receiveData({
    opcode,
    payload: data,
    fin,
    rsv,
    end,
  }: {
    opcode: number;
    payload: Buffer;
    fin: boolean;
    rsv: number;
    end: number;
  }): void {
    if ((opcode === 0) !== this.#begun.length > 0) {
      throw new Error(`the connection wrote opcode ${opcode} ${opcode === 0 ? "without" : "inside"} a message`);
    }
    if (opcode !== 0) {
      this.#begunText = opcode === 1;
      this.#begunRsv = rsv;
    }
    this.#begun.push(data);
    if (!fin) return;
    let whole = this.#begun.length === 1 ? data : Buffer.concat(this.#begun);
    if (this.#begunRsv === 4) {
      whole = inflateRawSync(Buffer.concat([whole, TAIL]), { finishFlush: constants.Z_SYNC_FLUSH });
    }
    this.messages.push({ text: this.#begunText, payload: whole, end });
    this.#begun = [];
    this.#begunText = false;
    this.#begunRsv = 0;
  }

  #write(frame: RawFrame): void {
    const bytes = serialize({ maskKey: this.#mask, ...frame });
    this.#written += bytes.length;
    const last = this.units.at(-1);
    if (last?.what === "close" && last.end === -1) this.units[this.units.length - 1] = { ...last, end: this.#written };
    this.#send(bytes);
  }

  #add(what: Unit["what"], id: number, kind: Unit["kind"], data: Buffer): void {
    if (what === "ping" || what === "pong") this.controlsAt.push(this.#scheduler.now);
    this.units.push({ what, id, kind, payload: data, end: -1 });
  }

  /** The bytes of a write, which are also recorded. */
  #bytesOf(wrote: Wrote): Uint8Array[] {
    const before = this.units.length;
    const parts = this.#framesOf(wrote);
    // #framesOf() returns the frames of each unit in the same order.
    let part = 0;
    for (let i = before; i < this.units.length; i++) {
      for (const { length } of parts[part++]!) this.#written += length;
      this.units[i] = { ...this.units[i]!, end: this.#written };
    }
    return parts.flat();
  }

  #framesOf(wrote: Wrote): Uint8Array[][] {
    const frame = (raw: RawFrame): Uint8Array => serialize({ maskKey: this.#mask, ...raw });
    switch (wrote.write) {
      case "messages":
        return Array.from({ length: wrote.count }, () => [
          frame({ opcode: wrote.kind === "text" ? 1 : 2, payload: this.#message(wrote.kind, wrote.size) }),
        ]);
      case "message":
        return this.#messageFrames(wrote, frame);
      case "ping":
      case "pong": {
        const data = Buffer.alloc(wrote.size, this.units.length & 255);
        this.#add(wrote.write, -1, "binary", data);
        return [[frame({ opcode: wrote.write === "ping" ? 9 : 10, payload: data })]];
      }
      case "close": {
        const data = Buffer.alloc(wrote.code === undefined ? 0 : 2);
        if (wrote.code !== undefined) data.writeUInt16BE(wrote.code, 0);
        this.#add("close", -1, "binary", data);
        this.sentClose = true;
        return [[frame({ opcode: 8, payload: data })]];
      }
      case "bad":
        this.#add("bad", -1, "binary", Buffer.alloc(0));
        return [[BAD[wrote.rule % BAD.length]!(this.#mask)]];
    }
  }

  #message(kind: "text" | "binary", size: number): Buffer {
    const id = this.#nextId++;
    const data = payload(id, kind, size);
    this.#add("message", id, kind, data);
    return data;
  }

  #messageFrames(
    { kind, size, frames, compress: wanted = false, ping = false }: Extract<Wrote, { write: "message" }>,
    frame: (raw: RawFrame) => Uint8Array,
  ): Uint8Array[][] {
    const pinged: Uint8Array[][] = [];
    if (ping && frames > 1) {
      // The Ping arrives before the end of the message.
      this.#add("ping", -1, "binary", Buffer.of(7));
      pinged.push([]);
    }
    const compress = wanted && this.#compressed;
    const plain = this.#message(kind, size);
    const data = compress ? deflateRawSync(plain, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4) : plain;
    const length = Math.ceil(data.length / frames);
    const parts: Uint8Array[] = [];
    for (let i = 0; i < frames; i++) {
      if (i === 1 && ping) parts.push(frame({ opcode: 9, payload: Buffer.of(7) }));
      const opcode = i > 0 ? 0 : kind === "text" ? 1 : 2;
      const rsv = compress && i === 0 ? 4 : 0;
      parts.push(frame({ opcode, fin: i === frames - 1, rsv, payload: data.subarray(i * length, (i + 1) * length) }));
    }
    return [...pinged, parts];
  }
}
