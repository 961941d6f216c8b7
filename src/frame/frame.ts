import {
  BIT_FIN,
  BITS_OPCODE,
  BITS_RSV,
  FLAG_HEADER_MASK,
  FLAG_HEADER_SHIFT,
  FLAG_MASKED,
  RECORD_FROM,
  RECORD_LENGTH,
  RECORD_PAYLOAD,
} from "../../assembly/memory.ts";
import type { Batch } from "./batch.ts";
import type { FrameSource } from "./source.ts";
import { decodeUtf8 } from "./utf8.ts";

/** What every view of a frame's header tells (RFC 6455 §5.2). */
abstract class HeaderFields {
  /** The core's record flags of the frame. @internal */
  flags: number;

  /** @internal */
  constructor(flags: number) {
    this.flags = flags;
  }

  /** Whether this is the last, or only, frame of its message. */
  get fin(): boolean {
    return (this.flags & BIT_FIN) !== 0;
  }

  /** RSV1 to RSV3 as a number of three bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  get rsv(): number {
    return (this.flags & BITS_RSV) >> 4;
  }

  /** One of Opcode: the decoder lets no other through. */
  get opcode(): number {
    return this.flags & BITS_OPCODE;
  }

  /** Whether the payload was masked on the wire. The payload that you get never is. */
  get masked(): boolean {
    return (this.flags & FLAG_MASKED) !== 0;
  }

  /** Length of the header on the wire in bytes, 2 to 14. */
  get headerLength(): number {
    return (this.flags >> FLAG_HEADER_SHIFT) & FLAG_HEADER_MASK;
  }
}

/** The four bytes of a masking-key from the little-endian number that the core works with. */
function maskKeyBytes(key: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(key, key >>> 8, key >>> 16, key >>> 24);
}

/**
 * The header of a frame, as a sink gets it. One object serves a whole call: what it says holds until
 * the callback returns.
 */
export class FrameHeader extends HeaderFields {
  readonly #batch: Batch;
  // Those of the batch, at hand: each message asks for them.
  readonly #i32: Int32Array;
  readonly #toStream: number;
  /** The address of the frame's record, which the rest is read from when it is asked for. @internal */
  record = 0;
  /** How many payload bytes of the frame have not arrived. @internal */
  remaining = 0;

  /** @internal */
  constructor(batch: Batch) {
    super(0);
    this.#batch = batch;
    this.#i32 = batch.i32;
    this.#toStream = batch.toStream;
  }

  /** Where in the window the payload stood, or stands. */
  #from(): number {
    return this.#i32[(this.record + RECORD_FROM) >> 2]!;
  }

  /** Length of the whole payload in bytes, of which the first may not have arrived yet. */
  get payloadLength(): number {
    return this.#i32[(this.record + RECORD_LENGTH) >> 2]! + this.remaining;
  }

  /** Where in the stream the payload starts, in bytes. */
  get payloadOffset(): number {
    return this.#toStream + this.#from();
  }

  /** Where in the stream the header starts, in bytes. */
  get headerOffset(): number {
    return this.payloadOffset - this.headerLength;
  }

  /** The four bytes of the masking-key, or undefined. A new array at each call. */
  get maskKey(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.masked) return undefined;
    const { detached, i32, bytes } = this.#batch;
    return detached
      ? maskKeyBytes(i32[(this.record + RECORD_PAYLOAD) >> 2]!)
      : bytes.slice(this.#from() - 4, this.#from());
  }
}

/**
 * A whole frame, as decode() returns it. What is not asked for is not made: the payload is a view that is
 * created at first use.
 */
export class Frame extends HeaderFields {
  /** Length of the payload in bytes. */
  readonly payloadLength: number;
  readonly #source: FrameSource;
  readonly #position: number;
  #payload: Uint8Array<ArrayBuffer> | undefined = undefined;

  /** @internal */
  constructor(source: FrameSource, flags: number, position: number, length: number) {
    super(flags);
    this.payloadLength = length;
    this.#source = source;
    this.#position = position;
  }

  /**
   * The payload, unmasked: a view on the chunk that was decoded (with `copy`, and for a frame that spanned chunks, on bytes
   * of its own). Yours, as long as the chunk is.
   */
  get payload(): Uint8Array<ArrayBuffer> {
    const source = this.#source;
    return (this.#payload ??= new Uint8Array(source.buffer, source.byteOffset + this.#position, this.payloadLength));
  }

  /**
   * The payload as a string: UTF-8, a BOM kept, what is not UTF-8 as U+FFFD. A new string at each call.
   *
   * Strings of short ASCII frames that follow one another in a chunk are slices of one that is made when the first of them
   * is asked for; `textSlack` bounds how long it is. So ask for the text before you write to any of their payloads: what
   * you write later may be missing from it.
   */
  get text(): string {
    return this.#source.cut(this.#position, this.payloadLength) ?? decodeUtf8(this.payload);
  }

  /** The four bytes of the masking-key, or undefined. A new array at each call. */
  get maskKey(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.masked) return undefined;
    const { key, buffer, byteOffset } = this.#source;
    return key === undefined ? new Uint8Array(buffer, byteOffset + this.#position - 4, 4).slice() : maskKeyBytes(key);
  }

  /** Where in the stream the payload starts, in bytes. */
  get payloadOffset(): number {
    return this.#source.streamOffset + this.#position;
  }

  /** Where in the stream the header starts, in bytes. */
  get headerOffset(): number {
    return this.payloadOffset - this.headerLength;
  }
}
