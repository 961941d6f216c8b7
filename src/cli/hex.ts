// Reads hex text in the formats that common tools print.

import { asCharacters, concat, isPlainText } from "./bytes.ts";
import { parseDump } from "./dump.ts";
import { InputError } from "./input-error.ts";
import { payloadOf } from "./packets.ts";

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

const encoder = new TextEncoder();

/** The longest file that is read as a list in a programming language, in bytes. */
const MOST_LISTED = 2 ** 26;

/**
 * Converts hex text to bytes. The text is a dump with offsets, or digits alone. If the bytes are captured packets, returns
 * the TCP payload in them. Returns undefined if the file is not hex text.
 *
 * No WebSocket stream looks like hex text: as a first byte, each of its characters has RSV bits set or a reserved opcode.
 *
 * @throws InputError if hex text cannot be read
 */
export function parseHexText(file: Uint8Array): Uint8Array | undefined {
  const dump = parseDump(file);
  if (dump !== undefined) return payloadOf(dump) ?? concat(dump);
  const bytes = parseDigits(file) ?? parseList(file);
  if (bytes === undefined) assertNoRepeats(file);
  return bytes && (payloadOf([bytes]) ?? bytes);
}

/** @throws InputError for hex text in which a program has replaced repeated lines with `*` */
function assertNoRepeats(file: Uint8Array): void {
  if (file.length > MOST_LISTED || !isPlainText(file)) return;
  const text = asCharacters(file);
  const rest = text.replaceAll(/^\*\s*$/gm, "");
  if (rest.length < text.length && parseDigits(encoder.encode(rest)) !== undefined) {
    throw new InputError("hex text in which * replaces repeated lines: od -v prints all of them");
  }
}

/** Reads bytes as programs write them: `{ 0x81, 0x85 }`, `"\x81\x85"`, `<Buffer 81 85>`, `81-85`. */
function parseList(file: Uint8Array): Uint8Array | undefined {
  if (file.length > MOST_LISTED || !isPlainText(file)) return undefined;
  const text = asCharacters(file)
    .replaceAll(/\/\*.*?\*\//gs, "")
    .trim();
  const [, list] = /^<Buffer ([^>]*)>$/.exec(text) ?? /^[^{}]*\{([^{}]*)\}[^{}]*$/.exec(text) ?? [];
  if (list !== undefined && /\.{3} \d+ more byte/.test(list)) {
    throw new InputError("a Buffer that Node.js has printed only in part: print buffer.toString('hex') instead");
  }
  const escapes = /^(?:\s*"?(?:\\x[0-9a-f]{2})+"?\s*\\?\s*)+$/i.test(text);
  const pairs = /^[0-9a-f]{2}(?:-[0-9a-f]{2})*$/i.test(text);
  const digits = list ?? (escapes ? text.replaceAll(/\\x|["\\]/g, " ") : pairs ? text.replaceAll("-", " ") : undefined);
  return digits === undefined ? undefined : parseDigits(encoder.encode(digits));
}

/**
 * Reads hex digits. White space, commas and colons may separate bytes, and `0x` may precede them. Returns undefined for
 * any other text.
 * @throws InputError if a byte has only one digit
 */
export function parseDigits(file: Uint8Array): Uint8Array | undefined {
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
  // Check this last: a file that also has other characters is not hex text at all.
  if (half || high !== NO_DIGIT) throw new InputError("hex text in which a byte has only one digit");
  return length === 0 ? undefined : bytes.subarray(0, length);
}
