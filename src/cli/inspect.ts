// Decodes a stream in one pass. Keeps only the frames that will be shown.

import { FrameDecoder, type FrameHeader, type FrameSink, Opcode, WebSocketError } from "wsframe";
import type { Stream } from "./stream.ts";
import type { FrameRow } from "./row.ts";

/** The longest part of a stream used to measure speed, in bytes. A longer first message is used whole. */
const MAX_SAMPLE = 64 * 1024 * 1024;
/** If not all rows are shown, how many are from the end: a Close, or the frames before an error. */
const MAX_TAIL = 3;
const CONTROL_BIT = 8;

/** Counts of complete frames. */
export interface Counts {
  readonly frames: number;
  /** Data messages: frames with FIN that are not control frames. */
  readonly messages: number;
  /** Frames by opcode. */
  readonly byOpcode: ReadonlyMap<number, number>;
  /** Payload of all frames, in bytes. */
  readonly payloadBytes: number;
  /** Size of the frames including their headers, in bytes. */
  readonly wireBytes: number;
  /** Frames that belong to compressed messages. */
  readonly compressedFrames: number;
}

/** A part of a stream, from its first frame up to the end of a message. */
export interface Sample {
  /** The length in bytes. */
  readonly bytes: number;
  readonly frames: number;
  /** Number of messages and control frames that a receiver delivers. */
  readonly deliveries: number;
}

/** A broken rule in a stream. */
export interface StreamError {
  readonly error: WebSocketError;
  /** The message of the error, without the rule and the offset. */
  readonly message: string;
  /** Where the invalid frame starts, in bytes from the start of the frames. */
  readonly frameOffset: number;
  /** The invalid frame, if its header is valid. */
  readonly row: FrameRow | undefined;
}

/** A frame that is cut by the end of the stream. */
export interface Incomplete {
  /** Where it starts, in bytes from the start of the frames. */
  readonly offset: number;
  /** How many of its bytes are present. */
  readonly present: number;
  /** Missing payload bytes, or missing header bytes if the header is cut. Undefined if only one byte is present. */
  readonly missing: number | undefined;
  /** The frame, if its header is complete. */
  readonly row: FrameRow | undefined;
}

/** The result of inspecting a stream. */
export interface Inspection {
  /** Rows to show, from the start and from the end. */
  readonly first: readonly FrameRow[];
  readonly last: readonly FrameRow[];
  /** How many frames between them are left out. */
  readonly skipped: number;
  readonly counts: Counts;
  readonly error: StreamError | undefined;
  readonly incomplete: Incomplete | undefined;
  /** The ignored bytes after a Close, and their offset in bytes from the start of the frames. */
  readonly trailing: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  /** The longest part that can be repeated: complete messages, no error, no Close. */
  readonly sample: Sample;
}

/** How much of a stream to keep. */
export interface InspectLimits {
  /** Rows to keep; Infinity for all. */
  readonly rows: number;
  /** Payload bytes to keep per row. */
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
  /** The frame in progress. */
  open: FrameRow | undefined = undefined;
  /** The first frame of the fragmented message in progress. */
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

/** Decodes a stream from its first frame to a Close, an error or its end. */
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

/** Removes the offset: it counts from the first frame, but the output counts from the start of the file. */
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
