// Makes streams that no compressor produces: blocks of all types from a grammar of DEFLATE (RFC 1951), valid or
// slightly wrong.

import type { Random } from "../../support/random.ts";

const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END_OF_BLOCK = 256;
const FIXED_LITERALS = Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
const FIXED_DISTANCES = Array.from({ length: 32 }, () => 5);

class BitWriter {
  #bytes: number[] = [];
  #bits = 0;
  #count = 0;

  /** Writes up to 16 bits, the lowest first. */
  put(value: number, count: number): void {
    this.#bits |= (value & ((1 << count) - 1)) << this.#count;
    for (this.#count += count; this.#count >= 8; this.#count -= 8) {
      this.#bytes.push(this.#bits & 255);
      this.#bits >>>= 8;
    }
  }

  align(): void {
    if (this.#count > 0) this.put(0, 8 - this.#count);
  }

  /** Pads the last byte with zeros. */
  take(): Uint8Array {
    this.align();
    return Uint8Array.from(this.#bytes);
  }
}

interface Code {
  readonly bits: number;
  readonly length: number;
}

/** Canonical codes in the order in which they are written, whether or not the lengths form a valid code. */
function codesOf(lengths: readonly number[]): (Code | undefined)[] {
  const next = Array.from({ length: 17 }, () => 0);
  for (const length of lengths) if (length > 0) next[length + 1]!++;
  for (let length = 1; length < 17; length++) next[length] = (next[length]! + next[length - 1]!) << 1;
  return lengths.map((length) => {
    if (length === 0) return undefined;
    let code = next[length]!++;
    let bits = 0;
    for (let i = 0; i < length; i++, code >>= 1) bits = (bits << 1) | (code & 1);
    return { bits, length };
  });
}

/** Lengths of a complete code for some of `size` symbols, including `needed`. None exceeds `most`. */
function completeLengths(random: Random, size: number, most: number, needed: number | undefined): number[] {
  if (size === 1) return [1];
  const lengths = Array.from({ length: size }, () => 0);
  const wanted = random.chance(0.15) ? size : random.integer(2, Math.min(size, 40));
  // The leaves of a tree that is split at random, either deep at one end or even.
  const leaves = [1, 1];
  const skewed = random.chance(0.4);
  while (leaves.length < Math.min(wanted, 2 ** most)) {
    const at = skewed && random.chance(0.9) ? leaves.length - 1 : random.integer(0, leaves.length - 1);
    if (leaves[at]! >= most) {
      if (leaves.every((length) => length >= most)) break;
      const other = leaves.findIndex((length) => length < most);
      leaves[other]!++;
      leaves.push(leaves[other]!);
      continue;
    }
    leaves[at]!++;
    leaves.push(leaves[at]!);
  }
  const symbols = new Set<number>(needed === undefined ? [] : [needed]);
  while (symbols.size < leaves.length) symbols.add(random.integer(0, size - 1));
  for (const symbol of symbols) lengths[symbol] = leaves.splice(random.integer(0, leaves.length - 1), 1)[0]!;
  return lengths;
}

/** Usually a complete code. Otherwise empty, of one symbol, incomplete or over-subscribed. */
function someLengths(random: Random, size: number, most: number, needed: number | undefined): number[] {
  const lengths = completeLengths(random, size, most, needed);
  const roll = random.next();
  if (roll > 0.2) return lengths;
  if (roll < 0.05 && needed === undefined) return lengths.map(() => 0);
  if (roll < 0.12) {
    const only = needed ?? random.integer(0, size - 1);
    return lengths.map((_, i) => (i === only ? (random.chance(0.7) ? 1 : random.integer(2, most)) : 0));
  }
  for (let changes = random.integer(1, 2); changes > 0; changes--) {
    lengths[random.integer(0, size - 1)] = random.integer(0, most);
  }
  return lengths;
}

export interface GrammarSettings {
  /** The number of bytes before the message. */
  readonly history: number;
  /** The longest distance of matches. */
  readonly reach: number;
}

class Maker {
  readonly #random: Random;
  readonly #out = new BitWriter();
  readonly #reach: number;
  /** The number of bytes that matches can refer to. */
  #produced: number;

  constructor(random: Random, { history, reach }: GrammarSettings) {
    this.#random = random;
    this.#reach = reach;
    this.#produced = history;
  }

  make(): Uint8Array {
    const random = this.#random;
    const out = this.#out;
    // About as many final blocks as a message may have.
    const many = random.chance(0.02);
    for (let blocks = many ? random.integer(60, 70) : random.integer(1, 4); blocks > 0; blocks--) {
      const final = random.chance(many ? 0.995 : 0.12);
      const type = random.pick(many ? [0, 1] : [0, 0, 1, 1, 1, 2, 2, 2, 2, random.chance(0.1) ? 3 : 1]);
      out.put(final ? 1 : 0, 1);
      out.put(type, 2);
      if (type === 0) this.#stored(many ? 3 : 40);
      else if (type === 1) this.#symbols(FIXED_LITERALS, FIXED_DISTANCES);
      else if (type === 2) this.#dynamic();
      if (final) out.align();
    }
    if (random.chance(0.9)) {
      // Ends like a sync flush without its last four bytes.
      out.put(0, 3);
    }
    return out.take();
  }

  #stored(most: number): void {
    const random = this.#random;
    const out = this.#out;
    const length = random.chance(0.01) ? random.integer(0, 2000) : random.integer(0, most);
    out.align();
    out.put(length, 16);
    out.put(random.chance(0.02) ? random.integer(0, 65535) : length ^ 0xffff, 16);
    for (let i = 0; i < length; i++) out.put(random.integer(0, 255), 8);
    this.#produced += length;
  }

  #dynamic(): void {
    const random = this.#random;
    const extreme = random.chance(0.15);
    const literalCount = extreme ? random.pick([257, 258, 285, 286, 287, 288]) : random.integer(257, 286);
    const distanceCount = extreme ? random.pick([1, 2, 29, 30, 31, 32]) : random.integer(1, 30);
    const literals = someLengths(random, literalCount, 15, random.chance(0.97) ? END_OF_BLOCK : undefined);
    const distances = someLengths(random, distanceCount, 15, undefined);
    this.#codeLengths(literals, distances);
    this.#symbols(literals, distances);
  }

