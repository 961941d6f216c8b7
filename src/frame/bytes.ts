// Converts the bytes that callers pass in, and allocates new ones.

import { LARGE } from "./sizes.ts";

/**
 * Bytes in any form: an ArrayBuffer, a SharedArrayBuffer, or a view of either, from any realm. The package borrows them
 * until they have been written: do not change them before that. Bytes in shared memory are copied, so delivered and
 * queued bytes never are in shared memory.
 */
export type Bytes = ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** For example "[object ArrayBuffer]", in any realm. instanceof only works in its own realm. */
function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}

function isBuffer(value: unknown): value is ArrayBuffer | SharedArrayBuffer {
  return tagOf(value).endsWith("ArrayBuffer]");
}

/** @internal */
export function isBytes(value: unknown): value is Bytes {
  return ArrayBuffer.isView(value) || isBuffer(value);
}

/** Returns the same bytes without a copy. @throws TypeError with the message `rule` @internal */
export function asBytes(data: Bytes, rule: string = "data must be bytes"): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (isBuffer(data)) return new Uint8Array(data);
  throw new TypeError(rule);
}

/** @throws TypeError @internal */
export function asBytesOrText(data: string | Bytes): string | Uint8Array {
  return typeof data === "string" ? data : asBytes(data, "data must be a string or bytes");
}

/**
 * Returns the same bytes, or a copy if they are in shared memory. Avoid calling it for each small message: V8 creates
 * the buffer of a short array on first access, which takes 150 ns.
 * @internal
 */
export function asUnshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return isUnshared(bytes) ? bytes : new Uint8Array(bytes);
}

function isUnshared(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer || tagOf(buffer) === "[object ArrayBuffer]";
}

/** No bytes. Do not give it to callers: they get an array of their own. @internal */
export const NOTHING: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

/** Allocates zeroed bytes, which is the default for buffers. @internal */
export function newBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

/** Joins the parts in a new buffer. @internal */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = newBytes(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Allocates memory for frames. @internal */
export interface Memory {
  /** The memory may not be zeroed, so write to all of it. */
  allocate(length: number): Uint8Array<ArrayBuffer>;
}

/** A faster way to copy payloads on some platform. @internal */
export interface Copies {
  /** Returns a copy of `window[start, end)`. */
  copy(window: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer>;
  /** Returns a part of such a copy. */
  part(copy: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer>;
}

/** A faster way to make large strings on some platform. @internal */
export interface TextMemory extends Memory {
  /** Decodes checked text, which was collected in memory from allocate(). */
  decode(bytes: Uint8Array): string;
  /** Returns memory that is no longer needed. */
  giveBack(bytes: Uint8Array<ArrayBuffer>): void;
}

const SLAB_SIZE = 65536;
let slab: ArrayBuffer | undefined;
let used = 0;

/**
 * Copies a payload to be sent, because its owner may change it. Short copies share a buffer, which callers never see:
 * they are copied again when they are serialized.
 * @internal
 */
export function copyToSend(
  bytes: Uint8Array,
  allocate: (length: number) => Uint8Array<ArrayBuffer> = newBytes,
): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  let copy: Uint8Array<ArrayBuffer>;
  if (length >= LARGE) {
    copy = allocate(length);
  } else {
    if (slab === undefined || used + length > SLAB_SIZE) {
      slab = new ArrayBuffer(SLAB_SIZE);
      used = 0;
    }
    copy = new Uint8Array(slab, used, length);
    used += length;
  }
  copy.set(bytes);
  return copy;
}
