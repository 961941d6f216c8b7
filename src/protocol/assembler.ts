// Turns frames into messages (RFC 6455 §5.4) and control frames into events (§5.5).

import { asUnshared, concat } from "../frame/bytes.ts";
import type { FrameSink } from "../frame/decoder.ts";
import { Collector, giveAway, lend } from "../frame/collector.ts";
import { WebSocketError } from "../frame/errors.ts";
import type { Arrival, FailureHandler } from "../frame/extension.ts";
import type { FrameHeader } from "../frame/frame.ts";
import { invalidUtf8, messageTooLong } from "../frame/message-errors.ts";
import { CloseCode, Opcode } from "../frame/opcodes.ts";
import { decodeUtf8, decodeValidUtf8 } from "../frame/utf8.ts";
import { type MessageSink, STOP, STOPPED } from "./events.ts";
import { limitError } from "./limits.ts";
import type { ProtocolSettings } from "./settings.ts";

const CONTROL = 8;
/** The cost of one call of a decoder, counted in bytes of `sliceSize`. */
const CALL_COST = 512;

/** Handles control frames. @internal */
export interface ControlHandler extends FailureHandler {
  receivedPing(data: Uint8Array<ArrayBuffer>): void;
  receivedPong(data: Uint8Array<ArrayBuffer>): void;
  receivedClose(code: number, reason: string): void;
  /** Counts the bytes of an extension's decoded message. Returns whether to stop for now. */
  decoded(length: number): boolean;
}

/** The data message in progress. */
interface OpenMessage {
  readonly text: boolean;
  /** The RSV bits of its first frame. */
  readonly rsv: number;
  /** The number of frames so far. */
  frames: number;
  /** Payload bytes of these frames, including the bytes of the last one that have not arrived. */
  announced: number;
  /** The bytes collected so far. Undefined if there are none, or if pieces are delivered. */
  collector: Collector | undefined;
  /** Decodes text that is delivered in pieces, which may be cut inside a character. */
  decoder: TextDecoder | undefined;
  /** Decodes an extension's message as it arrives. */
  readonly arrival: Arrival | undefined;
}

/** The frame in progress. */
interface OpenFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** Where the frame ends in the stream. */
  readonly end: number;
  /** The number of payload bytes that have not arrived. */
  left: number;
  /** The received bytes of a control frame, or of a whole message in one frame. */
  payload: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The sink of a connection's FrameDecoder. Delivers messages to the MessageSink of the running call.
 *
 * The decoder has checked the order of frames, and text unless an extension decodes it. @internal
 */
export class MessageAssembler implements FrameSink {
  /** Receives the events of the running call. */
  sink: MessageSink | undefined = undefined;
  readonly #settings: ProtocolSettings;
  readonly #handler: ControlHandler;
  #message: OpenMessage | undefined = undefined;
  /** The frame in progress. */
  #frame: OpenFrame | undefined = undefined;

  constructor(settings: ProtocolSettings, handler: ControlHandler) {
    this.#settings = settings;
    this.#handler = handler;
  }

  /** Where the frame in progress ends in the stream. */
  get frameEnd(): number {
    return this.#frame?.end ?? 0;
  }

