// Memory that output is written from, as those who take it see it.

import { giveSlot, takeSlot } from "../../../src/node/transport/slots.ts";

/** How many nobody has: all are taken, and given back. */
export function freeSlots(): number {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let slot = takeSlot(); slot !== undefined; slot = takeSlot()) taken.push(slot);
  for (const slot of taken) giveSlot(slot);
  return taken.length;
}

/** The same, and fills them: what the system still was to read from one would be wrong. */
export function spoilSlots(): number {
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (let slot = takeSlot(); slot !== undefined; slot = takeSlot()) taken.push(slot.fill(0xee));
  for (const slot of taken) giveSlot(slot);
  return taken.length;
}

/** How many there are. */
export const SLOTS: number = freeSlots();

/** Takes all but so many, until what it returns is called. */
export function leaveSlots(count: number): () => void {
  const taken = Array.from({ length: freeSlots() - count }, () => takeSlot()!);
  return () => {
    for (const slot of taken) giveSlot(slot);
  };
}
