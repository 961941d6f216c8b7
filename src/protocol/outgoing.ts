// Messages -> frames: extensions, and fragments (RFC 6455 §5.4).

import { asBytes, asUnshared, concat } from "../frame/bytes.ts";
import type { FrameEncoder } from "../frame/encoder.ts";
import { Opcode } from "../frame/opcodes.ts";
import { checkUtf8, encodeUtf8 } from "../frame/utf8.ts";
import type { OpenExtension } from "./extensions.ts";

const NOTHING: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

/** A piece of a message as bytes, and what it leaves over for the next. @internal */
export interface OutgoingPiece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
  /** A high surrogate at its end, which may have its other half in the next piece. It is not in `bytes`. */
  readonly surrogate: string;
  /** Of text that came as bytes, the beginning of a character at its end. It is in `bytes`. */
  readonly incomplete: Uint8Array<ArrayBuffer>;
}

/** A text or binary message on its way out, in one piece or several. @internal */
export class OutgoingMessage {
  readonly text: boolean;
  readonly #compress: boolean | undefined;
  /** Those that have taken the message on, once its first piece has been sent. */
  #extensions: readonly OpenExtension[];
  /** The piece that was sent last. */
  #before: OutgoingPiece | undefined = undefined;

  constructor(text: boolean, compress: boolean | undefined, extensions: readonly OpenExtension[]) {
    this.text = text;
    this.#compress = compress;
    this.#extensions = extensions;
  }

  /**
   * The next piece, which is not sent yet: what is wrong with it shows here, and leaves the message as it was.
   * @throws TypeError if it is neither a string nor bytes, or bytes of text that are not UTF-8
   */
  read(data: string | Uint8Array, last: boolean): OutgoingPiece {
    const { surrogate: before, incomplete } = this.#before ?? { surrogate: "", incomplete: NOTHING };
    let surrogate = "";
    let bytes: Uint8Array<ArrayBuffer>;
    if (typeof data === "string") {
      const text = before + data;
      const code = text.charCodeAt(text.length - 1);
      if (!last && code >= 0xd800 && code <= 0xdbff) surrogate = text.slice(-1);
      bytes = encodeUtf8(surrogate === "" ? text : text.slice(0, -1));
    } else {
      // Bytes that others write to meanwhile would not be those that are checked.
      const own = asUnshared(asBytes(data));
      // A surrogate that stays alone is U+FFFD.
      bytes = before === "" ? own : concat([encodeUtf8(before), own]);
    }
    // Of strings alone there is nothing to check.
    if (!this.text || (typeof data === "string" && incomplete.length === 0)) {
      return { bytes, last, surrogate, incomplete: NOTHING };
    }
    const all = concat([incomplete, bytes]);
    const rest = checkUtf8(all, last);
    return { bytes, last, surrogate, incomplete: all.subarray(all.length - rest) };
  }

  /** Queues a piece that read() returned, in frames of at most `fragmentSize` bytes. */
  send(encoder: FrameEncoder, piece: OutgoingPiece, fragmentSize: number): void {
    const { text } = this;
    const { last } = piece;
    const first = this.#before === undefined;
    let payload: Uint8Array = piece.bytes;
    let rsv = 0;
    const taken: OpenExtension[] = [];
    for (const extension of this.#extensions) {
      const encoded = extension.session.encode({ payload, text, first, last, compress: this.#compress });
      if (encoded === undefined) continue;
      payload = encoded;
      rsv |= extension.rsv;
      taken.push(extension);
    }
    this.#extensions = taken;
    this.#before = piece;
    sendFrames(encoder, { text, payload, first, last, rsv }, fragmentSize);
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
