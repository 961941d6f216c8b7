// Turns messages into frames: applies extensions and splits into fragments (RFC 6455 §5.4).

import { asBytes, asUnshared, concat } from "../frame/bytes.ts";
import type { FrameEncoder } from "../frame/encoder.ts";
import { Opcode } from "../frame/opcodes.ts";
import { checkUtf8, encodeUtf8 } from "../frame/utf8.ts";
import type { OpenExtension } from "./extensions.ts";

const NOTHING: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

/** A piece of a message as bytes, and the rest that it leaves for the next piece. @internal */
export interface OutgoingPiece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
  /** A high surrogate at the end of the piece, not in `bytes`. The next piece may hold its other half. */
  readonly surrogate: string;
  /** For text in bytes: an incomplete character at the end, which is also in `bytes`. */
  readonly incomplete: Uint8Array<ArrayBuffer>;
}

/** An outgoing text or binary message, in one piece or several. @internal */
export class OutgoingMessage {
  readonly text: boolean;
  readonly #compress: boolean | undefined;
  /** All extensions; after the first piece, only those that encode this message. */
  #extensions: readonly OpenExtension[];
  /** The previous piece. */
  #before: OutgoingPiece | undefined = undefined;

  constructor(text: boolean, compress: boolean | undefined, extensions: readonly OpenExtension[]) {
    this.text = text;
    this.#compress = compress;
    this.#extensions = extensions;
  }

  /**
   * Checks the next piece without sending it. If it throws, the message is unchanged.
   * @throws TypeError if data is neither a string nor bytes, or is text in bytes that are not UTF-8
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
      // Shared memory could change between the check and the write.
      const own = asUnshared(asBytes(data));
      // A surrogate without its other half becomes U+FFFD.
      bytes = before === "" ? own : concat([encodeUtf8(before), own]);
    }
    // Text from strings alone needs no check.
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

/** A message or piece, as the extensions encoded it. @internal */
export interface EncodedPart {
  readonly text: boolean;
  readonly payload: Uint8Array;
  readonly first: boolean;
  readonly last: boolean;
  readonly rsv: number;
}

/** Queues the frames of a message or piece. @internal */
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
