import {
  BIT_CONTROL,
  BIT_FIN,
  CONFIG_COMPACT,
  CONFIG_SERVER,
  CONFIG_STRINGS,
  FLAG_ASCII,
  FLAG_END,
  FLAG_FIRST_BYTE,
  FLAG_HEADER_MASK,
  FLAG_HEADER_SHIFT,
  FLAG_MASKED,
  FLAG_START,
  FLAG_TEXT,
  FLAG_WIDE,
  LANDING,
  MAX_RECORDS,
  MAX_UNITS,
  MESSAGE_CLOSED,
  MESSAGE_TEXT,
  OPCODE_BINARY,
  OPCODE_TEXT,
  RECORD_FLAGS,
  RECORD_FROM,
  RECORD_LENGTH,
  RECORD_PAYLOAD,
  RECORD_SIZE,
  RECORD_UNITS_END,
  SHARED,
  STATE_CLOSE,
  STATE_CONFIG,
  STATE_CONSUMED,
  STATE_ERROR,
  STATE_ERROR_AT,
  STATE_FRAME,
  STATE_KEY,
  STATE_MAX_PAYLOAD,
  STATE_MESSAGE,
  STATE_REMAINING,
  STATE_SLACK,
  STATE_UTF8,
  TABLE,
  UNITS,
  WINDOW,
  WINDOW_SIZE,
} from "../../assembly/memory.ts";
import type { Core } from "../core/core.ts";
import { Batch, readKey } from "./batch.ts";
import { asBytes, asUnshared, type Bytes } from "./bytes.ts";
import { type DecoderSettings, readDecoderSettings } from "./decoder-settings.ts";
import { coreError, type Fault, valueAtFault, type WebSocketError } from "./errors.ts";
import { Frame, FrameHeader } from "./frame.ts";
import { filledLanding, leaseLanding, returnLanding } from "./landing.ts";
import type { FrameDecoderOptions } from "./options.ts";
import { PartialFrame } from "./partial.ts";
import type { ReadWindow } from "./read-window.ts";
import { FrameSource } from "./source.ts";
import { type DecoderState, readState, writeState } from "./state.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Where push() and commit() deliver frames as they arrive. */
export interface FrameSink {
  /** A frame begins. `header` holds until the callback returns. */
  header(header: FrameHeader): void;
  /**
   * The next payload bytes of the frame, unmasked: `window[start, end)`, at least one. They are borrowed: copy what you keep
   * before the callback returns. The rest of `window`, and its `buffer`, is the memory that all connections of the thread
   * share: it also holds bytes of other connections. Do not pass `window` on to code that you do not trust; pass
   * `window.slice(start, end)`.
   */
  payload(window: Uint8Array<ArrayBuffer>, start: number, end: number): void;
  /** The frame is complete. */
  end(): void;
  /**
   * If given, a text message in a single frame that has arrived whole comes as a string through this one call, in
   * place of those above. One that is cut, by the end of a chunk or of a window of 64 KiB, comes in pieces through
   * those: they are needed all the same. Strings of many small messages are made together, which costs a fraction of
   * making each; see `textSlack`. Not for frames with an RSV bit, nor with `allowInvalidUtf8`.
   */
  text?(text: string): void;
  /**
   * If given, a binary message in a single frame that has arrived whole comes through this one call, in place of header(),
   * payload() and end(): its bytes are `window[start, end)`, borrowed as in payload(). One that is cut comes in pieces, as text
   * does. Not for frames with an RSV bit.
   */
  binary?(window: Uint8Array<ArrayBuffer>, start: number, end: number): void;
  /**
   * Goes on with a payload that a pause has interrupted, before anything else is delivered. Returns false if it is not at the end
   * of that again. @internal
   */
  goOn?(): boolean;
  /** With the option `textBytes`, a whole text message in place of text(): a copy of its bytes. @internal */
  ownText?(data: Uint8Array<ArrayBuffer>): void;
  /** With the option `copies`, a whole binary message in place of binary(): a copy of its bytes. @internal */
  ownBinary?(data: Uint8Array<ArrayBuffer>): void;
}

