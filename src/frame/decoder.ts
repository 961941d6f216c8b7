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

/** Receives the frames that push() and commit() decode. */
export interface FrameSink {
  /** Starts a frame. `header` is valid until the callback returns: copy the fields that you need later. */
  header(header: FrameHeader): void;
  /**
   * Delivers the next payload bytes of the frame, unmasked: `window[start, end)`, at least one byte. It is called any
   * number of times per frame, and never for an empty payload.
   *
   * The bytes are borrowed: copy those that you keep before the callback returns. The rest of `window`, and its
   * `buffer`, is memory that all connections of the thread share, so it holds bytes of other connections. Do not pass
   * `window` to code that you do not trust; pass `window.slice(start, end)`.
   */
  payload(window: Uint8Array<ArrayBuffer>, start: number, end: number): void;
  /** Ends the frame: its payload is complete. */
  end(): void;
  /**
   * Optional. Receives a whole text message as a string, in one call instead of the three above, if it is in one frame
   * and arrived in one piece. A message that the end of a chunk or of a 64 KiB window cuts still goes to the other
   * callbacks, so implement them as well. The strings of small messages are made together, which costs a fraction of
   * making each; see `textSlack`. It is not called for frames with an RSV bit, nor with `allowInvalidUtf8`.
   */
  text?(text: string): void;
  /**
   * Optional. Receives a whole binary message in one call instead of header(), payload() and end(), if it is in one
   * frame and arrived in one piece. Its bytes are `window[start, end)`, borrowed as in payload(). A message that is cut
   * goes to the other callbacks, as for text(). It is not called for frames with an RSV bit.
   */
  binary?(window: Uint8Array<ArrayBuffer>, start: number, end: number): void;
  /**
   * Continues a payload that a pause interrupted, before anything else is delivered. Returns false if it was
   * interrupted again. @internal
   */
  goOn?(): boolean;
  /** With the option `textBytes`, receives a copy of a whole text message instead of text(). @internal */
  ownText?(data: Uint8Array<ArrayBuffer>): void;
  /** With the option `copies`, receives a copy of a whole binary message instead of binary(). @internal */
  ownBinary?(data: Uint8Array<ArrayBuffer>): void;
}

/**
 * Decodes the bytes of one direction of one connection into frames (RFC 6455 §5).
 *
 * Its `role` is the READER's: use `"server"` to read frames that a client wrote, which are masked, and `"client"` to
 * read frames that a server wrote, which are not.
 *
 * It enforces every rule of the RFC for frames. It reports an error as soon as the faulty field has arrived, and
 * invalid text at its first wrong byte.
 *
 * Chunks may be cut anywhere. Between calls, a decoder holds a few numbers, the bytes of an incomplete header and, with
 * decode(), the received bytes of an incomplete frame.
 *
 * It ignores all bytes after a Close (§5.5.1). After an error, decode(), push(), reserve() and commit() throw the same
 * error again.
 */
export class FrameDecoder {
  readonly #settings: DecoderSettings;
  /** Offset in the stream of the next byte for the core, which is the first byte of #cut if there is one. */
  #offset = 0;
  #message = 0;
  #utf8 = 0;
  /** The frame whose payload is incomplete. */
  #partial: PartialFrame | undefined = undefined;
  /** The bytes of an incomplete header, at most 13. */
  #cut: Uint8Array<ArrayBuffer> | undefined = undefined;
  #failure: Failure | undefined = undefined;
  #paused = false;
  /** Input that arrived during a pause. */
  #backlog: Backlog | undefined = undefined;
  /** Set during a call, and for good after an exception from a sink or from allocate. */
  #busy = false;

  /**
   * @throws TypeError if the role or core is unknown
   * @throws RangeError if maxFrame, rsv or textSlack is out of range
   * @throws Error if core is `"wasm"` and WebAssembly cannot be compiled
   */
  constructor(options: FrameDecoderOptions) {
    this.#settings = readDecoderSettings(options);
  }

  /** The error that ended decoding, if there was one. */
  get error(): WebSocketError | undefined {
    return this.#failure?.error;
  }

  /** Whether a whole Close has been read and delivered (RFC 6455 §5.5.1). Later bytes are ignored. */
  get closed(): boolean {
    return this.#afterClose() && this.#backlog === undefined;
  }

  #afterClose(): boolean {
    return (this.#message & MESSAGE_CLOSED) !== 0;
  }

  /** Whether the decoder is paused: pause() has been called, and resume() has not been called since. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Memory that a pause holds, in bytes. 0 if resume() has nothing to deliver. */
  get heldBytes(): number {
    const backlog = this.#backlog;
    if (backlog === undefined) return 0;
    const records = (backlog.batch?.size ?? 0) + (backlog.fault === undefined ? 0 : RECORD_SIZE);
    return backlog.bytes + records;
  }

  /**
   * How many bytes of the stream have been decoded: all that arrived, except those after a Close, and those that a
   * pause holds undecoded. After an error, the count ends at the faulty frame or byte.
   */
  get bytesDecoded(): number {
    return this.#offset + (this.#cut?.length ?? 0);
  }

