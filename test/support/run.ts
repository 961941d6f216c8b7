// Ways to run a stream through a FrameDecoder, with a common form for the results.

import type { Random } from "./random.ts";
import {
  FrameDecoder,
  type FrameDecoderOptions,
  type FrameHeader,
  type FrameSink,
  WebSocketError,
} from "../../src/index.ts";
import { ReferenceDecoder, type ReferenceOptions } from "../reference/decoder.ts";

export interface SeenFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  maskKey: string | undefined;
  payloadLength: number;
  headerOffset: number;
  payloadOffset: number;
  payload: Buffer;
}

export interface Seen {
  frames: SeenFrame[];
  /** The delivered part of an unfinished frame, which decode() does not report. */
  partial?: SeenFrame | undefined;
  error?: { code: string; byteOffset: number } | undefined;
  closed: boolean;
}

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString("hex");

function headerOf(header: FrameHeader, payload: Buffer): SeenFrame {
  const { fin, rsv, opcode, payloadLength, headerOffset, payloadOffset } = header;
  return { fin, rsv, opcode, maskKey: hex(header.maskKey), payloadLength, headerOffset, payloadOffset, payload };
}

/** A sink that collects frames and copies borrowed data. */
export class Collector implements FrameSink {
  readonly frames: SeenFrame[] = [];
  partial: SeenFrame | undefined;
  #pieces: Buffer[] = [];

  header(header: FrameHeader): void {
    if (this.partial) throw new Error("A header was delivered before the end of the previous frame");
    this.partial = headerOf(header, Buffer.alloc(0));
    this.#pieces = [];
  }

  payload(window: Uint8Array, start: number, end: number): void {
    if (end <= start) throw new Error("An empty piece of payload");
    this.#pieces.push(Buffer.from(window.slice(start, end)));
  }

  end(): void {
    this.frames.push(this.seen()!);
    this.partial = undefined;
  }

  seen(): SeenFrame | undefined {
    return this.partial && { ...this.partial, payload: Buffer.concat(this.#pieces) };
  }
}

function attempt(run: () => void): WebSocketError | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof WebSocketError) return error;
    throw error;
  }
  return undefined;
}

const summary = (error: WebSocketError | undefined) => error && { code: error.code, byteOffset: error.byteOffset };

/** Decodes chunk by chunk with decode(). The chunks are copied first, because decode() unmasks in place. */
export function viaDecode(options: FrameDecoderOptions, chunks: readonly Uint8Array[], saveAt = -1): Seen {
  let decoder = new FrameDecoder(options);
  const frames: SeenFrame[] = [];
  let error: WebSocketError | undefined;
  for (let i = 0; i < chunks.length && !error; i++) {
    if (i === saveAt) decoder = FrameDecoder.restore(decoder.save(), options);
    const chunk = Uint8Array.from(chunks[i]!);
    const collect = (found: ReturnType<FrameDecoder["decode"]>) => {
      for (const frame of found) {
        const { fin, rsv, opcode, payloadLength, headerOffset, payloadOffset } = frame;
        const payload = Buffer.from(frame.payload);
        frames.push({
          fin,
          rsv,
          opcode,
          maskKey: hex(frame.maskKey),
          payloadLength,
          headerOffset,
          payloadOffset,
          payload,
        });
      }
    };
    error = attempt(() => collect(decoder.decode(chunk)));
    if (error) collect([...error.frames]);
  }
  return { frames, error: summary(error), closed: decoder.closed };
}

interface PushWay {
  readonly saveAt?: number;
  readonly commit?: boolean;
  /** If set, sometimes pauses in callbacks and resumes later. */
  readonly pauses?: Random | undefined;
}

/** Decodes with push(), or with reserve() and commit(). */
export function viaPush(
  options: FrameDecoderOptions,
  chunks: readonly Uint8Array[],
  { saveAt = -1, commit = false, pauses }: PushWay = {},
): Seen {
  let decoder = new FrameDecoder(options);
  const collector = new Collector();
  const sink = pauses ? pausing(decoder, collector, pauses) : collector;
  let error: WebSocketError | undefined;
  for (let i = 0; i < chunks.length && !error; i++) {
    if (i === saveAt) decoder = FrameDecoder.restore(decoder.save(), options);
    // The decoder must copy anything that it keeps, because the chunk's memory is reused.
    const chunk = pauses ? Uint8Array.from(chunks[i]!) : chunks[i]!;
    error = attempt(() => {
      if (!commit) return decoder.push(chunk, sink);
      for (let at = 0; at < chunk.length;) {
        const landing = decoder.reserve();
        const part = chunk.subarray(at, at + landing.length);
        landing.set(part);
        decoder.commit(part.length, sink);
        landing.fill(0xff);
        at += part.length;
      }
    });
    if (pauses) {
      chunk.fill(0xff);
      if (pauses.chance(0.7)) error ??= attempt(() => resumeAll(decoder, sink));
    }
  }
  if (pauses && !error) error = attempt(() => resumeAll(decoder, sink));
  return { frames: collector.frames, partial: collector.seen(), error: summary(error), closed: decoder.closed };
}