  /** A whole text message in one frame. */
  text(text: string): void {
    if (this.#settings.fragments) this.#wholeInPieces(text);
    else this.sink!.text(text);
  }

  /** A whole binary message in one frame. */
  binary(window: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const data = window.slice(start, end);
    if (this.#settings.fragments) this.#wholeInPieces(data);
    else this.sink!.binary(data);
  }

  /** A whole text message in one frame, as a copy of its bytes. */
  ownText(data: Uint8Array<ArrayBuffer>): void {
    this.sink!.textBytes!(data);
  }

  /** A whole binary message in one frame, as a copy. */
  ownBinary(data: Uint8Array<ArrayBuffer>): void {
    if (this.#settings.fragments) this.#wholeInPieces(data);
    else this.sink!.binary(data);
  }

  header(header: FrameHeader): void {
    if (this.sink === STOPPED) throw STOP;
    const { opcode } = header;
    const end = header.payloadOffset + header.payloadLength;
    this.#frame = { opcode, fin: header.fin, end, left: header.payloadLength, payload: undefined };
    if (opcode & CONTROL) return;
    const { limits } = this.#settings;
    const message = (this.#message ??= this.#begin(opcode === Opcode.Text, header.rsv));
    message.frames++;
    message.announced += header.payloadLength;
    if (message.frames > limits.maxFragments) {
      const { PolicyViolation } = CloseCode;
      throw this.#handler.failed(
        limitError("WS_ERR_TOO_MANY_BUFFERED_PARTS", PolicyViolation, "maxFragments", header.headerOffset),
      );
    }
    if (message.announced > (isCollected(message) ? limits.maxCollected : limits.maxMessage)) {
      throw this.#handler.failed(messageTooLong(header.headerOffset));
    }
    if (message.frames === 1 && this.#inPieces(message)) this.sink!.start!(message.text ? "text" : "binary");
  }

  payload(window: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const frame = this.#frame!;
    if (frame.opcode & CONTROL) {
      const bytes = window.subarray(start, end);
      frame.payload = frame.payload === undefined ? new Uint8Array(bytes) : concat([frame.payload, bytes]);
      return;
    }
    const message = this.#message!;
    const { arrival } = message;
    if (arrival !== undefined) {
      frame.left -= end - start;
      const last = frame.fin && frame.left === 0;
      arrival.feed(window.subarray(start, end), message.announced, last, frame.end);
      this.#advance(arrival);
    } else if (this.#inPieces(message)) {
      this.#piece(message, window.subarray(start, end));
    } else if (frame.fin && message.frames === 1 && end - start === message.announced) {
      frame.payload = this.#slice(window, start, end);
    } else {
      const collector = (message.collector ??= this.#collect(message));
      // The final length is unknown. Without doubling, many small fragments would move all earlier bytes each time.
      const announced = frame.fin ? message.announced : Math.max(message.announced, 2 * collector.length);
      collector.append(window, start, end, announced);
    }
  }

  end(): void {
    const frame = this.#frame!;
    if (frame.opcode & CONTROL) this.#endControl(frame);
    else if (frame.fin && !this.#endMessage(frame)) return;
    this.#frame = undefined;
  }

  goOn(): boolean {
    const arrival = this.#message?.arrival;
    if (!arrival?.interrupted) return true;
    arrival.interrupted = false;
    if (!this.#advance(arrival)) return false;
    // The last frame ended during the interruption.
    if (arrival.done) this.end();
    return true;
  }

  /** Frees the unfinished message after the end of the connection. */
  drop(): void {
    this.#message = undefined;
    this.#frame = undefined;
  }

  /** The number of bytes that an interruption keeps. */
  get heldBytes(): number {
    return this.#message?.arrival?.heldBytes ?? 0;
  }

  #begin(text: boolean, rsv: number): OpenMessage {
    const arrival = rsv === 0 ? undefined : this.#arrive(text, rsv);
    return { text, rsv, frames: 0, announced: 0, collector: undefined, decoder: undefined, arrival };
  }

  /**
   * Returns a decoder for a message that is still arriving. Undefined if several extensions changed the message, or if
   * the extension can decode only whole messages.
   */
  #arrive(text: boolean, rsv: number): Arrival | undefined {
    const { extensions, limits, fragments } = this.#settings;
    const session = extensions.find((extension) => extension.rsv === rsv)?.session;
    return session?.begin?.(text, fragments ? limits.maxMessage : limits.maxCollected, this.#settings, this.#handler);
  }

  /** Decodes the received bytes of a message. Returns false if it stops before their end. */
  #advance(arrival: Arrival): boolean {
    for (;;) {
      const length = arrival.advance(this.sink!);
      if (length < 0) {
        // Input that decodes to nothing still costs time.
        this.#handler.decoded(CALL_COST);
        return true;
      }
      if (this.sink === STOPPED) throw STOP;
      if (this.#handler.decoded(length) && !arrival.done) {
        arrival.interrupt();
        return false;
      }
    }
  }

  #slice(window: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer> {
    const { copies } = this.#settings;
    return copies === undefined ? window.slice(start, end) : copies.copy(window, start, end);
  }

  #collect({ text, rsv }: OpenMessage): Collector {
    const { allocate, textBytes } = this.#settings;
    const texts = textBytes ? undefined : this.#settings.texts;
    return new Collector(text && rsv === 0 && texts !== undefined ? (length) => texts.allocate(length) : allocate);
  }

  #inPieces(message: OpenMessage): boolean {
    return this.#settings.fragments && !isCollected(message);
  }

  #piece(message: OpenMessage, bytes: Uint8Array): void {
    if (!message.text) {
      this.sink!.piece!(new Uint8Array(bytes));
      return;
    }
    message.decoder ??= new TextDecoder("utf-8", { ignoreBOM: true });
    const text = message.decoder.decode(bytes, { stream: true });
    if (text !== "") this.sink!.piece!(text);
  }

  #endControl(frame: OpenFrame): void {
    const { opcode } = frame;
    const payload = payloadOf(frame);
    if (opcode === Opcode.Ping) {
      this.#handler.receivedPing(payload);
    } else if (opcode === Opcode.Pong) {
      this.#handler.receivedPong(payload);
    } else if (payload.length < 2) {
      this.#handler.receivedClose(CloseCode.NoStatusReceived, "");
    } else {
      this.#handler.receivedClose((payload[0]! << 8) | payload[1]!, decodeUtf8(payload.subarray(2)));
    }
  }

