// Writes symbols as a block: stored, with fixed codes, or with codes of its own, whichever is shortest (RFC 1951
// §3.2.3).

import {
  count,
  COUNTS_SIZE,
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  DISTANCES_USED,
  FIXED_DISTANCE_CODES,
  FIXED_LITERAL_CODES,
  findUsed,
  frequencyOf,
  LITERAL_CODES,
  LITERAL_COUNTS,
  LITERALS_USED,
  planCodes,
  putCodes,
  symbolOf,
} from "./huffman";
import { INPUT } from "./memory";
import { MATCHER_END } from "./matcher";
import { alignToByte, continueWriter, output, pendingBits, pendingCount, put, putBytes } from "./writer";

const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;

const LOG_SHIFT: u32 = 8;
/**
 * An empirical estimate of the header of a block with its own codes: bits per kind of code, and per used symbol.
 */
const HEADER_BITS: u32 = 65;
const KIND_BITS: u32 = 4;

/** u8 each, by length - 3: the symbol of the length, minus 257. */
const LENGTH_SYMBOLS: usize = MATCHER_END;
/** u8 each, by that symbol minus 257: the minimum length - 3, and the number of extra bits. */
const LENGTH_BASES: usize = LENGTH_SYMBOLS + 256;
const LENGTH_EXTRAS: usize = LENGTH_BASES + 32;

/** u32 each: a literal << 16, or (length - 3) << 16 | distance. */
export const SYMBOLS: usize = INPUT - 65536;
/**
 * A block ends once its symbols reach this address. The rest is room for a match and the literals before it, which are
 * added together.
 */
export const SYMBOLS_FULL: usize = INPUT - 2048;

makeLengthTables();

/** RFC 1951 §3.2.5. */
function makeLengthTables(): void {
  let length: usize = 0;
  for (let symbol: usize = 0; symbol < 28; symbol++) {
    const extra: usize = symbol < 8 ? 0 : (symbol >> 2) - 1;
    store<u8>(LENGTH_BASES + symbol, <u8>length);
    store<u8>(LENGTH_EXTRAS + symbol, <u8>extra);
    memory.fill(LENGTH_SYMBOLS + length, <u8>symbol, 1 << extra);
    length += 1 << extra;
  }
  // Length 258 has its own symbol.
  store<u8>(LENGTH_SYMBOLS + 255, 28);
  store<u8>(LENGTH_BASES + 28, 255);
}

/** The symbol of a distance, given the distance minus 1. */
// @ts-ignore: decorator
@inline
function distanceSymbol(distance: u32): u32 {
  if (distance < 4) return distance;
  const bits = 31 - clz<u32>(distance);
  return (bits << 1) + ((distance >> (bits - 1)) & 1);
}

