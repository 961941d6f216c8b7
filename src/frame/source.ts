import { BIT_MASK, WINDOW_SIZE } from "../../assembly/memory.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A copy of a stretch while its string is made, with room to read a header after its end. */
let scratch: DataView<ArrayBuffer> | undefined;

/**
 * The bytes that the payloads of one decode() call are views of. Consecutive short ASCII frames, a stretch, also share
 * the string that their texts are cut from.
 * @internal
 */
export class FrameSource {
  readonly buffer: ArrayBuffer;
  /** Positions count from this offset in `buffer`. */
  readonly byteOffset: number;
  /** The same place as an offset in the stream. */
  readonly streamOffset: number;
  /** Positions in the stretch: its first header, and the end of its last payload. */
  readonly #start: number;
  #end: number;
  /** The masking-key, unless it is right before the payload. */
  readonly key: number | undefined;
  /** The string of the stretch: "" until it is made, undefined if each payload is decoded separately. */
  #text: string | undefined = undefined;

  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    offset: number,
    streamOffset: number,
    key?: number,
    start: number = 0,
    end: number = 0,
  ) {
    this.buffer = bytes.buffer;
    this.byteOffset = bytes.byteOffset + offset;
    this.streamOffset = streamOffset;
    this.#start = start;
    this.#end = end;
    this.key = key;
  }

  /** Adds a frame to the stretch, unless there is a gap or the stretch would be longer than `limit`. */
  extend(start: number, end: number, limit: number): boolean {
    if (start !== this.#end || end - this.#start > limit) return false;
    this.#end = end;
    this.#text = "";
    return true;
  }

  /** Returns the string of a payload in the stretch, or undefined if it must be decoded separately. */
  cut(position: number, length: number): string | undefined {
    const text = this.#text === "" ? this.#makeText() : this.#text;
    const at = position - this.#start;
    return text?.slice(at, at + length);
  }

  /**
   * Replaces headers with NUL, so that the string has one code unit per byte. If its length differs, the bytes have
   * been changed since, and nothing can be cut from it.
   */
  #makeText(): string | undefined {
    const size = this.#end - this.#start;
    scratch ??= new DataView(new ArrayBuffer(WINDOW_SIZE + 6));
    const bytes = new Uint8Array(scratch.buffer, 0, size);
    bytes.set(new Uint8Array(this.buffer, this.byteOffset + this.#start, size));
    for (let at = 0; at < size;) {
      const head = scratch.getUint16(at);
      scratch.setUint16(at, 0);
      at += 2;
      if (head & BIT_MASK) {
        scratch.setUint32(at, 0);
        at += 4;
      }
      at += head & (BIT_MASK - 1);
    }
    const text = decodeUtf8(bytes);
    return (this.#text = text.length === size ? text : undefined);
  }
}
