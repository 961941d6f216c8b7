// Makes and checks Sec-WebSocket-Key and Sec-WebSocket-Accept (RFC 6455 §1.3, §4.1, §4.2.2).

import { sha1 } from "./sha1.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES = 16;
/** 16 bytes are 22 characters of base64 and `==`. */
const KEY_DIGITS = 22;

/**
 * Whether a string is 16 bytes in base64. The unused bits of the last digit need not be 0: the example in the RFC,
 * `AQIDBAUGBwgJCgsMDQ4PEC==` (§4.1), has others.
 */
export function isKey(value: string): boolean {
  if (value.length !== KEY_DIGITS + 2 || !value.endsWith("==")) return false;
  for (let at = 0; at < KEY_DIGITS; at++) {
    if (!isBase64Digit(value.charCodeAt(at))) return false;
  }
  return true;
}

function isBase64Digit(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x41 && code <= 0x5a) || // A-Z
    (code >= 0x30 && code <= 0x39) || // 0-9
    code === 0x2b || // +
    code === 0x2f // /
  );
}

/** Makes a new key: 16 random bytes in base64. */
export function randomKey(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

/** The value of Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2, step 5.4). */
export function acceptFor(key: string): string {
  return toBase64(sha1(new TextEncoder().encode(key + GUID)));
}

/** Base64 of a few bytes. Each byte becomes an argument of a call. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
