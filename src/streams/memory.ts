// Memory for payloads that are to be sent.

import { LARGE } from "../frame/sizes.ts";

const SLAB_SIZE = 65536;

let slab: Uint8Array | undefined;
let used = 0;

/** A copy of a payload, for its owner may change it. Short ones share a buffer: they are copied again when they are serialized. @internal */
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
