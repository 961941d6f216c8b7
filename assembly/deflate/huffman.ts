// Huffman codes to write blocks: code lengths from frequencies, canonical codes from lengths, and the header that
// describes them (RFC 1951 §3.2.2 and §3.2.7). Inflating uses none of this.

import { put } from "./writer";
import { DEFLATE_TABLES } from "./memory";

/** The number of literal/length symbols and of distance symbols that a block may use. */
const LITERALS: u32 = 286;
const DISTANCES: u32 = 30;
const CODE_LENGTHS: u32 = 19;
const MAX_LENGTH: u32 = 15;
const MAX_CODE_LENGTH: u32 = 7;

// Frequencies are u16, because a block has fewer than 2^15 symbols. Codes are u32: the bits in the order in which they
// are written, and their number from bit 16 on.

export const LITERAL_COUNTS: usize = DEFLATE_TABLES;
/** Right after the counts of literals, so that one fill clears both. */
export const DISTANCE_COUNTS: usize = LITERAL_COUNTS + 2 * 288;
export const COUNTS_SIZE: usize = 2 * (288 + 32);
const LENGTH_COUNTS: usize = LITERAL_COUNTS + COUNTS_SIZE;
const LENGTH_COUNTS_SIZE: usize = 2 * 32;

// u32 each: frequency << SYMBOL_BITS | symbol, for each symbol that occurs. The later steps use only these.

const SYMBOL_BITS: u32 = 9;
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;
export const LITERALS_USED: usize = LENGTH_COUNTS + LENGTH_COUNTS_SIZE;
export const DISTANCES_USED: usize = LITERALS_USED + 4 * 288;
const LENGTHS_USED: usize = DISTANCES_USED + 4 * 32;

export const LITERAL_CODES: usize = LENGTHS_USED + 4 * 32;
export const DISTANCE_CODES: usize = LITERAL_CODES + 4 * 288;
const LENGTH_CODES: usize = DISTANCE_CODES + 4 * 32;
export const FIXED_LITERAL_CODES: usize = LENGTH_CODES + 4 * 32;
export const FIXED_DISTANCE_CODES: usize = FIXED_LITERAL_CODES + 4 * 288;

/**
 * u8 each: the length of a code. The lengths of distance codes are copied after those of literals, to be written as one
 * sequence.
 */
const LITERAL_LENGTHS: usize = FIXED_DISTANCE_CODES + 4 * 32;
const DISTANCE_LENGTHS: usize = LITERAL_LENGTHS + 288;
const LENGTH_LENGTHS: usize = DISTANCE_LENGTHS + 32;
const SEQUENCE: usize = LENGTH_LENGTHS + 32;
/** u16 each: a symbol of the run-length coded sequence, with its extra bits from bit 5 on. */
const RUNS: usize = SEQUENCE + 352;

/**
 * The used symbols by frequency. Each pass of sort() moves them from one half to the other. One more entry marks the
 * end.
 */
const SORTED: usize = RUNS + 2 * 320;
const SORTED_SIZE: usize = 4 * 290;
/** u32 each: the inner nodes of the tree. A node holds its weight, then its parent, then its depth. */
const NODES: usize = SORTED + 2 * SORTED_SIZE;
/**
 * u32 each, by length: the number of codes, then the next code. sort() indexes it by six bits of a frequency instead.
 */
const BY_LENGTH: usize = NODES + 4 * 288;
const RADIX_BITS: u32 = 6;
const RADIX_MASK: u32 = (1 << RADIX_BITS) - 1;
/** u8 each: the order in which a header lists the lengths of code lengths. */
const ORDER: usize = BY_LENGTH + (4 << RADIX_BITS);
export const HUFFMAN_END: usize = ORDER + 32;

makeFixedCodes();
makeOrder();

/** RFC 1951 §3.2.6. */
function makeFixedCodes(): void {
  memory.fill(LITERAL_LENGTHS, 8, 144);
  memory.fill(LITERAL_LENGTHS + 144, 9, 112);
  memory.fill(LITERAL_LENGTHS + 256, 7, 24);
  memory.fill(LITERAL_LENGTHS + 280, 8, 8);
  memory.fill(DISTANCE_LENGTHS, 5, 32);
  // Any count except 0: the fixed codes contain all symbols.
  memory.fill(LITERAL_COUNTS, 1, COUNTS_SIZE);
  makeCodes(LITERALS_USED, findUsed(LITERAL_COUNTS, 288, LITERALS_USED), LITERAL_LENGTHS, FIXED_LITERAL_CODES);
  makeCodes(DISTANCES_USED, findUsed(DISTANCE_COUNTS, 32, DISTANCES_USED), DISTANCE_LENGTHS, FIXED_DISTANCE_CODES);
  memory.fill(LITERAL_COUNTS, 0, COUNTS_SIZE);
}