  #codeLengths(literals: readonly number[], distances: readonly number[]): void {
    const random = this.#random;
    const out = this.#out;
    const runs = runsOf(random, [...literals, ...distances]);
    const used = new Set(runs.map(({ symbol }) => symbol));
    // Usually a complete code for all used symbols.
    let lengths: number[] = Array.from({ length: 19 }, (_, i) => (i < 13 ? 4 : 5));
    for (let tries = 0; tries < 5; tries++) {
      const other = completeLengths(random, 19, 7, undefined);
      if ([...used].every((symbol) => other[symbol]! > 0)) lengths = other;
    }
    if (random.chance(0.04)) lengths = someLengths(random, 19, 7, undefined);
    let count = 19;
    while (count > 4 && lengths[CODE_LENGTH_ORDER[count - 1]!] === 0 && random.chance(0.95)) count--;
    out.put(literals.length - 257, 5);
    out.put(distances.length - 1, 5);
    out.put(count - 4, 4);
    for (let i = 0; i < count; i++) out.put(lengths[CODE_LENGTH_ORDER[i]!]!, 3);
    const codes = codesOf(lengths);
    for (const { symbol, extra, extraBits } of runs) {
      const code = codes[symbol];
      if (code === undefined) continue;
      out.put(code.bits, code.length);
      out.put(extra, extraBits);
    }
  }

  #symbols(literals: readonly number[], distances: readonly number[]): void {
    const random = this.#random;
    const literalCodes = codesOf(literals);
    const distanceCodes = codesOf(distances);
    const usable = literals.flatMap((length, symbol) => (length > 0 && symbol !== END_OF_BLOCK ? [symbol] : []));
    const lengthSymbols = usable.filter((symbol) => symbol > END_OF_BLOCK);
    const count = usable.length === 0 ? 0 : random.chance(0.03) ? random.integer(0, 400) : random.integer(0, 25);
    for (let i = 0; i < count; i++) {
      const symbol = random.pick(lengthSymbols.length > 0 && random.chance(0.4) ? lengthSymbols : usable);
      // Invalid symbols are rare.
      if (symbol > 285 && random.chance(0.98)) continue;
      if (symbol < END_OF_BLOCK) {
        this.#code(literalCodes, symbol);
        this.#produced++;
      } else {
        this.#match(literalCodes, distanceCodes, symbol);
      }
    }
    if (random.chance(0.995)) this.#code(literalCodes, END_OF_BLOCK);
  }

  #match(
    literalCodes: readonly (Code | undefined)[],
    distanceCodes: readonly (Code | undefined)[],
    symbol: number,
  ): void {
    const random = this.#random;
    const out = this.#out;
    const most = Math.min(this.#produced, this.#reach);
    // At the limit, near it, or anywhere.
    const roll = random.next();
    const wanted =
      roll < 0.2
        ? most
        : roll < 0.22
          ? most + 1
          : roll < 0.23
            ? most + random.integer(1, 300)
            : random.integer(1, Math.max(1, most));
    let code = DISTANCE_BASE.findLastIndex((base) => base <= wanted);
    let distance = wanted;
    if (distanceCodes[code] === undefined || random.chance(0.005)) {
      // The nearest smaller symbol that the code has.
      const usable = distanceCodes.flatMap((each, at) => (each === undefined ? [] : [at]));
      const fitting = usable.filter((at) => (DISTANCE_BASE[at] ?? Infinity) <= most);
      if (fitting.length === 0 && random.chance(0.9)) return;
      code =
        fitting.length > 0 && random.chance(0.99)
          ? random.pick(fitting)
          : random.pick(usable.length > 0 ? usable : [0]);
      distance = DISTANCE_BASE[code] ?? 1;
    }
    const lengthIndex = symbol - 257;
    const lengthBits = LENGTH_EXTRA[lengthIndex] ?? 0;
    const lengthExtra = random.integer(0, 2 ** lengthBits - 1);
    this.#code(literalCodes, symbol);
    out.put(lengthExtra, lengthBits);
    this.#code(distanceCodes, code);
    const distanceBits = code < 4 || code > 29 ? 0 : (code >> 1) - 1;
    out.put(Math.max(0, Math.min(distance - (DISTANCE_BASE[code] ?? 1), 2 ** distanceBits - 1)), distanceBits);
    this.#produced += (LENGTH_BASE[lengthIndex] ?? 0) + lengthExtra;
  }

  #code(codes: readonly (Code | undefined)[], symbol: number): void {
    const code = codes[symbol];
    if (code !== undefined) this.#out.put(code.bits, code.length);
  }
}

