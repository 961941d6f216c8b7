import {
  BIT_FIN,
  ENCODE_HEADER,
  ENCODE_MASK,
  ENCODE_RAW,
  ENCODE_UNITS,
  KEYS,
  MAX_RECORDS,
  OUTPUT,
  RECORD_FLAGS,
  RECORD_LENGTH,
  RECORD_SIZE,
  TABLE,
  WINDOW,
  WINDOW_SIZE,
} from "../../assembly/memory.ts";
import type { Core } from "../core/core.ts";
import { enginesFor, type Engines } from "../core/engines.ts";
import { keyNumber, nextKey, takeKeys } from "./keys.ts";
import { isValidCloseCode, Opcode } from "./opcodes.ts";
import { assertBytes, type FrameEncoderOptions, isServer, type MaskKeySource } from "./options.ts";
import { PreparedMessage, type SerializedMessage } from "./prepared.ts";
import { encodeUtf8, encodeUtf8Into } from "./text.ts";

/** Payloads from this length on go their own way, past the window: by reference if they are not masked. */
const LARGE = 4096;
const MAX_HEADER = 14;
const MAX_CONTROL_PAYLOAD = 125;
/** Lengths in the core's table are 32 bits. */
const MAX_PAYLOAD = 0xffffffff;
/** A string of n UTF-16 code units has at most 3 n bytes in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

const RECORD_INTS = RECORD_SIZE >> 2;
const FIRST_RECORDS = 16;
const EMPTY: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** A frame to be serialized. A decoded Frame is one. */
export interface FrameInit {
  /** 0 to 15: reserved opcodes too, for those who want to test a peer. */
  readonly opcode: number;
  /** Strings are encoded as UTF-8. Default: none. */
  readonly payload?: Uint8Array | string;
  /** Whether this is the last frame of its message. Default true. */
  readonly fin?: boolean;
  /** RSV1 to RSV3 as a number of three bits, RSV1 being 4. Default 0. */
  readonly rsv?: number;
}

/** Frames that wait to be serialized. There is none for an encoder that has nothing to write. */
interface Queue {
  /** The first `count` records, laid out as in the core's table. Grows. */
  records: Int32Array;
  count: number;
  /** Their payloads in order, texts that follow one another as one string. */
  readonly payloads: (string | Uint8Array)[];
  /** The texts since the last of these. */
  text: string;
  /** The masking-keys, where they do not come from the pool. */
  readonly keys: number[];
  /** Sum of the lengths: in UTF-16 code units of texts, in bytes of others. */
  length: number;
  /** How many bytes these frames have at the most. */
  size: number;
  /** What has been serialized. */
  output: Uint8Array[];
}

/** The queue that the last take() emptied: the next encoder that needs one has it without allocating. */
let spareQueue: Queue | undefined;

function takeQueue(): Queue {
  const queue = spareQueue ?? {
    records: new Int32Array(FIRST_RECORDS * RECORD_INTS),
    count: 0,
    payloads: [],
    text: "",
    keys: [],
    length: 0,
    size: 0,
    output: [],
  };
  spareQueue = undefined;
  return queue;
}

/**
 * Frames in, bytes out (RFC 6455 §5.2), for one direction of one connection.
 *
 * Frames are queued until take(). Small ones are laid out together in one buffer; payloads of 4 KiB and more
 * that are not masked are not copied. Payloads are borrowed until then: do not write to them or resize them before
 * take(), nor to those that take() returns before they have been sent.
 *
 * The encoder serializes; it does not keep the rules of a message (§5.4), and does not mind what is sent
 * after a Close.
 */
export class FrameEncoder {
  readonly #engines: Engines;
  /** ENCODE_MASK for a client, 0 for a server. */
  readonly #mask: number;
  readonly #keySource: MaskKeySource | undefined;
  #queue: Queue | undefined = undefined;

