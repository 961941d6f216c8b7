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
/** How many bytes may wait as they are. Beyond that they are serialized. */
const MOST_WAITING = 4194304;
/** Texts from this length on are transcoded one by one: joining them costs more. A client's are joined, to be masked together. */
const LONG = 512;
/** Texts up to this length are transcoded here: a call costs more. */
const TINY = 40;
/** Copies up to this length wait in the queue and leave with others. Longer ones become frames in memory of their own. */
const MOST_COPIED = 16384;
/** takeInto() copies up to this much of what has been serialized before, in bytes. */
const SMALL = 16384;
/** Of `scratch`, in bytes: any segment of short frames fits. */
const SCRATCH_SIZE = 262144;
/** More memory than this is not kept for the next encoder, in bytes. */
const MOST_SPARE = 262144;

/** Texts, joined, or copies of bytes. */
type Payloads = readonly (string | Uint8Array)[];

const ZEROED: Memory = { allocate: newBytes };
const NO_RECORDS: Int32Array = /* @__PURE__ */ new Int32Array(0);

/** A frame to be serialized. A decoded Frame is one. */
export interface FrameInit {
  /** 0 to 15. Reserved opcodes are allowed, to test a peer. */
  readonly opcode: number;
  /** Strings are encoded as UTF-8. Default: none. */
  readonly payload?: Bytes | string;
  /** Whether this is the last frame of its message. Default true. */
  readonly fin?: boolean;
  /** RSV1 to RSV3 as a number of three bits, RSV1 being 4. Default 0. */
  readonly rsv?: number;
}

/**
 * Texts, appended. An object of its own, made for each run: V8 has to note each store of a new string into an object
 * as old as the queue, which takes as long as the rest of text().
 */
interface TextRun {
  text: string;
}

/**
 * Frames that wait to be serialized, in segments: as many short ones as one call of the core takes, or one long text. An
 * encoder with nothing to write has no queue.
 */
interface Queue {
  /** The first `count` records, as the core reads them. Grows. */
  records: Int32Array;
  count: number;
  /** When `count` gets here there is no room for another record. */
  limit: number;
  /** Their payloads in order; texts that follow one another are one string, bytes one array. */
  payloads: (string | Uint8Array)[];
  /** The texts since the last of these. */
  run: TextRun | undefined;
  /** Copies of bytes, end to end, up to `copied`; those from `copiesFrom` on are not in `payloads` yet. */
  copies: Uint8Array<ArrayBuffer>;
  copied: number;
  copiesFrom: number;
  /** Where each segment after the first begins: its record, its payload, and what `most` was. */
  bounds: number[];
  /** The masking-keys, where they do not come from the pool. */
  keys: number[];
  /** Sum of the lengths in the last segment: in UTF-16 code units of texts, in bytes of others. */
  size: number;
  /** How many bytes these frames have at the most, without masking-keys. */
  most: number;
  /** What has been serialized. */
  output: Uint8Array<ArrayBuffer>[];
  /** How many bytes that is. */
  written: number;
}

/** The record of a text message in one frame. */
const LONE = 0x1810000;
/** Where takeInto() has got to. */
const place: Target = { bytes: NOTHING, at: 0 };

/** The queue that the last take() emptied: the next encoder that needs one has it without allocating. */
let spareQueue: Queue | undefined;
/** Where frames are put together. */
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

/** Memory to put frames together in. */
interface Target {
  bytes: Uint8Array;
  /** Where the next one goes. */
  at: number;
}

/**
 * Frames in, bytes out (RFC 6455 §5.2), for one direction of one connection.
 *
 * Frames are queued until take() or takeInto(). Payloads of less than 4 KiB are copied at once. Larger ones that are not masked
 * are not copied, unless they are in shared memory: do not write to them before what take() returns has been sent.
 *
 * The encoder only serializes: it checks neither the order of fragments (§5.4) nor what is sent after a Close.
 */
export class FrameEncoder {
  readonly #engines: Engines;
  /** 1 for a client, 0 for a server. */
  readonly #mask: number;
  readonly #keySource: MaskKeySource | undefined;
  /** A text, or a frame that is not copied, that waits alone: it needs no queue. */
  #lone: string | Uint8Array<ArrayBuffer> | undefined = undefined;
  #queue: Queue | undefined = undefined;

  /** @throws TypeError for an unknown role, core or maskKey */
  constructor(options: FrameEncoderOptions) {
    this.#mask = isServer(options.role) ? 0 : 1;
    const source = options.maskKey;
    if (source !== undefined && typeof source !== "function") keyNumber(source);
    this.#keySource = this.#mask ? source : undefined;
    this.#engines = enginesFor(options.core);
  }

  /**
   * A text message in one frame. Lone surrogates in a string become U+FFFD; bytes must be UTF-8, which is
   * not checked.
   * @throws TypeError if data is neither a string nor bytes
   */
  text(data: string | Bytes): void {
    this.#data(BIT_FIN | OPCODE_TEXT, data);
  }