interface Run {
  readonly symbol: number;
  readonly extra: number;
  readonly extraBits: number;
}

/** Lengths with a few repeats, one of which may be wrong. */
function runsOf(random: Random, lengths: readonly number[]): Run[] {
  const runs: Run[] = [];
  const repeats = random.chance(0.9);
  if (random.chance(0.01)) runs.push({ symbol: 16, extra: 0, extraBits: 2 });
  for (let i = 0; i < lengths.length;) {
    const length = lengths[i]!;
    let left = 1;
    while (i + left < lengths.length && lengths[i + left] === length) left++;
    // Sometimes goes beyond the end.
    if (random.chance(0.003)) left += random.integer(1, 20);
    if (repeats && length === 0 && left >= 3) {
      const run = random.chance(0.9) ? Math.min(left, 138) : random.integer(3, Math.min(left, 138));
      if (run < 11) runs.push({ symbol: 17, extra: run - 3, extraBits: 3 });
      else runs.push({ symbol: 18, extra: run - 11, extraBits: 7 });
      i += run;
    } else if (repeats && i > 0 && lengths[i - 1] === length && left >= 3) {
      const run = random.integer(3, Math.min(left, 6));
      runs.push({ symbol: 16, extra: run - 3, extraBits: 2 });
      i += run;
    } else {
      runs.push({ symbol: length, extra: 0, extraBits: 0 });
      i++;
    }
  }
  return runs;
}

/** A message as it might arrive. */
export function makeStream(random: Random, settings: GrammarSettings): Uint8Array {
  return new Maker(random, settings).make();
}

/** Makes one or a few changes. */
export function corrupted(random: Random, stream: Uint8Array): Uint8Array {
  let bytes = new Uint8Array(stream);
  for (let changes = random.pick([1, 1, 1, 2, 5]); changes > 0; changes--) {
    const at = random.integer(0, Math.max(0, bytes.length - 1));
    const roll = random.next();
    if (roll < 0.6 && bytes.length > 0) bytes[at]! ^= 1 << random.integer(0, 7);
    else if (roll < 0.7 && bytes.length > 0) bytes[at] = random.integer(0, 255);
    else if (roll < 0.85) bytes = bytes.slice(0, at);
    else if (roll < 0.92)
      bytes = new Uint8Array(
        Buffer.concat([bytes.subarray(0, at), random.bytes(random.integer(1, 4)), bytes.subarray(at)]),
      );
    else bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 3))]));
  }
  return bytes;
}