/** 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15 */
function makeOrder(): void {
  store<u32>(ORDER, 0x00121110);
  store<u8>(ORDER, 8, 4);
  for (let i: usize = 0; i < 7; i++) {
    store<u8>(ORDER + 2 * i, <u8>(7 - i), 5);
    store<u8>(ORDER + 2 * i, <u8>(9 + i), 6);
  }
}

// @ts-ignore: decorator
@inline
function at(table: usize, index: u32): usize {
  return table + (<usize>index << 2);
}

/** Adds one to the count of a symbol. */
// @ts-ignore: decorator
@inline
export function count(table: usize, symbol: u32): void {
  const address = table + (<usize>symbol << 1);
  store<u16>(address, load<u16>(address) + 1);
}

// @ts-ignore: decorator
@inline
function countAt(table: usize, index: u32): void {
  const address = at(table, index);
  store<u32>(address, load<u32>(address) + 1);
}

// @ts-ignore: decorator
@inline
export function symbolOf(used: usize): u32 {
  return load<u32>(used) & SYMBOL_MASK;
}

// @ts-ignore: decorator
@inline
export function frequencyOf(used: usize): u32 {
  return load<u32>(used) >> SYMBOL_BITS;
}

/**
 * Lists the symbols that occur, in order. The list has at least two, so that the code is complete.
 * @param size a multiple of 16
 * @returns the end of the list
 */
export function findUsed(counts: usize, size: u32, used: usize): usize {
  let to = used;
  for (let i: u32 = 0; i < size; i += 16) {
    const address = counts + (<usize>i << 1);
    const some = i8x16.narrow_i16x8_u(v128.load(address), v128.load(address, 16));
    for (let mask = i8x16.bitmask(i8x16.ne(some, i8x16.splat(0))); mask; mask &= mask - 1) {
      const symbol = i + ctz<u32>(mask);
      store<u32>(to, ((<u32>load<u16>(counts + (<usize>symbol << 1))) << SYMBOL_BITS) | symbol);
      to += 4;
    }
  }
  if (to < used + 8) {
    const only: u32 = to > used ? load<u32>(used) : 1;
    const isFirst = (only & SYMBOL_MASK) == 0;
    store<u32>(used, isFirst ? only : 0);
    store<u32>(used, isFirst ? 1 : only, 4);
    to = used + 8;
  }
  return to;
}

// @ts-ignore: decorator
@inline
function reverse(code: u32, length: u32): u32 {
  code = ((code & 0x5555) << 1) | ((code >> 1) & 0x5555);
  code = ((code & 0x3333) << 2) | ((code >> 2) & 0x3333);
  code = ((code & 0x0f0f) << 4) | ((code >> 4) & 0x0f0f);
  return (((code & 0xff) << 8) | (code >> 8)) >> (16 - length);
}

/** Makes canonical codes of the used symbols from their lengths (RFC 1951 §3.2.2). */
function makeCodes(used: usize, usedEnd: usize, lengths: usize, codes: usize): void {
  memory.fill(BY_LENGTH, 0, 64);
  for (let entry = used; entry < usedEnd; entry += 4) countAt(BY_LENGTH, load<u8>(lengths + symbolOf(entry)));
  let code: u32 = 0;
  for (let length: u32 = 1; length <= MAX_LENGTH; length++) {
    const entry = at(BY_LENGTH, length);
    const leaves = load<u32>(entry);
    store<u32>(entry, code);
    code = (code + leaves) << 1;
  }
  for (let entry = used; entry < usedEnd; entry += 4) {
    const symbol = symbolOf(entry);
    const length: u32 = load<u8>(lengths + symbol);
    const next = load<u32>(at(BY_LENGTH, length));
    store<u32>(at(BY_LENGTH, length), next + 1);
    store<u32>(at(codes, symbol), reverse(next, length) | (length << 16));
  }
}

/**
 * Computes code lengths of the used symbols, up to `limit`, from their frequencies. All other symbols of `size` get 0.
 */
function makeLengths(used: usize, usedEnd: usize, limit: u32, lengths: usize, size: u32): void {
  memory.fill(lengths, 0, size);
  const leaves = <u32>((usedEnd - used) >> 2);
  let sorted = sort(used, leaves);
  buildTree(sorted, leaves);
  countDepths(leaves, limit);
  for (let length = limit; length; length--) {
    for (let left = load<u32>(at(BY_LENGTH, length)); left; left--) {
      store<u8>(lengths + symbolOf(sorted), <u8>length);
      sorted += 4;
    }
  }
}

