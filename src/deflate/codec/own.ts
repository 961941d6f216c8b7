/**
 * The bytes in a buffer that holds nothing else, copied if need be. What a codec returns may be a piece of a pool, which holds
 * bytes of other connections, or of a chunk that was not zeroed; and it would keep all of that alive. @internal
 */
export function inOwnBuffer(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer.byteLength > bytes.length) return new Uint8Array(bytes);
  // Never a Buffer: its methods are not those of a Uint8Array.
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer);
}
