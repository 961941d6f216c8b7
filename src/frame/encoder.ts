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
import { asBytes, asBytesOrText, asUnshared, type Bytes, concat } from "./bytes.ts";
import { writeHeader } from "./header.ts";
import { keyNumber, nextKey, takeKeys } from "./keys.ts";
import { maskInto } from "./mask.ts";
import { isValidCloseCode, Opcode } from "./opcodes.ts";
import { type FrameEncoderOptions, isServer, type MaskKeySource } from "./options.ts";
import type { PreparedMessage, SerializedMessage } from "./prepared.ts";
import { LARGE, MAX_BYTES_PER_UNIT, MAX_HEADER, MAX_PAYLOAD, MAX_SHORT } from "./sizes.ts";
import { encodeUtf8, encodeUtf8Into } from "./utf8.ts";

const FIRST_RECORDS = 16;
type Payloads = readonly (string | Uint8Array)[];

const EMPTY: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

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

/** Frames that wait to be serialized. There is none for an encoder that has nothing to write. */
interface Queue {
  /** The first `count` records, as the core reads them. Grows. */
  records: Int32Array;
  count: number;
  /** Their payloads in order, texts that follow one another as one string. */
  payloads: (string | Uint8Array)[];
  /** The texts since the last of these. */
  run: TextRun | undefined;
  /** The masking-keys, where they do not come from the pool. */
  keys: number[];
  /** Sum of the lengths: in UTF-16 code units of texts, in bytes of others. */
  size: number;
  /** How many bytes these frames have at the most, without masking-keys. */
  most: number;
  /** What has been serialized. */
  output: Uint8Array<ArrayBuffer>[];
  /** How many bytes that is. */
  written: number;
}

/** The queue that the last take() emptied: the next encoder that needs one has it without allocating. */
let spareQueue: Queue | undefined;

/** Where a short frame is put together. */
let shortFrame: Uint8Array<ArrayBuffer> | undefined;

