// One direction of a connection, watched: the bytes go in as they come, and for each frame out comes what it was on the
// wire, and what a receiver says of it.

import {
  type AgreedExtension,
  type Extension,
  FrameDecoder,
  type FrameSink,
  Opcode,
  Protocol,
  type ProtocolEvent,
  type Role,
  WebSocketError,
} from "wsframe";
import type { Note, TappedFrame } from "./frame.ts";
import { readHeader } from "./header.ts";

/** What a Tap is told of the stream. */
export interface TapOptions {
  readonly sender: "client" | "server";
  /** What the opening handshake has agreed on. */
  readonly extensions?: readonly (AgreedExtension | Extension)[] | undefined;
  /** Called with each frame once it has come, or breaks a rule, or is cut by the end of the stream. */
  readonly onFrame: (frame: TappedFrame) => void;
}

/** How much is kept of each frame, in bytes: the smaller ones are views on their chunks. */
const KEPT = 4 * 1024 * 1024;
/** The longest message, in bytes, also of what it inflates to. */
const MAX_MESSAGE = 256 * 1024 * 1024;
/** How much of a text, in characters, and of other data, in bytes, a note repeats. */
const NOTED_TEXT = 2000;
const NOTED_BYTES = 256;
const CONTROL_BIT = 8;
const RSV1 = 4;

/**
 * A FrameDecoder cuts the stream into frames, and hands the bytes of each to a Protocol: that says what comes of it. Both
 * check the rules. What follows a Close or an error is counted, and not looked at.
 *
 * Chunks are kept, and must not be written to afterwards.
 */
