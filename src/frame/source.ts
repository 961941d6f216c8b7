import { BIT_MASK, WINDOW_SIZE } from "../../assembly/memory.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Where the bytes of a stretch are while its string is made: a header more, should the last not be one. */
let scratch: DataView<ArrayBuffer> | undefined;

/**
 * What frames of one decode() call share: the bytes that their payloads are views on. Those of short ASCII frames that
 * follow one another, a stretch, also share the string that theirs are cut from.
 * @internal
 */
export class FrameSource {
  readonly buffer: ArrayBuffer;
  /** Where in `buffer` the bytes begin that positions count from. */
  readonly byteOffset: number;
  /** Where in the stream they begin. */
  readonly streamOffset: number;
  /** Positions of the stretch: of its first header, and of the end of its last payload. */
  readonly #start: number;
  #end: number;
  /** The masking-key, if it is not right before the payload. */
  readonly key: number | undefined;
  /** Its string: "" before it is made, undefined if each payload is on its own. */
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

  /** Adds a frame to the stretch, unless it does not follow it, or would make it longer than `limit`. */
  extend(start: number, end: number, limit: number): boolean {
    if (start !== this.#end || end - this.#start > limit) return false;
    this.#end = end;
    this.#text = "";
    return true;
  }

  /** The string of a payload of the stretch; undefined if it has to be made alone. */
  cut(position: number, length: number): string | undefined {
    const text = this.#text === "" ? this.#makeText() : this.#text;
    const at = position - this.#start;
    return text?.slice(at, at + length);
  }

  /**
   * Headers become NUL, so that the string has one code unit for each byte. Another length says that somebody
   * has written to the bytes: then there is nothing to cut.
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