function takeQueue(): Queue {
  const queue = spareQueue ?? {
    records: new Int32Array(FIRST_RECORDS),
    count: 0,
    payloads: [],
    run: undefined,
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

/**
 * Frames in, bytes out (RFC 6455 §5.2), for one direction of one connection.
 *
 * Frames are queued until take(). Small ones are laid out together in one buffer; payloads of 4 KiB and more that are not
 * masked are not copied, unless they are in shared memory. Payloads are borrowed until then: do not write to them or resize
 * them before take(), nor to those that take() returns before they have been sent.
 *
 * The encoder only serializes: it checks neither the order of fragments (§5.4) nor what is sent after a Close.
 */
export class FrameEncoder {
  readonly #engines: Engines;
  /** 1 for a client, 0 for a server. */
  readonly #mask: number;
  readonly #keySource: MaskKeySource | undefined;
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

  /**
   * A Ping (§5.5.2). Its payload is copied.
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if it is longer than 125 bytes
   */
  ping(data: string | Bytes = EMPTY): void {
    this.#control(Opcode.Ping, data);
  }

  /**
   * A Pong (§5.5.3). Its payload is copied.
   * @throws TypeError if data is neither a string nor bytes
   * @throws RangeError if it is longer than 125 bytes
   */
  pong(data: string | Bytes = EMPTY): void {
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
      this.#control(Opcode.Close, EMPTY);
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
    const { opcode, payload = EMPTY, fin = true, rsv = 0 } = frame;
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
    if (!this.#mask && (frame.length >= LARGE || this.#queue === undefined || this.#queue.count === 0)) {
      emit(this.#flushed(), frame);
    } else {
      this.#bytes(message.firstByte, message.payload);
    }
  }

  /**
   * An upper bound for the bytes that take() would return now: until they are serialized, texts count three bytes for each
   * UTF-16 code unit and 4 bytes (role client: 8) of header. 0 if nothing is queued.
   */
  get queuedBytes(): number {
    const queue = this.#queue;
    return queue === undefined ? 0 : queue.written + queue.most + queue.count * this.#mask * 4;
  }

  /**
   * Returns what to write, in order, and empties the queue. The buffers are yours, except that large payloads are the ones
   * that you passed in, and those of a PreparedMessage are shared: do not write to these.
   * @throws TypeError if a payload has been resized or detached since; what was queued with it is lost
   */
  take(): Uint8Array<ArrayBuffer>[] {
    if (this.#queue === undefined) return [];
    const queue = this.#flushed();
    const { output } = queue;
    this.#queue = undefined;
    queue.output = [];
    queue.written = 0;
    spareQueue = queue;
    return output;
  }

  /** Queues a record of `length` units or bytes, fewer than LARGE. The payload follows. */
  #enqueue(record: number, length: number, most: number): Queue {
    // Before anything is queued: a source of keys may throw.
    const key = this.#keySource === undefined ? 0 : nextKey(this.#keySource);
    const queue = (this.#queue ??= takeQueue());
    if (queue.size + length > WINDOW_SIZE || queue.count === queue.records.length) this.#makeRoom(queue, length);
    queue.records[queue.count++] = record | length;
    queue.size += length;
    queue.most += most;
    if (this.#keySource !== undefined) queue.keys.push(key);
    return queue;
  }

  #makeRoom(queue: Queue, length: number): void {
    const { records, count } = queue;
    if (queue.size + length > WINDOW_SIZE || count === MAX_RECORDS) {
      this.#flush(queue);
    } else {
      queue.records = new Int32Array(2 * count);
      queue.records.set(records);
    }
  }

  /** The queue, with everything in it serialized. */
  #flushed(): Queue {
    const queue = (this.#queue ??= takeQueue());
    if (queue.count > 0) this.#flush(queue);
    return queue;
  }

  #data(first: number, data: string | Bytes): void {
    const content = asBytesOrText(data);
    if (typeof content === "string") this.#text(first, content);
    else this.#bytes(first, content);
  }

  #text(first: number, text: string): void {
    if (text.length < LARGE) {
      const { length } = text;
      const record = ENCODE_UNITS | (first << ENCODE_FIRST_BYTE_SHIFT);
      const queue = this.#enqueue(record, length, length * MAX_BYTES_PER_UNIT + 4);
      (queue.run ??= { text: "" }).text += text;
    } else {
      this.#large(first, encodeUtf8(text), true);
    }
  }

  #control(opcode: number, data: string | Bytes): void {
    const content = asBytesOrText(data);
    // Not slice(): that of a Buffer is a view.
    const payload = typeof content === "string" ? encodeUtf8(content) : new Uint8Array(content);
    if (payload.length > MAX_SHORT) throw new RangeError("A control frame holds at most 125 bytes");
    this.#bytes(BIT_FIN | opcode, payload);
  }

  #bytes(first: number, payload: Uint8Array): void {
    const { length } = payload;
    if (length >= LARGE) {
      this.#large(first, payload, false);
      return;
    }
    const queue = this.#enqueue(first << ENCODE_FIRST_BYTE_SHIFT, length, length + (length > MAX_SHORT ? 4 : 2));
    if (length > 0) {
      endText(queue);
      queue.payloads.push(payload);
    }
  }

  /** A payload that goes past the window. `owned`: nobody else has it, so it may be masked in place. */
  #large(first: number, payload: Uint8Array, owned: boolean): void {
    const { length } = payload;
    if (length > MAX_PAYLOAD) throw new RangeError("4 GiB or more must be sent in fragments");
    const key = this.#mask ? nextKey(this.#keySource) : undefined;
    const queue = this.#flushed();
    const header = new Uint8Array(MAX_HEADER);
    const headerLength = writeHeader(header, first, length, key);
    if (key === undefined || owned) {
      if (key !== undefined) maskInto(this.#engines, payload, key, payload, 0);
      emit(queue, header.slice(0, headerLength));
      emit(queue, asUnshared(payload));
    } else {
      const frame = new Uint8Array(headerLength + length);
      frame.set(header.subarray(0, headerLength));
      maskInto(this.#engines, payload, key, frame, headerLength);
      emit(queue, frame);
    }
  }

  /** Serializes what is queued. */
  #flush(queue: Queue): void {
    const { records, count, payloads, keys, size, most } = queue;
    endText(queue);
    queue.payloads = [];
    queue.keys = [];
    queue.count = 0;
    queue.size = 0;
    queue.most = 0;
    if (payloads.reduce((sum, payload) => sum + payload.length, 0) !== size) {
      throw new TypeError("A payload was resized or detached before take()");
    }
    if (count === 1 && most <= MAX_SHORT) {
      emit(queue, this.#shortFrame(records[0]!, payloads[0] ?? EMPTY, keys));
      return;
    }
    const core = this.#engines.enter();
    try {
      this.#serialize(core, queue, records.subarray(0, count), payloads, keys);
    } finally {
      this.#engines.leave();
    }
  }

  /** A frame alone, if it is short, takes half the time without the core. */
  #shortFrame(record: number, payload: string | Uint8Array, keys: readonly number[]): Uint8Array<ArrayBuffer> {
    const key = this.#mask ? (keys[0] ?? nextKey(undefined)) : undefined;
    const start = this.#mask ? 6 : 2;
    shortFrame ??= new Uint8Array(6 + MAX_SHORT);
    const target = shortFrame.subarray(start);
    let { length } = payload;
    if (typeof payload === "string") length = encodeUtf8Into(payload, target);
    else target.set(payload);
    writeHeader(shortFrame, record >> ENCODE_FIRST_BYTE_SHIFT, length, key);
    if (key !== undefined) for (let i = 0; i < length; i++) target[i]! ^= key >> ((i & 3) << 3);
    return shortFrame.slice(0, start + length);
  }

  /** Serializes frames into one buffer, or half of them at a time where they do not fit or surrogates meet. */
  #serialize(core: Core, queue: Queue, records: Int32Array, payloads: Payloads, keys: readonly number[]): void {
    const { bytes, i32 } = core;
    const count = records.length;
    const end = writePayloads(payloads, bytes);
    // Then nobody need look for the ends of the texts.
    const ascii = end - WINDOW === payloads.reduce((sum, payload) => sum + payload.length, 0);
    if (end < 0 || (!ascii && surrogatesMeet(records, payloads))) {
      const half = count >> 1;
      const [first, second] = splitPayloads(payloads, records.subarray(0, half));
      this.#serialize(core, queue, records.subarray(0, half), first, keys.slice(0, half));
      this.#serialize(core, queue, records.subarray(half), second, keys.slice(half));
      return;
    }
    i32.set(records, TABLE >> 2);
    if (keys.length > 0) i32.set(keys, KEYS >> 2);
    else if (this.#mask) takeKeys(i32, KEYS >> 2, count);
    const output = core.encode(count, end, ascii ? 1 : 0, this.#mask);
    // Not slice(): V8 zeroes what that returns before it copies, and takes twice as long.
    emit(queue, new Uint8Array(bytes.subarray(OUTPUT, output)));
  }
}

/** Ends the string that texts are appended to: what follows is another payload. */
function endText(queue: Queue): void {
  if (queue.run === undefined) return;
  if (queue.run.text !== "") queue.payloads.push(queue.run.text);
  queue.run = undefined;
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
