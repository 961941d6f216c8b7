// The sending direction of a connection (RFC 7692 §7.2.1).

import type { OutgoingPart } from "../../frame/extension.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import type { DeflateCodec } from "./codec.ts";
import { inOwnBuffer } from "./own.ts";
import { HistoryWindow } from "./window.ts";

const NOTHING = new Uint8Array(0);
/** The length of the end of a sync flush: an empty stored block without the bits that begin it. */
const FLUSH_LENGTH = 4;

/** @internal */
export class Deflater {
  readonly #settings: PerMessageDeflateSettings;
  readonly #codec: DeflateCodec;
  readonly #bits: number;
  readonly #takeover: boolean;
  readonly #window = new HistoryWindow();
  /** How much of the sent data is kept. It exceeds `history` only after a message that could use more. */
  #kept = 0;

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

  get releaseAfter(): number {
    return this.#takeover ? this.#settings.releaseAfter : Infinity;
  }

  encode({ payload, first, last, compress }: OutgoingPart): Uint8Array | undefined {
    const whole = first && last;
    if (first && !this.wants(payload.length, whole, compress)) return undefined;
    const encoded = this.#deflate(payload, last, this.#window.last(this.#reach(payload)));
    if (whole && compress === undefined && encoded.length >= payload.length) return undefined;
    // Context is always kept within a message, and between messages if that was agreed on (§7.2.1).
    if (this.#takeover || !last) this.#remember(payload);
    else this.#window.clear();
    return encoded;
  }

  encodePrepared(payload: Uint8Array, prepared: Map<string, Uint8Array>, compress?: boolean): Uint8Array | undefined {
    if (!this.wants(payload.length, true, compress)) return undefined;
    const { level, memLevel, strategy } = this.#settings;
    const key = `permessage-deflate;${this.#bits};${level};${memLevel};${strategy}`;
    let encoded = prepared.get(key);
    if (encoded === undefined) {
      // Copied to a buffer of its own length, because it is kept.
      encoded = new Uint8Array(this.#deflate(payload, true, NOTHING));
      prepared.set(key, encoded);
    }
    if (compress === undefined && encoded.length >= payload.length) return undefined;
    if (this.#takeover) this.#remember(payload);
    return encoded;
  }

  wants(length: number, whole: boolean, compress: boolean | undefined): boolean {
    return compress ?? (!whole || length >= this.#settings.threshold);
  }

  #deflate(payload: Uint8Array, last: boolean, dictionary: Uint8Array): Uint8Array {
    // §7.2.3.6: an empty message is the header bits of an empty block. An empty fragment has nothing to flush.
    if (payload.length === 0) return last ? Uint8Array.of(0) : NOTHING;
    const { level, memLevel, strategy } = this.#settings;
    const settings = { dictionary, windowBits: this.#bits, level, memLevel, strategy };
    const flushed = inOwnBuffer(this.#codec.deflate(payload, settings));
    if (!endsWithFlush(flushed)) throw new TypeError("codec.deflate() must end with a sync flush: 00 00 ff ff");
    return last ? flushed.subarray(0, -FLUSH_LENGTH) : flushed;
  }

  /** Forgets the sent data. */
  release(): void {
    this.#window.clear();
  }

  /** How far back a message may refer. Hashing more takes time, which a long message needs anyway. */
  #reach({ length }: Uint8Array): number {
    return Math.min(Math.max(this.#settings.history, 2 * length), 2 ** this.#bits);
  }

  #remember(payload: Uint8Array): void {
    this.#kept = Math.max(this.#kept, this.#reach(payload));
    this.#window.push(payload, this.#kept);
  }
}

function endsWithFlush(bytes: Uint8Array): boolean {
  const { length } = bytes;
  if (length <= FLUSH_LENGTH) return false;
  return bytes[length - 4] === 0 && bytes[length - 3] === 0 && bytes[length - 2] === 0xff && bytes[length - 1] === 0xff;
}
