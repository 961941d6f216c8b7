// Converts arguments as Web IDL does, and checks them as the standard requires.

import { types } from "node:util";

/** A message to send, with its length in bytes. Text counts as UTF-8. @internal */
export type Outgoing =
  | { readonly data: string | ArrayBuffer | ArrayBufferView; readonly length: number }
  | { readonly data: Blob; readonly length: number };

/** The longest close reason, in bytes of UTF-8. */
const MAX_REASON = 123;
const MAX_UNSIGNED_SHORT = 65535;
const NORMAL_CLOSURE = 1000;

function syntaxError(message: string): DOMException {
  return new DOMException(message, "SyntaxError");
}

/**
 * Parses the URL, which must be absolute. `http:` becomes `ws:`, and `https:` becomes `wss:`.
 * @throws DOMException (SyntaxError) @internal
 */
export function readUrl(value: unknown): URL {
  const text = `${value as string}`;
  if (!URL.canParse(text)) throw syntaxError(`${JSON.stringify(text)} is not an absolute URL`);
  const url = new URL(text);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw syntaxError("The scheme of the URL must be ws, wss, http or https");
  }
  // `hash` is also empty for an empty fragment.
  if (url.href.includes("#")) throw syntaxError("The URL must not have a fragment");
  return url;
}

/** Reads one subprotocol, or a list of them. @throws DOMException (SyntaxError) @internal */
export function readProtocols(value: unknown): string[] {
  if (value === undefined) return [];
  const names = isIterable(value) ? Array.from(value, (name) => `${name as string}`) : [`${value as string}`];
  for (const name of names) {
    if (!TOKEN.test(name)) throw syntaxError(`${JSON.stringify(name)} is not a valid subprotocol`);
  }
  // The standard only forbids duplicates. Its tests and other implementations compare them without case.
  if (new Set(names.map((name) => name.toLowerCase())).size !== names.length) {
    throw syntaxError("A subprotocol must not be named twice");
  }
  return names;
}

/** Whether the second argument is an options object, as Node's own WebSocket accepts it. @internal */
export function isInit<T extends object>(value: string | Iterable<string> | T | undefined): value is T {
  return typeof value === "object" && value !== null && !isIterable(value);
}

/** A token (RFC 9110 §5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/**
 * Reads the arguments of close(). A reason without a code gets the code 1000.
 * @throws DOMException (InvalidAccessError for a code that scripts must not use, SyntaxError for a reason that is too long)
 * @internal
 */
export function readClose(
  code: unknown,
  reason: unknown,
): { readonly code: number | undefined; readonly reason: string } {
  const number = code === undefined ? undefined : toClampedShort(code);
  const text = reason === undefined ? "" : `${reason as string}`;
  if (number !== undefined && number !== NORMAL_CLOSURE && !(number >= 3000 && number <= 4999)) {
    throw new DOMException(`The close code must be 1000, or from 3000 to 4999; it is ${number}`, "InvalidAccessError");
  }
  if (Buffer.byteLength(text) > MAX_REASON)
    throw syntaxError(`The close reason must not exceed ${MAX_REASON} bytes of UTF-8`);
  return { code: number ?? (text === "" ? undefined : NORMAL_CLOSURE), reason: text };
}

/** Converts to `[Clamp] unsigned short`: the nearest integer in range. A half rounds to the even neighbor. */
function toClampedShort(value: unknown): number {
  const number = Number(value);
  if (Number.isNaN(number)) return 0;
  const clamped = Math.min(Math.max(number, 0), MAX_UNSIGNED_SHORT);
  const floor = Math.floor(clamped);
  const isHalf = clamped - floor === 0.5;
  return isHalf ? floor + (floor % 2) : Math.round(clamped);
}

/**
 * Reads the argument of send(): bytes or a Blob. Other values become a string.
 * @throws TypeError for a view of shared memory, which the standard does not allow @internal
 */
export function readMessage(value: unknown): Outgoing {
  if (typeof value === "string") return { data: value, length: Buffer.byteLength(value) };
  if (value instanceof Blob) return { data: value, length: value.size };
  if (types.isArrayBuffer(value)) return { data: value, length: value.byteLength };
  if (ArrayBuffer.isView(value)) {
    if (types.isSharedArrayBuffer(value.buffer))
      throw new TypeError("send() does not accept shared memory: copy the bytes");
    return { data: value, length: value.byteLength };
  }
  const text = `${value as string}`;
  return { data: text, length: Buffer.byteLength(text) };
}
