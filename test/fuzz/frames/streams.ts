// Makes streams for the fuzzer in both roles with every length class. Most are valid, and some are slightly wrong.

import type { ReferenceOptions } from "../../reference/decoder.ts";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import type { Random } from "../../support/random.ts";
import { type StreamCase, toCaseOptions } from "./case.ts";

const TEXTS = [
  "",
  "a",
  "hello",
  "Grüße",
  "мир",
  "世界",
  "😀",
  "\u0000",
  "\ufeff",
  "\u{10ffff}",
  "\ud7ff\ue000",
  "x".repeat(15),
];
/** Invalid UTF-8: stray bytes, overlong forms, surrogates, code points beyond U+10FFFF, and truncated sequences. */
const WRONG_UTF8 = [
  "80",
  "c0af",
  "c180",
  "e08080",
  "eda080",
  "edbfbf",
  "f0808080",
  "f4908080",
  "f5808080",
  "ff",
  "c3",
  "e282",
  "f09f98",
];

function payloadLength(random: Random): number {
  const roll = random.next();
  if (roll < 0.5) return random.integer(0, 40);
  if (roll < 0.8) return random.pick([0, 1, 2, 15, 16, 17, 63, 64, 65, 124, 125, 126, 127, 128]);
  if (roll < 0.995) return random.integer(0, 600);
  return random.pick([4095, 4096, 65534, 65535, 65536, 65537, 70_000, 131_080]);
}

function text(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let n = random.integer(0, 8); n > 0; n--) {
    if (random.chance(0.01)) parts.push(Buffer.from(random.pick(WRONG_UTF8), "hex"));
    else if (random.chance(0.1)) parts.push(Buffer.from("y".repeat(random.integer(0, 200))));
    else parts.push(Buffer.from(random.pick(TEXTS)));
  }
  return concat(parts);
}

function closePayload(random: Random): Uint8Array {
  if (random.chance(0.2)) return new Uint8Array(0);
  if (random.chance(0.05)) return random.bytes(random.integer(1, 10));
  const code = random.chance(0.8)
    ? random.pick([1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4001, 4999])
    : random.pick([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 25209, 65535]);
  return concat([Uint8Array.of(code >> 8, code & 255), text(random).subarray(0, 123)]);
}

export function makeOptions(random: Random): ReferenceOptions {
  const options: ReferenceOptions = { server: random.chance(0.6) };
  if (random.chance(0.2)) options.rsv = random.integer(0, 7);
  if (random.chance(0.1)) options.maxFrame = random.pick([0, 1, 100, 125, 126, 1000, 65535, Infinity]);
  if (random.chance(0.1)) options.allowUnmasked = true;
  if (random.chance(0.1)) options.allowMasked = true;
  if (random.chance(0.4)) options.allowNonMinimalLength = true;
  if (random.chance(0.05)) options.allowInvalidClose = true;
  if (random.chance(0.05)) options.allowInvalidUtf8 = true;
  return options;
}

/** A frame that is valid at this point. `open` says whether a message is open. */
export function makeFrame(random: Random, options: ReferenceOptions, open: boolean, last: boolean): RawFrame {
  const maskKey = options.server ? random.pick([[0, 0, 0, 0], [...random.bytes(4)], [...random.bytes(4)]]) : undefined;
  if (last && random.chance(0.5)) return { opcode: 8, payload: closePayload(random), maskKey };
  if (random.chance(0.15)) {
    return { opcode: random.pick([9, 10]), payload: random.bytes(random.integer(0, 125)), maskKey };
  }
  const opcode = open ? 0 : random.pick([1, 1, 2]);
  const payload = opcode === 2 || random.chance(0.2) ? new Uint8Array(payloadLength(random)).fill(0x61) : text(random);
  const rsv = options.rsv && !open && random.chance(0.3) ? random.integer(0, 7) & options.rsv : 0;
  return { opcode, fin: random.chance(0.75), rsv, payload, maskKey };
}

