// One pass over a stream: what its frames are, and how it ends. The frames go by without being kept; only
// the rows that will be shown are.

import { FrameDecoder, type FrameHeader, type FrameSink, Opcode, WebSocketError } from "wsframe";
import type { Stream } from "./stream.ts";
import type { FrameRow } from "./row.ts";

/** The longest part of a stream that its speed is measured on, unless its first message is longer, in bytes. */
const MAX_SAMPLE = 64 * 1024 * 1024;
/** Of the rows that are shown, how many are the last ones, where not all are: a Close, or what an error comes after. */
const MAX_TAIL = 3;
const CONTROL_BIT = 8;

/** How much of what there is, complete frames only. */
export interface Counts {
  readonly frames: number;
  /** Messages: single frames, and fragments up to the one with FIN. Control frames are none. */
  readonly messages: number;
  /** Frames by opcode. */
  readonly byOpcode: ReadonlyMap<number, number>;
  /** Payload of all frames, in bytes. */
  readonly payloadBytes: number;
  /** Frames with their headers, in bytes. */
  readonly wireBytes: number;
  /** Frames of compressed messages. */
  readonly compressedFrames: number;
}

/** Where a stream has been decoded up to, between messages. */
export interface Sample {
  /** In bytes from the start of the frames. */
  readonly bytes: number;
  readonly frames: number;
  /** Messages and control frames: what a receiver hands on. */
  readonly deliveries: number;
}

/** What is wrong with a stream. */
export interface StreamError {
  readonly error: WebSocketError;
  /** The error's message, without the place. */
  readonly message: string;
  /** Where the frame starts with which it is wrong, in bytes from the start of the frames. */
  readonly frameOffset: number;
  /** That frame, if its header is right. */
  readonly row: FrameRow | undefined;
}

/** A frame that is cut by the end of the stream. */
export interface Incomplete {
  /** Where it starts, in bytes from the start of the frames. */
  readonly offset: number;
  /** How many of its bytes there are. */
  readonly present: number;
  /** How many payload bytes are missing; of a header that is cut, header bytes, or undefined for one byte alone. */
  readonly missing: number | undefined;
  /** The frame, if its header is whole. */
  readonly row: FrameRow | undefined;
}

/** All that is found out about a stream. */
export interface Inspection {
  /** Rows to show: the first, and the last. */
  readonly first: readonly FrameRow[];
  readonly last: readonly FrameRow[];
  /** How many frames stand between them. */
  readonly skipped: number;
  readonly counts: Counts;
  readonly error: StreamError | undefined;
  readonly incomplete: Incomplete | undefined;
  /** What follows a Close, which nobody reads, and where it begins, in bytes from the start of the frames. */
  readonly trailing: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  /** The longest part from the start that can be repeated: whole messages, no error, no Close. */
  readonly sample: Sample;
}

/** How much to keep of a stream. */
export interface InspectLimits {
  /** Rows to keep; Infinity for all. */
  readonly rows: number;
  /** Payload bytes to keep of each. */
  readonly previewBytes: number;
}

class Recorder implements FrameSink {
  readonly first: FrameRow[] = [];
  readonly last: FrameRow[] = [];
  readonly byOpcode: Map<number, number> = new Map();
  frames = 0;
  skipped = 0;
  messages = 0;
  controls = 0;
  payloadBytes = 0;
  wireBytes = 0;
  compressedFrames = 0;
  sample: Sample = { bytes: 0, frames: 0, deliveries: 0 };
  /** The frame that has begun and not ended. */
  open: FrameRow | undefined = undefined;
  /** The first frame of the fragmented message that has begun and not ended. */
  #message: FrameRow | undefined = undefined;
  readonly #previewBytes: number;
  readonly #head: number;
  readonly #tail: number;

  constructor({ rows, previewBytes }: InspectLimits) {
    this.#tail = rows === Infinity ? 0 : Math.min(MAX_TAIL, Math.floor(rows / 4));
    this.#head = rows - this.#tail;
    this.#previewBytes = previewBytes;
  }

