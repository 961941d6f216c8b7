import {
  BIT_FIN,
  ENCODE_FIRST_BYTE_SHIFT,
  ENCODE_LENGTH,
  ENCODE_UNITS,
  KEYS,
  MAX_RECORDS,
  OPCODE_BINARY,
  OPCODE_TEXT,
  OUTPUT,
  TABLE,
  WINDOW,
  WINDOW_SIZE,
} from "../../assembly/memory.ts";
import type { Core } from "../core/core.ts";
import { enginesFor, type Engines } from "../core/engines.ts";
import { asBytes, asBytesOrText, asUnshared, type Bytes, concat, type Memory, newBytes, NOTHING } from "./bytes.ts";
import { writeHeader } from "./header.ts";
import { keyNumber, nextKey, takeKeys } from "./keys.ts";
import { maskInto, SHORT } from "./mask.ts";
import { isValidCloseCode, Opcode } from "./opcodes.ts";
import { type FrameEncoderOptions, isServer, type MaskKeySource } from "./options.ts";
import type { PreparedMessage, SerializedMessage } from "./prepared.ts";
import { LARGE, MAX_BYTES_PER_UNIT, MAX_HEADER, MAX_PAYLOAD, MAX_SHORT } from "./sizes.ts";
import { encodeUtf8, encodeUtf8Into } from "./utf8.ts";

const FIRST_RECORDS = 16;
const FIRST_COPIES = 256;
/** How many bytes may wait unserialized. Beyond that, they are serialized. */
const MOST_WAITING = 4194304;
/**
 * Texts from this length on are transcoded one by one, because joining them costs more. A client joins them anyway, to
 * mask them together.
 */
const LONG = 512;
/** Texts up to this length are transcoded here, because a call costs more. */
const TINY = 40;
/** Copies up to this length wait in the queue with others. Longer ones become frames in their own memory. */
const MOST_COPIED = 16384;
/** takeInto() copies up to this many bytes that are already serialized. */
const SMALL = 16384;
/** Size of `scratch`, in bytes. Any segment of short frames fits. */
const SCRATCH_SIZE = 262144;
/** The next encoder gets no buffers larger than this, in bytes. */
const MOST_SPARE = 262144;

/** Texts that were joined, or copies of bytes. */
type Payloads = readonly (string | Uint8Array)[];

const ZEROED: Memory = { allocate: newBytes };
const NO_RECORDS: Int32Array = /* @__PURE__ */ new Int32Array(0);

/** A frame to serialize. A decoded Frame is one, too. */
export interface FrameInit {
  /** 0 to 15 (RFC 6455 §5.2). Reserved opcodes are allowed, to test a peer. */
  readonly opcode: number;
  /** Bytes, or a string to encode as UTF-8. Default: an empty payload. */
  readonly payload?: Bytes | string;
  /** Whether this is the last frame of its message. Default true. */
  readonly fin?: boolean;
  /** RSV1 to RSV3 as a number of three bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. Default 0. */
  readonly rsv?: number;
}

/**
 * Appended texts. Each run gets a new object, because V8 has to record each store of a new string into an object as old
 * as the queue. That takes as long as the rest of text().
 */
interface TextRun {
  text: string;
}

/**
 * Frames that wait to be serialized, in segments. A segment is as many short frames as one call of the core can take,
 * or one long text. An encoder with nothing to write has no queue.
 */
interface Queue {
  /** The first `count` records, in the core's format. Grows. */
  records: Int32Array;
  count: number;
  /** When `count` reaches this, there is no room for another record. */
  limit: number;
  /** The payloads of the records, in order. Consecutive texts are one string, consecutive bytes one array. */
  payloads: (string | Uint8Array)[];
  /** The texts after the last payload. */
  run: TextRun | undefined;
  /** Copies of bytes, end to end, up to `copied`. Those from `copiesFrom` on are not in `payloads` yet. */
  copies: Uint8Array<ArrayBuffer>;
  copied: number;
  copiesFrom: number;
  /** The start of each segment after the first: its record, its payload, and the value of `most`. */
  bounds: number[];
  /** The masking-keys, unless they come from the pool. */
  keys: number[];
  /** Total length of the last segment: texts in UTF-16 code units, others in bytes. */
  size: number;
  /** The maximum size of these frames in bytes, without masking-keys. */
  most: number;
  /** Serialized frames. */
  output: Uint8Array<ArrayBuffer>[];
  /** Total length of `output`, in bytes. */
  written: number;
}

