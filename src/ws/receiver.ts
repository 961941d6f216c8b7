// The class Receiver of ws: you write the bytes of one direction to it, and it emits messages. WebSockets of this package do not
// use it.

import { Blob, Buffer, isUtf8 } from "node:buffer";
import { Writable } from "node:stream";
import { FrameDecoder, type FrameHeader, type FrameSink, isValidCloseCode, Opcode, WebSocketError } from "../index.ts";
import { asWsError, wsError } from "./errors.ts";
import { PerMessageDeflate } from "./per-message-deflate.ts";
import type { Extensions } from "./sender.ts";

/** The form of binary messages. */
export type ReceiverBinaryType = "nodebuffer" | "arraybuffer" | "blob" | "fragments";

/** Options of Receiver. */
export interface ReceiverOptions {
  /** Whether several events may be emitted in one turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /** The form of binary messages. Default "nodebuffer". */
  binaryType?: ReceiverBinaryType | undefined;
  /** The negotiated extensions, by name. Default none. */
  extensions?: Extensions | undefined;
  /** Whether frames must be masked, as those sent to a server are. Default false. */
  isServer?: boolean | undefined;
  /** How many chunks in a row may arrive without completing a frame; 0 for no limit. Default 0. */
  maxBufferedChunks?: number | undefined;
  /** How many fragments a message may have; 0 for no limit. Default 0. */
  maxFragments?: number | undefined;
  /** The longest message in bytes; 0 for no limit. Default 0. */
  maxPayload?: number | undefined;
  /** Whether text and close reasons may be invalid UTF-8. Default false. */
  skipUTF8Validation?: boolean | undefined;
}

/** The events of a Receiver, besides those of a Writable. */
export interface ReceiverEvents {
  /** A message. Text is always a Buffer; binary messages have the form that `binaryType` names. */
  message: [data: Buffer | ArrayBuffer | Blob | Buffer[], isBinary: boolean];
  ping: [data: Buffer];
  pong: [data: Buffer];
  /** A Close: its code, or 1005 if it has none, and its reason. It is the last event. */
  conclude: [code: number, reason: Buffer];
}

const RSV1 = 4;
const CONTROL = 8;
const NOTHING: Buffer = Buffer.alloc(0);

/** A complete frame. */
interface ReceivedFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly compressed: boolean;
  readonly payload: Buffer;
}

/** The data message whose frames are being handled. */
interface OpenMessage {
  readonly text: boolean;
  readonly compressed: boolean;
  readonly fragments: Buffer[];
  /** The length of `fragments` in bytes, inflated. */
  length: number;
}

type Next = (error?: Error | null) => void;

/** Decodes frames and emits ReceiverEvents. An error destroys it. */
export class Receiver extends Writable {
  readonly #binaryType: ReceiverBinaryType;
  readonly #synchronous: boolean;
  readonly #checksUtf8: boolean;
  readonly #maxChunks: number;
  readonly #maxPayload: number;
  readonly #deflate: PerMessageDeflate | undefined;
  readonly #decoder: FrameDecoder;
  readonly #frames: Frames;
  /** How many chunks the current, incomplete frame has arrived in. */
  #chunks = 0;
  #message: OpenMessage | undefined = undefined;
  #concluded = false;

