// UTF-8 and strings (RFC 6455 §8.1).

// The platform's codec: one of each for a thread.
const decoder: TextDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });
const encoder: TextEncoder = /* @__PURE__ */ new TextEncoder();
/** Made when it is first needed: the core has checked most text. */
let strict: TextDecoder | undefined;

/** A string of UTF-8 bytes. A BOM is content and stays. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The same, of bytes that the core has not checked. @throws TypeError if they are not UTF-8 @internal */
export function decodeValidUtf8(bytes: Uint8Array): string {
  strict ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return strict.decode(bytes);
}

/** The UTF-8 of a string; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Writes the UTF-8 of `text` to `target`; returns the number of bytes, or -1 if they do not fit. */
export function encodeUtf8Into(text: string, target: Uint8Array): number {
  const { read, written } = encoder.encodeInto(text, target);
  return read === text.length ? written : -1;
}

/** How many bytes the UTF-8 of a string has. @internal */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Both halves of a surrogate pair count two.
    if (unit > 0x7f) length += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return length;
}

/**
 * Checks text that may go on in the next bytes, unless it is the last of it.
 * @returns how many bytes at its end begin a character that is not complete, at most 3
 * @throws TypeError if it is not UTF-8
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

/** How many bytes at the end of UTF-8 begin a character that is not complete, at most 3. @internal */
export function incompleteAtEnd(bytes: Uint8Array): number {
  for (let length = 1; length <= 3; length++) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte >= 0xc0) return length < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? length : 0;
  }
  return 0;
}

/** The characters before the first byte that cannot stand there. @internal */
export function decodeValidPart(bytes: Uint8Array): string {
  let good = 0;
  for (let bad = bytes.length + 1; bad - good > 1;) {
    const middle = (good + bad) >> 1;
    if (mayBegin(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, good), { stream: true });
}

/** Whether there is text that begins with these bytes. */
function mayBegin(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
