/**
 * The bytes in a buffer of their own, copied if necessary. A codec may return a part of a pool or of a larger chunk. That could
 * expose bytes of other connections or unzeroed memory, and would keep all of it alive. @internal
 */
export function inOwnBuffer(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer.byteLength > bytes.length) return new Uint8Array(bytes);
  // Never return a Buffer: its methods differ from those of a Uint8Array.
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer);
}