  /**
   * A binary message in one frame.
   * @throws TypeError if data is not bytes
   */
  binary(data: Bytes): void {
    this.#bytes(BIT_FIN | OPCODE_BINARY, asBytes(data));
  }

  /** A frame whose payload the caller may change afterwards. Large frames are made in `memory`. @internal */
  copy(firstByte: number, bytes: Uint8Array, memory: Memory = ZEROED): void {
    // A function that makes keys may change what is only lent, by using another connection: #bytes() copies it before.
    if (bytes.length < LARGE || typeof this.#keySource === "function") this.#bytes(firstByte, bytes);
    else if (bytes.length <= MOST_COPIED) this.#copyAlone(firstByte, bytes);
    else this.#large(firstByte, bytes, memory);
  }

  /**
   * A Ping (§5.5.2). Its payload is copied.
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if it is longer than 125 bytes
   */
  ping(data: string | Bytes = NOTHING): void {
    this.#control(Opcode.Ping, data);
  }

  /**
   * A Pong (§5.5.3). Its payload is copied.
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if it is longer than 125 bytes
   */
  pong(data: string | Bytes = NOTHING): void {
    this.#control(Opcode.Pong, data);
  }

  /**
   * A Close (§5.5.1): without a code it has no payload.
   * @throws RangeError if the code must not be sent (§7.4), the reason is longer than 123 bytes in UTF-8, or
   *   there is a reason and no code
   * @throws TypeError if the reason is not a string
   */
  close(code?: number, reason: string = ""): void {
    if (typeof reason !== "string") throw new TypeError("reason must be a string");
    if (code === undefined) {
      if (reason !== "") throw new RangeError("A close reason needs a code");
      this.#control(Opcode.Close, NOTHING);
      return;
    }
    if (!isValidCloseCode(code)) throw new RangeError(`${code} is not a close code that may be sent`);
    const text = encodeUtf8(reason);
    if (text.length > MAX_SHORT - 2) throw new RangeError("reason is longer than 123 bytes in UTF-8");
    const payload = new Uint8Array(2 + text.length);
    payload[0] = code >> 8;
    payload[1] = code;
    payload.set(text, 2);
    this.#control(Opcode.Close, payload);
  }

  /**
   * Any frame, with any opcode, fin and rsv: it does not check whether RFC 6455 allows the combination. For fragments,
   * extensions, proxies and tests. The masking-key of a decoded frame is not used again (§5.3).
   * @throws TypeError if a property has the wrong type
   * @throws RangeError if opcode or rsv is out of range
   */
  frame(frame: FrameInit): void {
    const { opcode, payload = NOTHING, fin = true, rsv = 0 } = frame;
    if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) throw new RangeError("opcode must be 0 to 15");
    if (!Number.isInteger(rsv) || rsv < 0 || rsv > 7) throw new RangeError("rsv must be 0 to 7");
    const first = (fin ? BIT_FIN : 0) | (rsv << 4) | opcode;
    this.#data(first, payload);
  }

  /**
   * A message that was serialized before. Role server: its bytes are not copied, if nothing else is queued.
   * @throws TypeError if it is not a PreparedMessage
   */
  prepared(message: PreparedMessage): void {
    this.serialized(message);
  }

  /** A message that is a frame already. @internal */
  serialized(message: SerializedMessage): void {
    // Not instanceof: that would put the class into every bundle.
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
   * An upper bound for the bytes that take() would return now: until they are serialized, texts count three bytes for each
   * UTF-16 code unit and 4 bytes (role client: 8) of header. 0 if nothing is queued.
   */
  get queuedBytes(): number {
    const queue = this.#queue;
    const lone = this.#lone;
    if (typeof lone === "string") return lone.length * MAX_BYTES_PER_UNIT + 4 + 4 * this.#mask;
    if (lone !== undefined) return lone.length;
    return queue === undefined ? 0 : queue.written + queue.most + queue.count * this.#mask * 4;
  }

  /**
   * Returns what to write, in order, and empties the queue. The buffers are yours, except that large payloads are the ones
   * that you passed in, and those of a PreparedMessage are shared: do not write to these.
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
   * Writes what is queued to the front of `target`, in order and as far as it fits, and takes that out of the queue. Returns
   * the number of bytes. 0 means that nothing is queued, or that the next frame does not fit or needs no copy: call take()
   * then. With a buffer that you use again and again, nothing is allocated.
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

  /** The queue. What waited alone is in it then. */
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

  /** Puts the text that waits alone to the front of `target`, if it fits. */
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

  /** Queues a record of `length` units or bytes, fewer than LARGE. The payload follows. */
  #enqueue(record: number, length: number, most: number): Queue {
    // Before anything is queued: a source of keys may throw.
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

  /** The queue, with everything in it serialized. */
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
    if (payload.length > MAX_SHORT) throw new RangeError("A control frame holds at most 125 bytes");
    this.#bytes(BIT_FIN | opcode, payload);
  }

