// The encoder part of a case: encodes random frames in batches with FrameEncoder, compares them with bytes written
// directly from the RFC, and decodes them again.

import { FrameEncoder, PreparedMessage } from "../../../src/index.ts";
import { concat, serialize } from "../../reference/serialize.ts";
import { Random } from "../../support/random.ts";
import type { EncodingCase } from "./case.ts";

const ALPHABETS = ["ascii ", "größe", "漢字", "😀", "a😀é漢", "\ud83d", "\ude00", "\ud83d\ude00\ud83d"];
const LENGTHS = [0, 1, 2, 5, 15, 16, 17, 31, 32, 33, 64, 125, 126, 300, 1365, 4095, 4096];

function randomText(random: Random): string {
  const length = random.chance(0.9) ? random.integer(0, 60) : random.pick(LENGTHS);
  return random.pick(ALPHABETS).repeat(length).slice(0, length);
}

export function makeEncodingCase(random: Random): EncodingCase {
  return { kind: "encoding", seed: random.integer(0, 0xffff_ffff), count: random.integer(1, 60) };
}

/** Returns the difference in the bytes of the frames, if any. */
export function compareEncoding({ seed, count }: EncodingCase): string | undefined {
  const random = new Random(seed);
  const role = random.pick(["server", "client"] as const);
  for (const core of ["wasm", "portable"] as const) {
    const keys: Uint8Array[] = [];
    const maskKey = (): Uint8Array => {
      const key = random.bytes(4);
      keys.push(key);
      return key;
    };
    const encoder = new FrameEncoder({ role, core, maskKey });
    const wanted: Uint8Array[] = [];
    const output: Uint8Array[] = [];
    const want = (opcode: number, payload: Uint8Array, rest: object = {}): void => {
      const key = role === "client" ? [...keys.at(-1)!] : undefined;
      wanted.push(serialize({ opcode, payload, maskKey: key, ...rest }));
    };
    for (let i = 0; i < count; i++) {
      const roll = random.next();
      const text = randomText(random);
      const bytes = random.chance(0.3)
        ? new Uint8Array(random.integer(0, 40)).fill(0x80 + random.integer(0, 63))
        : Buffer.from(text);
      if (roll < 0.6) {
        encoder.text(text);
        want(1, Buffer.from(text));
      } else if (roll < 0.75) {
        encoder.binary(bytes);
        want(2, bytes);
      } else if (roll < 0.85) {
        encoder.prepared(new PreparedMessage(text));
        want(1, Buffer.from(text));
      } else if (roll < 0.93) {
        const rest = { fin: random.chance(0.5), rsv: random.integer(0, 7) };
        encoder.frame({ opcode: 0, payload: text, ...rest });
        want(0, Buffer.from(text), rest);
      } else {
        encoder.pong(bytes.subarray(0, 125));
        want(10, bytes.subarray(0, 125));
      }
      if (random.chance(0.05)) output.push(...encoder.take());
      if (random.chance(0.1)) {
        const target = new Uint8Array(random.pick([1, 60, 3000, 100_000]));
        for (let length; (length = encoder.takeInto(target)) > 0;) output.push(target.slice(0, length));
      }
    }
    output.push(...encoder.take());
    const found = Buffer.from(concat(output));
    const expected = Buffer.from(concat(wanted));
    if (!found.equals(expected)) {
      let at = 0;
      while (found[at] === expected[at]) at++;
      return `${core} encoder, role ${role}: byte ${at} of ${expected.length} (${found.length} received)`;
    }
  }
  return undefined;
}
