// Bytes -> messages (RFC 6455 §5.4), as simple as the reference decoder that it uses. It shares no code with src/.

import { ReferenceDecoder, type ReferenceFrame, type ReferenceOptions } from "./decoder.ts";
import type { Inflation, ReferenceInflater } from "./inflate.ts";

export interface ReferenceFault {
  code: string;
  closeCode: number;
  byteOffset: number;
  /** Other acceptable codes. If a compressed message is wrong in two ways, zlib does not say which comes first. */
  or?: readonly string[];
}

/** The peer's messages, control frames and faults, in order. `frame` counts the frames of the stream from 1. */
export type ReferenceItem =
  | { type: "text"; data: string; frame: number }
  | { type: "binary"; data: Uint8Array; frame: number }
  | { type: "start"; kind: "text" | "binary"; frame: number }
  | { type: "piece"; data: string | Uint8Array; frame: number }
  | { type: "end"; frame: number }
  | { type: "ping"; data: Uint8Array; frame: number; byteOffset: number }
  | { type: "pong"; data: Uint8Array; frame: number; byteOffset: number }
  | { type: "close"; code: number; reason: string; frame: number }
  /**
   * `after` is the number of output bytes before the fault that the reference cannot determine. See Inflation.
   */
  | { type: "fault"; fault: ReferenceFault; frame: number; after: number };

/** The settings of compression, if it was negotiated. */
export interface ReferenceCompression {
  inflater: ReferenceInflater;
  /** Whether a message is inflated at its end instead of as it arrives. A choice of wsframe. */
  whole: boolean;
  /** The most bytes that this many compressed bytes may inflate to. A choice of wsframe: `maxInflateRatio`. */
  most(compressed: number): number;
}

export interface AssemblerOptions {
  decoder: ReferenceOptions;
  /** Whether parts of a message are delivered as they arrive. A choice of wsframe: `fragments`. */
  pieces: boolean;
  /** The limits are choices of wsframe. They apply to the lengths in the headers. */
  maxFragments: number;
  maxMessage: number;
  /** `maxMessage`, which applies to messages that are collected. */
  maxCollected: number;
  compression?: ReferenceCompression | undefined;
}

/** The close codes of errors (RFC 6455 §7.4.1). All others have 1002. */
const CLOSE_CODES: Record<string, number> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_INVALID_COMPRESSED_DATA: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_TOO_MANY_CONTROL_FRAMES: 1008,
  WS_ERR_TOO_MANY_FINAL_BLOCKS: 1008,
  WS_ERR_TOO_MANY_PENDING_PONGS: 1008,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_INFLATE_RATIO: 1009,
};

export function faultOf(
  code: string,
  byteOffset: number,
  closeCode: number = CLOSE_CODES[code] ?? 1002,
): ReferenceFault {
  return { code, closeCode, byteOffset };
}

interface OpenMessage {
  kind: "text" | "binary";
  compressed: boolean;
  frames: number;
  announced: number;
  /** The payload so far, compressed if the message is. */
  bytes: number[];
  /** The number of bytes that have been delivered in pieces, after inflating. */
  delivered: number;
  /** The beginning of an incomplete character, for text that is checked as it arrives. */
  incomplete: Uint8Array;
}

