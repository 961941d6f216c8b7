// Bytes written as hexadecimal digits: to read them from a file, and to show them.

import { InputError } from "./input-error.ts";

const SEPARATORS = new Set([..." \t\r\n,:"].map((char) => char.charCodeAt(0)));
const ZERO = 0x30;
const X_LOWER = 0x78;
const X_UPPER = 0x58;
const NO_DIGIT = -1;

function digitOf(char: number): number {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : NO_DIGIT;
}

/**
 * The bytes that a file of hex text stands for: digits, with white space, commas and colons between bytes
 * and `0x` in front of them as you like. Undefined if the file has anything else in it.
 *
 * No WebSocket stream looks like that: as a first byte, every one of these characters has RSV bits set.
 *
 * @throws InputError if a byte has lost one of its two digits
 */
export function parseHexText(file: Uint8Array): Uint8Array | undefined {
  const bytes = new Uint8Array(file.length >> 1);
  let length = 0;
  let high = NO_DIGIT;
  let half = false;
  for (let at = 0; at < file.length; at++) {
    const char = file[at]!;
    if (SEPARATORS.has(char)) {
      half ||= high !== NO_DIGIT;
      high = NO_DIGIT;
      continue;
    }
    const next = file[at + 1];
    if (char === ZERO && high === NO_DIGIT && (next === X_LOWER || next === X_UPPER)) {
      at++;
      continue;
    }
    const digit = digitOf(char);
    if (digit === NO_DIGIT) return undefined;
    if (high === NO_DIGIT) {
      high = digit;
    } else {
      bytes[length++] = high * 16 + digit;
      high = NO_DIGIT;
    }
  }
  // Only now: a file that has other characters too is not hex text with a mistake in it.
  if (half || high !== NO_DIGIT) throw new InputError("hex text in which a byte has only one digit");
  return length === 0 ? undefined : bytes.subarray(0, length);
}

/** Bytes as hex digits, with `separator` between them. */
export function toHex(bytes: Uint8Array, separator: string = ""): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(separator);
}