  constructor(options: ReceiverOptions = {}) {
    super();
    this.#binaryType = options.binaryType ?? "nodebuffer";
    this.#synchronous = options.allowSynchronousEvents ?? true;
    this.#checksUtf8 = !options.skipUTF8Validation;
    this.#maxChunks = options.maxBufferedChunks ?? 0;
    this.#maxPayload = options.maxPayload ?? 0;
    this.#deflate = options.extensions?.[PerMessageDeflate.extensionName];
    this.#decoder = new FrameDecoder({
      role: options.isServer ? "server" : "client",
      rsv: this.#deflate === undefined ? 0 : RSV1,
      maxFrame: Infinity,
      // The decoder checks close reasons as part of this option.
      allowInvalidUtf8: !this.#checksUtf8,
      allowInvalidClose: !this.#checksUtf8,
    });
    this.#frames = new Frames(this.#maxPayload, options.maxFragments ?? 0);
  }

  /** @internal */
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Next): void {
    if (this.#concluded) {
      callback();
      return;
    }
    if (this.#maxChunks > 0 && this.#chunks >= this.#maxChunks) {
      callback(wsError("WS_ERR_TOO_MANY_BUFFERED_PARTS", "Too many buffered chunks"));
      return;
    }
    const frames = this.#frames;
    let failure: Error | undefined;
    try {
      this.#decoder.push(chunk, frames);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      failure = error instanceof WebSocketError ? asWsError(error) : error;
    }
    const complete = frames.take();
    if (this.#decoder.bytesDecoded === frames.used) this.#chunks = 0;
    else this.#chunks = complete.length > 0 ? 1 : this.#chunks + 1;
    this.#handle(complete, 0, (error) => callback(error ?? failure));
  }

  /** Handles the frames from index `at` on, in this turn or in later ones. */
  #handle(frames: readonly ReceivedFrame[], at: number, done: Next): void {
    for (let i = at; i < frames.length; i++) {
      const frame = frames[i]!;
      /** Continues with the next frame after an asynchronous step. */
      const later = (error?: Error | null): void => {
        if (error) done(error);
        else this.#handle(frames, i + 1, done);
      };
      if (frame.opcode === Opcode.Close) {
        done(this.#conclude(frame.payload));
        return;
      }
      if (frame.opcode & CONTROL) {
        const event = frame.opcode === Opcode.Ping ? "ping" : "pong";
        if (this.#emit(later, event, frame.payload)) continue;
        return;
      }
      const message = this.#messageOf(frame);
      if (message.compressed) {
        this.#inflate(message, frame, later);
        return;
      }
      add(message, frame.payload);
      if (frame.fin && !this.#deliver(message, later)) return;
    }
    done();
  }

  /** The message that a frame belongs to. If no message is open, the frame begins one. */
  #messageOf({ opcode, fin, compressed }: ReceivedFrame): OpenMessage {
    const message = (this.#message ??= { text: opcode === Opcode.Text, compressed, fragments: [], length: 0 });
    if (fin) this.#message = undefined;
    return message;
  }

  #inflate(message: OpenMessage, { payload, fin }: ReceivedFrame, done: Next): void {
    this.#deflate!.decompress(payload, fin, (error, inflated = NOTHING) => {
      if (error !== null) {
        done(error);
        return;
      }
      add(message, inflated);
      if (this.#maxPayload > 0 && message.length > this.#maxPayload) {
        done(tooLong());
      } else if (fin && message.text && this.#checksUtf8 && !isUtf8(concat(message))) {
        done(wsError("WS_ERR_INVALID_UTF8", "Invalid WebSocket frame: invalid UTF-8 sequence", Error));
      } else if (!fin || this.#deliver(message, done)) {
        done();
      }
    });
  }

  /** Emits a complete message. Returns the same as #emit(). */
  #deliver(message: OpenMessage, later: Next): boolean {
    if (message.text) return this.#emit(later, "message", concat(message), false);
    switch (this.#binaryType) {
      case "fragments":
        return this.#emit(later, "message", message.fragments, true);
      case "blob":
        return this.#emit(later, "message", new Blob(message.fragments), true);
      case "arraybuffer":
        return this.#emit(later, "message", asArrayBuffer(concat(message)), true);
      default:
        return this.#emit(later, "message", concat(message), true);
    }
  }

  /** Emits an event. Returns false if it is emitted in a turn of its own; `later` is called after it. */
  #emit<K extends keyof ReceiverEvents>(later: Next, event: K, ...args: ReceiverEvents[K]): boolean {
    if (this.#synchronous) {
      this.emit(event, ...args);
      return true;
    }
    setImmediate(() => {
      this.emit(event, ...args);
      later();
    });
    return false;
  }

  /** Handles a Close (RFC 6455 §5.5.1). Returns an error for faults that the decoder does not check. */
  #conclude(payload: Buffer): Error | undefined {
    if (payload.length === 1) {
      const message = "Invalid WebSocket frame: invalid payload length 1";
      return wsError("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", message);
    }
    const code = payload.length === 0 ? 1005 : payload.readUInt16BE(0);
    if (payload.length > 0 && !isValidCloseCode(code)) {
      return wsError("WS_ERR_INVALID_CLOSE_CODE", `Invalid WebSocket frame: invalid status code ${code}`);
    }
    this.#concluded = true;
    this.emit("conclude", code, payload.subarray(2));
    this.end();
    return undefined;
  }
}

/** Collects frames, and throws at the first header that makes a message too long. */
class Frames implements FrameSink {
  /** The position in the stream, in bytes, up to which it has been decoded into headers and complete payloads. */
  used = 0;
  readonly #maxPayload: number;
  readonly #maxFragments: number;
  #complete: ReceivedFrame[] = [];
  #opcode = 0;
  #fin = false;
  #compressed = false;
  #pieces: Uint8Array[] = [];
  #payloadEnd = 0;
  /** The frames of the current data message, and the total of their payload lengths in bytes. */
  #fragments = 0;
  #announced = 0;

  constructor(maxPayload: number, maxFragments: number) {
    this.#maxPayload = maxPayload;
    this.#maxFragments = maxFragments;
  }

  /** The frames since the last call. */
  take(): readonly ReceivedFrame[] {
    const complete = this.#complete;
    this.#complete = [];
    return complete;
  }

  header(header: FrameHeader): void {
    this.#opcode = header.opcode;
    this.#fin = header.fin;
    this.#compressed = header.rsv !== 0;
    this.used = header.payloadOffset;
    this.#payloadEnd = header.payloadOffset + header.payloadLength;
    if (this.#opcode & CONTROL) return;
    this.#announced += header.payloadLength;
    if (this.#maxPayload > 0 && this.#announced > this.#maxPayload) throw tooLong();
    if (this.#maxFragments > 0 && ++this.#fragments > this.#maxFragments) {
      throw wsError("WS_ERR_TOO_MANY_BUFFERED_PARTS", "Too many message fragments");
    }
  }

  payload(window: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    this.#pieces.push(window.slice(start, end));
  }

  end(): void {
    const [opcode, fin] = [this.#opcode, this.#fin];
    this.#complete.push({ opcode, fin, compressed: this.#compressed, payload: join(this.#pieces) });
    this.#pieces = [];
    this.used = this.#payloadEnd;
    if (opcode & CONTROL || !fin) return;
    this.#fragments = 0;
    this.#announced = 0;
  }
}

function tooLong(): Error {
  return wsError("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", "Max payload size exceeded");
}

/** Joins the pieces. The result does not share its memory. */
function join(pieces: readonly Uint8Array[]): Buffer {
  if (pieces.length === 0) return NOTHING;
  const [first] = pieces;
  if (pieces.length === 1) return Buffer.from(first!.buffer, first!.byteOffset, first!.length);
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function add(message: OpenMessage, payload: Buffer): void {
  if (payload.length === 0) return;
  message.length += payload.length;
  message.fragments.push(payload);
}

function concat({ fragments }: OpenMessage): Buffer {
  return fragments.length === 1 ? fragments[0]! : join(fragments);
}

function asArrayBuffer({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) return buffer;
  return new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength)).buffer;
}
