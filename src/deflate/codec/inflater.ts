// The receiving direction of a connection (RFC 7692 §7.2.2).

import { MAX_FINAL_BLOCKS } from "../../../assembly/deflate/memory.ts";
import { concat } from "../../frame/bytes.ts";
import type { IncomingMessage } from "../../frame/extension.ts";
import { corrupt, maxByRatio, tooLong, tooManyFinalBlocks } from "../errors.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import type { DeflateCodec, Inflated, InflateSettings } from "./codec.ts";
import { inOwnBuffer } from "./own.ts";
import { HistoryWindow } from "./window.ts";

/**
 * Appended to each message: the four bytes that the sender removed (§7.2.2), and an empty final block. A complete message ends
 * with that block. One that was cut inside a block reads these bytes as data and does not end.
 */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff);
/**
 * How much to allocate at a time, in bytes, for data after a final block. The length of that data is unknown.
 */
const CHUNK_AFTER_FINAL = 16384;

const SCRATCH_LENGTH = 16384;
/** A buffer in which short messages get their tail. Undefined while in use, because a codec may call back. */
let scratch: Uint8Array | undefined;

/** @internal */
export class Inflater {
  readonly #settings: PerMessageDeflateSettings;
  readonly #codec: DeflateCodec;
  readonly #bits: number;
  readonly #takeover: boolean;
  readonly #window = new HistoryWindow();

  constructor(settings: PerMessageDeflateSettings, codec: DeflateCodec, { bits, takeover }: Side) {
    this.#settings = settings;
    this.#codec = codec;
    this.#bits = bits;
    this.#takeover = takeover;
  }

  /** The number of bytes kept between messages. */
  get held(): number {
    return this.#window.capacity;
  }

  decode(message: IncomingMessage): Uint8Array {
    const length = message.payload.length + TAIL.length;
    const borrowed = length <= SCRATCH_LENGTH;
    const input = borrowed ? (scratch ?? new Uint8Array(SCRATCH_LENGTH)) : new Uint8Array(length);
    if (borrowed) scratch = undefined;
    input.set(message.payload);
    input.set(TAIL, message.payload.length);
    try {
      const data = this.#inflate(input.subarray(0, length), message);
      if (this.#takeover) this.#window.push(data, 2 ** this.#bits);
      return data;
    } catch (error) {
      // No later message can be decoded, because the window differs from the peer's.
      this.#window.clear();
      throw error;
    } finally {
      // The codec gets the whole buffer with the next message, so do not leave this one in it.
      if (borrowed) scratch = input.fill(0, 0, length);
    }
  }

  #inflate(input: Uint8Array, message: IncomingMessage): Uint8Array {
    const maxLength = Math.min(message.maxLength, maxByRatio(this.#settings, message.payload.length));
    const end = input.length;
    // The last block may itself be final, if the sender left out the empty block after it.
    const endWithoutFlush = message.payload.length;

    const size = 2 ** this.#bits;
    const before = this.#window.last(size);
    const first = this.#stream(input, { dictionary: before, windowBits: this.#bits, maxLength }, message);
    let at = first.bytesRead;
    if (at === end || at === endWithoutFlush) return first.data;

    // Blocks follow a final one: zlib sees a new stream, but matches may refer back across it.
    const pieces = [first.data];
    let total = first.data.length;
    const window = new HistoryWindow();
    window.push(before, size);
    window.push(first.data, size);
    while (at !== end && at !== endWithoutFlush) {
      const dictionary = window.last(size);
      const left = maxLength - total;
      const settings = { dictionary, windowBits: this.#bits, maxLength: left, maxChunk: CHUNK_AFTER_FINAL };
      const { data, bytesRead } = this.#stream(input.subarray(at), settings, message);
      at += bytesRead;
      total += data.length;
      pieces.push(data);
      // A stream that does not end with the tail ended with a final block of the peer.
      if (at !== end && pieces.length > MAX_FINAL_BLOCKS) throw tooManyFinalBlocks(message.byteOffset);
      window.push(data, size);
    }
    return concat(pieces);
  }

  /** Inflates one DEFLATE stream. Faults are thrown as WebSocketErrors. */
  #stream(input: Uint8Array, settings: InflateSettings, message: IncomingMessage): Inflated {
    let inflated: Inflated;
    try {
      inflated = this.#codec.inflate(input, settings);
    } catch (error) {
      // Compare the name: the codec may be from another realm.
      if (error instanceof Error && error.name === "RangeError")
        throw tooLong(this.#settings, message.payload.length, message);
      throw corrupt(message.byteOffset, error);
    }
    const { data, bytesRead } = inflated;
    if (data.length > settings.maxLength) throw tooLong(this.#settings, message.payload.length, message);
    return { data: inOwnBuffer(data), bytesRead };
  }

  /** Frees the window after the end of the connection. */
  end(): void {
    this.#window.clear();
  }
}
