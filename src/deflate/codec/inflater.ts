// The receiving direction of a connection: RFC 7692 §7.2.2.

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
 * What is put behind a message: the four bytes that its sender has taken away (§7.2.2), and an empty block that says
 * that it is the last. A stream that ends there was whole; one that was cut inside a block swallows these bytes as its
 * data, and does not come to an end.
 */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff);
/** How much is allocated at a time for what follows a final block, in bytes: it may be anything from nothing to the whole rest. */
const CHUNK_AFTER_FINAL = 16384;

const SCRATCH_LENGTH = 16384;
/** Where short messages get their tail. Undefined while in use: a codec may be anything. */
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

  /** The bytes that it holds between messages. */
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
      // Nothing can follow: the window is not what the peer's is.
      this.#window.clear();
      throw error;
    } finally {
      // The next message's codec sees all of it.
      if (borrowed) scratch = input.fill(0, 0, length);
    }
  }

  #inflate(input: Uint8Array, message: IncomingMessage): Uint8Array {
    const maxLength = Math.min(message.maxLength, maxByRatio(this.#settings, message.payload.length));
    const end = input.length;
    // The message's last block may be final itself: a sender that leaves out the empty block behind it is understood.
    const endWithoutFlush = message.payload.length;

    const size = 2 ** this.#bits;
    const before = this.#window.last(size);
    const first = this.#stream(input, { dictionary: before, windowBits: this.#bits, maxLength }, message);
    let at = first.bytesRead;
    if (at === end || at === endWithoutFlush) return first.data;

    // There are blocks behind a final one: to zlib they are a stream of their own, to LZ77 they go on.
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
      // Each that did not end with the tail ended with a block of the peer's.
      if (at !== end && pieces.length > MAX_FINAL_BLOCKS) throw tooManyFinalBlocks(message.byteOffset);
      window.push(data, size);
    }
    return concat(pieces);
  }

  /** One DEFLATE stream, with what can be wrong with it as WebSocketErrors. */
  #stream(input: Uint8Array, settings: InflateSettings, message: IncomingMessage): Inflated {
    let inflated: Inflated;
    try {
      inflated = this.#codec.inflate(input, settings);
    } catch (error) {
      // By name: a codec's may be of another realm.
      if (error instanceof Error && error.name === "RangeError")
        throw tooLong(this.#settings, message.payload.length, message);
      throw corrupt(message.byteOffset, error);
    }
    const { data, bytesRead } = inflated;
    if (data.length > settings.maxLength) throw tooLong(this.#settings, message.payload.length, message);
    return { data: inOwnBuffer(data), bytesRead };
  }

  /** The connection is over. */
  end(): void {
    this.#window.clear();
  }
}
