// Watches one direction of a connection. Decodes its bytes, and reports each frame with the events that it causes in a
// receiver.

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

/** Options of a Tap. */
export interface TapOptions {
  readonly sender: "client" | "server";
  /** The extensions that the opening handshake has agreed on. */
  readonly extensions?: readonly (AgreedExtension | Extension)[] | undefined;
  /** Called for each frame that is complete, breaks a rule, or is cut by the end of the stream. */
  readonly onFrame: (frame: TappedFrame) => void;
}

/** How much of each frame is kept, in bytes. Frames in one chunk are views of it. */
const KEPT = 4 * 1024 * 1024;
/** The longest message in bytes, compressed or inflated. */
const MAX_MESSAGE = 256 * 1024 * 1024;
/** How much text (in characters) and other data (in bytes) a note contains. */
const NOTED_TEXT = 2000;
const NOTED_BYTES = 256;
const CONTROL_BIT = 8;
const RSV1 = 4;

/**
 * A FrameDecoder splits the stream into frames, and a Protocol gets the bytes of each frame and returns its events. Both check
 * the rules. Bytes after a Close or an error are only counted.
 *
 * Chunks are kept: do not write to them afterwards.
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
  /** Offset of the chunk in the stream. */
  #chunkStart = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  /** How many bytes of the chunk the Protocol has received. */
  #handed = 0;
  /** Offset of the current or next frame. */
  #offset = 0;
  #size = 0;
  #pieces: Uint8Array[] = [];
  /** Offset of the end of the frame, once the decoder has accepted its header. */
  #frameEnd: number | undefined = undefined;
  #events: ProtocolEvent[] = [];
  /** The first frame of the message in progress. */
  #message: { readonly opcode: number; readonly compressed: boolean } | undefined = undefined;
  #ended = false;
  #ignored = 0;

  constructor({ sender, extensions = [], onFrame }: TapOptions) {
    this.sender = sender;
    this.#onFrame = onFrame;
    const role: Role = sender === "client" ? "server" : "client";
    // An extension that a handshake has agreed on has parameters.
    const owned = extensions.map((each) => ("extension" in each ? each.extension : each));
    this.#decoder = new FrameDecoder({
      role,
      maxFrame: MAX_MESSAGE,
      rsv: owned.reduce((bits, { rsv }) => bits | rsv, 0),
    });
    this.#protocol = new Protocol({
      role,
      extensions,
      // Nothing is sent.
      autoPong: false,
      limits: { maxFrame: MAX_MESSAGE, maxMessage: MAX_MESSAGE, maxFragments: Infinity },
    });
  }

  /** Whether there was a Close or an error. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many bytes followed the Close or the error. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Decodes the next bytes of the stream. A chunk can end anywhere. */
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
      // The rest belongs to an incomplete frame, or to one that the decoder has refused.
      this.#hand(chunk.length);
      if (refused !== undefined && !this.#failed()) this.#events.push({ type: "error", error: refused });
      if (this.#failed()) this.#completeBroken();
    }
    if (this.#ended) this.#ignored += chunk.length - this.#handed;
    this.#chunkStart += chunk.length;
  }

  /** Notes the end of the stream. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#size === 0) return;
    const { headerLength, payloadLength } = readHeader(this.#raw());
    const of = this.#frameEnd === undefined ? "header" : "payload";
    const whole = of === "header" ? headerLength : headerLength + Number(payloadLength!);
    // One byte does not tell the length of the header.
    const missing = this.#size === 1 ? "at least 1" : String(whole - this.#size);
    this.#events.push(...this.#protocol.receiveEnd());
    this.#emit([{ type: "incomplete", missing, of }]);
  }

  /** Reports a complete frame. */
  #complete(): void {
    if (this.#ended) return;
    this.#hand(this.#frameEnd! - this.#chunkStart);
    // The frame is valid, but its message may not be.
    this.#ended = this.#events.some(({ type }) => type === "error" || type === "close");
    this.#emit([]);
  }

  /** Reports a frame that breaks a rule before its end. Its remaining bytes still belong to it, although nothing decodes them. */
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

  /** Passes the chunk to the Protocol, up to offset `to`. */
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

/** Converts an event to a note. */
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
      // Other events need the option `fragments`.
      throw new TypeError(`No note exists for the event ${event.type}`);
  }
}

/** Removes the rule and the offset, which are shown separately. */
function bareMessage(message: string): string {
  return message.replace(/ \((?:[^()]*, )?byte \d+\)$/, "");
}
