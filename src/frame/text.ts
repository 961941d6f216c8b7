// The platform's UTF-8 codec: one of each for a thread.

const decoder: TextDecoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });
const encoder: TextEncoder = /* @__PURE__ */ new TextEncoder();

/** A string of UTF-8 bytes. A BOM is content and stays. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The UTF-8 of a string; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes the UTF-8 of `text` to `target`; returns the number of bytes, or -1 if they do not fit. */
export function encodeUtf8Into(text: string, target: Uint8Array): number {
  const { read, written } = encoder.encodeInto(text, target);
  return read === text.length ? written : -1;
}