/** The record of a text message in one frame. */
const LONE = 0x1810000;
/** The current position of takeInto(). */
const place: Target = { bytes: NOTHING, at: 0 };

/** The queue that the last take() emptied. The next encoder that needs a queue uses it, without an allocation. */
let spareQueue: Queue | undefined;
/** A buffer to build frames in. */
let scratch: Uint8Array<ArrayBuffer> | undefined;

function takeQueue(): Queue {
  const queue = spareQueue ?? {
    records: NO_RECORDS,
    count: 0,
    limit: 0,
    payloads: [],
    run: undefined,
    copies: NOTHING,
    copied: 0,
    copiesFrom: 0,
    bounds: [],
    keys: [],
    size: 0,
    most: 0,
    output: [],
    written: 0,
  };
  spareQueue = undefined;
  return queue;
}

function emit(queue: Queue, part: Uint8Array<ArrayBuffer>): void {
  queue.output.push(part);
  queue.written += part.length;
}

/** A buffer to build frames in. */
interface Target {
  bytes: Uint8Array;
  /** Where the next frame goes. */
  at: number;
}

/**
 * Serializes frames for one direction of one connection (RFC 6455 §5.2).
 *
 * Its `role` is the WRITER's: a `"client"` masks every frame, a `"server"` masks none. The reader of the bytes has the
 * other role.
 *
 * Frames are queued until take() or takeInto(). Payloads of less than 4 KiB are copied at once. A client also copies a
 * larger payload at once, when it masks it. A server keeps a reference to a larger payload, unless that is in shared
 * memory: do not write to it until the bytes from take() have been sent.
 *
 * The encoder only serializes. It checks neither the order of fragments (§5.4) nor whether a Close was sent before
 * (§5.5.1).
 */
export class FrameEncoder {
  readonly #engines: Engines;
  /** 1 for a client, 0 for a server. */
  readonly #mask: number;
  readonly #keySource: MaskKeySource | undefined;
  /** A single waiting text, or a frame that is not copied. It needs no queue. */
  #lone: string | Uint8Array<ArrayBuffer> | undefined = undefined;
  #queue: Queue | undefined = undefined;

  /**
   * @throws TypeError if the role, core or maskKey is invalid
   * @throws Error if core is `"wasm"` and WebAssembly cannot be compiled
   */
  constructor(options: FrameEncoderOptions) {
    this.#mask = isServer(options?.role) ? 0 : 1;
    const source = options.maskKey;
    if (source !== undefined && typeof source !== "function") keyNumber(source);
    this.#keySource = this.#mask ? source : undefined;
    this.#engines = enginesFor(options.core);
  }

  /**
   * Queues a text message in one frame (§5.6). In a string, a lone surrogate becomes U+FFFD. Bytes must be UTF-8, which
   * is not checked; they are borrowed as described for the class.
   *
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if data is 4 GiB or more
   */
  text(data: string | Bytes): void {
    this.#data(BIT_FIN | OPCODE_TEXT, data);
  }

  /**
   * Queues a binary message in one frame (§5.6). Its bytes are borrowed as described for the class.
   *
   * @throws TypeError if data is not bytes
   * @throws RangeError if data is 4 GiB or more
   */
  binary(data: Bytes): void {
    this.#bytes(BIT_FIN | OPCODE_BINARY, asBytes(data));
  }