/** Sorts used symbols by frequency, six bits at a time, the lowest bits first. @returns their new address */
function sort(used: usize, size: u32): usize {
  let from = used;
  let to = SORTED;
  let greatest: u32 = 0;
  for (let i: u32 = 0; i < size; i++) greatest = max(greatest, load<u32>(at(used, i)));
  for (let shift = SYMBOL_BITS; shift == SYMBOL_BITS || greatest >> shift; shift += RADIX_BITS) {
    memory.fill(BY_LENGTH, 0, 4 << RADIX_BITS);
    for (let i: u32 = 0; i < size; i++) countAt(BY_LENGTH, (load<u32>(at(from, i)) >> shift) & RADIX_MASK);
    let place: u32 = 0;
    for (let digit: u32 = 0; place < size; digit++) {
      const entry = at(BY_LENGTH, digit);
      const digits = load<u32>(entry);
      store<u32>(entry, place);
      place += digits;
    }
    for (let i: u32 = 0; i < size; i++) {
      const value = load<u32>(at(from, i));
      const entry = at(BY_LENGTH, (value >> shift) & RADIX_MASK);
      const next = load<u32>(entry);
      store<u32>(entry, next + 1);
      store<u32>(at(to, next), value);
    }
    from = to;
    to = SORTED + SORTED + SORTED_SIZE - to;
  }
  return from;
}

/**
 * Joins the two lightest leaves or nodes until one is left. It needs no heap, because new nodes never weigh less than
 * earlier ones.
 */
function buildTree(sorted: usize, leaves: u32): void {
  // Missing leaves and nodes weigh too much to be chosen. This avoids a branch that the processor would mispredict half
  // of the time.
  store<u32>(at(sorted, leaves), u32.MAX_VALUE);
  memory.fill(NODES, 255, <usize>leaves << 2);
  let leaf = sorted;
  let node = NODES;
  for (let next: u32 = 0; next < leaves - 1; next++) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      const leafWeight = frequencyOf(leaf);
      const nodeWeight = load<u32>(node);
      const takesNode = nodeWeight < leafWeight;
      weight += takesNode ? nodeWeight : leafWeight;
      store<u32>(node, takesNode ? next : nodeWeight);
      node += <usize>takesNode << 2;
      leaf += <usize>!takesNode << 2;
    }
    store<u32>(at(NODES, next), weight);
  }
}

/**
 * Counts the leaves at each depth of the tree in BY_LENGTH. Leaves deeper than `limit` are lifted, and others lowered
 * to make room.
 */
function countDepths(leaves: u32, limit: u32): void {
  memory.fill(BY_LENGTH, 0, 64);
  let node: i32 = <i32>leaves - 2;
  store<u32>(at(NODES, node), 0);
  for (let i = node - 1; i >= 0; i--) {
    const entry = at(NODES, i);
    store<u32>(entry, load<u32>(at(NODES, load<u32>(entry))) + 1);
  }
  let depth: u32 = 0;
  for (let places: u32 = 1; places; depth++) {
    let inner: u32 = 0;
    for (; node >= 0 && load<u32>(at(NODES, node)) == depth; node--) inner++;
    const entry = at(BY_LENGTH, min(depth, limit));
    store<u32>(entry, load<u32>(entry) + places - inner);
    places = inner << 1;
  }
  // The sum of 2^-length must be 1 (Kraft), but lifted leaves have made it larger. Each step takes a leaf from the
  // limit, and
  // makes it a sibling of a leaf with a shorter code, both one level lower. The sum falls by 2^-limit.
  let sum: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) sum += load<u32>(at(BY_LENGTH, length)) << (limit - length);
  for (; sum > <u32>1 << limit; sum--) {
    let length = limit - 1;
    while (!load<u32>(at(BY_LENGTH, length))) length--;
    const entry = at(BY_LENGTH, length);
    store<u32>(entry, load<u32>(entry) - 1);
    store<u32>(entry, load<u32>(entry, 4) + 2, 4);
    const deepest = at(BY_LENGTH, limit);
    store<u32>(deepest, load<u32>(deepest) - 1);
  }
}

// The header of a dynamic block (RFC 1951 §3.2.7). --------------------------------------------------

let literalsEnd: usize = 0;
let distancesEnd: usize = 0;
let lengthsEnd: usize = 0;
let literalSize: u32 = 0;
let distanceSize: u32 = 0;
let lengthSize: u32 = 0;
let runsEnd: usize = RUNS;

/**
 * Computes codes for the used symbols. The arguments are the ends of their lists.
 * @returns the size of the header and of all symbols in bits, without the extra bits of the symbols
 */
