// A peer of frames. It writes the frames and chunks that a test gives it, and nothing by itself.

import type { Role } from "../../../src/index.ts";
import type { RawFrame } from "../../reference/serialize.ts";
import { toRole } from "../../support/wire.ts";
import { sleep, until } from "./time.ts";

/** Carries a peer's bytes. */
export interface Line {
  receive: (chunk: Uint8Array) => void;
  /** Called when the other side has ended its side, or cut the connection. */
  finished: () => void;
  /** The number of written bytes that the system or the other side has not accepted. */
  readonly waiting: number;
  /** Passes on bytes as one chunk, without waiting. */
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Ends this side: FIN, close_notify, END_STREAM. */
  end(): void;
  /** Resets the connection, as if the process had been killed. */
  reset(): void;
}

export interface PeerFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly payload: Buffer;
}

const NAMES: Readonly<Record<number, string>> = { 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };

/** Longer payloads are shown as their length. */
const LONG = 64;

/** Splits a stream of bytes into frames, following RFC 6455 §5.2. */
class FrameReader {
  #parts: Uint8Array[] = [];
  #length = 0;
  #wanted = 2;

  push(chunk: Uint8Array): PeerFrame[] {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    const frames: PeerFrame[] = [];
    if (this.#length < this.#wanted) return frames;
    const bytes = Buffer.concat(this.#parts);
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      const short = left < 2 ? 0 : bytes[at + 1]! & 127;
      const masked = left >= 2 && bytes[at + 1]! >= 128;
      const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
      const header = 2 + lengthBytes + (masked ? 4 : 0);
      this.#wanted = header;
      if (left < header) break;
      const length =
        lengthBytes === 0
          ? short
          : lengthBytes === 2
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      this.#wanted = header + length;
      if (left < header + length) break;
      const payload = bytes.subarray(at + header, at + header + length);
      if (masked) unmask(payload, bytes.subarray(at + header - 4, at + header));
      frames.push({ fin: bytes[at]! >= 128, rsv: (bytes[at]! >> 4) & 7, opcode: bytes[at]! & 15, payload });
      at += header + length;
    }
    this.#parts = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#length = bytes.length - at;
    return frames;
  }
}

function unmask(payload: Buffer, key: Buffer): void {
  if (key.readUInt32BE(0) === 0) return;
  for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i & 3]!;
}

export class Peer {
  readonly line: Line;
  /** The role of the connection on the other side. */
  readonly #role: Role;
  readonly #reader: FrameReader = new FrameReader();
  #head: Buffer | undefined = Buffer.alloc(0);
  #begun: PeerFrame[] = [];
  readonly frames: PeerFrame[] = [];
  /** Complete messages. */
  readonly messages: (string | Buffer)[] = [];
  /** Everything that has arrived, in short form: "text:a", "binary:100000", "ping:", "close:1000", and "end". */
  readonly log: string[] = [];
  /** The payload bytes of all frames. */
  bytes = 0;
  ended = false;
  #read = 0;
  #enough = Infinity;
  #close: string | undefined = undefined;

  constructor(line: Line, role: Role, { hasHead }: { readonly hasHead: boolean }) {
    this.line = line;
    this.#role = role;
    if (!hasHead) this.#head = undefined;
    line.receive = (chunk) => this.#receive(chunk);
    line.finished = () => {
      if (!this.ended) this.log.push("end");
      this.ended = true;
    };
  }

  /** The received Close in short form, such as "close:1000". */
  get close(): string | undefined {
    return this.#close;
  }

  get hasHead(): boolean {
    return this.#head === undefined;
  }

  /** Writes frames as one chunk. */
  write(...frames: RawFrame[]): void {
    this.line.write(toRole(this.#role, ...frames));
  }

  until(done: () => boolean, what: string, limit?: number): Promise<void> {
    return until(
      done,
      () => `${what}; received ${this.messages.length} messages, ${this.bytes} bytes: ${this.log.slice(-8).join(" ")}`,
      limit,
    );
  }

  /** Waits for `count` messages. */
  async take(count: number, limit?: number): Promise<(string | Buffer)[]> {
    await this.until(() => this.messages.length >= count || this.ended, `not ${count} messages`, limit);
    return this.messages;
  }

  /** Reads this many more bytes, or fewer if no more arrive, and then pauses. */
  async takeSome(bytes: number): Promise<void> {
    this.#enough = this.#read + bytes;
    this.line.resume();
    for (let waits = 0; waits < 50 && this.#read < this.#enough && !this.ended && this.#close === undefined; waits++) {
      await sleep(2);
    }
    this.line.pause();
    this.#enough = Infinity;
  }

  /** Waits until the other side has ended or cut the connection. */
  gone(limit?: number): Promise<void> {
    return this.until(() => this.ended, "the other side has not ended", limit);
  }

  /** Waits for the head of the handshake. */
  async head(): Promise<string> {
    let head = "";
    await this.until(() => {
      const at = this.#head?.indexOf("\r\n\r\n") ?? -1;
      if (at < 0) return false;
      head = this.#head!.toString("latin1", 0, at + 4);
      const rest = this.#head!.subarray(at + 4);
      this.#head = undefined;
      if (rest.length > 0) this.#receive(rest);
      return true;
    }, "no head");
    return head;
  }

  #receive(chunk: Uint8Array): void {
    if (this.#head !== undefined) {
      this.#head = Buffer.concat([this.#head, chunk]);
      return;
    }
    this.#read += chunk.length;
    if (this.#read >= this.#enough) this.line.pause();
    for (const frame of this.#reader.push(chunk)) this.#received(frame);
  }

  #received(frame: PeerFrame): void {
    this.frames.push(frame);
    this.bytes += frame.payload.length;
    if (frame.opcode >= 8) {
      const { payload } = frame;
      const data = frame.opcode !== 8 ? payload.toString() : payload.length < 2 ? "" : payload.readUInt16BE(0);
      const entry = `${NAMES[frame.opcode]}:${data}`;
      if (frame.opcode === 8) this.#close ??= entry;
      this.log.push(entry);
      return;
    }
    this.#begun.push(frame);
    if (!frame.fin) return;
    const [{ opcode }] = this.#begun as [PeerFrame];
    const payload = this.#begun.length === 1 ? frame.payload : Buffer.concat(this.#begun.map(({ payload }) => payload));
    this.#begun = [];
    this.messages.push(opcode === 1 ? payload.toString() : payload);
    this.log.push(`${NAMES[opcode]}:${payload.length > LONG ? payload.length : payload.toString("latin1")}`);
  }
}
