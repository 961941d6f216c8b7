// The class Sender of ws, which writes frames to a stream. WebSockets of this package do not use it.

import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { isValidCloseCode, mask as applyMask } from "../index.ts";
import { asBytes, isBytes } from "../frame/bytes.ts";
import { writeHeader } from "../frame/header.ts";
import { keyNumber, nextKey } from "../frame/keys.ts";
import { PerMessageDeflate } from "./per-message-deflate.ts";

/** Called when a frame has been written, or with the error that prevented it. */
export type SendCallback = (error?: Error | null) => void;

/** Data that Sender sends. Data of other types is passed to Buffer.from(). */
export type SenderData = string | NodeJS.ArrayBufferView | ArrayBufferLike | Blob | readonly number[];

/** Options of Sender.frame(). */
export interface FrameOptions {
  /** Whether the frame ends its message. Default false. */
  fin?: boolean | undefined;
  /** Writes a masking-key into the four bytes of `key`. Default random. */
  generateMask?: ((key: Buffer) => void) | undefined;
  /** Whether to mask the payload. Default false. */
  mask?: boolean | undefined;
  /** The four bytes that `generateMask` writes the key into. */
  maskBuffer?: Buffer | undefined;
  opcode: number;
  /** Whether the payload must not be changed. If so, a copy of it is masked. Default false. */
  readOnly?: boolean | undefined;
  /** Whether the payload is compressed. Default false. */
  rsv1?: boolean | undefined;
}

/** Options of Sender's send(). */
export interface SenderOptions {
  /** Whether the message is binary. Default false. */
  binary?: boolean | undefined;
  /** Whether to compress it. Default false. */
  compress?: boolean | undefined;
  /** Whether this ends the message. Default false. */
  fin?: boolean | undefined;
  /** Whether to mask it. Default false. */
  mask?: boolean | undefined;
}

/** The extensions of a connection, by name. */
export type Extensions = Readonly<Record<string, PerMessageDeflate | undefined>>;

const BIT_FIN = 0x80;
const BIT_RSV1 = 0x40;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
/** The longest payload of a control frame, in bytes (RFC 6455 §5.5). */
const MAX_CONTROL = 125;
const MAX_REASON = 123;
const NOTHING: Buffer = Buffer.alloc(0);

/** A frame to be sent. */
interface Job {
  readonly data: Buffer | Blob;
  readonly length: number;
  readonly deflate: PerMessageDeflate | undefined;
  readonly options: FrameOptions;
  readonly callback: SendCallback | undefined;
}

/** Writes messages to a stream in order. Later ones wait while one is compressed or read from a Blob. */
export class Sender {
  /** The number of bytes that wait to be written to the socket. @internal */
  _bufferedBytes = 0;
  /** Called with the error if a Blob cannot be read. */
  onerror: (error: Error) => void = () => {};
  readonly #socket: Duplex;
  readonly #deflate: PerMessageDeflate | undefined;
  readonly #generateMask: ((key: Buffer) => void) | undefined;
  readonly #maskBuffer: Buffer | undefined;
  /** Jobs that wait for the current one. */
  readonly #waiting: Job[] = [];
  #busy = false;
  /** Whether the current message is compressed; undefined between messages. */
  #open: { readonly compress: boolean } | undefined = undefined;

  /** @param generateMask writes a masking-key into four bytes. Default random */
  constructor(socket: Duplex, extensions: Extensions = {}, generateMask?: (key: Buffer) => void) {
    this.#socket = socket;
    this.#deflate = extensions[PerMessageDeflate.extensionName];
    this.#generateMask = generateMask;
    this.#maskBuffer = generateMask && Buffer.alloc(4);
  }