const LENGTHS_IN_3 = [0n, 1n, 124n, 125n, 126n, 127n, 65535n];
const LENGTHS_IN_9 = [0n, 125n, 126n, 65534n, 65535n, 65536n, 65537n];

/** Adds one error to a frame or to its bytes. */
export function spoil(random: Random, frame: RawFrame): Uint8Array {
  switch (random.integer(0, 7)) {
    case 0:
      return serialize({ ...frame, opcode: random.integer(0, 15) });
    case 1:
      return serialize({ ...frame, rsv: random.integer(1, 7) });
    case 2:
      return serialize({ ...frame, maskKey: frame.maskKey ? undefined : [1, 2, 3, 4] });
    case 3:
      // Encodes the length in more bytes than needed, or in the right number.
      return random.chance(0.5)
        ? serialize({ ...frame, lengthBytes: 3, claimedLength: random.pick(LENGTHS_IN_3) })
        : serialize({ ...frame, lengthBytes: 9, claimedLength: random.pick(LENGTHS_IN_9) });
    case 4:
      return serialize({
        ...frame,
        lengthBytes: 9,
        claimedLength: random.pick([
          2n ** 63n,
          2n ** 64n - 1n,
          2n ** 62n,
          2n ** 53n,
          2n ** 53n - 1n,
          2n ** 32n,
          104857600n,
          104857601n,
        ]),
      });
    case 5:
      return serialize({ ...frame, opcode: random.pick([8, 9, 10]), fin: random.chance(0.5) });
    case 6: {
      const bytes = serialize(frame);
      bytes[random.integer(0, Math.min(bytes.length, 16) - 1)]! ^= 1 << random.integer(0, 7);
      return bytes;
    }
    default:
      return random.bytes(random.integer(1, 20));
  }
}

export function makeCuts(random: Random, stream: Uint8Array, boundaries: readonly number[]): number[] {
  const style = random.integer(0, 4);
  if (style === 0) return [];
  if (style === 1 && stream.length < 600) return Array.from({ length: stream.length - 1 }, (_, i) => i + 1);
  if (style === 2) {
    // Cuts near the starts of frames, which are inside headers.
    const near = boundaries.map((boundary) => boundary + random.integer(-3, 14));
    return near.filter((cut) => cut > 0 && cut < stream.length).sort((a, b) => a - b);
  }
  const largest = random.pick([2, 9, 50, 400, 5000, 70_000]);
  const cuts: number[] = [];
  for (let at = random.integer(0, largest); at < stream.length && cuts.length < 3000; at += random.integer(0, largest))
    cuts.push(at);
  return cuts;
}

export function makeStreamCase(random: Random): StreamCase {
  const options = makeOptions(random);
  const count = random.integer(1, 24);
  const wrongAt = random.chance(0.45) ? random.integer(0, count - 1) : -1;
  const parts: Uint8Array[] = [];
  const boundaries: number[] = [];
  let open = false;
  let length = 0;
  for (let i = 0; i < count; i++) {
    const frame = makeFrame(random, options, open, i === count - 1);
    if (frame.opcode < 8) open = frame.fin === false;
    const bytes = i === wrongAt ? spoil(random, frame) : serialize(frame);
    boundaries.push(length);
    parts.push(bytes);
    length += bytes.length;
  }
  let stream = concat(parts);
  if (random.chance(0.1)) stream = stream.subarray(0, random.integer(0, stream.length));
  return streamCase(random, options, stream, boundaries);
}

/** @param boundaries positions near which to cut */
export function streamCase(
  random: Random,
  options: ReferenceOptions,
  stream: Uint8Array,
  boundaries: readonly number[],
): StreamCase {
  return {
    kind: "stream",
    options: toCaseOptions(options),
    stream: Buffer.from(stream).toString("hex"),
    cuts: makeCuts(random, stream, boundaries),
    seed: random.integer(0, 0xffff_ffff),
  };
}