  /** @throws TypeError for a role, core or maskKey that there is not */
  constructor(options: FrameEncoderOptions) {
    this.#mask = isServer(options.role) ? 0 : ENCODE_MASK;
    const source = options.maskKey;
    if (source !== undefined && typeof source !== "function") keyNumber(source);
    this.#keySource = this.#mask ? source : undefined;
    this.#engines = enginesFor(options.core);
  }

  /**
   * A text message in one frame. Lone surrogates in a string become U+FFFD; bytes must be UTF-8, which is
   * not checked.
   * @throws TypeError if data is neither a string nor a Uint8Array
   */
  text(data: string | Uint8Array): void {
    if (typeof data === "string") {
      this.#text(BIT_FIN | Opcode.Text, data);
    } else {
      assertBytes(data, "data");
      this.#bytes(BIT_FIN | Opcode.Text, data);
    }
  }

  /**
   * A binary message in one frame.
   * @throws TypeError if data is not a Uint8Array
   */
  binary(data: Uint8Array): void {
    assertBytes(data, "data");
    this.#bytes(BIT_FIN | Opcode.Binary, data);
  }

  /**
   * A Ping (§5.5.2). Its payload is copied.
   * @throws TypeError if data is neither a string nor a Uint8Array
   * @throws RangeError if it is longer than 125 bytes
   */
  ping(data: string | Uint8Array = EMPTY): void {
    this.#control(Opcode.Ping, data);
  }

  /**
   * A Pong (§5.5.3). Its payload is copied.
   * @throws TypeError if data is neither a string nor a Uint8Array
   * @throws RangeError if it is longer than 125 bytes
   */
  pong(data: string | Uint8Array = EMPTY): void {
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
    if (text.length > MAX_CONTROL_PAYLOAD - 2) throw new RangeError("reason is longer than 123 bytes in UTF-8");
    const payload = new Uint8Array(2 + text.length);
    payload[0] = code >> 8;
    payload[1] = code;
    payload.set(text, 2);
    this.#control(Opcode.Close, payload);
  }

