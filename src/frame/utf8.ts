// Converts between UTF-8 and strings (RFC 6455 §8.1).

// The codec of the platform: one decoder and one encoder per thread.
const decoder: TextDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });
const encoder: TextEncoder = /* @__PURE__ */ new TextEncoder();
/** Created on first use, because the core has checked most text. */
let strict: TextDecoder | undefined;

/** Decodes UTF-8. A BOM is content and stays. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Decodes UTF-8 that the core has not checked. @throws TypeError if it is invalid @internal */
export function decodeValidUtf8(bytes: Uint8Array): string {
  strict ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return strict.decode(bytes);
}

/** Encodes a string as UTF-8. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Writes the UTF-8 of `text` to `target`. Returns the number of bytes, or -1 if they do not fit. */
export function encodeUtf8Into(text: string, target: Uint8Array): number {
  const { read, written } = encoder.encodeInto(text, target);
  return read === text.length ? written : -1;
}

/** The length of a string in UTF-8, in bytes. @internal */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Each half of a surrogate pair counts as two bytes.
    if (unit > 0x7f) length += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return length;
}

/**
 * Checks text. Unless `last` is set, it may end inside a character.
 * @returns how many bytes at the end start an incomplete character, at most 3
 * @throws TypeError if the text is not UTF-8
 * @internal
 */
export function checkUtf8(bytes: Uint8Array, last: boolean): number {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !last });
  } catch (error) {
    throw new TypeError("Text must be valid UTF-8 (RFC 6455 §8.1)", { cause: error });
  }
  return incompleteAtEnd(bytes);
}

/** How many bytes at the end of UTF-8 start an incomplete character, at most 3. @internal */
export function incompleteAtEnd(bytes: Uint8Array): number {
  for (let length = 1; length <= 3; length++) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte >= 0xc0) return length < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? length : 0;
  }
  return 0;
}

/** Decodes the characters before the first invalid byte. @internal */
export function decodeValidPart(bytes: Uint8Array): string {
  let good = 0;
  for (let bad = bytes.length + 1; bad - good > 1;) {
    const middle = (good + bad) >> 1;
    if (mayBegin(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, good), { stream: true });
}

/** Whether valid UTF-8 can start with these bytes. */
function mayBegin(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
