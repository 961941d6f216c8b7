// Messages like those of servers, the same in every run.

import type { Random } from "../../support/random.ts";

const WORDS =
  "the of and to in is you that it he was for on are as with his they at be this have from or one had".split(" ");
const NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];

function item(random: Random, id: number): object {
  const user = { id: random.integer(1000, 9999), name: random.pick(NAMES), online: random.chance(0.5) };
  const text = Array.from({ length: random.integer(5, 25) }, () => random.pick(WORDS)).join(" ");
  return { type: "message", id, channel: `general-${random.integer(1, 20)}`, user, text, at: random.integer(0, 1e9) };
}

/** JSON of about `length` bytes. */
export function json(random: Random, length: number): Uint8Array {
  const items: string[] = [];
  for (let total = 0; total < length; total += items.at(-1)!.length + 1) {
    items.push(JSON.stringify(item(random, items.length)));
  }
  return new TextEncoder().encode(`[${items.join(",")}]`);
}

/** Bytes that compress a little: runs, repetitions and noise. */
export function mixed(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const run = Math.min(length - at, random.integer(1, 300));
    const kind = random.integer(0, 2);
    const value = random.integer(0, 255);
    for (let i = 0; i < run; i++) {
      if (kind === 0) bytes[at + i] = value;
      else if (kind === 1) bytes[at + i] = random.integer(0, 255);
      else bytes[at + i] = at > 0 ? bytes[Math.max(0, at + i - random.integer(1, 3) * 97)]! : 7;
    }
    at += run;
  }
  return bytes;
}