  /**
   * Any frame: any opcode, fin and rsv, without a look at what RFC 6455 says of their combination. For
   * fragments, extensions, proxies and tests. The masking-key of a decoded frame is not taken over (§5.3).
   * @throws TypeError if a property has the wrong type
   * @throws RangeError if opcode or rsv is out of range
   */
  frame(frame: FrameInit): void {
    const { opcode, payload = EMPTY, fin = true, rsv = 0 } = frame;
    if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) throw new RangeError("opcode must be 0 to 15");
    if (!Number.isInteger(rsv) || rsv < 0 || rsv > 7) throw new RangeError("rsv must be 0 to 7");
    const first = (fin ? BIT_FIN : 0) | (rsv << 4) | opcode;
    if (typeof payload === "string") {
      this.#text(first, payload);
    } else {
      assertBytes(payload, "payload");
      this.#bytes(first, payload);
    }
  }

  /**
   * A message that was serialized before. Role server: its bytes are not copied, if nothing else is queued.
   * @throws TypeError if it is not a PreparedMessage
   */
  prepared(message: PreparedMessage): void {
    if (!(message instanceof PreparedMessage)) throw new TypeError("message must be a PreparedMessage");
    this.serialized(message);
  }

  /** A message that is a frame already. @internal */
  serialized(message: SerializedMessage): void {
    if (this.#mask) {
      this.#bytes(message.firstByte, message.payload);
      return;
    }
    const { frame } = message;
    if (frame.length >= LARGE || this.#queue === undefined || this.#queue.count === 0) {
      this.#flushed().push(frame);
    } else {
      this.#enqueue(ENCODE_RAW, frame, frame.length);
    }
  }

  /** How many bytes take() would return at the most. */
  get queuedBytes(): number {
    const queue = this.#queue;
    return queue === undefined ? 0 : queue.output.reduce((sum, { length }) => sum + length, queue.size);
  }

  /**
   * What to write, in order; and the queue is empty. The buffers are yours, except that large payloads are
   * those that were passed in, and a PreparedMessage's are shared: do not write to them.
   * @throws TypeError if a payload has been resized or detached since; what was queued with it is lost
   */
  take(): Uint8Array[] {
    if (this.#queue === undefined) return [];
    const output = this.#flushed();
    const queue = this.#queue;
    this.#queue = undefined;
    queue.output = [];
    spareQueue = queue;
    return output;
  }

  /** Queues a frame of at most `size` payload bytes, fewer than a window has. */
  #enqueue(flags: number, payload: string | Uint8Array, size: number): void {
    // Before anything is queued: a source of keys may throw.
    const key = this.#keySource === undefined ? 0 : nextKey(this.#keySource);
    const queue = (this.#queue ??= takeQueue());
    if (queue.size + size + MAX_HEADER > WINDOW_SIZE || queue.count === MAX_RECORDS) this.#flush(queue);
    queue.size += size + MAX_HEADER;
    queue.length += payload.length;
    const record = queue.count++ * RECORD_INTS;
    if (record === queue.records.length) {
      const records = new Int32Array(2 * record);
      records.set(queue.records);
      queue.records = records;
    }
    queue.records[record + (RECORD_FLAGS >> 2)] = flags | this.#mask;
    queue.records[record + (RECORD_LENGTH >> 2)] = payload.length;
    if (typeof payload === "string") {
      queue.text += payload;
    } else if (payload.length > 0) {
      endText(queue);
      queue.payloads.push(payload);
    }
    if (this.#keySource !== undefined) queue.keys.push(key);
  }

  /** The output, with all that is queued in it. */
  #flushed(): Uint8Array[] {
    const queue = (this.#queue ??= takeQueue());
    if (queue.count > 0) this.#flush(queue);
    return queue.output;
  }

  #text(first: number, text: string): void {
    if (text.length < LARGE) {
      this.#enqueue(first | ENCODE_UNITS, text, text.length * MAX_BYTES_PER_UNIT);
    } else {
      this.#large(first, encodeUtf8(text), true);
    }
  }

  #control(opcode: number, data: string | Uint8Array): void {
    let payload: Uint8Array;
    if (typeof data === "string") {
      payload = encodeUtf8(data);
    } else {
      assertBytes(data, "data");
      // Not slice(): that of a Buffer is a view.
      payload = new Uint8Array(data);
    }
    if (payload.length > MAX_CONTROL_PAYLOAD) throw new RangeError("A control frame holds at most 125 bytes");
    this.#bytes(BIT_FIN | opcode, payload);
  }

  #bytes(first: number, payload: Uint8Array): void {
    if (payload.length < LARGE) {
      this.#enqueue(first, payload, payload.length);
    } else {
      this.#large(first, payload, false);
    }
  }

  /** A payload that goes past the window. `owned`: nobody else has it, so it may be masked in place. */
  #large(first: number, payload: Uint8Array, owned: boolean): void {
    if (payload.length > MAX_PAYLOAD) throw new RangeError("A payload of 4 GiB or more must be sent in fragments");
    const key = this.#mask ? nextKey(this.#keySource) : 0;
    const output = this.#flushed();
    const core = this.#engines.enter();
    try {
      core.i32[(TABLE + RECORD_FLAGS) >> 2] = first | ENCODE_HEADER | this.#mask;
      core.i32[(TABLE + RECORD_LENGTH) >> 2] = payload.length;
      core.i32[KEYS >> 2] = key;
      const end = core.encode(1, WINDOW, 1);
      const header = core.bytes.subarray(OUTPUT, end);
      if (this.#mask && !owned) {
        const frame = new Uint8Array(header.length + payload.length);
        frame.set(header);
        maskInto(core, payload, key, frame, header.length);
        output.push(frame);
      } else {
        output.push(new Uint8Array(header), payload);
        if (this.#mask) maskInto(core, payload, key, payload, 0);
      }
    } finally {
      this.#engines.leave();
    }
  }

  /** Serializes what is queued into one buffer. */
  #flush(queue: Queue): void {
    const { records, count, payloads, keys } = queue;
    const core = this.#engines.enter();
    try {
      endText(queue);
      const { bytes, i32 } = core;
      const length = payloads.reduce((sum, payload) => sum + payload.length, 0);
      if (length !== queue.length) throw new TypeError("A payload was resized or detached before take()");
      let end = writePayloads(payloads, bytes);
      // Then nobody need look for the ends of the texts.
      const ascii = end - WINDOW === length;
      const split = ascii ? undefined : splitSurrogates(records, count, payloads);
      if (split) end = writePayloads(split, bytes);
      i32.set(records.subarray(0, count * RECORD_INTS), TABLE >> 2);
      if (keys.length > 0) i32.set(keys, KEYS >> 2);
      else if (this.#mask) takeKeys(i32, KEYS >> 2, count);
      const output = core.encode(count, end, ascii ? 1 : 0);
      // Not slice(): V8 zeroes what that returns before it copies, and takes twice as long.
      queue.output.push(new Uint8Array(bytes.subarray(OUTPUT, output)));
    } finally {
      this.#engines.leave();
      queue.count = 0;
      payloads.length = 0;
      keys.length = 0;
      queue.text = "";
      queue.length = 0;
      queue.size = 0;
    }
  }
}