  /** Queues a frame whose payload the caller may change afterwards. Large frames are built in `memory`. @internal */
  copy(firstByte: number, bytes: Uint8Array, memory: Memory = ZEROED): void {
    // A function that makes keys might use another connection and so change borrowed bytes. #bytes() copies them first.
    if (bytes.length < LARGE || typeof this.#keySource === "function") this.#bytes(firstByte, bytes);
    else if (bytes.length <= MOST_COPIED) this.#copyAlone(firstByte, bytes);
    else this.#large(firstByte, bytes, memory);
  }

  /**
   * Queues a Ping (§5.5.2). Its payload is copied.
   *
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if data is longer than 125 bytes
   */
  ping(data: string | Bytes = NOTHING): void {
    this.#control(Opcode.Ping, data);
  }

  /**
   * Queues a Pong (§5.5.3). Its payload is copied.
   *
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if data is longer than 125 bytes
   */
  pong(data: string | Bytes = NOTHING): void {
    this.#control(Opcode.Pong, data);
  }

  /**
   * Queues a Close (§5.5.1). Without a code, its payload is empty.
   *
   * @throws RangeError if the code must not be sent (§7.4), if the reason is longer than 123 bytes in UTF-8, or if
   *   there is a reason without a code
   * @throws TypeError if the reason is not a string
   */
  close(code?: number, reason: string = ""): void {
    if (typeof reason !== "string") throw new TypeError("reason must be a string");
    if (code === undefined) {
      if (reason !== "") throw new RangeError("reason needs a code");
      this.#control(Opcode.Close, NOTHING);
      return;
    }
    if (!isValidCloseCode(code)) throw new RangeError(`code ${code} must not be sent`);
    const text = encodeUtf8(reason);
    if (text.length > MAX_SHORT - 2) throw new RangeError("reason is longer than 123 bytes in UTF-8");
    const payload = new Uint8Array(2 + text.length);
    payload[0] = code >> 8;
    payload[1] = code;
    payload.set(text, 2);
    this.#control(Opcode.Close, payload);
  }

  /**
   * Queues any frame, with any opcode, fin and rsv. It does not check whether RFC 6455 allows the combination. Use it
   * for fragments, extensions, proxies and tests. The masking-key of a decoded frame is not reused (§5.3). The payload
   * is borrowed as described for the class.
   *
   * @throws TypeError if a property has the wrong type
   * @throws RangeError if opcode or rsv is out of range, or the payload is 4 GiB or more
   */
  frame(frame: FrameInit): void {
    const { opcode, payload = NOTHING, fin = true, rsv = 0 } = frame;
    if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) throw new RangeError("opcode must be 0 to 15");
    if (!Number.isInteger(rsv) || rsv < 0 || rsv > 7) throw new RangeError("rsv must be 0 to 7");
    const first = (fin ? BIT_FIN : 0) | (rsv << 4) | opcode;
    this.#data(first, payload);
  }

  /**
   * Queues a message that was serialized before. If the role is server and nothing else is queued, its bytes are not
   * copied.
   *
   * @throws TypeError if message is not a PreparedMessage
   */
  prepared(message: PreparedMessage): void {
    this.serialized(message);
  }

