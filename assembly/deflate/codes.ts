// Builds decoding tables from Huffman codes (RFC 1951 §3.2.2).
//
// A table is indexed with the next bits of the input, as many as its root has. An entry is a u32:
//
//   bits 0 to 5    how many bits the symbol takes, including its extra bits
//   bits 8 to 11   how many of these bits are the code
//   bits 16 to 30  the literal, the code length, or the length or distance without its extra bits
//
// A code longer than the root continues in a subtable. Its entry in the root has instead:
//
//   bits 0 to 5    the bits of the root
//   bits 8 to 11   how many bits index the subtable
//   bits 16 to 27  the start of the subtable, as an index in the table
//
// Flags tell the kinds apart. A distance uses all of bits 16 to 30, so the table of distances has its own flags.

/** Literals and lengths: the entry is a literal. */
export const LITERAL: u32 = 0x80000000;
/** Literals and lengths: the entry is neither. Without one of the next two flags, no symbol has this code. */
export const SPECIAL: u32 = 0x40000000;
export const SUBTABLE: u32 = 0x20000000;
export const END_OF_BLOCK: u32 = 0x10000000;
/** Distances: the entry is a subtable, not a distance. */
export const DISTANCE_SPECIAL: u32 = 0x80000000;
/** Distances: with DISTANCE_SPECIAL, no symbol has this code. */
export const DISTANCE_INVALID: u32 = 0x40000000;

/** The maximum number of root bits. A larger root needs fewer subtables, but takes longer to build. */
const LITERAL_ROOT: u32 = 10;
const DISTANCE_ROOT: u32 = 8;
/** The longest code of a code length. Their table has no subtables. */
const PRECODE_ROOT: u32 = 7;

// Addresses. inflate.ts continues at 1024.

const COUNTS: usize = 64; // u32[16]: the number of codes of each length
const STARTS: usize = 128; // u32[16]: where the next symbol of each length goes in SORTED
const SORTED: usize = 192; // u16[288]: symbols by length
const LITERAL_SYMBOLS: usize = 2048; // u32[288]: entries without the code
const DISTANCE_SYMBOLS: usize = 3200; // u32[32]
const PRECODE_SYMBOLS: usize = 3328; // u32[19]
const FIXED_LENGTHS: usize = 3584; // u8[288], and 8 more that are read with the last ones
const FIXED_LITERALS: usize = 4096; // u32[512]
const FIXED_DISTANCES: usize = 6144; // u32[32]
export const PRECODE: usize = 6656; // u32[128]
// zlib's examples/enough.c computes the size of tables: 1,334 entries for 288 symbols and a root of 10, 402 for 32 and
// 8.
const LITERALS: usize = 8192;
const DISTANCES: usize = 16384;

/** The tables in use, and masks for their root bits. */
export let literals: usize = 0;
export let literalMask: u64 = 0;
export let distances: usize = 0;
export let distanceMask: u64 = 0;

/** How many times LITERALS and DISTANCES have been built. This identifies the current codes. */
export let builds: u64 = 0;
let builtLiteralMask: u64 = 0;
let builtDistanceMask: u64 = 0;

