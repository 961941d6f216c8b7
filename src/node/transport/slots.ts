// Memory that output is laid out in and written from: it is used again as soon as the system has taken it.

/** A message of 1 MiB, and headers. */
const SLOT_SIZE = 1048640;
/** For a thread. A peer that does not read keeps one; what finds none is allocated as it is needed. */
const MOST_SLOTS = 32;

const free: Uint8Array<ArrayBuffer>[] = [];
let slots = 0;

/** A slot that nobody else has, until it is given back. @internal */
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