  #copyAlone(first: number, payload: Uint8Array): void {
    const queue = this.#enqueueAlone(first << ENCODE_FIRST_BYTE_SHIFT, payload.length + MAX_HEADER);
    copyTo(queue, payload);
    cut(queue);
  }

  /** Queues a record that is a segment. The payload follows, and then cut(). */
  #enqueueAlone(record: number, most: number): Queue {
    const queue = this.#open();
    if (queue.most > MOST_WAITING) this.#flush(queue);
    cut(queue);
    return this.#enqueue(record, 0, most);
  }

  /** Short payloads are copied at once: they are read again much later. */
  #bytes(first: number, bytes: Uint8Array): void {
    // A function that makes keys may resize what is sent.
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

  /** A payload that does not wait: the frame in a buffer of its own, or without `memory` the payload by reference. */
  #large(first: number, payload: Uint8Array, memory: Memory | undefined): void {
    const { length } = payload;
    if (length > MAX_PAYLOAD) throw new RangeError("4 GiB or more must be sent in fragments");
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

  /** Serializes what is queued. */
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

  /** Serializes a queue of one segment, if its frames can be made in one go. */
  #flushSegment(queue: Queue): boolean {
    const core = this.#engines.enter();
    try {
      const end = this.#encode(core, queue.records.subarray(0, queue.count), queue.payloads, queue.keys);
      if (end < 0) return false;
      drop(queue, queue.count, queue.payloads.length, 0);
      // Not slice(): V8 zeroes what that returns before it copies, and takes twice as long.
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
    // It is not ASCII. Later frames wait in the queue, so this is not #large().
    const text = encodeUtf8(payload as string);
    const header = new Uint8Array(MAX_HEADER);
    const end = writeHeader(header, 0, first, text.length, key);
    if (key !== undefined) maskInto(this.#engines, text, key, text, 0);
    emit(queue, header.slice(0, end));
    emit(queue, text);
  }

  /** Puts segments into `target` until one does not fit, and takes these out of the queue. */
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

  /** Puts one frame into `target`, if it fits. */
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

  /** Puts frames into `target`, half of them at a time where they cannot be made in one go, if they all fit there. */
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

  /** Makes frames in OUTPUT. Returns where they end, or -1 if the payloads do not fit in the window, or surrogates meet. */
  #encode(core: Core, records: Int32Array, payloads: Payloads, keys: readonly number[]): number {
    const { bytes, i32 } = core;
    const end = writePayloads(payloads, bytes);
    // Then nobody need look for the ends of the texts.
    const ascii = end - WINDOW === payloads.reduce((sum, payload) => sum + payload.length, 0);
    if (end < 0 || (!ascii && surrogatesMeet(records, payloads))) return -1;
    i32.set(records, TABLE >> 2);
    if (keys.length > 0) i32.set(keys, KEYS >> 2);
    else if (this.#mask) takeKeys(i32, KEYS >> 2, records.length);
    return core.encode(records.length, end, ascii ? 1 : 0, this.#mask);
  }
}

/** Ends the payload that texts or bytes are added to. The next ones begin another. */
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
    // Payloads that have ended stay where they are.
    const open = queue.copies.subarray(queue.copiesFrom, queue.copied);
    queue.copies = new Uint8Array(Math.max(FIRST_COPIES, 2 * queue.copies.length, 2 * (open.length + length)));
    queue.copies.set(open);
    queue.copiesFrom = 0;
    queue.copied = open.length;
  }
  queue.copies.set(payload, queue.copied);
  queue.copied += length;
}

/** Where the last segment begins. */
function segmentStart({ bounds }: Queue): number {
  return bounds.length === 0 ? 0 : bounds[bounds.length - 3]!;
}

/** Ends the last segment, if there is something in it. */
function cut(queue: Queue): void {
  endPayload(queue);
  if (queue.count > segmentStart(queue)) queue.bounds.push(queue.count, queue.payloads.length, queue.most);
  queue.limit = Math.min(queue.records.length, queue.count + MAX_RECORDS);
  queue.size = 0;
}

/** Takes whole segments out of a queue: this many records, payloads and bounds. */
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

/** Writes a text, if it is ASCII. */
function putAscii(text: string, bytes: Uint8Array, at: number): boolean {
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    seen |= unit;
    bytes[at + i] = unit;
  }
  return seen < 0x80;
}

/** Writes payloads end to end into the window; returns where they end, or -1 if they do not fit. */
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
 * Whether a high surrogate ends a text and a low one begins the next, in one string: written together they would be one
 * character, and not U+FFFD twice.
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

/** The payloads of these records, and those of the records after them. */
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
 * One frame as bytes, in a buffer of its own.
 * @throws all that FrameEncoder and its frame() do
 */
export function encodeFrame(frame: FrameInit, options: FrameEncoderOptions): Uint8Array<ArrayBuffer> {
  const encoder = new FrameEncoder(options);
  encoder.frame(frame);
  const parts = encoder.take();
  return parts.length === 1 ? parts[0]! : concat(parts);
}