  /**
   * Makes a frame. Returns the buffers to write: the header, and the payload, which is `data` itself. A payload that must be masked
   * is masked in place. With `readOnly`, header and masked payload are one new buffer. Arguments are not checked.
   */
  static frame(data: Buffer | Uint8Array | string, options: FrameOptions): Buffer[] {
    const payload = typeof data === "string" ? Buffer.from(data) : bufferOf(data);
    const { length } = payload;
    const first = options.opcode | (options.fin ? BIT_FIN : 0) | (options.rsv1 ? BIT_RSV1 : 0);
    const headerLength = length > 65535 ? 10 : length > 125 ? 4 : 2;
    if (!options.mask) {
      const header = Buffer.allocUnsafe(headerLength);
      writeHeader(header, 0, first, length, undefined);
      return length === 0 ? [header] : [header, payload];
    }
    const { maskBuffer = Buffer.alloc(4), generateMask } = options;
    generateMask?.(maskBuffer);
    const key = generateMask ? keyNumber(maskBuffer) : nextKey(undefined);
    const merge = options.readOnly === true && key !== 0 && length > 0;
    const header = Buffer.allocUnsafe(headerLength + 4 + (merge ? length : 0));
    const end = writeHeader(header, 0, first, length, key);
    if (length === 0) return [header];
    let target = payload;
    if (merge) {
      header.set(payload, end);
      target = header.subarray(end);
    }
    if (key !== 0) applyMask(target, header.subarray(end - 4, end));
    return merge ? [header] : [header, payload];
  }

  /**
   * Sends a Close (RFC 6455 §5.5.1).
   *
   * @throws TypeError, RangeError for a code that must not be sent, and for a reason of more than 123 bytes
   */
  close(code?: number, reason?: string | Uint8Array, mask?: boolean, callback?: SendCallback): void {
    let payload = NOTHING;
    if (code !== undefined) {
      if (typeof code !== "number" || !isValidCloseCode(code)) {
        throw new TypeError("First argument must be a valid error code number");
      }
      const text = reasonOf(reason);
      if (text.length > MAX_REASON) throw new RangeError("The message must not be greater than 123 bytes");
      payload = Buffer.concat([Uint8Array.of(code >> 8, code & 0xff), text]);
    }
    this.#submit(payload, undefined, this.#frameOptions(CLOSE, true, mask), callback);
  }

  /** Sends a Ping (§5.5.2). @throws RangeError for more than 125 bytes */
  ping(data: SenderData, mask?: boolean, callback?: SendCallback): void {
    this.#control(PING, data, mask, callback);
  }

  /** Sends a Pong (§5.5.3). @throws RangeError for more than 125 bytes */
  pong(data: SenderData, mask?: boolean, callback?: SendCallback): void {
    this.#control(PONG, data, mask, callback);
  }

  /** Sends a message, or with `fin: false` a fragment of one. */
  send(data: SenderData, options: SenderOptions, callback?: SendCallback): void {
    const payload = payloadOf(data);
    const fin = options.fin === true;
    const first = this.#open === undefined;
    const { compress } = (this.#open ??= { compress: options.compress === true && this.#wants(lengthOf(payload)) });
    if (fin) this.#open = undefined;
    const frame = this.#frameOptions(first ? (options.binary ? 2 : 1) : 0, fin, options.mask);
    frame.rsv1 = first && compress;
    frame.readOnly = isBytes(data);
    this.#submit(payload, compress ? this.#deflate : undefined, frame, callback);
  }

  /** Writes the buffers that frame() returned. */
  sendFrame(list: readonly (Buffer | string)[], callback?: SendCallback): void {
    const [header, payload] = list;
    const socket = this.#socket;
    if (header === undefined) return;
    if (payload === undefined) {
      socket.write(header, callback);
      return;
    }
    socket.cork();
    socket.write(header);
    socket.write(payload, callback);
    socket.uncork();
  }

  #wants(length: number): boolean {
    return this.#deflate !== undefined && length >= this.#deflate.threshold;
  }