// @ts-ignore: decorator
@inline
function distanceExtra(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

/** Adds the bytes [from, end) as literals at `to`. @returns the address of the next symbol */
// @ts-ignore: decorator
@inline
export function addLiterals(to: usize, from: usize, end: usize): usize {
  for (; from < end; from++) {
    const byte: u32 = load<u8>(from);
    store<u32>(to, byte << 16);
    count(LITERAL_COUNTS, byte);
    to += 4;
  }
  return to;
}

// @ts-ignore: decorator
@inline
export function addMatch(to: usize, length: u32, distance: u32): usize {
  store<u32>(to, ((length - 3) << 16) | distance);
  count(LITERAL_COUNTS + 2 * FIRST_LENGTH, load<u8>(LENGTH_SYMBOLS + length - 3));
  count(DISTANCE_COUNTS, distanceSymbol(distance - 1));
  return to + 4;
}

/** Writes the bytes [from, to), at most 65,535, as a stored block. */
export function putStored(from: usize, to: usize): void {
  const length = <u32>(to - from);
  put(0, 3);
  alignToByte();
  put(length | (~length << 16), 32);
  putBytes(from, length);
}

/**
 * Writes the symbols up to `symbolsEnd` as a block, and resets the counts. The symbols stand for the bytes [from, to).
 */
export function putBlock(symbolsEnd: usize, from: usize, to: usize): void {
  count(LITERAL_COUNTS, END_OF_BLOCK);
  entropy = headerBits = fixedBits = 0;
  const literals = findUsed(LITERAL_COUNTS, 288, LITERALS_USED);
  const distances = findUsed(DISTANCE_COUNTS, 32, DISTANCES_USED);
  weigh(LITERALS_USED, literals, FIXED_LITERAL_CODES);
  weigh(DISTANCES_USED, distances, FIXED_DISTANCE_CODES);
  const extra = extraBits(distances);
  const fixed: u32 = 3 + fixedBits + extra;
  const stored: u32 = 3 + (-(pendingCount + 3) & 7) + 32 + (<u32>(to - from) << 3);
  const least = (entropy >> LOG_SHIFT) + headerBits + extra;
  const own: u32 = least < min(fixed, stored) ? planCodes(literals, distances) + extra : u32.MAX_VALUE;
  if (stored <= min(fixed, own)) {
    putStored(from, to);
  } else if (fixed <= own) {
    put(2, 3);
    putSymbols(symbolsEnd, FIXED_LITERAL_CODES, FIXED_DISTANCE_CODES);
  } else {
    put(4, 3);
    putCodes();
    putSymbols(symbolsEnd, LITERAL_CODES, DISTANCE_CODES);
  }
  memory.fill(LITERAL_COUNTS, 0, COUNTS_SIZE);
}

// The size of the counted symbols in bits, without extra bits: with fixed codes, and an estimate of the minimum with
// codes of their own. Building codes takes longer than finding the matches of a short message, and rarely makes it
// shorter.

let fixedBits: u32 = 0;
let entropy: u32 = 0;
let headerBits: u32 = 0;

/** Adds the size of the symbols of one kind. */
function weigh(used: usize, usedEnd: usize, fixedCodes: usize): void {
  let total: u32 = 0;
  let sum: u32 = 0;
  for (let entry = used; entry < usedEnd; entry += 4) {
    const frequency = frequencyOf(entry);
    total += frequency;
    fixedBits += frequency * (load<u32>(fixedCodes + (<usize>symbolOf(entry) << 2)) >> 16);
    sum += frequency * log2(frequency);
  }
  entropy += total * log2(total) - sum;
  headerBits += HEADER_BITS + <u32>((usedEnd - used) >> 2) * KIND_BITS;
}

/** The binary logarithm << LOG_SHIFT, accurate to about 1 %: a parabola between powers of two. */
// @ts-ignore: decorator
@inline
function log2(value: u32): u32 {
  const exponent = 31 - clz<u32>(value);
  const rest = ((value << (31 - exponent)) >> 23) & 255;
  return (exponent << LOG_SHIFT) + rest + ((rest * (256 - rest) * 88) >> 16);
}

function extraBits(distancesEnd: usize): u32 {
  let bits: u32 = 0;
  for (let i: usize = 8; i < 28; i++) {
    bits += <u32>load<u16>(LITERAL_COUNTS + (i << 1), 2 * FIRST_LENGTH) * load<u8>(LENGTH_EXTRAS + i);
  }
  for (let entry = DISTANCES_USED; entry < distancesEnd; entry += 4) {
    bits += frequencyOf(entry) * distanceExtra(symbolOf(entry));
  }
  return bits;
}

/** Writes the symbols up to `symbolsEnd`, and the end of the block. */
function putSymbols(symbolsEnd: usize, literalCodes: usize, distanceCodes: usize): void {
  let to = output;
  let bits = pendingBits;
  let total = pendingCount;
  for (let at: usize = SYMBOLS; at < symbolsEnd; at += 4) {
    const symbol = load<u32>(at);
    const distance = symbol & 0xffff;
    if (!distance) {
      const code = load<u32>(literalCodes + (<usize>(symbol >> 16) << 2));
      bits |= <u64>(code & 0xffff) << total;
      total += code >> 16;
    } else {
      // At most 15 + 5 + 15 + 13 bits.
      const length = symbol >> 16;
      const lengthSymbol: usize = load<u8>(LENGTH_SYMBOLS + length);
      const lengthCode = load<u32>(literalCodes + (lengthSymbol << 2), 4 * FIRST_LENGTH);
      bits |= <u64>(lengthCode & 0xffff) << total;
      total += lengthCode >> 16;
      bits |= <u64>(length - load<u8>(LENGTH_BASES + lengthSymbol)) << total;
      total += load<u8>(LENGTH_EXTRAS + lengthSymbol);
      const distanceSym = distanceSymbol(distance - 1);
      const distanceCode = load<u32>(distanceCodes + (<usize>distanceSym << 2));
      const extra = distanceExtra(distanceSym);
      bits |= <u64>(distanceCode & 0xffff) << total;
      total += distanceCode >> 16;
      bits |= <u64>((distance - 1) & ((1 << extra) - 1)) << total;
      total += extra;
    }
    store<u64>(to, bits);
    to += total >> 3;
    bits >>= total & 0x38;
    total &= 7;
  }
  continueWriter(to, bits, total);
  const end = load<u32>(literalCodes, 4 * END_OF_BLOCK);
  put(end & 0xffff, end >> 16);
}