  /**
   * Decodes the next bytes of the stream, and returns the frames that they complete, in order.
   *
   * Payloads are views of the chunk, which is unmasked in place: do not write to it while you use them. With the option
   * `copy`, or if the chunk is in shared memory, the chunk stays unchanged and payloads are views of a copy. A frame
   * that spans chunks is collected in a buffer of its own. That buffer grows with the received bytes, not with the
   * announced length.
   *
   * @throws WebSocketError if the stream breaks a rule; its `frames` are the complete frames before the error
   * @throws TypeError if the chunk is not bytes, if the decoder is paused or in use, or in the middle of a frame that
   *   push() began
   */
  decode(data: Bytes): Frame[] {
    const chunk = asUnshared(asBytes(data));
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#assertNothingHeld();
    if (this.#partial?.streaming) throw new TypeError("push() began this frame: finish it with push()");
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
   * Decodes the next bytes of the stream, and passes them to `sink` as they arrive. It creates no object per frame, and
   * a frame of any size passes through in constant memory. The chunk stays unchanged, and is yours again when push()
   * returns. During a pause, push() copies the chunk for resume().
   *
   * A sink may use any other decoder or encoder. If it throws, push() throws the same exception; the rest of the chunk
   * is lost, and this decoder cannot be used any more.
   *
   * @throws WebSocketError if the stream breaks a rule, after everything before the error has been delivered
   * @throws TypeError if the chunk is not bytes, if the decoder is in use, or in the middle of a frame that decode()
   *   began
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
   * Pauses delivery. A running push() or commit() stops after the current frame, or piece of a frame; later calls
   * deliver nothing. A copy of everything undelivered is kept until resume(). You can call pause() from a callback of
   * the sink, or at any other time.
   */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Ends a pause. Delivers everything that was kept, until nothing is left or a callback pauses again. If a callback of
   * the sink calls it, it only undoes the pause, and the running call continues.
   *
   * @throws everything that push() throws
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
   * Lends a buffer of 64 KiB to read the next bytes of the stream into. If possible, it is in the core's own memory,
   * and the bytes need no copy. It is lent to this decoder until commit(), or until the decoder is garbage-collected:
   * keep a reference to the decoder while something may still write to the buffer. An idle connection that holds a
   * buffer holds that much memory.
   *
   * The buffer is not cleared. It holds bytes that were read earlier, for any connection, and its `buffer` is the whole
   * memory of the core. Read only what you have written, and do not pass it to code that you do not trust.
   *
   * @throws TypeError if the decoder is in use
   */
  reserve(): Uint8Array<ArrayBuffer> {
    this.#assertUsable();
    return leaseLanding(this, this.#settings.engines);
  }

  /**
   * Decodes the first `length` bytes of the buffer from reserve(), as push() does, and takes the buffer back.
   *
   * @throws RangeError if no buffer is reserved, or length is not a whole number from 0 to its length
   * @throws everything that push() throws
   */
  commit(length: number, sink: FrameSink): void {
    if (this.#failure !== undefined) this.release();
    this.commitFilled(this.filled(length), sink);
  }

  /**
   * Returns the filled part of the reserved buffer, for commitFilled(). @throws everything that commit() throws
   * @internal
   */
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
      // Not earlier: a buffer that a callback reserves must not be this one, which is still being decoded.
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

  /** Takes back the buffer that reserve() lent, if any. Do not call it from a callback of commit(). @internal */
  release(): void {
    returnLanding(this, this.#settings.engines);
  }

  /** Frees everything that a pause holds. Nothing more is decoded. @internal */
  drop(): void {
    this.#backlog = undefined;
  }

  /**
   * Saves the state of this decoder as bytes, including a frame that is being collected. restore() continues from
   * there, here or elsewhere. Only the same version of the package can read the format.
   *
   * @throws TypeError if a callback of this decoder calls it, or if the decoder is paused
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
   * Creates a decoder that continues where the saved one stopped. `state` is copied.
   *
   * @throws RangeError if `state` is not from save() of this version
   * @throws TypeError if the saved decoder had the other role, and everything that the constructor throws
   */
  static restore(state: Bytes, options: FrameDecoderOptions): FrameDecoder {
    const decoder = new FrameDecoder(options);
    decoder.#resume(readState(state, decoder.#settings.allocate));
    return decoder;
  }

  #resume(state: DecoderState): void {
    if (state.server !== ((this.#settings.config & CONFIG_SERVER) !== 0)) {
      throw new TypeError(`state has the role ${state.server ? "server" : "client"}`);
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

  /** Throws if a call is running, or if resume() has something to deliver. */
  #assertNothingHeld(): void {
    this.#assertIdle();
    if (this.#paused || this.#backlog) throw new TypeError("The decoder is paused: call resume()");
  }

  #assertIdle(): void {
    if (this.#busy) throw new TypeError("The decoder is in use, or its callback has thrown");
  }

  #assertStreaming(): void {
    this.#assertUsable();
    if (this.#partial && !this.#partial.streaming)
      throw new TypeError("decode() began this frame: finish it with decode()");
  }

  /**
   * Returns how many of the next `length` bytes can skip the core, because they are payload that is neither masked nor
   * text. push() then takes an eighth of the time for a frame of 1 MiB. The core still gets the last byte, so that it
   * knows that the frame has ended.
   */
  #plainBytes(partial: PartialFrame, length: number): number {
    if (partial.flags & (FLAG_MASKED | BIT_CONTROL) || this.#message & MESSAGE_TEXT) return 0;
    return Math.min(partial.remaining - 1, length);
  }

  #skipPlain(length: number): void {
    this.#partial!.remaining -= length;
    this.#offset += length;
  }

  /** Releases the core. After an exception other than its own error, the decoder stays in use for good. */
  #leave(): void {
    this.#settings.engines.leave();
    if (this.#failure !== undefined) this.#busy = false;
  }

  /** Calls the core once, for `bytes[start, end)`. Returns the number of records. */
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

  /** Saves what the core knows about the incomplete frame. */
  #savePartial(core: Core): void {
    const partial = this.#partial!;
    partial.rotatedKey = core.i32[STATE_KEY >> 2]!;
    partial.close = core.i32[STATE_CLOSE >> 2]!;
    partial.remaining = core.f64[STATE_REMAINING >> 3]!;
  }

  /** Puts the bytes of a cut header before a window. Returns the new start. */
  #prepend(core: Core, window: number): number {
    const cut = this.#cut;
    if (cut === undefined) return window;
    const start = window - cut.length;
    core.bytes.set(cut, start);
    this.#cut = undefined;
    return start;
  }

  /** Keeps the bytes that the core did not use, which start a header. */
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
    /** Add this to an address in the window to get the offset in the stream. */
    const toStream = this.#offset - start;
    let target = copy ? undefined : chunk;
    const targetAt = copy ? 0 : at;
    const streamOffset = toStream + WINDOW;
    let count = frames.length;
    let stretch: FrameSource | undefined;
    let others: FrameSource | undefined;
    /** Flags of the previous frame. */
    let before = 0;
    // The range to write back: masked payloads of the frames that are whole in the chunk or, with `copy`, everything.
    let from = copy ? WINDOW : end;
    let to = copy ? end : WINDOW;
    let records: number;
    for (;;) {
      records = this.#run(core, start, end, 0);
      // Growing frame by frame takes a tenth of the total time. Setting the length takes as long as ten frames.
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
            // This includes the first frame of an ASCII stretch: alone, it would need its own source.
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
    // One write for the whole slice. Frames that continue in another chunk are in buffers of their own.
    if (to > from) target?.set(bytes.subarray(from, to), targetAt + from - WINDOW);
    const fault = faultOf(core, records, toStream);
    if (fault !== undefined) this.#fail(fault, frames);
    this.#keepCut(core, end);
  }

  /** `owned` means that nothing else writes to the chunk, so it can be kept without a copy. */
  #pushChunk(core: Core, chunk: Uint8Array, sink: FrameSink, owned: boolean): void {
    const plain = this.#partial === undefined ? 0 : this.#plainBytes(this.#partial, chunk.length);
    if (plain > 0) {
      this.#skipPlain(plain);
      sink.payload(asUnshared(chunk), 0, plain);
    }
    // Read the length each time, because a callback may resize the buffer.
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

  /** Delivers the rest of a batch. Returns false if a callback paused before the end. */
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
          // A single message is the whole string. slice() would notice that too, but costs a call.
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

  /** Keeps bytes until after a pause, after those that are already kept. */
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
      // If a callback paused again, the rest of the chunk comes next.
      stack(backlog.chunks, backlog.next);
      backlog.chunks = later;
    }
    // Bytes after a Close do not count.
    const isRead = backlog.bytes === 0 || this.#afterClose();
    if (isRead && backlog.batch === undefined && backlog.fault === undefined) this.#backlog = undefined;
  }

  /** After a window, remembers the incomplete frame if the core is inside one. */
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

/** Returns the error of the core's last call. `toStream` turns an address into an offset in the stream. */
function faultOf(core: Core, records: number, toStream: number): Fault | undefined {
  const number = core.i32[STATE_ERROR >> 2]!;
  if (number === 0) return undefined;
  const value = valueAtFault(core, number, records);
  return { number, byteOffset: toStream + core.i32[STATE_ERROR_AT >> 2]!, value };
}

/** Pushes chunks on a stack, so that the first one is on top. */
function stack(chunks: readonly Uint8Array[], on: Uint8Array[]): void {
  for (let i = chunks.length - 1; i >= 0; i--) on.push(chunks[i]!);
}

/** Why decoding ended. */
interface Failure {
  readonly fault: Fault;
  readonly error: WebSocketError;
}

/** Everything that a pause holds: records, the error after them, and bytes that the core has not seen. */
interface Backlog {
  batch: Batch | undefined;
  fault: Fault | undefined;
  /** `next` has the first chunks, in reverse order. `chunks` has the ones after them. */
  next: Uint8Array[];
  chunks: Uint8Array[];
  /** Total length of all chunks. */
  bytes: number;
}
