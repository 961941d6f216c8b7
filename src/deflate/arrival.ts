// Delivers a compressed message while it is inflated: as text or bytes, whole or in pieces.

import { concat } from "../frame/bytes.ts";
import { Collector, giveAway } from "../frame/collector.ts";
import { WebSocketError } from "../frame/errors.ts";
import type { Arrival, ArrivalSink, Delivery, FailureHandler } from "../frame/extension.ts";
import { invalidUtf8, messageTooLong } from "../frame/message-errors.ts";
import { decodeUtf8, decodeValidPart, decodeValidUtf8, incompleteAtEnd } from "../frame/utf8.ts";
import type { Incoming } from "./core/incoming.ts";

/** @internal */
export class InflatingMessage implements Arrival {
  interrupted = false;
  readonly #text: boolean;
  readonly #delivery: Delivery;
  readonly #handler: FailureHandler;
  readonly #decoder: Incoming;
  /** Where in the stream the frame of the last bytes ends. */
  #byteOffset = 0;
  /** Decodes text that is delivered in pieces, which may be cut inside a character. */
  #characters: TextDecoder | undefined = undefined;
  /** For text that is delivered in pieces: the incomplete character at the end. */
  #incomplete: Uint8Array = NOTHING;
  /** The error that the next call of advance() throws. */
  #fault: unknown = undefined;
  /** For a message that is delivered whole: its text or bytes if it was one piece, else the collector. */
  #string = "";
  #bytes: Uint8Array<ArrayBuffer> | undefined = undefined;
  #collector: Collector | undefined = undefined;

  constructor(decoder: Incoming, text: boolean, delivery: Delivery, handler: FailureHandler) {
    this.#decoder = decoder;
    this.#text = text;
    this.#delivery = delivery;
    this.#handler = handler;
  }

  get done(): boolean {
    return this.#decoder.done && this.#fault === undefined;
  }

  get heldBytes(): number {
    return this.interrupted ? Math.max(1, this.#decoder.heldBytes) : 0;
  }

  feed(bytes: Uint8Array, announced: number, last: boolean, byteOffset: number): void {
    this.#byteOffset = byteOffset;
    this.#decoder.feed(bytes, announced, last, byteOffset);
  }

  advance(sink: ArrivalSink): number {
    if (this.#fault !== undefined) throw this.#failure(this.#fault);
    const piece = this.#read();
    if (piece === undefined) return -1;
    if (this.#text) this.#takeText(piece, sink);
    else this.#takeBytes(piece, sink);
    return piece.length;
  }

  interrupt(): void {
    this.interrupted = true;
    this.#decoder.keep();
  }

  deliver(sink: ArrivalSink): void {
    const rest = this.#characters === undefined ? "" : this.#checked(NOTHING, false);
    if (this.#delivery.fragments) {
      if (rest !== "") sink.piece!(rest);
      sink.end!();
    } else if (this.#text && !this.#delivery.textBytes) {
      sink.text(this.#collector === undefined ? this.#string : this.#decoded(this.#collector.bytes));
    } else {
      const bytes = this.#bytes ?? (this.#collector ? giveAway(this.#collector) : new Uint8Array(0));
      if (this.#text) sink.textBytes!(bytes);
      else sink.binary(bytes);
    }
  }

  #read(): Uint8Array<ArrayBuffer> | undefined {
    try {
      return this.#decoder.read();
    } catch (error) {
      throw error instanceof WebSocketError ? this.#handler.failed(error) : error;
    }
  }

  #takeText(piece: Uint8Array<ArrayBuffer>, sink: ArrivalSink): void {
    const { fragments, textBytes } = this.#delivery;
    if (fragments) {
      this.#passOn(piece, sink);
      return;
    }
    const isWhole = this.done && this.#characters === undefined;
    const text = this.#checked(piece, !isWhole);
    if (isWhole && !textBytes) {
      this.#string = text;
    } else {
      // Do not make a string of each piece: the whole message becomes one string at its end.
      this.#collect(piece);
    }
  }

  /** Delivers characters. The text before an error is the same, however the message is cut. */
  #passOn(piece: Uint8Array<ArrayBuffer>, sink: ArrivalSink): void {
    let text: string;
    try {
      text = this.#decode(piece, true);
    } catch (error) {
      text = decodeValidPart(concat([this.#incomplete, piece]));
      if (text === "") throw this.#failure(error);
      // Deliver the valid text first.
      this.#fault = error;
    }
    const end = piece.length >= MOST_INCOMPLETE ? piece : concat([this.#incomplete, piece]);
    this.#incomplete = end.slice(end.length - incompleteAtEnd(end));
    if (text !== "") sink.piece!(text);
  }

  #takeBytes(piece: Uint8Array<ArrayBuffer>, sink: ArrivalSink): void {
    if (this.#delivery.fragments) sink.piece!(new Uint8Array(piece));
    else this.#collect(piece);
  }

  #collect(piece: Uint8Array<ArrayBuffer>): void {
    if (this.done && this.#collector === undefined) {
      const { copies } = this.#delivery;
      this.#bytes = copies === undefined ? new Uint8Array(piece) : copies.copy(piece, 0, piece.length);
      return;
    }
    this.#collector ??= new Collector(this.#delivery.allocate);
    const length = this.#collector.length + piece.length;
    // The final length is unknown, so the buffer doubles.
    this.#collector.append(piece, 0, piece.length, this.done ? length : 2 * length);
  }

  /** Decodes bytes. If `more` may follow, an incomplete character at the end waits for them. */
  #checked(bytes: Uint8Array, more: boolean): string {
    try {
      return this.#decode(bytes, more);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #decode(bytes: Uint8Array, more: boolean): string {
    const { allowInvalidUtf8 } = this.#delivery;
    if (!more && this.#characters === undefined) return allowInvalidUtf8 ? decodeUtf8(bytes) : decodeValidUtf8(bytes);
    this.#characters ??= new TextDecoder("utf-8", { fatal: !allowInvalidUtf8, ignoreBOM: true });
    return this.#characters.decode(bytes, { stream: more });
  }

  /** The error for text: a TypeError means invalid UTF-8; any other means that it is too long for a string. */
  #failure(error: unknown): WebSocketError {
    return this.#handler.failed((error instanceof TypeError ? invalidUtf8 : messageTooLong)(this.#byteOffset));
  }

  /** Makes a string of bytes that are already checked. */
  #decoded(bytes: Uint8Array): string {
    try {
      return decodeUtf8(bytes);
    } catch {
      throw this.#handler.failed(messageTooLong(this.#byteOffset));
    }
  }
}

const NOTHING = new Uint8Array(0);
/** An incomplete character has up to this many bytes. */
const MOST_INCOMPLETE = 3;