/**
 * Bytes in, frames out (RFC 6455 §5), for one direction of one connection. It checks everything that the RFC demands of a
 * frame, as soon as the wrong field has arrived; text at the very byte.
 *
 * Chunks may be cut anywhere. Between calls a decoder holds a few numbers, the bytes of an incomplete header and, with
 * decode(), what has arrived of an incomplete frame.
 *
 * The stream after a Close is ignored (§5.5.1).
 *
 * After an error the decoder stays failed: every call throws the same error.
 */
export class FrameDecoder {
  readonly #settings: DecoderSettings;
  /** Where in the stream the next byte for the core stands: the first of #cut, if there are any. */
  #offset = 0;
  #message = 0;
  #utf8 = 0;
  /** The frame whose payload is not complete. */
  #partial: PartialFrame | undefined = undefined;
  /** The bytes of a header that is not complete, at most 13. */
  #cut: Uint8Array<ArrayBuffer> | undefined = undefined;
  #failure: Failure | undefined = undefined;
  #paused = false;
  /** What came while it was paused. */
  #backlog: Backlog | undefined = undefined;
  /** In a call, or one that ended with an exception of a sink or of allocate. */
  #busy = false;

  /**
   * @throws TypeError for an unknown role or core
   * @throws RangeError for a maxFrame, rsv or textSlack out of range
   */
  constructor(options: FrameDecoderOptions) {
    this.#settings = readDecoderSettings(options);
  }

  /** The error that ended decoding, if one has. */
  get error(): WebSocketError | undefined {
    return this.#failure?.error;
  }

  /** Whether a Close has been read to its end. What comes after it is ignored. */
  get closed(): boolean {
    return this.#afterClose() && this.#backlog === undefined;
  }

  #afterClose(): boolean {
    return (this.#message & MESSAGE_CLOSED) !== 0;
  }

  /** Whether pause() has been called, and resume() has not. */
  get paused(): boolean {
    return this.#paused;
  }

  /** How much memory holds what a pause has kept back, in bytes: 0 if resume() would have nothing to deliver. */
  get heldBytes(): number {
    const backlog = this.#backlog;
    if (backlog === undefined) return 0;
    const records = (backlog.batch?.size ?? 0) + (backlog.fault === undefined ? 0 : RECORD_SIZE);
    return backlog.bytes + records;
  }

  /**
   * How many bytes of the stream have been decoded: all that came, up to the end of a Close, or to the frame or byte
   * that an error was in.
   */
  get bytesDecoded(): number {
    return this.#offset + (this.#cut?.length ?? 0);
  }