export class Tap {
  readonly sender: "client" | "server";
  readonly #decoder: FrameDecoder;
  readonly #protocol: Protocol;
  readonly #onFrame: (frame: TappedFrame) => void;
  readonly #sink: FrameSink = {
    header: ({ payloadOffset, payloadLength }) => {
      this.#frameEnd = payloadOffset + payloadLength;
    },
    payload() {},
    end: () => this.#complete(),
  };
  /** Where in the stream the chunk starts. */
  #chunkStart = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  /** How much of the chunk has been handed to the Protocol. */
  #handed = 0;
  /** Where the frame starts that comes next, or has begun. */
  #offset = 0;
  #size = 0;
  #pieces: Uint8Array[] = [];
  /** Where the frame ends, in bytes from the start of the stream, once the decoder has let its header through. */
  #frameEnd: number | undefined = undefined;
  #events: ProtocolEvent[] = [];
  /** The first frame of the message that has not ended. */
  #message: { readonly opcode: number; readonly compressed: boolean } | undefined = undefined;
  #ended = false;
  #ignored = 0;

  constructor({ sender, extensions = [], onFrame }: TapOptions) {
    this.sender = sender;
    this.#onFrame = onFrame;
    const role: Role = sender === "client" ? "server" : "client";
    // One that a connection has agreed on comes with parameters.
    const owned = extensions.map((each) => ("extension" in each ? each.extension : each));
    this.#decoder = new FrameDecoder({
      role,
      maxFrame: MAX_MESSAGE,
      rsv: owned.reduce((bits, { rsv }) => bits | rsv, 0),
    });
    this.#protocol = new Protocol({
      role,
      extensions,
      // Nothing that it would send goes anywhere.
      autoPong: false,
      limits: { maxFrame: MAX_MESSAGE, maxMessage: MAX_MESSAGE, maxFragments: Infinity },
    });
  }

  /** Whether a Close or an error has come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many bytes came after that. */
  get ignored(): number {
    return this.#ignored;
  }

  /** The next bytes of the stream, cut anywhere. */
  push(chunk: Uint8Array): void {
    if (this.#ended) {
      this.#ignored += chunk.length;
      return;
    }
    this.#chunk = chunk;
    this.#handed = 0;
    let refused: WebSocketError | undefined;
    try {
      this.#decoder.push(chunk, this.#sink);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      refused = error;
    }
    if (!this.#ended && this.#handed < chunk.length) {
      // Of a frame that has begun, or one that the decoder has refused.
      this.#hand(chunk.length);
      if (refused !== undefined && !this.#failed()) this.#events.push({ type: "error", error: refused });
      if (this.#failed()) this.#completeBroken();
    }
    if (this.#ended) this.#ignored += chunk.length - this.#handed;
    this.#chunkStart += chunk.length;
  }

  /** The end of the stream. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#size === 0) return;
    const { headerLength, payloadLength } = readHeader(this.#raw());
    const of = this.#frameEnd === undefined ? "header" : "payload";
    const whole = of === "header" ? headerLength : headerLength + Number(payloadLength!);
    // One byte does not tell how long its header is.
    const missing = this.#size === 1 ? "at least 1" : String(whole - this.#size);
    this.#events.push(...this.#protocol.receiveEnd());
    this.#emit([{ type: "incomplete", missing, of }]);
  }

  /** The frame is all there. */
  #complete(): void {
    if (this.#ended) return;
    this.#hand(this.#frameEnd! - this.#chunkStart);
    // It may be the message that is wrong, and not the frame.
    this.#ended = this.#events.some(({ type }) => type === "error" || type === "close");
    this.#emit([]);
  }

  /** A rule is broken before the frame is all there. Its rest is not read by anybody, but it is what stands there. */
  #completeBroken(): void {
    const { headerLength, payloadLength = 0n } = readHeader(this.#raw());
    const surplus = this.#size - headerLength - Number(payloadLength);
    if (surplus > 0) {
      this.#size -= surplus;
      this.#handed -= surplus;
      this.#pieces.push(this.#pieces.pop()!.subarray(0, -surplus));
    }
    this.#emit([]);
    this.#ended = true;
  }

  /** Hands the chunk on, up to a place in it. */
  #hand(to: number): void {
    const piece = this.#chunk.subarray(this.#handed, to);
    this.#handed = to;
    this.#pieces.push(piece);
    this.#size += piece.length;
    for (const event of this.#protocol.receive(piece)) this.#events.push(event);
  }

  #failed(): boolean {
    return this.#events.some(({ type }) => type === "error");
  }

  #raw(): Uint8Array {
    const [first, ...others] = this.#pieces;
    if (first === undefined || others.length === 0) return first ?? new Uint8Array(0);
    const raw = new Uint8Array(Math.min(this.#size, KEPT));
    let at = 0;
    for (const piece of this.#pieces) {
      const part = piece.subarray(0, raw.length - at);
      raw.set(part, at);
      at += part.length;
    }
    return raw;
  }

  #emit(more: readonly Note[]): void {
    const raw = this.#raw();
    const { opcode, fin, rsv } = readHeader(raw);
    const isControl = (opcode & CONTROL_BIT) !== 0;
    const own = { opcode, compressed: !isControl && (rsv & RSV1) !== 0 };
    const message = opcode === Opcode.Continuation ? (this.#message ?? own) : own;
    if (!isControl) this.#message = fin ? undefined : message;
    const notes = [...more, ...this.#events.map(noteOf)];
    const frame: TappedFrame = {
      sender: this.sender,
      offset: this.#offset,
      size: this.#size,
      raw,
      messageOpcode: message.opcode,
      compressed: message.compressed,
      broken: notes.some(({ type }) => type === "error" || type === "incomplete"),
      notes,
    };
    this.#offset += this.#size;
    this.#size = 0;
    this.#pieces = [];
    this.#frameEnd = undefined;
    this.#events = [];
    this.#onFrame(frame);
  }
}

/** What is kept of an event. */
function noteOf(event: ProtocolEvent): Note {
  switch (event.type) {
    case "text":
      return { type: "text", text: event.data.slice(0, NOTED_TEXT), characters: event.data.length };
    case "binary":
    case "ping":
    case "pong":
      return { type: event.type, data: event.data.slice(0, NOTED_BYTES), bytes: event.data.length };
    case "close":
      return { type: "close", code: event.code, reason: event.reason, wasClean: event.wasClean };
    case "error": {
      const { code, closeCode, byteOffset, rule, message } = event.error;
      return { type: "error", code, closeCode, byteOffset, rule, message: bareMessage(message) };
    }
    default:
      // Only a Protocol with the option `fragments` has others.
      throw new TypeError(`No note is made of ${event.type}`);
  }
}

/** Without the place, which is shown beside it. */
function bareMessage(message: string): string {
  return message.replace(/ \((?:[^()]*, )?byte \d+\)$/, "");
}
