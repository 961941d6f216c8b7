// Frames -> messages (RFC 6455 §5.4), and control frames -> what they say (§5.5).

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
/** What it counts as, in bytes, that a decoder is given something: for `sliceSize`. */
const CALL_COST = 512;

/** What to do when a control frame has arrived. @internal */
export interface ControlHandler extends FailureHandler {
  receivedPing(data: Uint8Array<ArrayBuffer>): void;
  receivedPong(data: Uint8Array<ArrayBuffer>): void;
  receivedClose(code: number, reason: string): void;
  /** Counts bytes that an extension's message was decoded to. Returns whether to stop for now. */
  decoded(length: number): boolean;
}

/** The data message that has begun. */
interface OpenMessage {
  readonly text: boolean;
  /** Of its first frame. */
  readonly rsv: number;
  /** Frames so far. */
  frames: number;
  /** Payload bytes of all these frames, those to come of the last included. */
  announced: number;
  /** What is collected until the message is complete; undefined while nothing is, and where pieces are passed on. */
  collector: Collector | undefined;
  /** Where text is passed on in pieces: what makes characters of bytes that may be cut inside one. */
  decoder: TextDecoder | undefined;
  /** Of an extension's message that is decoded as it arrives. */
  readonly arrival: Arrival | undefined;
}

/** The frame that has begun. */
interface OpenFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** Where in the stream it ends. */
  readonly end: number;
  /** How many bytes of its payload have not come. */
  left: number;
  /** Of a control frame, what has come; of a whole message in one frame too. */
  payload: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * The sink of a connection's FrameDecoder. It delivers messages to the MessageSink that is set for the call.
 *
 * The order of frames has been checked by the decoder, and so has text, unless an extension is to change it first.
 * @internal
 */
export class MessageAssembler implements FrameSink {
  /** Where messages go during the running call. */
  sink: MessageSink | undefined = undefined;
  readonly #settings: ProtocolSettings;
  readonly #handler: ControlHandler;
  #message: OpenMessage | undefined = undefined;
  /** The frame that is passing through. */
  #frame: OpenFrame | undefined = undefined;

  constructor(settings: ProtocolSettings, handler: ControlHandler) {
    this.#settings = settings;
    this.#handler = handler;
  }

  /** Where in the stream the frame ends that is passing through. */
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

  /** A whole text message in one frame, as bytes that are copied. */
  ownText(data: Uint8Array<ArrayBuffer>): void {
    this.sink!.textBytes!(data);
  }

  /** A whole binary message in one frame, copied. */
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
      // Of a message that goes on nobody knows how long it gets. Twice what it is, or each of many small fragments
      // would move all those before it.
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
    // The last frame has ended meanwhile.
    if (arrival.done) this.end();
    return true;
  }

  /** Lets go of what has come of a message: the connection is over. */
  drop(): void {
    this.#message = undefined;
    this.#frame = undefined;
  }

  /** How many bytes an interruption has kept back. */
  get heldBytes(): number {
    return this.#message?.arrival?.heldBytes ?? 0;
  }

  #begin(text: boolean, rsv: number): OpenMessage {
    const arrival = rsv === 0 ? undefined : this.#arrive(text, rsv);
    return { text, rsv, frames: 0, announced: 0, collector: undefined, decoder: undefined, arrival };
  }

  /** What decodes a message as it arrives, if one extension alone has changed it, and can do that. */
  #arrive(text: boolean, rsv: number): Arrival | undefined {
    const { extensions, limits, fragments } = this.#settings;
    const session = extensions.find((extension) => extension.rsv === rsv)?.session;
    return session?.begin?.(text, fragments ? limits.maxMessage : limits.maxCollected, this.#settings, this.#handler);
  }

  /** Decodes what has come of a message. Returns false if it is time to stop before all of it is decoded. */
  #advance(arrival: Arrival): boolean {
    for (;;) {
      const length = arrival.advance(this.sink!);
      if (length < 0) {
        // Codes that are sent again and again make work, and nothing else.
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

  /** Returns false if some of what has come is not decoded yet, so the message has not ended. */
  #endMessage(frame: OpenFrame): boolean {
    const message = this.#message!;
    const { arrival } = message;
    if (arrival !== undefined) {
      if (frame.left === 0 && !arrival.done && !arrival.interrupted) {
        // An empty frame ends it.
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

  /** Delivers a message of an extension (§9.2): the last that was applied to it is undone first. */
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
      // As bytes, but checked all the same.
      if (!this.#settings.allowInvalidUtf8) this.#checkedText(payload);
      this.sink!.textBytes!(payload);
      return;
    }
    const data = text ? this.#checkedText(payload) : payload;
    if (fragments) this.#wholeInPieces(data);
    else if (typeof data === "string") this.sink!.text(data);
    else this.sink!.binary(data);
  }

  /** A string of text bytes: longer than the engine's strings may be is too long. */
  #decoded(decode: (bytes: Uint8Array) => string, bytes: Uint8Array): string {
    try {
      return decode(bytes);
    } catch (error) {
      // Only one that checks throws it, for UTF-8 that is wrong.
      if (error instanceof TypeError) throw error;
      throw this.#handler.failed(messageTooLong(this.frameEnd));
    }
  }

  /** What the core has not seen, because an extension had to decode it first. */
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

/** A new array each time, if there is nothing: it is given away. */
function payloadOf({ payload }: OpenFrame): Uint8Array<ArrayBuffer> {
  return payload ?? new Uint8Array(0);
}

/** Whether it has to be complete before an extension can undo what it did. */
function isCollected({ rsv, arrival }: OpenMessage): boolean {
  return rsv !== 0 && arrival === undefined;
}

const NOTHING = new Uint8Array(0);
