// UTF-8 that the core has not checked.

let fatal: TextDecoder | undefined;

/** @throws TypeError if it is not UTF-8 @internal */
export function decodeValidUtf8(bytes: Uint8Array): string {
  fatal ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return fatal.decode(bytes);
}

/**
 * Checks text that goes on, unless it is the last of it.
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
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes[bytes.length - length]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return length < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? length : 0;
  }
  return 0;
}
