// Typical and unusual data to compress: texts, JSON, noise, runs, and mixtures.

import type { Random } from "../../support/random.ts";

const WORDS = (
  "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not " +
  "what all were we when your can said there use an each which she do how their if will up other about out many then"
).split(" ");
const KEYS = ["id", "type", "user", "text", "at", "online", "channel", "price", "größe", "tags"];

type Kind = (random: Random, length: number) => Uint8Array;

function text(random: Random, length: number): Uint8Array {
  let made = "";
  while (made.length < length) made += `${random.pick(WORDS)} `;
  return Buffer.from(made).subarray(0, length);
}

function json(random: Random, length: number): Uint8Array {
  let made = "[";
  while (made.length < length) {
    made += `{"${random.pick(KEYS)}":${random.integer(0, 1e6)},"${random.pick(KEYS)}":"${random.pick(WORDS)}"},`;
  }
  return Buffer.from(made).subarray(0, length);
}

function noise(random: Random, length: number): Uint8Array {
  return random.bytes(length);
}

/** Few different values, so that codes are short. */
function few(random: Random, length: number): Uint8Array {
  const values = random.bytes(random.integer(1, 12));
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = values[Math.floor(random.next() * random.next() * values.length)]!;
  return bytes;
}

function run(random: Random, length: number): Uint8Array {
  return new Uint8Array(length).fill(random.integer(0, 255));
}

/** Copies of earlier data at all distances. */
function echoes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    if (at === 0 || random.chance(0.4)) {
      const end = Math.min(length, at + random.integer(1, 12));
      for (; at < end; at++) bytes[at] = random.integer(0, 255);
      continue;
    }
    const distance = random.integer(1, random.chance(0.4) ? Math.min(at, 20) : at);
    const end = Math.min(length, at + random.integer(1, random.chance(0.2) ? 600 : 20));
    for (; at < end; at++) bytes[at] = bytes[at - distance]!;
  }
  return bytes;
}

function mixture(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const part = random
      .pick(KINDS)(random, random.integer(1, Math.max(1, Math.ceil(length / 2))))
      .subarray(0, length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const KINDS: readonly Kind[] = [text, json, noise, few, run, echoes];

/** Data of a random kind. */
export function makeData(random: Random, length: number): Uint8Array {
  return (random.chance(0.15) ? mixture : random.pick(KINDS))(random, length);
}

/** Usually small, sometimes large. */
export function makeLength(random: Random, most: number): number {
  const roll = random.next();
  if (roll < 0.75) return random.integer(0, Math.min(most, 120));
  if (roll < 0.97) return random.integer(0, Math.min(most, 700));
  if (roll < 0.998) return random.integer(0, Math.min(most, 4000));
  return random.integer(0, most);
}