/** A sink that sometimes pauses its decoder. */
function pausing(decoder: FrameDecoder, sink: FrameSink, random: Random): FrameSink {
  const chance = random.pick([0.02, 0.3, 1]);
  const maybe = (): void => {
    if (random.chance(chance)) decoder.pause();
    // A pause that is immediately undone has no effect.
    if (random.chance(0.05)) decoder.resume(sink);
  };
  return {
    header: (header) => (maybe(), sink.header(header)),
    payload: (window, start, end) => (sink.payload(window, start, end), maybe()),
    end: () => (sink.end(), maybe()),
    ...(sink.text && { text: (text: string) => (sink.text!(text), maybe()) }),
  };
}

function resumeAll(decoder: FrameDecoder, sink: FrameSink): void {
  do decoder.resume(sink);
  while (decoder.paused || decoder.heldBytes > 0);
}

/** Decodes with push() and a sink that accepts strings. Returns opcode and payload of each frame in order. */
export function viaStrings(options: FrameDecoderOptions, chunks: readonly Uint8Array[], pauses?: Random): string[] {
  const decoder = new FrameDecoder(options);
  const seen: string[] = [];
  const collector = new Collector();
  const sink: FrameSink = {
    header: (header) => collector.header(header),
    payload: (window, start, end) => collector.payload(window, start, end),
    end() {
      collector.end();
      const { opcode, payload } = collector.frames.pop()!;
      seen.push(`${opcode} ${payload.toString("hex")}`);
    },
    text: (text) => void seen.push(`1 ${Buffer.from(text).toString("hex")}`),
  };
  const used = pauses ? pausing(decoder, sink, pauses) : sink;
  attempt(() => {
    for (const chunk of chunks) {
      const copy = pauses ? Uint8Array.from(chunk) : chunk;
      decoder.push(copy, used);
      if (pauses) copy.fill(0xff);
    }
    if (pauses) resumeAll(decoder, used);
  });
  return seen;
}

export function viaReference(options: ReferenceOptions, stream: Uint8Array): Seen {
  const decoder = new ReferenceDecoder(options);
  decoder.push(stream);
  const seen = (frame: ReferenceDecoder["current"]): SeenFrame | undefined =>
    frame && {
      fin: frame.fin,
      rsv: frame.rsv,
      opcode: frame.opcode,
      maskKey: frame.maskKey && Buffer.from(frame.maskKey).toString("hex"),
      payloadLength: frame.payloadLength,
      headerOffset: frame.headerOffset,
      payloadOffset: frame.payloadOffset,
      payload: Buffer.from(frame.payload),
    };
  return {
    frames: decoder.frames.map((frame) => seen(frame)!),
    partial: seen(decoder.current),
    error: decoder.error,
    closed: decoder.closed,
  };
}

/** The difference between two results, or undefined. Faster than a matcher in loops of many thousands. */
export function difference(expected: Seen, actual: Seen, { partial = true } = {}): string | undefined {
  const same = (a: SeenFrame | undefined, b: SeenFrame | undefined): boolean =>
    a === undefined || b === undefined
      ? a === b
      : a.fin === b.fin &&
        a.rsv === b.rsv &&
        a.opcode === b.opcode &&
        a.maskKey === b.maskKey &&
        a.payloadLength === b.payloadLength &&
        a.headerOffset === b.headerOffset &&
        a.payloadOffset === b.payloadOffset &&
        a.payload.equals(b.payload);
  const show = (value: unknown) =>
    JSON.stringify(value, (key, inner) =>
      key === "payload" ? `${Buffer.from(inner).toString("hex").slice(0, 80)}` : inner,
    );
  for (let i = 0; i < Math.max(expected.frames.length, actual.frames.length); i++) {
    if (!same(expected.frames[i], actual.frames[i])) {
      return `frame ${i}: expected ${show(expected.frames[i])}, got ${show(actual.frames[i])}`;
    }
  }
  if (expected.error?.code !== actual.error?.code || expected.error?.byteOffset !== actual.error?.byteOffset) {
    return `error: expected ${show(expected.error)}, got ${show(actual.error)}`;
  }
  if (expected.closed !== actual.closed) return `closed: expected ${expected.closed}, got ${actual.closed}`;
  if (partial && !same(expected.partial, actual.partial)) {
    return `the unfinished frame: expected ${show(expected.partial)}, got ${show(actual.partial)}`;
  }
  return undefined;
}

/** A stream cut at the given positions. */
export function cutAt(stream: Uint8Array, positions: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const position of [...positions, stream.length]) {
    chunks.push(stream.subarray(from, position));
    from = position;
  }
  return chunks;
}

export function byteByByte(stream: Uint8Array): Uint8Array[] {
  return Array.from(stream, (_, i) => stream.subarray(i, i + 1));
}
