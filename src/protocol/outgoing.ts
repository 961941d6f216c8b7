// Messages -> frames: extensions, and fragments (RFC 6455 §5.4).

import type { FrameEncoder } from "../frame/encoder.ts";
import { Opcode } from "../frame/opcodes.ts";
import { assertBytes } from "../frame/options.ts";
import { encodeUtf8 } from "../frame/text.ts";
import type { OpenExtension } from "./extensions.ts";

/** A text or binary message on its way out, in one piece or several. @internal */
export class OutgoingMessage {
  readonly text: boolean;
  readonly #compress: boolean | undefined;
  /** Those that have taken the message on, once its first piece has been sent. */
  #extensions: readonly OpenExtension[];
  #begun = false;
  /** A high surrogate at the end of a piece, which may have its other half in the next. */
  #surrogate = "";
  /** Checks text that comes as bytes. */
  #validator: TextDecoder | undefined = undefined;

  constructor(text: boolean, compress: boolean | undefined, extensions: readonly OpenExtension[]) {
    this.text = text;
    this.#compress = compress;
    this.#extensions = extensions;
  }

  /**
   * Queues the next piece, in frames of at most `fragmentSize` bytes.
   * @throws TypeError if it is neither a string nor bytes, or bytes of text that are not UTF-8
   */
  send(encoder: FrameEncoder, data: string | Uint8Array, last: boolean, fragmentSize: number): void {
    let payload = this.#bytes(data, last);
    const first = !this.#begun;
    let rsv = 0;
    const taken: OpenExtension[] = [];
    for (const extension of this.#extensions) {
      const encoded = extension.session.encode({ payload, text: this.text, first, last, compress: this.#compress });
      if (encoded === undefined) continue;
      payload = encoded;
      rsv |= extension.rsv;
      taken.push(extension);
    }
    this.#extensions = taken;
    this.#begun = true;
    sendFrames(encoder, { text: this.text, payload, first, last, rsv }, fragmentSize);
  }

  #bytes(data: string | Uint8Array, last: boolean): Uint8Array {
    if (typeof data !== "string") {
      assertBytes(data, "data");
      if (!this.text) return data;
      this.#validator ??= new TextDecoder("utf-8", { fatal: true });
    }
    const bytes = typeof data === "string" ? encodeUtf8(this.#wholeCharacters(data, last)) : this.#afterSurrogate(data);
    try {
      this.#validator?.decode(bytes, { stream: !last });
    } catch (error) {
      throw new TypeError("Text must be valid UTF-8 (RFC 6455 §8.1)", { cause: error });
    }
    return bytes;
  }

  /** The text with what was left of the last piece, and without half a character at its end. */
  #wholeCharacters(data: string, last: boolean): string {
    const text = this.#surrogate + data;
    const code = text.charCodeAt(text.length - 1);
    const cut = !last && code >= 0xd800 && code <= 0xdbff;
    this.#surrogate = cut ? text.slice(-1) : "";
    return cut ? text.slice(0, -1) : text;
  }

  #afterSurrogate(bytes: Uint8Array): Uint8Array {
    if (this.#surrogate === "") return bytes;
    // It stays alone: U+FFFD.
    const before = encodeUtf8(this.#surrogate);
    this.#surrogate = "";
    const all = new Uint8Array(before.length + bytes.length);
    all.set(before);
    all.set(bytes, before.length);
    return all;
  }
}

/** A message, or a piece of one, as extensions leave it. @internal */
export interface EncodedPart {
  readonly text: boolean;
  readonly payload: Uint8Array;
  readonly first: boolean;
  readonly last: boolean;
  readonly rsv: number;
}

/** Queues the frames of a message, or of a piece of one. @internal */
export function sendFrames(encoder: FrameEncoder, part: EncodedPart, fragmentSize: number): void {
  const { payload } = part;
  let at = 0;
  do {
    const end = Math.min(at + fragmentSize, payload.length);
    const first = part.first && at === 0;
    encoder.frame({
      opcode: first ? (part.text ? Opcode.Text : Opcode.Binary) : Opcode.Continuation,
      payload: at === 0 && end === payload.length ? payload : payload.subarray(at, end),
      fin: part.last && end === payload.length,
      rsv: first ? part.rsv : 0,
    });
    at = end;
  } while (at < payload.length);
}
