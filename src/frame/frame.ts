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

/** The fields of a frame's header (RFC 6455 §5.2). */
abstract class HeaderFields {
  /** The frame's record flags, as in the core. @internal */
  flags: number;

  /** @internal */
  constructor(flags: number) {
    this.flags = flags;
  }

  /** Whether this is the last frame of its message, or the only one. */
  get fin(): boolean {
    return (this.flags & BIT_FIN) !== 0;
  }

  /** RSV1 to RSV3 as a number of three bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  get rsv(): number {
    return (this.flags & BITS_RSV) >> 4;
  }

  /** One of Opcode. The decoder refuses all others. */
  get opcode(): number {
    return this.flags & BITS_OPCODE;
  }

  /** Whether the payload was masked when it arrived. The payload that you get never is. */
  get masked(): boolean {
    return (this.flags & FLAG_MASKED) !== 0;
  }

  /** Length of the header on the wire, in bytes: 2 to 14. */
  get headerLength(): number {
    return (this.flags >> FLAG_HEADER_SHIFT) & FLAG_HEADER_MASK;
  }
}

/** Converts the core's little-endian number to the four bytes of a masking-key. */
function maskKeyBytes(key: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(key, key >>> 8, key >>> 16, key >>> 24);
}

/**
 * The header of a frame, for a sink. The decoder reuses the object: its fields are valid until the callback returns.
 * Copy the ones that you need later.
 */
export class FrameHeader extends HeaderFields {
  readonly #batch: Batch;
  // Copied from the batch, because they are read for each message.
  readonly #i32: Int32Array;
  readonly #toStream: number;
  /** Address of the frame's record. The other fields are read from there on demand. @internal */
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

  /** Address of the payload in the window, before it was moved. */
  #from(): number {
    return this.#i32[(this.record + RECORD_FROM) >> 2]!;
  }

  /** Length of the whole payload, in bytes. Some or all of it may not have arrived yet. */
  get payloadLength(): number {
    return this.#i32[(this.record + RECORD_LENGTH) >> 2]! + this.remaining;
  }

  /** Offset of the payload in the stream, in bytes. */
  get payloadOffset(): number {
    return this.#toStream + this.#from();
  }

  /** Offset of the header in the stream, in bytes. */
  get headerOffset(): number {
    return this.payloadOffset - this.headerLength;
  }

  /** The four bytes of the masking-key in a new array, or undefined if the frame was not masked (RFC 6455 §5.3). */
  get maskKey(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.masked) return undefined;
    const { detached, i32, bytes } = this.#batch;
    return detached
      ? maskKeyBytes(i32[(this.record + RECORD_PAYLOAD) >> 2]!)
      : bytes.slice(this.#from() - 4, this.#from());
  }
}

/** A whole frame, as decode() returns it. Its payload and text are created when you first read them. */
export class Frame extends HeaderFields {
  /** Length of the payload, in bytes. */
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
   * The payload, unmasked. It is a view of the chunk that was decoded, and valid as long as you do not change the
   * chunk. With the option `copy`, or if the frame spanned chunks, it is a view of a copy, which is yours.
   */
  get payload(): Uint8Array<ArrayBuffer> {
    const source = this.#source;
    return (this.#payload ??= new Uint8Array(source.buffer, source.byteOffset + this.#position, this.payloadLength));
  }

  /**
   * The payload as a string, decoded from UTF-8. A BOM is kept, and invalid bytes become U+FFFD. Each read returns a
   * new string.
   *
   * Strings of consecutive short ASCII frames in a chunk are slices of one string, which is made when you read the
   * first of them; `textSlack` limits its length. Read `text` before you change any of their payloads: later changes
   * may not show up in it.
   */
  get text(): string {
    return this.#source.cut(this.#position, this.payloadLength) ?? decodeUtf8(this.payload);
  }

  /** The four bytes of the masking-key in a new array, or undefined if the frame was not masked (RFC 6455 §5.3). */
  get maskKey(): Uint8Array<ArrayBuffer> | undefined {
    if (!this.masked) return undefined;
    const { key, buffer, byteOffset } = this.#source;
    return key === undefined ? new Uint8Array(buffer, byteOffset + this.#position - 4, 4).slice() : maskKeyBytes(key);
  }

  /** Offset of the payload in the stream, in bytes. */
  get payloadOffset(): number {
    return this.#source.streamOffset + this.#position;
  }

  /** Offset of the header in the stream, in bytes. */
  get headerOffset(): number {
    return this.payloadOffset - this.headerLength;
  }
}
