// The memory that output is written from, as its users see it.

import { giveSlot, takeSlot } from "../../../src/node/transport/slots.ts";

/** The number of free slots: takes all of them, and gives them back. */
export function freeSlots(): number {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let slot = takeSlot(); slot !== undefined; slot = takeSlot()) taken.push(slot);
  for (const slot of taken) giveSlot(slot);
  return taken.length;
}

/** The same, but it also overwrites them, which would corrupt data that the system still has to read. */
export function spoilSlots(): number {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let slot = takeSlot(); slot !== undefined; slot = takeSlot()) taken.push(slot.fill(0xee));
  for (const slot of taken) giveSlot(slot);
  return taken.length;
}

/** The number of all slots. */
export const SLOTS: number = freeSlots();

/** Takes all slots except `count`, until the returned function is called. */
export function leaveSlots(count: number): () => void {
  const taken = Array.from({ length: freeSlots() - count }, () => takeSlot()!);
  return () => {
    for (const slot of taken) giveSlot(slot);
  };
}