  /** Queues a message that is already a frame. @internal */
  serialized(message: SerializedMessage): void {
    // Not instanceof, which would put the class into every bundle.
    if (message?.firstByte === undefined) throw new TypeError("message must be a PreparedMessage");
    const { frame } = message;
    if (this.#mask) {
      this.#bytes(message.firstByte, message.payload);
    } else if (this.isEmpty) {
      this.#lone = frame;
    } else {
      const queue = this.#open();
      if (frame.length >= LARGE || queue.count === 0) emit(this.#flushed(), frame);
      else this.#bytes(message.firstByte, message.payload);
    }
  }

  /**
   * An upper bound for the number of bytes that take() would return now. A text that is not serialized yet counts three
   * bytes per UTF-16 code unit, plus 4 bytes (role client: 8) of header. 0 if nothing is queued.
   */
  get queuedBytes(): number {
    const queue = this.#queue;
    const lone = this.#lone;
    if (typeof lone === "string") return lone.length * MAX_BYTES_PER_UNIT + 4 + 4 * this.#mask;
    if (lone !== undefined) return lone.length;
    return queue === undefined ? 0 : queue.written + queue.most + queue.count * this.#mask * 4;
  }

  /**
   * Returns the bytes to send, in order, and empties the queue. The buffers are yours, with two exceptions that you must
   * not write to: a large payload of a server is the buffer that you passed in, and the bytes of a PreparedMessage are
   * shared.
   */
  take(): Uint8Array<ArrayBuffer>[] {
    const lone = this.#lone;
    if (lone instanceof Uint8Array) {
      this.#lone = undefined;
      return [lone];
    }
    if (lone !== undefined) {
      const frame = new Uint8Array(headerSize(lone.length) + 4 * this.#mask + lone.length);
      if (this.#putLone(lone, frame)) return [frame];
    } else if (this.#queue === undefined) {
      return [];
    }
    const queue = this.#flushed();
    const { output } = queue;
    queue.output = [];
    queue.written = 0;
    this.#release(queue);
    return output;
  }

  /**
   * Writes as many queued frames to the start of `target` as fit, in order, and removes them from the queue. Returns
   * the number of bytes. If you reuse one buffer, nothing is allocated.
   *
   * 0 means that nothing is queued, that the next frame does not fit, or that it needs no copy. Call take() then.
   */
  takeInto(target: Uint8Array): number {
    if (typeof this.#lone === "string") return this.#putLone(this.#lone, target) ? place.at : 0;
    if (this.#lone !== undefined) return 0;
    const queue = this.#queue;
    if (queue === undefined) return 0;
    place.bytes = target;
    place.at = 0;
    if (queue.written > 0) {
      if (queue.written > Math.min(SMALL, target.length)) return 0;
      for (const part of queue.output) {
        target.set(part, place.at);
        place.at += part.length;
      }
      queue.output = [];
      queue.written = 0;
    }
    this.#lay(queue, place);
    if (queue.count === 0) this.#release(queue);
    return place.at;
  }

  /** Whether nothing is queued. @internal */
  get isEmpty(): boolean {
    return this.#queue === undefined && this.#lone === undefined;
  }

  /** Returns the queue, and moves a single waiting frame to it. */
  #open(): Queue {
    const queue = (this.#queue ??= takeQueue());
    const lone = this.#lone;
    if (lone === undefined) return queue;
    this.#lone = undefined;
    if (typeof lone !== "string") {
      emit(queue, lone);
      return queue;
    }
    this.#enqueue(LONE, lone.length, lone.length * MAX_BYTES_PER_UNIT + 4);
    queue.run = { text: lone };
    return queue;
  }

  /** Writes the single waiting text to the start of `target`, if it fits. */
  #putLone(text: string, target: Uint8Array): boolean {
    place.bytes = target;
    place.at = 0;
    if (!this.#put(place, BIT_FIN | OPCODE_TEXT, text, this.#mask ? nextKey(undefined) : undefined)) return false;
    this.#lone = undefined;
    return true;
  }

  #release(queue: Queue): void {
    this.#queue = undefined;
    if (queue.copies.length > MOST_SPARE) queue.copies = NOTHING;
    spareQueue = queue;
  }

  /** Queues a record of `length` units or bytes, fewer than LARGE. The caller adds the payload. */
  #enqueue(record: number, length: number, most: number): Queue {
    // Before anything is queued, because a source of keys may throw.
    const key = this.#keySource === undefined ? 0 : nextKey(this.#keySource);
    const queue = this.#open();
    if (queue.size + length > WINDOW_SIZE || queue.count === queue.limit) this.#makeRoom(queue, length);
    queue.records[queue.count++] = record | length;
    queue.size += length;
    queue.most += most;
    if (this.#keySource !== undefined) queue.keys.push(key);
    return queue;
  }

  #makeRoom(queue: Queue, length: number): void {
    if (queue.most > MOST_WAITING) {
      this.#flush(queue);
      return;
    }
    if (queue.size + length > WINDOW_SIZE || queue.count - segmentStart(queue) === MAX_RECORDS) cut(queue);
    if (queue.count === queue.records.length) {
      const records = new Int32Array(Math.max(FIRST_RECORDS, 2 * queue.count));
      records.set(queue.records);
      queue.records = records;
    }
    queue.limit = Math.min(queue.records.length, segmentStart(queue) + MAX_RECORDS);
  }

  /** Returns the queue after serializing everything in it. */
  #flushed(): Queue {
    const queue = this.#open();
    if (queue.count > 0) this.#flush(queue);
    return queue;
  }

  #data(first: number, data: string | Bytes): void {
    const content = asBytesOrText(data);
    if (typeof content === "string") this.#text(first, content);
    else this.#bytes(first, content);
  }

  #text(first: number, text: string): void {
    const { length } = text;
    const record = ENCODE_UNITS | (first << ENCODE_FIRST_BYTE_SHIFT);
    if (this.isEmpty && record === LONE && length < LONG && !this.#keySource) {
      this.#lone = text;
    } else if (length < (this.#mask ? LARGE : LONG)) {
      const queue = this.#enqueue(record, length, length * MAX_BYTES_PER_UNIT + 4);
      if (queue.run === undefined) {
        endPayload(queue);
        queue.run = { text };
      } else {
        queue.run.text += text;
      }
    } else {
      const queue = this.#enqueueAlone(record, length * MAX_BYTES_PER_UNIT + MAX_HEADER);
      queue.payloads.push(text);
      cut(queue);
    }
  }

  #control(opcode: number, data: string | Bytes): void {
    const content = asBytesOrText(data);
    const payload = typeof content === "string" ? encodeUtf8(content) : content;
    if (payload.length > MAX_SHORT) throw new RangeError("A control frame has at most 125 payload bytes");
    this.#bytes(BIT_FIN | opcode, payload);
  }