  /** Returns false if received bytes are still to be decoded, so the message has not ended. */
  #endMessage(frame: OpenFrame): boolean {
    const message = this.#message!;
    const { arrival } = message;
    if (arrival !== undefined) {
      if (frame.left === 0 && !arrival.done && !arrival.interrupted) {
        // An empty frame ends the message.
        arrival.feed(NOTHING, message.announced, true, frame.end);
        this.#advance(arrival);
      }
      if (arrival.interrupted) return false;
    }
    this.#message = undefined;
    if (arrival !== undefined) arrival.deliver(this.sink!);
    else this.#deliver(message, frame);
    return true;
  }

  #deliver(message: OpenMessage, frame: OpenFrame): void {
    if (this.#inPieces(message)) {
      // With allowInvalidUtf8 the last character may be incomplete.
      const rest = message.decoder?.decode() ?? "";
      if (rest !== "") this.sink!.piece!(rest);
      this.sink!.end!();
      return;
    }
    const { collector } = message;
    if (message.rsv !== 0) {
      this.#deliverDecoded(message, collector === undefined ? payloadOf(frame) : lend(collector));
    } else if (message.text && this.#settings.textBytes) {
      this.sink!.textBytes!(collector === undefined ? payloadOf(frame) : giveAway(collector));
    } else if (message.text) {
      const bytes = collector === undefined ? payloadOf(frame) : collector.bytes;
      const { texts } = this.#settings;
      const text = this.#decoded(texts?.decode ?? decodeUtf8, bytes);
      if (collector !== undefined) texts?.giveBack(bytes);
      this.sink!.text(text);
    } else {
      this.sink!.binary(collector === undefined ? payloadOf(frame) : giveAway(collector));
    }
  }

  /** Delivers a message of an extension (§9.2). Undoes the extensions in reverse order. */
  #deliverDecoded({ text, rsv }: OpenMessage, encoded: Uint8Array<ArrayBuffer>): void {
    const { extensions, limits, fragments } = this.#settings;
    const maxLength = limits.maxCollected;
    let payload = encoded;
    try {
      for (let i = extensions.length - 1; i >= 0; i--) {
        const extension = extensions[i]!;
        if (!(extension.rsv & rsv)) continue;
        payload = asUnshared(extension.session.decode({ payload, maxLength, byteOffset: this.frameEnd }));
      }
    } catch (error) {
      throw error instanceof WebSocketError ? this.#handler.failed(error) : error;
    }
    if (text && this.#settings.textBytes) {
      // Delivered as bytes, but still checked.
      if (!this.#settings.allowInvalidUtf8) this.#checkedText(payload);
      this.sink!.textBytes!(payload);
      return;
    }
    const data = text ? this.#checkedText(payload) : payload;
    if (fragments) this.#wholeInPieces(data);
    else if (typeof data === "string") this.sink!.text(data);
    else this.sink!.binary(data);
  }

  /** Makes a string of text bytes. If the engine cannot make one this long, the message is too long. */
  #decoded(decode: (bytes: Uint8Array) => string, bytes: Uint8Array): string {
    try {
      return decode(bytes);
    } catch (error) {
      // A checking decoder throws this for invalid UTF-8.
      if (error instanceof TypeError) throw error;
      throw this.#handler.failed(messageTooLong(this.frameEnd));
    }
  }

  /** Checks text that the core could not check, because an extension had to decode it. */
  #checkedText(bytes: Uint8Array): string {
    if (this.#settings.allowInvalidUtf8) return this.#decoded(decodeUtf8, bytes);
    try {
      return this.#decoded(decodeValidUtf8, bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw this.#handler.failed(invalidUtf8(this.frameEnd));
    }
  }

  #wholeInPieces(data: string | Uint8Array<ArrayBuffer>): void {
    this.sink!.start!(typeof data === "string" ? "text" : "binary");
    if (data.length > 0) this.sink!.piece!(data);
    this.sink!.end!();
  }
}

/** An empty payload gets a new array each time, because the array is given away. */
function payloadOf({ payload }: OpenFrame): Uint8Array<ArrayBuffer> {
  return payload ?? new Uint8Array(0);
}

/** Whether the message must be complete before an extension can decode it. */
function isCollected({ rsv, arrival }: OpenMessage): boolean {
  return rsv !== 0 && arrival === undefined;
}

const NOTHING = new Uint8Array(0);