/** Ends the string that texts are appended to: what follows is another payload. */
function endText(queue: Queue): void {
  if (queue.text === "") return;
  queue.payloads.push(queue.text);
  queue.text = "";
}

/** Writes payloads end to end into the window; returns where they end. */
function writePayloads(payloads: readonly (string | Uint8Array)[], bytes: Uint8Array): number {
  let at = WINDOW;
  for (const payload of payloads) {
    if (typeof payload === "string") {
      at += encodeUtf8Into(payload, bytes.subarray(at, WINDOW + WINDOW_SIZE));
    } else {
      bytes.set(payload, at);
      at += payload.length;
    }
  }
  return at;
}

/**
 * The payloads with joined texts cut where a high surrogate ends one and a low one begins the next: each is
 * U+FFFD, not the two one character. Undefined if there is no such place.
 */
function splitSurrogates(
  records: Int32Array,
  count: number,
  payloads: readonly (string | Uint8Array)[],
): (string | Uint8Array)[] | undefined {
  const parts: (string | Uint8Array)[] = [];
  let next = 0;
  let start = 0;
  let end = 0;
  for (let record = 0; record < count; record++) {
    const length = records[record * RECORD_INTS + (RECORD_LENGTH >> 2)]!;
    if (length === 0) continue;
    const payload = payloads[next]!;
    end += length;
    if (end === payload.length) {
      parts.push(typeof payload === "string" ? payload.slice(start) : payload);
      next++;
      start = end = 0;
    } else if (typeof payload === "string" && isSurrogatePair(payload, end - 1)) {
      parts.push(payload.slice(start, end));
      start = end;
    }
  }
  return parts.length > payloads.length ? parts : undefined;
}

function isSurrogatePair(text: string, at: number): boolean {
  const high = text.charCodeAt(at);
  const low = text.charCodeAt(at + 1);
  return high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
}

/** Writes `payload`, masked, to `target` from `at` on. */
function maskInto(core: Core, payload: Uint8Array, key: number, target: Uint8Array, at: number): void {
  for (let done = 0; done < payload.length; done += WINDOW_SIZE) {
    // WINDOW_SIZE is a multiple of four: each slice begins with the key's first byte.
    const slice = payload.subarray(done, done + WINDOW_SIZE);
    core.bytes.set(slice, WINDOW);
    core.mask(WINDOW, slice.length, key);
    target.set(core.bytes.subarray(WINDOW, WINDOW + slice.length), at + done);
  }
}

/**
 * One frame as bytes, in a buffer of its own.
 * @throws all that FrameEncoder and its frame() do
 */
export function encodeFrame(frame: FrameInit, options: FrameEncoderOptions): Uint8Array {
  const encoder = new FrameEncoder(options);
  encoder.frame(frame);
  const parts = encoder.take();
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