  #control(opcode: number, data: SenderData, mask: boolean | undefined, callback: SendCallback | undefined): void {
    const payload = payloadOf(data);
    if (lengthOf(payload) > MAX_CONTROL) {
      throw new RangeError("The data size must not be greater than 125 bytes");
    }
    const options = this.#frameOptions(opcode, true, mask);
    options.readOnly = isBytes(data);
    this.#submit(payload, undefined, options, callback);
  }

  #frameOptions(opcode: number, fin: boolean, mask: boolean | undefined): FrameOptions {
    return { fin, generateMask: this.#generateMask, mask, maskBuffer: this.#maskBuffer, opcode };
  }

  #submit(
    data: Buffer | Blob,
    deflate: PerMessageDeflate | undefined,
    options: FrameOptions,
    callback: SendCallback | undefined,
  ): void {
    const job: Job = { data, length: lengthOf(data), deflate, options, callback };
    if (!this.#busy) {
      this.#run(job);
      return;
    }
    this._bufferedBytes += job.length;
    this.#waiting.push(job);
  }

  #run(job: Job): void {
    const { data, deflate, options, callback } = job;
    if (Buffer.isBuffer(data) && deflate === undefined) this.sendFrame(Sender.frame(data, options), callback);
    else void this.#prepare(job);
  }

  /** Reads and compresses asynchronously, then sends. Later jobs wait. */
  async #prepare(job: Job): Promise<void> {
    const { deflate, options, length } = job;
    this.#busy = true;
    this._bufferedBytes += length;
    let { data } = job;
    if (!Buffer.isBuffer(data)) {
      try {
        data = Buffer.from(await data.arrayBuffer());
      } catch (error) {
        // Outside of the promise, so that an exception in a callback is not a rejection.
        process.nextTick(() => {
          const reason = error instanceof Error ? error : new Error(String(error));
          this.#abandon(job, reason);
          this.onerror(reason);
        });
        return;
      }
      if (this.#socket.destroyed) {
        const error = new Error("The socket was closed while the blob was being read");
        process.nextTick(() => this.#abandon(job, error));
        return;
      }
    }
    const payload = data;
    if (deflate === undefined) {
      process.nextTick(() => this.#finish(job, payload));
      return;
    }
    deflate.compress(payload, options.fin === true, (error, compressed = NOTHING) => {
      if (this.#socket.destroyed) {
        this.#abandon(job, new Error("The socket was closed while data was being compressed"));
      } else if (error !== null) {
        this.#abandon(job, error);
      } else {
        this.#finish(job, compressed);
      }
    });
  }

  #finish({ length, options, callback }: Job, payload: Buffer): void {
    this._bufferedBytes -= length;
    this.#busy = false;
    // The payload is our own copy now.
    options.readOnly = false;
    this.sendFrame(Sender.frame(payload, options), callback);
    while (!this.#busy) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this._bufferedBytes -= next.length;
      this.#run(next);
    }
  }

  /** Calls the callbacks of this job and all waiting ones with an error. Nothing more is sent. */
  #abandon(job: Job, error: Error): void {
    job.callback?.(error);
    for (const { callback } of this.#waiting) callback?.(error);
  }
}

function reasonOf(reason: string | Uint8Array | undefined): Uint8Array {
  if (reason === undefined) return NOTHING;
  if (typeof reason === "string") return Buffer.from(reason);
  if (reason instanceof Uint8Array) return reason;
  throw new TypeError("Second argument must be a string or a Uint8Array");
}

/** A Buffer of the same memory. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function lengthOf(data: Buffer | Blob): number {
  return Buffer.isBuffer(data) ? data.length : data.size;
}

/** Converts data to a Buffer or a Blob. Bytes are not copied. @throws TypeError for data that Buffer.from() refuses */
function payloadOf(data: SenderData): Buffer | Blob {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Blob) return data;
  return isBytes(data) ? bufferOf(asBytes(data)) : Buffer.from(data);
}
