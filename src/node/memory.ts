// Memory for payloads.

import { isAscii } from "node:buffer";
import { decodeUtf8 } from "../frame/utf8.ts";

/** Below this many bytes, lending is not worth it. */
const LEAST_LENT = 4096;
/** Above this many bytes, a thread could keep only about two buffers. */
const MOST_LENT = 2097152;
/** How much longer a buffer is than a power of two, so that a frame with such a payload fits. */
const MARGIN = 64;
/** Buffers below this length come from Node's pool. */
const MOST_POOLED = 4096;
/** How many bytes a thread keeps for later copies. */
const MOST_KEPT = 4194304;

/** Free buffers, by the logarithm of their sizes. */
const kept: ArrayBuffer[][] = [];
let keptBytes = 0;

/**
 * Memory that is not zeroed: write to all of it before anybody sees it. Not a Buffer, because messages are Uint8Arrays.
 * @internal
 */
export function allocateUnsafe(length: number): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}

/** Copies of payloads as Buffers. Short ones share memory, as those of Buffer.from() do. @internal */
export const buffers = {
  copy(window: Uint8Array<ArrayBuffer>, start: number, end: number): Buffer<ArrayBuffer> {
    const length = end - start;
    const copy = length < MOST_POOLED ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
    // Node's copy() accepts any Uint8Array and makes no view.
    Buffer.prototype.copy.call(window, copy, 0, start, end);
    return copy as Buffer<ArrayBuffer>;
  },
  part({ buffer, byteOffset }: Uint8Array<ArrayBuffer>, start: number, end: number): Buffer<ArrayBuffer> {
    return new FastBuffer(buffer, byteOffset + start, end - start);
  },
};

/** The superclass of Buffers that makes a view in half the time. */
const { [Symbol.species]: FastBuffer } = Buffer as unknown as {
  readonly [Symbol.species]: new (buffer: ArrayBuffer, byteOffset: number, length: number) => Buffer<ArrayBuffer>;
};

/** The same bytes as a Buffer. @internal */
export function asBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  return Buffer.isBuffer(bytes)
    ? (bytes as Buffer<ArrayBuffer>)
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Whether lend() has reusable memory for this many bytes. Fresh memory costs more than the copy. @internal */
export function isLent(length: number): boolean {
  return length >= LEAST_LENT && length <= MOST_LENT;
}

/** Memory that is reused after giveBack(). It is not zeroed. @internal */
export function lend(length: number): Uint8Array<ArrayBuffer> {
  const free = kept[classOf(length)]?.pop();
  if (free !== undefined) keptBytes -= free.byteLength;
  return new Uint8Array(free ?? allocateUnsafe(2 ** classOf(length) + MARGIN).buffer, 0, length);
}

/** @internal */
export function giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (!isLent(buffer.byteLength - MARGIN) || keptBytes + buffer.byteLength > MOST_KEPT) return;
  keptBytes += buffer.byteLength;
  (kept[classOf(buffer.byteLength)] ??= []).push(buffer);
}

/** Memory for texts that arrive in several parts. @internal */
export const texts = {
  allocate: (length: number): Uint8Array<ArrayBuffer> => (isLent(length) ? lend(length) : allocateUnsafe(length)),
  decode(bytes: Uint8Array): string {
    if (!isAscii(bytes)) return decodeUtf8(bytes);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  },
  giveBack,
};

function classOf(length: number): number {
  return 32 - Math.clz32(length - MARGIN - 1);
}
