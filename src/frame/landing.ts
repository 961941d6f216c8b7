// The buffers that FrameDecoder.reserve() lends. One is in the core's memory; a decoder that asks while
// another holds it gets one outside, and pays a copy.

import { LANDING, WINDOW_SIZE } from "../../assembly/memory.ts";
import type { Engines } from "../core/engines.ts";

/** Who holds the landing of an engine. Weak: a decoder that is dropped without commit() gives it back. */
const holders = new WeakMap<Engines, WeakRef<object>>();
const leases = new WeakMap<object, Uint8Array>();

/** @internal */
export function leaseLanding(owner: object, engines: Engines): Uint8Array {
  const held = leases.get(owner);
  if (held) return held;
  let buffer: Uint8Array;
  if (holders.get(engines)?.deref()) {
    buffer = new Uint8Array(WINDOW_SIZE);
  } else {
    buffer = engines.first().bytes.subarray(LANDING, LANDING + WINDOW_SIZE);
    holders.set(engines, new WeakRef(owner));
  }
  leases.set(owner, buffer);
  return buffer;
}

/**
 * Takes the buffer back and returns the part of it that was filled.
 * @throws RangeError
 * @internal
 */
export function returnLanding(owner: object, engines: Engines, length: number): Uint8Array {
  const lease = leases.get(owner);
  if (!lease) throw new RangeError("There is no reserved buffer to commit");
  if (!Number.isInteger(length) || length < 0 || length > lease.length) {
    throw new RangeError(`length must be a whole number from 0 to ${lease.length}`);
  }
  leases.delete(owner);
  if (holders.get(engines)?.deref() === owner) holders.delete(engines);
  return lease.subarray(0, length);
}
