// Converts between bytes and text. Also runs in browsers.

const decoder = new TextDecoder("latin1");

/** Returns one character per byte. ASCII bytes become their own characters. */
export function asCharacters(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Whether all bytes are printable ASCII or white space. */
export function isPlainText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13);
}

/** Converts an even number of hex digits to bytes. */
export function fromDigits(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Joins parts to one array. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Converts bytes to hex digits, with `separator` between bytes. */
export function toHex(bytes: Uint8Array, separator: string = ""): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(separator);
}
