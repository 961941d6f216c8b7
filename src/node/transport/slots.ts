// Memory in which output is laid out and from which it is written. It is reused once the system has taken it.

/** A message of 1 MiB, and headers. */
const SLOT_SIZE = 1048640;
/**
 * The most slots of a thread. A peer that does not read occupies one; without a free slot, memory is allocated as
 * needed.
 */
const MOST_SLOTS = 32;

const free: Uint8Array<ArrayBuffer>[] = [];
let slots = 0;

/** Lends a slot until giveSlot(). Undefined if none is free. @internal */
export function takeSlot(): Uint8Array<ArrayBuffer> | undefined {
  const slot = free.pop();
  if (slot !== undefined || slots === MOST_SLOTS) return slot;
  slots++;
  return new Uint8Array(Buffer.allocUnsafeSlow(SLOT_SIZE).buffer as ArrayBuffer);
}

/** @internal */
export function giveSlot(slot: Uint8Array<ArrayBuffer>): void {
  free.push(slot);
}
