// The sending direction of a connection: RFC 7692 §7.2.1.

import type { OutgoingPart } from "../../frame/extension.ts";
import type { PerMessageDeflateSettings } from "../options.ts";
import type { Side } from "../sides.ts";
import type { DeflateCodec } from "./codec.ts";
import { inOwnBuffer } from "./own.ts";
import { HistoryWindow } from "./window.ts";

const NOTHING = new Uint8Array(0);
/** What a sync flush ends with: an empty block without compression, but for the bits that begin it. */
const FLUSH_LENGTH = 4;

/** @internal */
export class Deflater {
  readonly #settings: PerMessageDeflateSettings;
  readonly #codec: DeflateCodec;
  readonly #bits: number;
  readonly #takeover: boolean;
  readonly #window = new HistoryWindow();
  /** How much of what was sent is kept: more than `history` only once there was a message that could use it. */
  #kept = 0;

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

  get releaseAfter(): number {
    return this.#takeover ? this.#settings.releaseAfter : Infinity;
  }

  encode({ payload, first, last, compress }: OutgoingPart): Uint8Array | undefined {
    const whole = first && last;
    if (first && !this.wants(payload.length, whole, compress)) return undefined;
    const encoded = this.#deflate(payload, last, this.#window.last(this.#reach(payload)));
    if (whole && compress === undefined && encoded.length >= payload.length) return undefined;
    // Within a message there is always context; between messages if that was agreed on (§7.2.1).
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
      // In a buffer of its own length: it is kept.
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
    // §7.2.3.6: the header bits of an empty block. A fragment without payload has nothing to flush.
    if (payload.length === 0) return last ? Uint8Array.of(0) : NOTHING;
    const { level, memLevel, strategy } = this.#settings;
    const settings = { dictionary, windowBits: this.#bits, level, memLevel, strategy };
    const flushed = inOwnBuffer(this.#codec.deflate(payload, settings));
    if (!endsWithFlush(flushed)) throw new TypeError("codec.deflate() must end with a sync flush: 00 00 ff ff");
    return last ? flushed.subarray(0, -FLUSH_LENGTH) : flushed;
  }

  /** Forgets what was sent. */
  release(): void {
    this.#window.clear();
  }

  /** How far back a message may refer: hashing all that takes its time, which a long message needs anyway. */
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
