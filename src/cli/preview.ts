// Prints payloads on one line, and escapes characters that could control the terminal.

import { Opcode } from "wsframe";
import { toHex } from "./bytes.ts";
import type { FrameRow } from "./row.ts";
import { closeName } from "./names.ts";

const ELLIPSIS = "…";
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\\": "\\\\",
};
/** Control characters, bidirectional controls, unassigned and other unprintable characters, and the backslash. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\\]/u;
const ZERO_WIDTH_JOINER = "\u200d";
const NO_WIDTH = /[\p{Mn}\p{Me}\u200d]/u;
/** This variation selector turns the previous character into an emoji, which is one column wider. */
const EMOJI_SELECTOR = "\ufe0f";
const WIDE =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Returns the most terminal columns that a character takes. A joined emoji may be narrower than its parts. */
function widthOf(char: string): number {
  if (char < "\u0300") return 1;
  if (char === EMOJI_SELECTOR) return 1;
  if (NO_WIDTH.test(char)) return 0;
  return WIDE.test(char) ? 2 : 1;
}

/** Returns the character itself, or an escape for one that must not be printed. */
function escaped(char: string): string {
  if (!UNPRINTABLE.test(char) || char === ZERO_WIDTH_JOINER) return char;
  const code = char.codePointAt(0)!;
  if (code > 0xff) return `\\u{${code.toString(16)}}`;
  return SHORT_ESCAPES[char] ?? `\\x${code.toString(16).padStart(2, "0")}`;
}

/**
 * Joins pieces up to `width` columns. `more` says that the pieces are not all of the text. If the result is `cut`, it
 * leaves one column for an ellipsis.
 */
function fit(pieces: Iterable<string>, width: number, between: string, more: boolean): { text: string; cut: boolean } {
  let text = "";
  let used = 0;
  // Length of the text that leaves room for an ellipsis.
  let safe = 0;
  for (const piece of pieces) {
    const gap = text === "" ? "" : between;
    used += gap.length + pieceWidth(piece);
    if (used > width) return { text: text.slice(0, safe), cut: true };
    text += gap + piece;
    if (used < width) safe = text.length;
  }
  return more ? { text: text.slice(0, safe), cut: true } : { text, cut: false };
}

/** A piece is one character, an escape or two hex digits. */
function pieceWidth(piece: string): number {
  return [...piece].length === 1 ? widthOf(piece) : piece.length;
}

/** Returns how many bytes at the start and at the end belong to cut characters. */
function cutCharacters(bytes: Uint8Array): { start: number; end: number } {
  let start = 0;
  while (start < bytes.length && start < 3 && (bytes[start]! & 0xc0) === 0x80) start++;
  // Find the first byte of the last character. It tells how many bytes follow.
  let lead = bytes.length - 1;
  while (lead > start && lead > bytes.length - 4 && (bytes[lead]! & 0xc0) === 0x80) lead--;
  const byte = lead >= start ? bytes[lead]! : 0;
  const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
  const present = bytes.length - lead;
  return { start, end: length > present ? present : 0 };
}

function* textPieces(bytes: Uint8Array, more: boolean): Generator<string> {
  const { start, end } = cutCharacters(bytes);
  for (const byte of bytes.subarray(0, start)) yield `\\x${byte.toString(16)}`;
  for (const char of utf8.decode(bytes.subarray(start, bytes.length - end))) yield escaped(char);
  // If the preview is shortened, the shortening has cut the last character.
  if (!more) for (const byte of bytes.subarray(bytes.length - end)) yield `\\x${byte.toString(16)}`;
}

/** Returns text without control characters, at most `width` columns. */
export function plainText(text: string, width: number): string {
  const pieces = Array.from(text, escaped);
  const { text: fitted, cut } = fit(pieces, width, "", false);
  return cut ? fitted + ELLIPSIS : fitted;
}

/** Returns text in quotes, at most `width` columns. `more` says that the bytes are not all of it. */
export function quoteText(bytes: Uint8Array, width: number, more: boolean): string {
  const { text, cut } = fit(textPieces(bytes, more), width - 2, "", more);
  return cut ? `"${text}"${ELLIPSIS}` : `"${text}"`;
}

/** Returns bytes as hex, at most `width` columns. `more` says that they are not all. */
export function quoteHex(bytes: Uint8Array, width: number, more: boolean): string {
  const pieces = Array.from(bytes.subarray(0, width), (byte) => toHex(Uint8Array.of(byte)));
  const { text, cut } = fit(pieces, width - 1, " ", more);
  return cut ? `${text} ${ELLIPSIS}` : text;
}

/** Decodes UTF-8; undefined if it is invalid. `more` says that the last character may be cut. */
export function asText(bytes: Uint8Array, more: boolean): string | undefined {
  try {
    return strictUtf8.decode(more ? bytes.subarray(0, bytes.length - cutCharacters(bytes).end) : bytes);
  } catch {
    return undefined;
  }
}

/** Returns bytes of an unknown kind as text if they are readable, else as hex. At most `width` columns. */
export function quoteAny(bytes: Uint8Array, width: number, more: boolean): string {
  const text = asText(bytes, more);
  const readable = text !== undefined && !/[^\P{C}\r\n\t\u200d]/u.test(text);
  return readable ? quoteText(bytes, width, more) : quoteHex(bytes, width, more);
}

/** Returns the code of a Close, or undefined if it has none. */
export function closeCodeOf(payload: Uint8Array): number | undefined {
  return payload.length < 2 ? undefined : payload[0]! * 256 + payload[1]!;
}

/** Returns the payload of a frame, at most `width` columns. */
export function quotePayload(row: FrameRow, width: number): string {
  const { preview, payloadLength } = row;
  const more = preview.length < payloadLength;
  if (preview.length === 0) return more ? ELLIPSIS : "";
  if (row.compressed) {
    const note = "(compressed) ";
    return note + quoteHex(preview, width - note.length, more);
  }
  switch (row.messageOpcode) {
    case Opcode.Text:
      return quoteText(preview, width, more);
    case Opcode.Ping:
    case Opcode.Pong:
      return quoteAny(preview, width, more);
    case Opcode.Close:
      return quoteClose(preview, width, more);
    default:
      return quoteHex(preview, width, more);
  }
}

function quoteClose(payload: Uint8Array, width: number, more: boolean): string {
  const code = closeCodeOf(payload);
  if (code === undefined) return quoteHex(payload, width, more);
  const name = closeName(code);
  const text = name === undefined ? String(code) : `${code} ${name}`;
  if (payload.length === 2 && !more) return text;
  return `${text} ${quoteText(payload.subarray(2), width - text.length - 1, more)}`;
}
