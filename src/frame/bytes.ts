// Bytes: what is taken as such from callers, and how new ones are made.

import { LARGE } from "./sizes.ts";

/**
 * Bytes in any form: an ArrayBuffer, a SharedArrayBuffer or a view of one, of this realm or another. They are borrowed until
 * they have been written: do not change them before. What is in shared memory is copied on its way, so what is delivered and
 * what is to be written never is.
 */
export type Bytes = ArrayBuffer | SharedArrayBuffer | ArrayBufferView;

/** "[object ArrayBuffer]", for example, in any realm: instanceof knows those of one only. */
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

/** The same bytes, not copied. @throws TypeError with the rule that was broken @internal */
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
 * The same bytes; a copy, if they are in shared memory. Not for each small message: V8 has to make the buffer of a short
 * array when it is asked for, which takes 150 ns.
 * @internal
 */
export function asUnshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return isUnshared(bytes) ? bytes : new Uint8Array(bytes);
}

function isUnshared(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer || tagOf(buffer) === "[object ArrayBuffer]";
}

/** No bytes. Not for anybody to keep: callers get an array of their own. @internal */
export const NOTHING: Uint8Array<ArrayBuffer> = /* @__PURE__ */ new Uint8Array(0);

/** Zeros: where buffers come from unless an option says otherwise. @internal */
export function newBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

/** The parts, end to end, in a buffer of their own. @internal */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = newBytes(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Where memory for frames comes from. @internal */
export interface Memory {
  /** Not zeroed, perhaps: write to all of it. */
  allocate(length: number): Uint8Array<ArrayBuffer>;
}

/** What a platform knows better: how to copy payloads. @internal */
export interface Copies {
  /** A copy of `window[start, end)`. */
  copy(window: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer>;
  /** A part of such a copy. */
  part(copy: Uint8Array<ArrayBuffer>, start: number, end: number): Uint8Array<ArrayBuffer>;
}

/** What a platform knows better: how to make strings of large texts. @internal */
export interface TextMemory extends Memory {
  /** A string of text that has been checked, collected in memory that allocate() gave. */
  decode(bytes: Uint8Array): string;
  /** Nobody needs that memory any more. */
  giveBack(bytes: Uint8Array<ArrayBuffer>): void;
}

const SLAB_SIZE = 65536;
let slab: ArrayBuffer | undefined;
let used = 0;

/**
 * A copy of a payload that is to be sent, since its owner may change it. Short ones share a buffer, which nobody gets to see:
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