  #copyAlone(first: number, payload: Uint8Array): void {
    const queue = this.#enqueueAlone(first << ENCODE_FIRST_BYTE_SHIFT, payload.length + MAX_HEADER);
    copyTo(queue, payload);
    cut(queue);
  }

  /** Queues a record that is a segment of its own. The caller adds the payload and then calls cut(). */
  #enqueueAlone(record: number, most: number): Queue {
    const queue = this.#open();
    if (queue.most > MOST_WAITING) this.#flush(queue);
    cut(queue);
    return this.#enqueue(record, 0, most);
  }

  /** Copies short payloads at once, because they are read much later. */
  #bytes(first: number, bytes: Uint8Array): void {
    // A function that makes keys may resize the payload.
    const payload = typeof this.#keySource === "function" ? new Uint8Array(bytes) : bytes;
    const { length } = payload;
    if (length >= LARGE) {
      this.#large(first, payload, this.#mask ? ZEROED : undefined);
      return;
    }
    const queue = this.#enqueue(first << ENCODE_FIRST_BYTE_SHIFT, length, length + (length > MAX_SHORT ? 4 : 2));
    if (queue.run !== undefined) endPayload(queue);
    copyTo(queue, payload);
  }

  /** Serializes a large payload at once: into a new buffer or, without `memory`, by reference. */
  #large(first: number, payload: Uint8Array, memory: Memory | undefined): void {
    const { length } = payload;
    if (length > MAX_PAYLOAD) throw new RangeError("Send 4 GiB or more in fragments");
    const key = this.#mask ? nextKey(this.#keySource) : undefined;
    const queue = this.#flushed();
    if (memory === undefined) {
      const header = new Uint8Array(headerSize(length));
      writeHeader(header, 0, first, length, key);
      emit(queue, header);
      emit(queue, asUnshared(payload));
    } else {
      const frame = memory.allocate(headerSize(length) + 4 * this.#mask + length);
      const at = writeHeader(frame, 0, first, length, key);
      if (key === undefined) frame.set(payload, at);
      else maskInto(this.#engines, payload, key, frame, at);
      emit(queue, frame);
    }
  }

  /** Serializes all queued frames. */
  #flush(queue: Queue): void {
    endPayload(queue);
    if (queue.count === 1) {
      this.#emitFirst(queue);
      return;
    }
    if (queue.bounds.length === 0 && this.#flushSegment(queue)) return;
    scratch ??= new Uint8Array(SCRATCH_SIZE);
    const target = { bytes: scratch, at: 0 };
    while (queue.count > 0) {
      target.at = 0;
      this.#lay(queue, target);
      if (target.at > 0) emit(queue, new Uint8Array(scratch.subarray(0, target.at)));
      else this.#emitFirst(queue);
    }
  }

  /** Serializes a queue of one segment, if one call of the core can do it. */
  #flushSegment(queue: Queue): boolean {
    const core = this.#engines.enter();
    try {
      const end = this.#encode(core, queue.records.subarray(0, queue.count), queue.payloads, queue.keys);
      if (end < 0) return false;
      drop(queue, queue.count, queue.payloads.length, 0);
      // Not slice(): V8 zeroes its result before copying, which takes twice as long.
      emit(queue, new Uint8Array(core.bytes.subarray(OUTPUT, end)));
      return true;
    } finally {
      this.#engines.leave();
    }
  }

  /** Serializes the first frame, which is a segment, into a buffer of its own. */
  #emitFirst(queue: Queue): void {
    const payload = queue.payloads[0] ?? NOTHING;
    const { length } = payload;
    const target = { bytes: new Uint8Array(headerSize(length) + 4 * this.#mask + length), at: 0 };
    const key = this.#mask ? (queue.keys[0] ?? nextKey(undefined)) : undefined;
    const first = (queue.records[0]! >> ENCODE_FIRST_BYTE_SHIFT) & 255;
    const fits = this.#put(target, first, payload, key);
    drop(queue, 1, queue.payloads.length > 0 ? 1 : 0, queue.bounds.length > 0 ? 3 : 0);
    if (fits) {
      emit(queue, target.bytes);
      return;
    }
    // The text is not ASCII. This cannot use #large(), because later frames wait in the queue.
    const text = encodeUtf8(payload as string);
    const header = new Uint8Array(MAX_HEADER);
    const end = writeHeader(header, 0, first, text.length, key);
    if (key !== undefined) maskInto(this.#engines, text, key, text, 0);
    emit(queue, header.slice(0, end));
    emit(queue, text);
  }

  /** Writes segments to `target` until one does not fit, and removes them from the queue. */
  #lay(queue: Queue, target: Target): void {
    endPayload(queue);
    const { records, payloads, bounds, keys } = queue;
    let record = 0;
    let payload = 0;
    let next = 0;
    while (record < queue.count) {
      const end = bounds[next] ?? queue.count;
      const payloadsEnd = bounds[next + 1] ?? payloads.length;
      if (end - record === 1) {
        const first = (records[record]! >> ENCODE_FIRST_BYTE_SHIFT) & 255;
        const key = this.#mask ? (keys[record] ?? nextKey(undefined)) : undefined;
        if (!this.#put(target, first, payloadsEnd > payload ? payloads[payload]! : NOTHING, key)) break;
      } else {
        const core = this.#engines.enter();
        try {
          const own = bounds.length === 0 ? payloads : payloads.slice(payload, payloadsEnd);
          if (!this.#serialize(core, records.subarray(record, end), own, keys.slice(record, end), target)) break;
        } finally {
          this.#engines.leave();
        }
      }
      record = end;
      payload = payloadsEnd;
      next += 3;
    }
    drop(queue, record, payload, next);
  }

  /** Writes one frame to `target`, if it fits. */
  #put(target: Target, first: number, payload: string | Uint8Array, key: number | undefined): boolean {
    const { bytes, at } = target;
    let { length } = payload;
    const keyLength = key === undefined ? 0 : 4;
    let start = at + headerSize(length) + keyLength;
    if (start + length > bytes.length) return false;
    if (typeof payload !== "string") {
      bytes.set(payload, start);
    } else if (length > TINY || !putAscii(payload, bytes, start)) {
      length = encodeUtf8Into(payload, bytes.subarray(start));
      if (length < 0) return false;
      const right = at + headerSize(length) + keyLength;
      if (right !== start) {
        if (right + length > bytes.length) return false;
        bytes.copyWithin(right, start, start + length);
        start = right;
      }
    }
    writeHeader(bytes, at, first, length, key);
    target.at = start + length;
    if (key === undefined) return true;
    if (length > SHORT) maskInto(this.#engines, bytes.subarray(start, target.at), key, bytes, start);
    else for (let i = 0; i < length; i++) bytes[start + i]! ^= key >> ((i & 3) << 3);
    return true;
  }

  /**
   * Writes frames to `target` if all of them fit. If one call of the core cannot build them, it does half of them at a
   * time.
   */
  #serialize(core: Core, records: Int32Array, payloads: Payloads, keys: readonly number[], target: Target): boolean {
    const end = this.#encode(core, records, payloads, keys);
    if (end < 0) {
      const half = records.length >> 1;
      const { at } = target;
      const [first, second] = splitPayloads(payloads, records.subarray(0, half));
      if (
        this.#serialize(core, records.subarray(0, half), first, keys.slice(0, half), target) &&
        this.#serialize(core, records.subarray(half), second, keys.slice(half), target)
      ) {
        return true;
      }
      target.at = at;
      return false;
    }
    if (target.at + end - OUTPUT > target.bytes.length) return false;
    target.bytes.set(core.bytes.subarray(OUTPUT, end), target.at);
    target.at += end - OUTPUT;
    return true;
  }

  /** Builds frames in OUTPUT. Returns their end, or -1 if the payloads do not fit in the window or surrogates meet. */
  #encode(core: Core, records: Int32Array, payloads: Payloads, keys: readonly number[]): number {
    const { bytes, i32 } = core;
    const end = writePayloads(payloads, bytes);
    // If all text is ASCII, the core need not search for the ends of the texts.
    const ascii = end - WINDOW === payloads.reduce((sum, payload) => sum + payload.length, 0);
    if (end < 0 || (!ascii && surrogatesMeet(records, payloads))) return -1;
    i32.set(records, TABLE >> 2);
    if (keys.length > 0) i32.set(keys, KEYS >> 2);
    else if (this.#mask) takeKeys(i32, KEYS >> 2, records.length);
    return core.encode(records.length, end, ascii ? 1 : 0, this.#mask);
  }
}

/** Ends the current payload. Later texts or bytes start another one. */
function endPayload(queue: Queue): void {
  const { run, copies, copied } = queue;
  if (run !== undefined) {
    if (run.text !== "") queue.payloads.push(run.text);
    queue.run = undefined;
  } else if (copied > queue.copiesFrom) {
    queue.payloads.push(copies.subarray(queue.copiesFrom, copied));
    queue.copiesFrom = copied;
  }
}

function copyTo(queue: Queue, payload: Uint8Array): void {
  const { length } = payload;
  if (queue.copied + length > queue.copies.length) {
    // Finished payloads stay in the old buffer.
    const open = queue.copies.subarray(queue.copiesFrom, queue.copied);
    queue.copies = new Uint8Array(Math.max(FIRST_COPIES, 2 * queue.copies.length, 2 * (open.length + length)));
    queue.copies.set(open);
    queue.copiesFrom = 0;
    queue.copied = open.length;
  }
  queue.copies.set(payload, queue.copied);
  queue.copied += length;
}

/** The index of the last segment's first record. */
function segmentStart({ bounds }: Queue): number {
  return bounds.length === 0 ? 0 : bounds[bounds.length - 3]!;
}

/** Ends the last segment, unless it is empty. */
function cut(queue: Queue): void {
  endPayload(queue);
  if (queue.count > segmentStart(queue)) queue.bounds.push(queue.count, queue.payloads.length, queue.most);
  queue.limit = Math.min(queue.records.length, queue.count + MAX_RECORDS);
  queue.size = 0;
}

/** Removes whole segments from a queue, given the number of their records, payloads and bounds. */
function drop(queue: Queue, records: number, payloads: number, bounds: number): void {
  if (records === 0) return;
  queue.count -= records;
  if (queue.count === 0) {
    queue.payloads = [];
    if (queue.keys.length > 0) queue.keys = [];
    if (queue.bounds.length > 0) queue.bounds = [];
    queue.size = queue.most = queue.copied = queue.copiesFrom = 0;
  } else {
    queue.records.copyWithin(0, records, records + queue.count);
    queue.payloads.splice(0, payloads);
    queue.keys.splice(0, records);
    const gone = [records, payloads, queue.bounds[bounds - 1]!];
    queue.bounds = queue.bounds.slice(bounds).map((bound, i) => bound - gone[i % 3]!);
    queue.most -= gone[2]!;
  }
  queue.limit = Math.min(queue.records.length, segmentStart(queue) + MAX_RECORDS);
}

function headerSize(length: number): number {
  return length < 126 ? 2 : length < 65536 ? 4 : 10;
}

/** Writes a text, and returns whether it is ASCII. */
function putAscii(text: string, bytes: Uint8Array, at: number): boolean {
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    seen |= unit;
    bytes[at + i] = unit;
  }
  return seen < 0x80;
}

/** Writes payloads end to end into the window. Returns their end, or -1 if they do not fit. */
function writePayloads(payloads: Payloads, bytes: Uint8Array): number {
  let at = WINDOW;
  for (const payload of payloads) {
    if (typeof payload === "string") {
      const written = encodeUtf8Into(payload, bytes.subarray(at, WINDOW + WINDOW_SIZE));
      if (written < 0) return -1;
      at += written;
    } else {
      if (at + payload.length > WINDOW + WINDOW_SIZE) return -1;
      bytes.set(payload, at);
      at += payload.length;
    }
  }
  return at;
}

/**
 * Returns whether a text ends with a high surrogate and the next begins with a low one. In one string, they would
 * become one character instead of two U+FFFD.
 */
function surrogatesMeet(records: Int32Array, payloads: Payloads): boolean {
  let next = 0;
  let end = 0;
  for (const record of records) {
    const length = record & ENCODE_LENGTH;
    if (length === 0) continue;
    end += length;
    const payload = payloads[next]!;
    if (end === payload.length) {
      next++;
      end = 0;
    } else if (typeof payload === "string" && payload.codePointAt(end - 1)! > 0xffff) {
      return true;
    }
  }
  return false;
}

/** Splits the payloads into those of `records`, and those after them. */
function splitPayloads(payloads: Payloads, records: Int32Array): [Payloads, Payloads] {
  let left = records.reduce((sum, record) => sum + (record & ENCODE_LENGTH), 0);
  const first: (string | Uint8Array)[] = [];
  const second: (string | Uint8Array)[] = [];
  for (const payload of payloads) {
    const cut = Math.min(left, payload.length);
    left -= cut;
    if (cut > 0) first.push(payload.slice(0, cut));
    if (cut < payload.length) second.push(payload.slice(cut));
  }
  return [first, second];
}

/**
 * Serializes one frame, into a buffer of its own. The `role` is the WRITER's: a `"client"` masks the frame (RFC 6455
 * §5.2).
 *
 * @throws everything that the constructor of FrameEncoder and its frame() throw
 */
export function encodeFrame(frame: FrameInit, options: FrameEncoderOptions): Uint8Array<ArrayBuffer> {
  const encoder = new FrameEncoder(options);
  encoder.frame(frame);
  const parts = encoder.take();
  return parts.length === 1 ? parts[0]! : concat(parts);
}
