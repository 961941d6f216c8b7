// Memory for payloads that are to be sent.

/** From this size on a copy has a buffer of its own. */
const LARGE = 4096;
const SLAB_SIZE = 65536;

let slab: Uint8Array | undefined;
let used = 0;

/**
 * A copy of a payload, since its owner may change it. Short ones share a buffer, which nobody gets to see: they are copied again
 * when they are serialized.
 * @internal
 */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length >= LARGE) return new Uint8Array(bytes);
  if (slab === undefined || used + length > SLAB_SIZE) {
    slab = new Uint8Array(SLAB_SIZE);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  copy.set(bytes);
  used += length;
  return copy;
}