/** Builds the tables that all messages share: an entry for each symbol, and the fixed codes (RFC 1951 §3.2.6). */
export function prepareCodes(): void {
  for (let i: u32 = 0; i < 288; i++) {
    let entry = LITERAL | (i << 16);
    if (i > 284) entry = i == 285 ? 258 << 16 : SPECIAL;
    else if (i > 264) {
      const extra = (i - 261) >> 2;
      entry = (((((i - 265) & 3) + 4) << extra) + 3) << 16 | extra;
    } else if (i > 256) entry = (i - 254) << 16;
    else if (i == 256) entry = SPECIAL | END_OF_BLOCK;
    store<u32>(LITERAL_SYMBOLS + (i << 2), entry);
    store<u8>(FIXED_LENGTHS + i, i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
  }
  for (let i: u32 = 0; i < 32; i++) {
    let entry = (i + 1) << 16;
    if (i > 29) entry = DISTANCE_SPECIAL | DISTANCE_INVALID;
    else if (i > 3) {
      const extra = (i >> 1) - 1;
      entry = ((((i & 1) + 2) << extra) + 1) << 16 | extra;
    }
    store<u32>(DISTANCE_SYMBOLS + (i << 2), entry);
  }
  for (let i: u32 = 0; i < 19; i++) store<u32>(PRECODE_SYMBOLS + (i << 2), i << 16);
  buildLiterals(FIXED_LENGTHS, 288, FIXED_LITERALS);
  memory.fill(FIXED_LENGTHS, 5, 32);
  buildDistances(FIXED_LENGTHS, 32, FIXED_DISTANCES);
}

/** Switches to the fixed codes. */
export function useFixedCodes(): void {
  literals = FIXED_LITERALS;
  literalMask = 511;
  distances = FIXED_DISTANCES;
  distanceMask = 31;
}

/** Switches to the codes that were built last. */
export function useBuiltCodes(): void {
  literals = LITERALS;
  literalMask = builtLiteralMask;
  distances = DISTANCES;
  distanceMask = builtDistanceMask;
}

/**
 * Builds PRECODE from 19 lengths. As in zlib, the table of a code without symbols is all 0. @returns false if the
 * lengths are not a code
 */
export function buildPrecode(lengths: usize): bool {
  const bits = build(lengths, 19, PRECODE_SYMBOLS, PRECODE, PRECODE_ROOT, 0, 0);
  // Extend it, so that it is always indexed with 7 bits.
  if (bits) for (let i = bits; i < PRECODE_ROOT; i++) double(PRECODE, i);
  return bits != 0;
}

/** Starts to overwrite LITERALS and DISTANCES. The new tables get a new number. */
export function beginCodes(): void {
  builds++;
}

/** Builds LITERALS. @returns false if the lengths are not a code */
export function buildLiteralCodes(lengths: usize, count: usize): bool {
  const bits = buildLiterals(lengths, count, LITERALS);
  builtLiteralMask = (1 << bits) - 1;
  return bits != 0;
}

/** Builds DISTANCES. @returns false if the lengths are not a code */
export function buildDistanceCodes(lengths: usize, count: usize): bool {
  const bits = buildDistances(lengths, count, DISTANCES);
  builtDistanceMask = (1 << bits) - 1;
  return bits != 0;
}

function buildLiterals(lengths: usize, count: usize, table: usize): u32 {
  return build(lengths, count, LITERAL_SYMBOLS, table, LITERAL_ROOT, SPECIAL | SUBTABLE, SPECIAL);
}

function buildDistances(lengths: usize, count: usize, table: usize): u32 {
  const invalid = DISTANCE_SPECIAL | DISTANCE_INVALID;
  return build(lengths, count, DISTANCE_SYMBOLS, table, DISTANCE_ROOT, DISTANCE_SPECIAL, invalid);
}

/** Returns the subtable entry for the last bits of a code, which are next in `bits`, given its entry in the root. */
// @ts-ignore: decorator
@inline
export function subtableEntry(table: usize, entry: u32, bits: u64): u32 {
  const index = ((entry >> 16) & 0xfff) + (<u32>bits & ((1 << (entry >> 8)) - 1));
  return load<u32>(table + (index << 2));
}

/** Returns up to eight code lengths, the first one lowest, and 0 from `end` on. */
// @ts-ignore: decorator
@inline
function lengthsAt(address: usize, end: usize): u64 {
  const word = load<u64>(address);
  const left = end - address;
  return left < 8 ? word & ((<u64>1 << (left << 3)) - 1) : word;
}

/** Counts the codes of each length in COUNTS. */
function countLengths(lengths: usize, end: usize): void {
  for (let p = COUNTS; p < COUNTS + 64; p += 16) v128.store(p, i8x16.splat(0));
  for (let p = lengths; p < end; p += 8) {
    let word = lengthsAt(p, end);
    // Most symbols have no code, so skip them.
    while (word) {
      word >>= ctz(word) & 56;
      const count = COUNTS + (<usize>(word & 15) << 2);
      store<u32>(count, load<u32>(count) + 1);
      word = (word >> 4) >> 4;
    }
  }
}

/** Sorts the symbols that have codes into SORTED, by code length. */
function sortSymbols(lengths: usize, end: usize): void {
  for (let p = lengths; p < end; p += 8) {
    let word = lengthsAt(p, end);
    let symbol = p - lengths;
    while (word) {
      const empty = ctz(word) & 56;
      word >>= empty;
      symbol += <usize>empty >> 3;
      const start = STARTS + (<usize>(word & 15) << 2);
      const at = load<u32>(start);
      store<u32>(start, at + 1);
      store<u16>(SORTED + (at << 1), <u16>symbol);
      word = (word >> 4) >> 4;
      symbol++;
    }
  }
}

/** Appends a copy of a table's 2 ** bits entries. With two entries, it writes two more, which are overwritten later. */
function double(table: usize, bits: u32): void {
  const size: usize = 4 << bits;
  for (let p = table; p < table + size; p += 16) v128.store(p + size, v128.load(p));
}

/**
 * Returns the code after `code`, which must not be `ones`, the last code of its length. The first bit of a code is the
 * lowest.
 */
// @ts-ignore: decorator
@inline
function nextCode(code: u32, ones: u32): u32 {
  const bit: u32 = 0x80000000 >> clz(code ^ ones);
  return (code & (bit - 1)) | bit;
}

/**
 * Builds a table. `subtable` and `invalid` are the flags of entries that are not symbols. Like zlib, it accepts an
 * incomplete code only if it has no symbol or, if `invalid` is not 0, a single symbol of 1 bit.
 * @returns the number of root bits, or 0 if the lengths are not a code
 */
function build(
  lengths: usize,
  count: usize,
  symbols: usize,
  table: usize,
  mostBits: u32,
  subtable: u32,
  invalid: u32,
): u32 {
  const end = lengths + count;
  countLengths(lengths, end);
  let free: i32 = 1;
  let total: u32 = 0;
  let shortest: u32 = 0;
  let longest: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const codes = load<u32>(COUNTS + (length << 2));
    store<u32>(STARTS + (length << 2), total);
    total += codes;
    free = (free << 1) - <i32>codes;
    if (free < 0) return 0;
    if (codes) {
      if (!shortest) shortest = length;
      longest = length;
    }
  }
  sortSymbols(lengths, end);
  let sorted = SORTED;
  if (free) {
    if (longest > 1 || (longest && !invalid)) return 0;
    // At most one of these two codes of 1 bit has a symbol.
    store<u64>(table, 0x0000010100000101 | (<u64>invalid << 32) | invalid);
    if (longest) store<u32>(table, load<u32>(symbols + (<usize>load<u16>(sorted) << 2)) + 0x101);
    return 1;
  }

  // Codes that fit the root: build a table for each length, and double it for the next length.
  const root = min(mostBits, longest);
  let code: u32 = 0;
  let length = shortest;
  while (true) {
    const ones: u32 = (1 << length) - 1;
    const bits = 0x101 * length;
    for (let left = load<u32>(COUNTS + (length << 2)); left; left--) {
      store<u32>(table + (code << 2), load<u32>(symbols + (<usize>load<u16>(sorted) << 2)) + bits);
      sorted += 2;
      if (code == ones) {
        for (; length < root; length++) double(table, length);
        return root;
      }
      code = nextCode(code, ones);
    }
    if (length == root) break;
    double(table, length);
    length++;
  }

  // Longer codes: build a subtable for each group of codes that start with the same bits.
  const mask: u32 = (1 << root) - 1;
  let prefix: u32 = 0xffffffff;
  let tableEnd: u32 = 1 << root;
  let start: u32 = 0;
  let size: u32 = 0;
  while (true) {
    length++;
    const ones: u32 = (1 << length) - 1;
    const codes = load<u32>(COUNTS + (length << 2));
    for (let left = codes; left; left--) {
      if ((code & mask) != prefix) {
        prefix = code & mask;
        // The subtable must fit the longest code with this prefix. The remaining codes fill it in order.
        let bits = length - root;
        let room = (1 << bits) - <i32>left;
        while (room > 0) {
          bits++;
          room = (room << 1) - load<i32>(COUNTS + ((bits + root) << 2));
        }
        start = tableEnd;
        size = 1 << bits;
        tableEnd += size;
        store<u32>(table + (prefix << 2), subtable | (start << 16) | (bits << 8) | root);
      }
      const rest = length - root;
      const entry = load<u32>(symbols + (<usize>load<u16>(sorted) << 2)) + 0x101 * rest;
      sorted += 2;
      for (let i = code >> root; i < size; i += 1 << rest) store<u32>(table + ((start + i) << 2), entry);
      if (code == ones) return root;
      code = nextCode(code, ones);
    }
  }
}
