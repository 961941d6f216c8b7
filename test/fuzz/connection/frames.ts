// Reads the frames that a connection has written, strictly by RFC 6455 §5.2, and compares the first ones with the
// reference decoder.

import type { Role } from "../../../src/index.ts";
import { ReferenceDecoder } from "../../reference/decoder.ts";

export interface ReadFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly payload: Buffer;
  /** The position in the stream where the frame ends. */
  readonly end: number;
}

/** How many bytes of each stream the reference decoder reads. It is slow. */
const REFERENCED = 8192;

export class FrameReader {
  /** Whether the side that writes must mask. */
  readonly #masked: boolean;
  readonly #compressed: boolean;
  readonly #reference: ReferenceDecoder;
  #referenced = 0;
  #parts: Buffer[] = [];
  #length = 0;
  #wanted = 2;
  #at = 0;

  constructor(writer: Role, compressed: boolean) {
    this.#masked = writer === "client";
    this.#compressed = compressed;
    this.#reference = new ReferenceDecoder({ server: this.#masked, rsv: compressed ? 4 : 0 });
  }

  /** Whether the position is inside a frame. */
  get isInside(): boolean {
    return this.#length > 0;
  }

  /** @throws Error for an invalid frame */
  push(chunk: Uint8Array): ReadFrame[] {
    if (this.#referenced < REFERENCED) {
      this.#reference.push(chunk);
      this.#referenced += chunk.length;
      const { error } = this.#reference;
      if (error !== undefined) throw new Error(`the connection wrote ${error.code} at ${error.byteOffset}`);
    }
    this.#parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return [];
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const frames: ReadFrame[] = [];
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      this.#wanted = 2;
      if (left < 2) break;
      const first = bytes[at]!;
      const second = bytes[at + 1]!;
      if (second >= 128 !== this.#masked) throw new Error("the masking of a frame does not match its role");
      if ((first & 0x30) !== 0 || ((first & 0x40) !== 0 && !this.#compressed)) throw new Error("a frame has RSV bits");
      const short = second & 127;
      const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
      const header = 2 + lengthBytes + (this.#masked ? 4 : 0);
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
      if (this.#masked) unmask(payload, bytes, at + header - 4);
      at += header + length;
      frames.push({ fin: first >= 128, rsv: (first >> 4) & 7, opcode: first & 15, payload, end: this.#at + at });
    }
    this.#parts = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#length = bytes.length - at;
    this.#at += at;
    return frames;
  }
}

function unmask(payload: Buffer, bytes: Buffer, key: number): void {
  const mask = bytes.readUInt32BE(key);
  if (mask === 0) return;
  for (let i = 0; i < payload.length; i++) payload[i]! ^= (mask >>> (24 - 8 * (i & 3))) & 255;
}
