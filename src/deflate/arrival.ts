// A compressed message on its way to the one who gets it: text or bytes, whole or in pieces.

import { Collector, giveAway } from "../frame/collector.ts";
import { WebSocketError } from "../frame/errors.ts";
import type { Arrival, ArrivalSink, Delivery, FailureHandler } from "../frame/extension.ts";
import { invalidUtf8, messageTooLong } from "../frame/message-errors.ts";
import { decodeUtf8, decodeValidUtf8 } from "../frame/utf8.ts";
import type { Incoming } from "./core/incoming.ts";

/** @internal */
export class InflatingMessage implements Arrival {
  interrupted = false;
  readonly #text: boolean;
  readonly #delivery: Delivery;
  readonly #handler: FailureHandler;
  readonly #decoder: Incoming;
  /** Where in the stream the frame ends that the last bytes were of. */
  #byteOffset = 0;
  /** What makes characters of bytes that may be cut inside one. */
  #characters: TextDecoder | undefined = undefined;
  /** What there is of a message that is delivered whole: one piece of text or bytes, or several in the collector. */
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
    return this.#decoder.done;
  }

  get heldBytes(): number {
    return this.interrupted ? Math.max(1, this.#decoder.heldBytes) : 0;
  }

  feed(bytes: Uint8Array, announced: number, last: boolean, byteOffset: number): void {
    this.#byteOffset = byteOffset;
    this.#decoder.feed(bytes, announced, last, byteOffset);
  }

  advance(sink: ArrivalSink): number {
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
    const isWhole = this.done && this.#characters === undefined;
    const text = this.#checked(piece, !isWhole);
    if (fragments) {
      if (text !== "") sink.piece!(text);
    } else if (isWhole && !textBytes) {
      this.#string = text;
    } else {
      // Strings of pieces would only be garbage: one of the whole message is made at its end.
      this.#collect(piece);
    }
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
    // Nobody knows how long it gets: the buffer doubles.
    this.#collector.append(piece, 0, piece.length, this.done ? length : 2 * length);
  }

  /** The characters of bytes, `more` of which may come; those that are not complete wait for them. */
  #checked(bytes: Uint8Array, more: boolean): string {
    const { allowInvalidUtf8 } = this.#delivery;
    try {
      if (!more && this.#characters === undefined) return allowInvalidUtf8 ? decodeUtf8(bytes) : decodeValidUtf8(bytes);
      this.#characters ??= new TextDecoder("utf-8", { fatal: !allowInvalidUtf8, ignoreBOM: true });
      return this.#characters.decode(bytes, { stream: more });
    } catch (error) {
      // A string may also be longer than those of the engine may be.
      throw this.#handler.failed((error instanceof TypeError ? invalidUtf8 : messageTooLong)(this.#byteOffset));
    }
  }

  /** A string of bytes that have been checked. */
  #decoded(bytes: Uint8Array): string {
    try {
      return decodeUtf8(bytes);
    } catch {
      throw this.#handler.failed(messageTooLong(this.#byteOffset));
    }
  }
}

const NOTHING = new Uint8Array(0);
