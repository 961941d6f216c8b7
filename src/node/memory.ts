// Memory for payloads.

/** From this size on a copy has a buffer of its own. Shorter ones are copied again when they are serialized. */
const LARGE = 4096;
const SLAB_SIZE = 65536;

let slab: Uint8Array | undefined;
let used = 0;

/** Memory that is not zeroed: write to all of it before anybody sees it. Not a Buffer, since messages are none. @internal */
export function allocateUnsafe(length: number): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}

/** A copy to be sent, for the caller has its buffer back when send() returns. @internal */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length >= LARGE) {
    const copy = allocateUnsafe(length);
    copy.set(bytes);
    return copy;
  }
  if (slab === undefined || used + length > SLAB_SIZE) {
    slab = allocateUnsafe(SLAB_SIZE);
    used = 0;
  }
  const copy = slab.subarray(used, used + length);
  copy.set(bytes);
  used += length;
  return copy;
}
