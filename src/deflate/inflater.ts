// The receiving direction of a connection: RFC 7692 §7.2.2.

import { concat } from "../frame/bytes.ts";
import { WebSocketError } from "../frame/errors.ts";
import type { IncomingMessage } from "../frame/extension.ts";
import type { Inflated } from "./codec.ts";
import type { Settings } from "./options.ts";
import { HistoryWindow } from "./window.ts";

/**
 * What is put behind a message: the four bytes that its sender has taken away (§7.2.2), and an empty block that says
 * that it is the last. A stream that ends there was whole; one that was cut inside a block swallows these bytes as its
 * data, and does not come to an end.
 */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff);
/**
 * Blocks with BFINAL set (§7.2.3.4) are a call each, of about 20 µs: a message may have so many, and another for each so
 * many bytes.
 */
const FREE_FINAL_BLOCKS = 16;
const BYTES_PER_FINAL_BLOCK = 256;
/** A result may stand in a buffer that is larger by so much; else it is copied to one of its own. */
const SLACK = 1024;

const SCRATCH_LENGTH = 16384;
/** Where short messages get their tail. Undefined while in use: a codec may be anything. */
let scratch: Uint8Array | undefined;

/** @internal */
export class Inflater {
  readonly #settings: Settings;
  readonly #bits: number;
  readonly #takeover: boolean;
  readonly #window = new HistoryWindow();

  constructor(settings: Settings, bits: number, takeover: boolean) {
    this.#settings = settings;
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
      if (borrowed) scratch = input;
    }
  }

  #inflate(input: Uint8Array, message: IncomingMessage): Uint8Array {
    const maxLength = Math.min(message.maxLength, this.#maxByRatio(message));
    const end = input.length;
    // The message's last block may be final itself: a sender that leaves out the empty block behind it is understood.
    const endWithoutFlush = message.payload.length;

    const size = 2 ** this.#bits;
    const before = this.#window.last(size);
    const first = this.#stream(input, before, maxLength, message);
    let at = first.bytesRead;
    if (at === end || at === endWithoutFlush) return own(first.data);

    // There are blocks behind a final one: to zlib they are a stream of their own, to LZ77 they go on.
    const pieces = [first.data];
    let total = first.data.length;
    const maxBlocks = FREE_FINAL_BLOCKS + message.payload.length / BYTES_PER_FINAL_BLOCK;
    const window = new HistoryWindow();
    window.push(before, size);
    window.push(first.data, size);
    while (at !== end && at !== endWithoutFlush) {
      if (pieces.length > maxBlocks) throw corrupt(message, "There are too many final blocks");
      const { data, bytesRead } = this.#stream(input.subarray(at), window.last(size), maxLength - total, message);
      at += bytesRead;
      total += data.length;
      pieces.push(data);
      window.push(data, size);
    }
    return concat(pieces);
  }

  /** One DEFLATE stream, with what can be wrong with it as WebSocketErrors. */
  #stream(data: Uint8Array, dictionary: Uint8Array, maxLength: number, message: IncomingMessage): Inflated {
    let result: Inflated;
    try {
      result = this.#settings.codec.inflate(data, { dictionary, windowBits: this.#bits, maxLength });
    } catch (error) {
      // By name: a codec's may be of another realm.
      if (error instanceof Error && error.name === "RangeError") throw this.#tooLong(message);
      throw corrupt(message, error instanceof Error ? error.message : String(error));
    }
    if (result.data.length > maxLength) throw this.#tooLong(message);
    return result;
  }

  #maxByRatio({ payload }: IncomingMessage): number {
    const { maxInflateRatio, freeInflation } = this.#settings;
    if (maxInflateRatio === Infinity) return Infinity;
    return Math.max(freeInflation, Math.floor(maxInflateRatio * payload.length));
  }

  #tooLong(message: IncomingMessage): WebSocketError {
    const { maxLength, byteOffset } = message;
    if (this.#maxByRatio(message) < maxLength) {
      const { maxInflateRatio } = this.#settings;
      return new WebSocketError(
        "WS_ERR_INFLATE_RATIO",
        `The message inflates to more than ${maxInflateRatio} times its length (maxInflateRatio, byte ${byteOffset})`,
        { closeCode: 1009, byteOffset, rule: "maxInflateRatio" },
      );
    }
    return new WebSocketError(
      "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
      `The message inflates to more than ${maxLength} bytes (maxMessage, byte ${byteOffset})`,
      { closeCode: 1009, byteOffset, rule: "maxMessage" },
    );
  }
}

function corrupt({ byteOffset }: IncomingMessage, what: string): WebSocketError {
  return new WebSocketError(
    "WS_ERR_INVALID_COMPRESSED_DATA",
    `The message is not valid compressed data: ${what} (RFC 7692 §7.2.2, byte ${byteOffset})`,
    { closeCode: 1007, byteOffset, rule: "RFC 7692 §7.2.2" },
  );
}

/** A message that is kept must not keep much else alive. */
function own(data: Uint8Array): Uint8Array {
  return data.buffer.byteLength - data.length > SLACK ? new Uint8Array(data) : data;
}