  header(header: FrameHeader): void {
    const { opcode, rsv, payloadLength } = header;
    const message = opcode === Opcode.Continuation ? this.#message : undefined;
    const row: FrameRow = {
      offset: header.headerOffset,
      payloadOffset: header.payloadOffset,
      opcode,
      fin: header.fin,
      rsv,
      maskKey: header.maskKey,
      payloadLength,
      messageOpcode: message?.opcode ?? opcode,
      compressed: message?.compressed ?? (rsv & 4) !== 0,
      received: 0,
      preview: new Uint8Array(0),
    };
    this.open = row;
    if ((opcode & CONTROL_BIT) === 0) this.#message = row.fin ? undefined : (message ?? row);
  }

  payload(window: Uint8Array, start: number, end: number): void {
    const row = this.open!;
    const room = this.#previewBytes - row.received;
    if (room > 0) {
      const piece = window.subarray(start, Math.min(end, start + room));
      row.preview = row.preview.length === 0 ? piece.slice() : Buffer.concat([row.preview, piece]);
    }
    row.received += end - start;
  }

  end(): void {
    const row = this.open!;
    this.open = undefined;
    this.frames++;
    this.byOpcode.set(row.opcode, (this.byOpcode.get(row.opcode) ?? 0) + 1);
    this.payloadBytes += row.payloadLength;
    const end = row.payloadOffset + row.payloadLength;
    this.wireBytes = end;
    if (row.compressed) this.compressedFrames++;
    if ((row.opcode & CONTROL_BIT) !== 0) this.controls++;
    else if (row.fin) this.messages++;
    this.#keep(row);
    const whole = this.#message === undefined && row.opcode !== Opcode.Close;
    if (whole && (end <= MAX_SAMPLE || this.sample.bytes === 0)) {
      this.sample = { bytes: end, frames: this.frames, deliveries: this.messages + this.controls };
    }
  }

  #keep(row: FrameRow): void {
    if (this.first.length < this.#head) {
      this.first.push(row);
      return;
    }
    this.last.push(row);
    if (this.last.length > this.#tail) {
      this.last.shift();
      this.skipped++;
    }
  }
}

/** Decodes a stream from its first frame to its end, an error or a Close. */
export function inspect(stream: Stream, limits: InspectLimits): Inspection {
  const { bytes, role, rsv } = stream;
  const recorder = new Recorder(limits);
  const decoder = new FrameDecoder({ role, rsv, maxFrame: Infinity });
  let error: StreamError | undefined;
  try {
    decoder.push(bytes, recorder);
  } catch (thrown) {
    if (!(thrown instanceof WebSocketError)) throw thrown;
    const row = recorder.open;
    error = {
      error: thrown,
      message: bareMessage(thrown),
      frameOffset: row?.offset ?? recorder.wireBytes,
      row,
    };
  }
  const end = decoder.bytesDecoded;
  return {
    first: recorder.first,
    last: recorder.last,
    skipped: recorder.skipped,
    counts: recorder,
    error,
    incomplete: error || decoder.closed ? undefined : incompleteAt(bytes, recorder.wireBytes, recorder.open),
    trailing: decoder.closed && end < bytes.length ? { offset: end, bytes: bytes.subarray(end) } : undefined,
    sample: recorder.sample,
  };
}

/** The message counts bytes from the first frame; what is shown counts them from the start of the file. */
function bareMessage({ message, rule, byteOffset }: WebSocketError): string {
  const place = ` (${rule}, byte ${byteOffset})`;
  return message.endsWith(place) ? message.slice(0, -place.length) : message;
}

function incompleteAt(bytes: Uint8Array, offset: number, row: FrameRow | undefined): Incomplete | undefined {
  const present = bytes.length - offset;
  if (present === 0) return undefined;
  if (row !== undefined) return { offset, present, missing: row.payloadLength - row.received, row };
  const second = bytes[offset + 1];
  if (second === undefined) return { offset, present, missing: undefined, row };
  const length = second & 0x7f;
  const headerLength = 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
  return { offset, present, missing: headerLength - present, row };
}