export function planCodes(literals: usize, distances: usize): u32 {
  literalsEnd = literals;
  distancesEnd = distances;
  literalSize = symbolOf(literals - 4) + 1;
  distanceSize = symbolOf(distances - 4) + 1;
  makeLengths(LITERALS_USED, literals, MAX_LENGTH, LITERAL_LENGTHS, LITERALS);
  makeLengths(DISTANCES_USED, distances, MAX_LENGTH, DISTANCE_LENGTHS, DISTANCES);
  memory.copy(SEQUENCE, LITERAL_LENGTHS, literalSize);
  memory.copy(SEQUENCE + literalSize, DISTANCE_LENGTHS, distanceSize);
  makeRuns(literalSize + distanceSize);
  lengthsEnd = findUsed(LENGTH_COUNTS, 32, LENGTHS_USED);
  makeLengths(LENGTHS_USED, lengthsEnd, MAX_CODE_LENGTH, LENGTH_LENGTHS, CODE_LENGTHS);
  lengthSize = CODE_LENGTHS;
  while (!load<u8>(LENGTH_LENGTHS + load<u8>(ORDER + lengthSize - 1))) lengthSize--;
  lengthSize = max<u32>(4, lengthSize);
  return (
    17 +
    3 * lengthSize +
    cost(LENGTHS_USED, lengthsEnd, LENGTH_LENGTHS) +
    2 * load<u16>(LENGTH_COUNTS, 2 * 16) +
    3 * load<u16>(LENGTH_COUNTS, 2 * 17) +
    7 * load<u16>(LENGTH_COUNTS, 2 * 18) +
    cost(LITERALS_USED, literals, LITERAL_LENGTHS) +
    cost(DISTANCES_USED, distances, DISTANCE_LENGTHS)
  );
}

function cost(used: usize, usedEnd: usize, lengths: usize): u32 {
  let bits: u32 = 0;
  for (let entry = used; entry < usedEnd; entry += 4) bits += frequencyOf(entry) * load<u8>(lengths + symbolOf(entry));
  return bits;
}

function addRun(symbol: u32, extra: u32): void {
  store<u16>(runsEnd, <u16>(symbol | (extra << 5)));
  runsEnd += 2;
  count(LENGTH_COUNTS, symbol);
}

/** Run-length codes SEQUENCE. */
function makeRuns(size: u32): void {
  memory.fill(LENGTH_COUNTS, 0, LENGTH_COUNTS_SIZE);
  runsEnd = RUNS;
  // This is not a valid length, so the last run ends here.
  store<u8>(SEQUENCE + size, 255);
  let i: u32 = 0;
  while (i < size) {
    const length: u32 = load<u8>(SEQUENCE + i);
    let left: u32 = 0;
    let same: u32 = 0;
    do {
      same = ctz<u32>(~i8x16.bitmask(i8x16.eq(v128.load(SEQUENCE + i + left), i8x16.splat(<i8>length))));
      left += same;
    } while (same == 16);
    i += left;
    if (length) {
      addRun(length, 0);
      left--;
    }
    while (left >= 3) {
      // 16 repeats the previous length 3 to 6 times; 17 and 18 repeat 0, 3 to 10 and 11 to 138 times.
      const run = min<u32>(left, length ? 6 : 138);
      if (length) addRun(16, run - 3);
      else if (run < 11) addRun(17, run - 3);
      else addRun(18, run - 11);
      left -= run;
    }
    for (; left; left--) addRun(length, 0);
  }
}

/** Writes the header of a block with the codes from planCodes(), and makes these codes. */
export function putCodes(): void {
  put((literalSize - 257) | ((distanceSize - 1) << 5) | ((lengthSize - 4) << 10), 14);
  for (let i: u32 = 0; i < lengthSize; i++) put(load<u8>(LENGTH_LENGTHS + load<u8>(ORDER + i)), 3);
  makeCodes(LENGTHS_USED, lengthsEnd, LENGTH_LENGTHS, LENGTH_CODES);
  for (let run: usize = RUNS; run < runsEnd; run += 2) {
    const value: u32 = load<u16>(run);
    const symbol = value & 31;
    const code = load<u32>(at(LENGTH_CODES, symbol));
    const length = code >> 16;
    const extra: u32 = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    put((code & 0xffff) | ((value >> 5) << length), length + extra);
  }
  makeCodes(LITERALS_USED, literalsEnd, LITERAL_LENGTHS, LITERAL_CODES);
  makeCodes(DISTANCES_USED, distancesEnd, DISTANCE_LENGTHS, DISTANCE_CODES);
}