const OTHER_FAULTS = ["WS_ERR_INVALID_UTF8", "WS_ERR_INFLATE_RATIO", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"];
/** One invalid symbol can produce fewer bytes than this from the last byte: eight matches of maximum length. */
const UNKNOWN = 8 * 258;

export class ReferenceAssembler {
  /** Items that have not been taken yet. */
  readonly items: ReferenceItem[] = [];
  /** Whether nothing can follow. */
  over = false;
  /** A fault that the connection may already have found but zlib has not. */
  early: ReferenceFault | undefined;
  private readonly options: AssemblerOptions;
  private readonly decoder: ReferenceDecoder;
  private message: OpenMessage | undefined;
  private frames = 0;
  /** The end of the last complete frame. */
  private end = 0;
  /** Whether text that was compressed is not UTF-8. */
  private invalid = false;
  /** Whether the header of the current frame has been processed, and how much of its payload. */
  private begun = false;
  private seen = 0;

  constructor(options: AssemblerOptions) {
    this.options = options;
    this.decoder = new ReferenceDecoder(options.decoder);
  }

  push(bytes: Uint8Array): void {
    const { decoder } = this;
    decoder.push(bytes);
    for (const frame of decoder.frames.splice(0)) {
      if (this.over) return;
      this.advance(frame, true);
    }
    if (decoder.current && !this.over) this.advance(decoder.current, false);
    if (decoder.error && !this.over) {
      const { code, byteOffset } = decoder.error;
      // The top bit of a length is in the third byte of a header. A fault at the last byte means a valid length that is
      // too large.
      const tooLong = code === "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH" && byteOffset - this.end > 2;
      this.fail(faultOf(code, byteOffset, tooLong ? 1009 : undefined), this.frames + 1);
    }
  }

  private advance(frame: ReferenceFrame, complete: boolean): void {
    if (!this.begun) {
      this.begun = true;
      this.seen = 0;
      this.frames++;
      if (frame.opcode < 8) this.begin(frame);
      if (this.over) return;
    }
    const end = frame.payloadOffset + frame.payloadLength;
    if (frame.opcode < 8) {
      const bytes = this.seen === 0 ? frame.payload : frame.payload.slice(this.seen);
      this.seen += bytes.length;
      this.data(bytes, complete && frame.fin, end);
    } else if (complete) {
      this.control(frame, end);
    }
    if (complete) {
      this.begun = false;
      this.end = end;
    }
  }

  private begin({ opcode, rsv, payloadLength, headerOffset }: ReferenceFrame): void {
    const { maxFragments, maxMessage, maxCollected, compression, pieces } = this.options;
    const isFirst = this.message === undefined;
    const message = (this.message ??= {
      kind: opcode === 1 ? "text" : "binary",
      compressed: rsv !== 0,
      frames: 0,
      announced: 0,
      bytes: [],
      delivered: 0,
      incomplete: new Uint8Array(0),
    });
    message.frames++;
    message.announced += payloadLength;
    const collected = message.compressed && compression!.whole;
    if (message.frames > maxFragments) {
      this.fail(faultOf("WS_ERR_TOO_MANY_BUFFERED_PARTS", headerOffset), this.frames);
    } else if (message.announced > (collected ? maxCollected : maxMessage)) {
      this.fail(faultOf("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", headerOffset), this.frames);
    } else if (isFirst && pieces && !collected) {
      this.items.push({ type: "start", kind: message.kind, frame: this.frames });
    }
  }

  /** Adds payload bytes to the message. `last` says whether they end it, and `end` is the end of their frame. */
  private data(bytes: number[], last: boolean, end: number): void {
    const message = this.message!;
    if (message.compressed || !this.options.pieces) for (const byte of bytes) message.bytes.push(byte);
    if (message.compressed) {
      if (last || (bytes.length > 0 && !this.options.compression!.whole)) this.inflate(message, last, end);
    } else if (this.options.pieces) {
      this.piece(message, Uint8Array.from(bytes), last);
      if (last) this.items.push({ type: "end", frame: this.frames });
    } else if (last) {
      this.whole(message.kind, Buffer.from(message.bytes));
    }
    if (last) this.message = undefined;
  }

  private inflate(message: OpenMessage, last: boolean, end: number): void {
    const { compression, pieces, maxMessage, maxCollected, decoder } = this.options;
    const { inflater, whole, most } = compression!;
    const compressed = Buffer.from(message.bytes);
    let { data, fault, mayBeTooMany }: Inflation = last ? inflater.whole(compressed) : inflater.sofar(compressed);
    const unknown = fault === "corrupt" ? UNKNOWN : 0;
    this.early = mayBeTooMany ? faultOf("WS_ERR_TOO_MANY_FINAL_BLOCKS", end) : undefined;
    if (fault !== undefined && pieces && !whole) {
      // zlib does not return the output of an invalid stream, so this tries shorter input.
      for (let length = compressed.length; length > 0; length--) {
        const before = inflater.sofar(compressed.subarray(0, length));
        if (before.fault === fault) continue;
        ({ data } = before);
        break;
      }
    }
    const maxLength = pieces && !whole ? maxMessage : maxCollected;
    const byRatio = most(whole ? compressed.length : message.announced);
    const limit = Math.min(maxLength, byRatio);
    const tooLong = data.length > limit;
    if (tooLong) data = data.subarray(0, limit);
    if (pieces && !whole) this.piece(message, data.subarray(message.delivered), last && !tooLong && !fault);
    else if (message.kind === "text" && !decoder.allowInvalidUtf8 && !(whole && (tooLong || fault)))
      this.check(message, data, last && !tooLong && !fault);
    message.delivered = Math.max(message.delivered, data.length);
    if (this.invalid) {
      this.invalid = false;
      this.fail(faultOf("WS_ERR_INVALID_UTF8", end), this.frames);
    } else if (tooLong) {
      const code = byRatio < maxLength ? "WS_ERR_INFLATE_RATIO" : "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
      this.fail(faultOf(code, end), this.frames);
    } else if (fault) {
      const code = fault === "corrupt" ? "WS_ERR_INVALID_COMPRESSED_DATA" : "WS_ERR_TOO_MANY_FINAL_BLOCKS";
      const or = fault === "corrupt" ? OTHER_FAULTS : [];
      this.fail({ ...faultOf(code, end), or }, this.frames, unknown);
    } else if (last) {
      inflater.remember(data);
      if (!pieces) {
        this.whole(message.kind, data);
      } else {
        if (whole) this.wholeInPieces(message.kind, data);
        this.items.push({ type: "end", frame: this.frames });
      }
    }
  }

  private check(message: OpenMessage, data: Buffer, last: boolean): void {
    this.characters(message, data.subarray(message.delivered), last, true);
  }

  /** Delivers bytes of a message in pieces. For text, only complete characters. */
  private piece(message: OpenMessage, bytes: Uint8Array, last: boolean): void {
    if (message.kind === "binary") {
      if (bytes.length > 0) this.items.push({ type: "piece", data: bytes, frame: this.frames });
      return;
    }
    // The decoder has already checked data that is not compressed.
    const text = this.characters(message, bytes, last, message.compressed && !this.options.decoder.allowInvalidUtf8);
    if (text !== "") this.items.push({ type: "piece", data: text, frame: this.frames });
  }

  /** The next characters of a message, up to one that is incomplete or invalid. */
  private characters(message: OpenMessage, bytes: Uint8Array, last: boolean, fatal: boolean): string {
    const all = message.incomplete.length > 0 ? Buffer.concat([message.incomplete, bytes]) : bytes;
    const options = { fatal, ignoreBOM: true };
    try {
      const text = new TextDecoder("utf-8", options).decode(all, { stream: !last });
      let rest = all.length;
      if (rest > 0 && all[rest - 1]! >= 0x80) {
        // Find the end of the last complete character: up to there, the bytes decode to the same text.
        const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
        rest = Math.max(0, all.length - 3);
        while (rest < all.length && lenient.decode(all.subarray(0, rest)) !== text) rest++;
      }
      message.incomplete = all.subarray(rest);
      return text;
    } catch {
      this.invalid = true;
    }
    // The text before the invalid character.
    const careful = new TextDecoder("utf-8", options);
    let text = "";
    try {
      for (const byte of all) text += careful.decode(Uint8Array.of(byte), { stream: true });
    } catch {
      // The text ends here.
    }
    return text;
  }

  private whole(kind: "text" | "binary", data: Buffer): void {
    const { frames: frame } = this;
    if (kind === "text") this.items.push({ type: "text", data: data.toString(), frame });
    else this.items.push({ type: "binary", data, frame });
  }

  private wholeInPieces(kind: "text" | "binary", data: Buffer): void {
    const { frames: frame } = this;
    this.items.push({ type: "start", kind, frame });
    if (data.length > 0) this.items.push({ type: "piece", data: kind === "text" ? data.toString() : data, frame });
  }

  private control({ opcode, payload }: ReferenceFrame, byteOffset: number): void {
    const data = Buffer.from(payload);
    const { frames: frame } = this;
    if (opcode === 9) this.items.push({ type: "ping", data, frame, byteOffset });
    else if (opcode === 10) this.items.push({ type: "pong", data, frame, byteOffset });
    else {
      // §7.1.5: 1005 if there is no code.
      const code = data.length < 2 ? 1005 : data.readUInt16BE(0);
      this.items.push({ type: "close", code, reason: data.subarray(2).toString(), frame });
      this.over = true;
    }
  }

  private fail(fault: ReferenceFault, frame: number, after: number = 0): void {
    this.items.push({ type: "fault", fault, frame, after });
    this.over = true;
  }
}