  /**
   * Decodes the next bytes of the stream into the frames that they complete.
   *
   * Payloads are views on the chunk, which is unmasked in place and must not be written to while they are in use. With the
   * option `copy`, or if it is in shared memory, the chunk is left as it is. A frame that spans chunks is collected in a
   * buffer of its own, which grows with what arrives, not with what its header says.
   *
   * @throws WebSocketError when the stream is wrong; its `frames` are those before the error
   * @throws TypeError if the chunk is not bytes, or while a frame is passing through push()
   */
  decode(data: Bytes): Frame[] {
    const chunk = asUnshared(asBytes(data));
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#assertNothingHeld();
    if (this.#partial?.streaming) throw new TypeError("The frame that has begun goes through push()");
    const frames: Frame[] = [];
    const { length } = chunk;
    this.#busy = true;
    const core = this.#settings.engines.enter();
    try {
      for (let at = 0; at < length && !this.#afterClose();) {
        const partial = this.#partial;
        const plain = partial === undefined ? 0 : this.#plainBytes(partial, length - at);
        if (plain > 0) {
          if (!partial!.place) partial!.append(chunk, at, at + plain, partial!.payloadLength);
          this.#skipPlain(plain);
          at += plain;
        } else {
          const size = Math.min(length - at, WINDOW_SIZE);
          this.#decodeSlice(core, chunk, at, size, frames);
          at += size;
        }
      }
      this.#busy = false;
    } finally {
      this.#leave();
    }
    return frames;
  }

  /**
   * Decodes the next bytes of the stream and hands them to `sink` as they come: no object is made for a
   * frame, and a frame of any size passes through in constant memory. The chunk is left as it is.
   *
   * A sink may use any other decoder or encoder. An exception that it throws comes out of push(); the rest
   * of the chunk is then lost, and the decoder cannot be used any more.
   *
   * @throws WebSocketError when the stream is wrong, after all that came before has been delivered
   * @throws TypeError if the chunk is not bytes, or while decode() is collecting a frame
   */
  push(data: Bytes, sink: FrameSink): void {
    const chunk = asBytes(data);
    this.#assertStreaming();
    if (this.#paused) {
      if (!this.#afterClose()) this.#keep(new Uint8Array(chunk));
      return;
    }
    this.#busy = true;
    const core = this.#settings.engines.enter();
    try {
      this.#pushChunk(core, chunk, sink, false);
      this.#busy = false;
    } finally {
      this.#leave();
    }
  }

  /**
   * Stops the running push() or commit() after the frame, or piece of a frame, that is being delivered; later ones deliver
   * nothing. What is not delivered is kept, in a copy, until resume(). Call it from a callback of the sink, or at any other
   * time.
   */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Goes on after pause(): delivers what was kept, until nothing is left or a callback pauses again. Called from a callback
   * of the sink, it undoes the pause, and the running call goes on.
   *
   * @throws all that push() does
   */
  resume(sink: FrameSink): void {
    this.#paused = false;
    if (this.#busy || (this.#backlog === undefined && sink.goOn === undefined)) return;
    this.#busy = true;
    const core = this.#settings.engines.enter();
    try {
      const ready = sink.goOn?.() ?? true;
      const backlog = this.#backlog;
      if (ready && backlog !== undefined && !this.#paused) this.#drain(core, backlog, sink);
      this.#busy = false;
    } finally {
      this.#leave();
    }
  }

  /**
   * A buffer to read the next bytes of the stream into: 64 KiB, where possible in the core's own memory, so that they need
   * not be copied. It is lent to this decoder until commit(), or until the decoder is garbage: keep the decoder as long as
   * something may still be read into the buffer. An idle connection that holds one holds that much memory.
   *
   * It is not cleared: it holds what was read into it before, for any connection, and its `buffer` is all of the core's
   * memory. Do not look at more than you have written, and do not pass it on to code that you do not trust.
   */
  reserve(): Uint8Array<ArrayBuffer> {
    this.#assertUsable();
    return leaseLanding(this, this.#settings.engines);
  }

  /**
   * Decodes the first `length` bytes of what reserve() returned, as push() does, and takes the buffer back.
   *
   * @throws RangeError if there is no reserved buffer, or it is shorter
   * @throws all that push() does
   */
  commit(length: number, sink: FrameSink): void {
    if (this.#failure !== undefined) this.release();
    this.commitFilled(this.filled(length), sink);
  }

  /** The part of what reserve() returned that has been read into, for commitFilled(). @throws all that commit() does @internal */
  filled(length: number): Uint8Array<ArrayBuffer> {
    this.#assertStreaming();
    return filledLanding(this, length);
  }

  /** @internal */
  commitFilled(landing: Uint8Array<ArrayBuffer>, sink: FrameSink): void {
    if (this.#paused) {
      if (!this.#afterClose()) this.#keep(new Uint8Array(landing));
      this.release();
      return;
    }
    this.#busy = true;
    const core = this.#settings.engines.enter();
    try {
      if (landing.buffer === core.bytes.buffer) this.#pushWindow(core, LANDING, landing.length, sink);
      else this.#pushChunk(core, landing, sink, false);
      this.#busy = false;
    } finally {
      // Not before: what a callback reserves must not be this buffer, which is still being decoded.
      returnLanding(this, this.#settings.engines);
      this.#leave();
    }
  }

  /** Decodes the first `length` bytes of a shared window, as push() does. @internal */
  pushFrom(window: ReadWindow, length: number, sink: FrameSink): void {
    this.#assertStreaming();
    const { core } = window;
    if (this.#paused) {
      if (!this.#afterClose()) this.#keep(window.bytes.slice(0, length));
      return;
    }
    this.#busy = true;
    try {
      const plain = this.#partial === undefined ? 0 : this.#plainBytes(this.#partial, length);
      if (plain > 0) {
        this.#skipPlain(plain);
        sink.payload(core.bytes, SHARED, SHARED + plain);
      }
      if (plain < length) {
        if (this.#paused) this.#keep(window.bytes.slice(plain, length));
        else this.#pushWindow(core, SHARED + plain, length - plain, sink, window);
      }
      this.#busy = false;
    } finally {
      if (this.#failure !== undefined) this.#busy = false;
    }
  }

  /** Takes back what reserve() lent, if it has lent something. Not from inside a callback of commit(). @internal */
  release(): void {
    returnLanding(this, this.#settings.engines);
  }

  /** Lets go of what a pause has kept back: nothing more is decoded. @internal */
  drop(): void {
    this.#backlog = undefined;
  }

  /**
   * The state of this decoder as bytes, from which restore() can go on, here or elsewhere. A frame that is being collected is
   * included. The format belongs to this version of the package.
   *
   * @throws TypeError from inside one of its own callbacks, or while it is paused
   */
  save(): Uint8Array<ArrayBuffer> {
    this.#assertNothingHeld();
    return writeState({
      server: (this.#settings.config & CONFIG_SERVER) !== 0,
      offset: this.#offset,
      message: this.#message,
      utf8: this.#utf8,
      cut: this.#cut,
      partial: this.#partial,
      fault: this.#failure?.fault,
    });
  }

  /**
   * A decoder that goes on where the saved one stood.
   *
   * @throws RangeError if `state` is not what save() made
   * @throws TypeError if it was saved in the other role
   */
  static restore(state: Bytes, options: FrameDecoderOptions): FrameDecoder {
    const decoder = new FrameDecoder(options);
    decoder.#resume(readState(state, decoder.#settings.allocate));
    return decoder;
  }

  #resume(state: DecoderState): void {
    if (state.server !== ((this.#settings.config & CONFIG_SERVER) !== 0)) {
      throw new TypeError(`The state is of the role ${state.server ? "server" : "client"}`);
    }
    this.#offset = state.offset;
    this.#message = state.message;
    this.#utf8 = state.utf8;
    this.#cut = state.cut;
    this.#partial = state.partial;
    const { fault } = state;
    if (fault !== undefined) this.#failure = { fault, error: coreError(fault) };
  }

  #assertUsable(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#assertIdle();
  }

  /** No call is running, and nothing waits for resume(). */
  #assertNothingHeld(): void {
    this.#assertIdle();
    if (this.#paused || this.#backlog) throw new TypeError("The decoder is paused: resume it first");
  }

  #assertIdle(): void {
    if (this.#busy) throw new TypeError("The decoder is in use, or a callback of it has thrown");
  }

  #assertStreaming(): void {
    this.#assertUsable();
    if (this.#partial && !this.#partial.streaming)
      throw new TypeError("decode() is collecting the frame that has begun");
  }

  /**
   * How many of the next `length` bytes the core has nothing to do with: payload that is neither masked nor text.
   * Past the windows push() takes an eighth of the time for a 1 MiB frame. Its last byte is left to the core, which
   * then knows that the frame has ended.
   */
  #plainBytes(partial: PartialFrame, length: number): number {
    if (partial.flags & (FLAG_MASKED | BIT_CONTROL) || this.#message & MESSAGE_TEXT) return 0;
    return Math.min(partial.remaining - 1, length);
  }

  #skipPlain(length: number): void {
    this.#partial!.remaining -= length;
    this.#offset += length;
  }

  /** Gives the core back. After an exception that was not its own error the decoder stays in use, for good. */
  #leave(): void {
    this.#settings.engines.leave();
    if (this.#failure !== undefined) this.#busy = false;
  }

  /** One crossing into the core: `bytes[start, end)`. Returns the number of records. */
  #run(core: Core, start: number, end: number, mode: number): number {
    const { i32, f64 } = core;
    const partial = this.#partial;
    const { config, textSlack, maxFrame } = this.#settings;
    i32[STATE_CONFIG >> 2] = config | mode;
    i32[STATE_MESSAGE >> 2] = this.#message;
    i32[STATE_UTF8 >> 2] = this.#utf8;
    i32[STATE_SLACK >> 2] = textSlack;
    f64[STATE_MAX_PAYLOAD >> 3] = maxFrame;
    if (partial === undefined) {
      i32[STATE_FRAME >> 2] = 0;
    } else {
      i32[STATE_FRAME >> 2] = partial.flags;
      i32[STATE_KEY >> 2] = partial.rotatedKey;
      i32[STATE_CLOSE >> 2] = partial.close;
      f64[STATE_REMAINING >> 3] = partial.remaining;
    }
    const records = core.decode(start, end);
    this.#message = i32[STATE_MESSAGE >> 2]!;
    this.#utf8 = i32[STATE_UTF8 >> 2]!;
    this.#offset += i32[STATE_CONSUMED >> 2]! - start;
    return records;
  }

  /** What the core knows of the frame it stands in the middle of. */
  #savePartial(core: Core): void {
    const partial = this.#partial!;
    partial.rotatedKey = core.i32[STATE_KEY >> 2]!;
    partial.close = core.i32[STATE_CLOSE >> 2]!;
    partial.remaining = core.f64[STATE_REMAINING >> 3]!;
  }

  /** Puts the header bytes that were cut off in front of a window; returns where it begins then. */
  #prepend(core: Core, window: number): number {
    const cut = this.#cut;
    if (cut === undefined) return window;
    const start = window - cut.length;
    core.bytes.set(cut, start);
    this.#cut = undefined;
    return start;
  }

  /** Keeps the bytes that the core left, which begin a header. */
  #keepCut(core: Core, end: number): void {
    const consumed = core.i32[STATE_CONSUMED >> 2]!;
    if (consumed < end && !this.#afterClose()) this.#cut = core.bytes.slice(consumed, end);
  }

  #fail(fault: Fault, frames?: readonly Frame[]): never {
    this.#partial = undefined;
    this.#backlog = undefined;
    const error = coreError(fault, frames);
    this.#failure = { fault, error };
    throw error;
  }

  #decodeSlice(core: Core, chunk: Uint8Array<ArrayBuffer>, at: number, size: number, frames: Frame[]): void {
    const { bytes, i32 } = core;
    const { copy, allocate, textSlack: slack } = this.#settings;
    bytes.set(size === chunk.length ? chunk : chunk.subarray(at, at + size), WINDOW);
    let start = this.#prepend(core, WINDOW);
    const end = WINDOW + size;
    /** What turns an address in the window into an offset in the stream. */
    const toStream = this.#offset - start;
    let target = copy ? undefined : chunk;
    const targetAt = copy ? 0 : at;
    const streamOffset = toStream + WINDOW;
    let count = frames.length;
    let stretch: FrameSource | undefined;
    let others: FrameSource | undefined;
    /** Flags of the frame before. */
    let before = 0;
    // What is written back: the payloads that were masked of frames that are whole in the chunk, or all that is copied.
    let from = copy ? WINDOW : end;
    let to = copy ? end : WINDOW;
    let records: number;
    for (;;) {
      records = this.#run(core, start, end, 0);
      // Growing frame by frame takes a tenth of the whole time; setting the length, as long as ten frames.
      if (records > 32) frames.length = count + records;
      for (let i = 0; i < records; i++) {
        const r = TABLE + i * RECORD_SIZE;
        const flags = i32[(r + RECORD_FLAGS) >> 2]!;
        const payload = i32[(r + RECORD_PAYLOAD) >> 2]!;
        const length = i32[(r + RECORD_LENGTH) >> 2]!;
        let inPlace = !copy;
        if ((flags & (FLAG_START | FLAG_END)) === (FLAG_START | FLAG_END)) {
          target ??= new Uint8Array(size);
          const position = payload - WINDOW;
          const head = position - ((flags >> FLAG_HEADER_SHIFT) & FLAG_HEADER_MASK);
          let source: FrameSource;
          if (head < 0) {
            // The header began in the previous chunk, which may hold the masking-key.
            source = new FrameSource(target, targetAt, streamOffset, readKey(bytes, payload, flags));
          } else if (!(flags & before & FLAG_ASCII)) {
            // Also the first of an ASCII stretch: alone, it would need a source of its own.
            source = others ??= new FrameSource(target, targetAt, streamOffset);
          } else {
            if (!stretch?.extend(head, position + length, slack)) {
              stretch = new FrameSource(target, targetAt, streamOffset, undefined, head, position + length);
            }
            source = stretch;
          }
          before = flags;
          frames[count++] = new Frame(source, flags, position, length);
        } else {
          if (flags & FLAG_START) {
            const whole = length + core.f64[STATE_REMAINING >> 3]!;
            const begin = at + payload - WINDOW;
            this.#partial = new PartialFrame(
              flags & ~FLAG_START,
              readKey(bytes, payload, flags),
              whole,
              toStream + payload,
              false,
              allocate,
            );
            if (!copy && begin + whole <= chunk.length) {
              this.#partial.place = chunk.subarray(begin, begin + whole);
            }
          }
          const partial = this.#partial!;
          inPlace &&= partial.place !== undefined;
          if (!partial.place) partial.append(bytes, payload, payload + length, partial.payloadLength);
          if (flags & FLAG_END) {
            frames[count++] = partial.toFrame();
            this.#partial = undefined;
          }
        }
        if (flags & FLAG_MASKED && inPlace) {
          if (payload < from) from = payload;
          to = payload + length;
        }
      }
      if (frames.length > count) frames.length = count;
      if (this.#partial) this.#savePartial(core);
      start = i32[STATE_CONSUMED >> 2]!;
      if (records < MAX_RECORDS || start === end) break;
    }
    // One write for the whole slice. What it has of frames that go on in another chunk is in buffers of their own.
    if (to > from) target?.set(bytes.subarray(from, to), targetAt + from - WINDOW);
    const fault = faultOf(core, records, toStream);
    if (fault !== undefined) this.#fail(fault, frames);
    this.#keepCut(core, end);
  }

  /** `owned`: nobody else writes to the chunk, so it need not be copied to be kept. */
  #pushChunk(core: Core, chunk: Uint8Array, sink: FrameSink, owned: boolean): void {
    const plain = this.#partial === undefined ? 0 : this.#plainBytes(this.#partial, chunk.length);
    if (plain > 0) {
      this.#skipPlain(plain);
      sink.payload(asUnshared(chunk), 0, plain);
    }
    // The length is asked for each time: a callback may resize the buffer.
    let at = plain;
    while (at < chunk.length && !this.#paused && !this.#afterClose()) {
      const size = Math.min(chunk.length - at, WINDOW_SIZE);
      core.bytes.set(size === chunk.length ? chunk : chunk.subarray(at, at + size), WINDOW);
      at += size;
      this.#pushWindow(core, WINDOW, size, sink);
    }
    if (at < chunk.length && this.#paused) {
      const rest = chunk.subarray(at);
      this.#keep(owned ? rest : new Uint8Array(rest));
    }
  }

  #pushWindow(core: Core, window: number, size: number, sink: FrameSink, shared?: ReadWindow): void {
    const { i32 } = core;
    let start = this.#prepend(core, window);
    const end = window + size;
    const toStream = this.#offset - start;
    const strings = sink.text !== undefined && !this.#settings.textBytes;
    const mode = CONFIG_COMPACT | (strings ? CONFIG_STRINGS : 0);
    for (;;) {
      const records = this.#run(core, start, end, mode);
      const batch = new Batch(core, records, toStream, shared);
      this.#updatePartial(core, batch);
      start = i32[STATE_CONSUMED >> 2]!;
      const fault = faultOf(core, records, toStream);
      const complete = this.#deliver(batch, sink);
      if (this.#paused && (!complete || fault !== undefined)) this.#keepBatch(complete ? undefined : batch, fault);
      else if (fault !== undefined) this.#fail(fault);
      if (start === end || fault !== undefined || this.#afterClose()) return;
      if (this.#paused) {
        this.#keep(core.bytes.slice(start, end));
        return;
      }
      if (batch.end < TABLE + MAX_RECORDS * RECORD_SIZE && batch.units < (UNITS >> 2) + MAX_UNITS) break;
    }
    this.#keepCut(core, end);
  }

  /** Hands over what a batch has left. Returns false if a callback has paused before the last of it. */
  #deliver(batch: Batch, sink: FrameSink): boolean {
    const { i32, bytes, end, unitsShift } = batch;
    let { at, units, texts, cut } = batch;
    const wholes = sink.binary !== undefined;
    const { textBytes, copies } = this.#settings;
    let header: FrameHeader | undefined;
    for (let r = batch.record; r < end; r += RECORD_SIZE) {
      const flags = i32[(r + RECORD_FLAGS) >> 2]!;
      const from = at;
      at += i32[(r + RECORD_LENGTH) >> 2]!;
      if (flags & FLAG_TEXT) {
        const unitsEnd = (i32[(r + RECORD_UNITS_END) >> 2]! >> 2) - unitsShift;
        texts ??=
          flags & FLAG_WIDE || !batch.shared ? decodeUtf8(bytes.subarray(from, at)) : batch.shared.ascii(from, at);
        if (units + 1 === unitsEnd && cut === 0) {
          // A message alone is all of it. slice() would find that out too, after a call.
          units++;
          sink.text!(texts);
        }
        while (units < unitsEnd) {
          const next = cut + i32[units++]!;
          sink.text!(texts.slice(cut, next));
          cut = next;
          if (this.#paused && units < unitsEnd) {
            batch.record = r;
            batch.at = from;
            batch.units = units;
            batch.texts = texts;
            batch.cut = cut;
            return false;
          }
        }
        texts = batch.texts = undefined;
        cut = batch.cut = 0;
      } else if (
        wholes &&
        (flags & (FLAG_START | FLAG_END | FLAG_FIRST_BYTE)) === (FLAG_START | FLAG_END | BIT_FIN | OPCODE_BINARY)
      ) {
        if (copies === undefined) sink.binary!(bytes, from, at);
        else sink.ownBinary!(batch.own(from, at, copies));
      } else if (
        textBytes &&
        (flags & (FLAG_START | FLAG_END | FLAG_FIRST_BYTE)) === (FLAG_START | FLAG_END | BIT_FIN | OPCODE_TEXT)
      ) {
        sink.ownText!(copies === undefined ? bytes.slice(from, at) : batch.own(from, at, copies));
      } else {
        if (flags & FLAG_START) {
          header ??= new FrameHeader(batch);
          header.flags = flags;
          header.record = r;
          if (!(flags & FLAG_END)) header.remaining = batch.remaining;
          sink.header(header);
        }
        if (at > from) sink.payload(bytes, from, at);
        if (flags & FLAG_END) sink.end();
      }
      if (this.#paused && r + RECORD_SIZE < end) {
        batch.record = r + RECORD_SIZE;
        batch.at = at;
        batch.units = units;
        return false;
      }
    }
    batch.units = units;
    return true;
  }

  /** Keeps bytes for after a pause, after what is kept already. */
  #keep(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const backlog = this.#backlogged();
    backlog.chunks.push(chunk);
    backlog.bytes += chunk.length;
  }

  #keepBatch(batch: Batch | undefined, fault: Fault | undefined): void {
    batch?.detach();
    const backlog = this.#backlogged();
    backlog.batch = batch;
    backlog.fault = fault;
  }

  #backlogged(): Backlog {
    return (this.#backlog ??= { batch: undefined, fault: undefined, next: [], chunks: [], bytes: 0 });
  }

  #drain(core: Core, backlog: Backlog, sink: FrameSink): void {
    const { batch, fault } = backlog;
    if (batch !== undefined) {
      if (!this.#deliver(batch, sink)) return;
      backlog.batch = undefined;
    }
    if (fault !== undefined) {
      if (this.#paused) return;
      this.#fail(fault);
    }
    while (backlog.bytes > 0 && !this.#paused && !this.#afterClose()) {
      if (backlog.next.length === 0) {
        stack(backlog.chunks, backlog.next);
        backlog.chunks = [];
      }
      const chunk = backlog.next.pop()!;
      backlog.bytes -= chunk.length;
      const later = backlog.chunks;
      backlog.chunks = [];
      this.#pushChunk(core, chunk, sink, true);
      // What a pause has kept of it comes next.
      stack(backlog.chunks, backlog.next);
      backlog.chunks = later;
    }
    // Nothing counts after a Close.
    const isRead = backlog.bytes === 0 || this.#afterClose();
    if (isRead && backlog.batch === undefined && backlog.fault === undefined) this.#backlog = undefined;
  }

  /** Takes note of the frame that the core stands in the middle of, if it does, when it has walked a window. */
  #updatePartial(core: Core, batch: Batch): void {
    if (core.i32[STATE_FRAME >> 2] === 0) {
      this.#partial = undefined;
      return;
    }
    const last = batch.end - RECORD_SIZE;
    const flags = core.i32[(last + RECORD_FLAGS) >> 2]!;
    if (flags & FLAG_START) {
      const from = core.i32[(last + RECORD_FROM) >> 2]!;
      const length = core.i32[(last + RECORD_LENGTH) >> 2]! + batch.remaining;
      const key = readKey(core.bytes, from, flags);
      const own = flags & ~FLAG_START;
      this.#partial = new PartialFrame(own, key, length, batch.toStream + from, true, this.#settings.allocate);
    }
    this.#savePartial(core);
  }
}

/** What the last call of the core found wrong; `toStream` turns an address into an offset in the stream. */
function faultOf(core: Core, records: number, toStream: number): Fault | undefined {
  const number = core.i32[STATE_ERROR >> 2]!;
  if (number === 0) return undefined;
  const value = valueAtFault(core, number, records);
  return { number, byteOffset: toStream + core.i32[STATE_ERROR_AT >> 2]!, value };
}

/** Puts chunks on a stack whose top is the next one. */
function stack(chunks: readonly Uint8Array[], on: Uint8Array[]): void {
  for (let i = chunks.length - 1; i >= 0; i--) on.push(chunks[i]!);
}

/** Why decoding has ended. */
interface Failure {
  readonly fault: Fault;
  readonly error: WebSocketError;
}

/** What a pause has kept back: records, the error after them if there is one, and bytes that the core has not seen. */
interface Backlog {
  batch: Batch | undefined;
  fault: Fault | undefined;
  /** The first chunks, the last of them first; and those after them. */
  next: Uint8Array[];
  chunks: Uint8Array[];
  /** Of all chunks. */
  bytes: number;
}
