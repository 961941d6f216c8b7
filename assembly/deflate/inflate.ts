// Inflates DEFLATE data (RFC 1951). It can stop and continue at every byte of input and output.
//
// A slot's mode says what comes next:
//
//   HEADER           3 bits that start a block            -> STORED_LENGTH, CODES (fixed) or COUNTS
//   STORED_LENGTH    LEN and NLEN                         -> STORED
//   STORED           bytes                                -> HEADER
//   COUNTS           HLIT, HDIST and HCLEN                -> PRECODE_LENGTHS
//   PRECODE_LENGTHS  lengths of the codes for code lengths -> CODE_LENGTHS
//   CODE_LENGTHS     code lengths                         -> CODES
//   CODES            a literal, a match or the end        -> CODES, MATCH or HEADER
//   MATCH            the rest of a match                  -> CODES
//
// A step takes all bits of one item, or none. decodeFast() combines many steps of CODES and MATCH, and does nearly all
// of the work. At the end of the input, or at an error, it gives up. The steps then repeat its work, and find the
// exact place. Only the steps report errors.

import {
  beginCodes,
  buildDistanceCodes,
  buildLiteralCodes,
  buildPrecode,
  builds,
  DISTANCE_INVALID,
  DISTANCE_SPECIAL,
  distanceMask,
  distances,
  END_OF_BLOCK,
  LITERAL,
  literalMask,
  literals,
  PRECODE,
  prepareCodes,
  SPECIAL,
  SUBTABLE,
  subtableEntry,
  useBuiltCodes,
  useFixedCodes,
} from "./codes";
import {
  INFLATE_BASE,
  INFLATE_DONE,
  INFLATE_ERROR_BLOCK_TYPE,
  INFLATE_ERROR_CODE_LENGTHS,
  INFLATE_ERROR_COUNTS,
  INFLATE_ERROR_DISTANCE,
  INFLATE_ERROR_DISTANCE_CODES,
  INFLATE_ERROR_END,
  INFLATE_ERROR_FINAL_BLOCKS,
  INFLATE_ERROR_LITERAL_CODES,
  INFLATE_ERROR_NO_END,
  INFLATE_ERROR_REPEAT,
  INFLATE_ERROR_STORED_LENGTH,
  INFLATE_ERROR_SYMBOL,
  INFLATE_FULL,
  INFLATE_IN,
  INFLATE_NEEDS_INPUT,
  INFLATE_OUT,
  INFLATE_OUT_END,
  INFLATE_PRIVATE,
  INFLATE_REACH,
  MAX_FINAL_BLOCKS,
  TAIL_SIZE,
} from "./memory";

/** A step returns this if another step follows. Otherwise it returns the result of inflate(). */
const CONTINUE: i32 = 3;

const HEADER: u32 = 0;
const STORED_LENGTH: u32 = 1;
const STORED: u32 = 2;
const COUNTS: u32 = 3;
const PRECODE_LENGTHS: u32 = 4;
const CODE_LENGTHS: u32 = 5;
const CODES: u32 = 6;
const MATCH: u32 = 7;

// Fields of a slot's state.

const MODE: usize = INFLATE_PRIVATE;
const BITS: usize = INFLATE_PRIVATE + 4; // u64: input bits that have been read but not taken, the next bit lowest
const BIT_COUNT: usize = INFLATE_PRIVATE + 12;
const FINAL: usize = INFLATE_PRIVATE + 16; // BFINAL of the block, or of the previous block if the mode is HEADER
const FINAL_BLOCKS: usize = INFLATE_PRIVATE + 20; // how many final blocks have ended
const LITERAL_COUNT: usize = INFLATE_PRIVATE + 24; // HLIT + 257
const DISTANCE_COUNT: usize = INFLATE_PRIVATE + 28; // HDIST + 1
const PRECODE_COUNT: usize = INFLATE_PRIVATE + 32; // HCLEN + 4
const INDEX: usize = INFLATE_PRIVATE + 36; // how many code lengths have been read
const LENGTH: usize = INFLATE_PRIVATE + 40; // the rest of a stored block or a match
const DISTANCE: usize = INFLATE_PRIVATE + 44;
const BUILD: usize = INFLATE_PRIVATE + 52; // u64: the number of its codes in codes.ts, 0 for the fixed ones
const PRECODE_LENGTH: usize = INFLATE_PRIVATE + 60; // u8[19]
const CODE_LENGTH: usize = INFLATE_PRIVATE + 84; // u8[316 + 15]: literals, then distances, and room for a vector

// Addresses, between those of codes.ts.

const PRECODE_ORDER: usize = 1024; // u8[19]: the order of PRECODE_LENGTH in the input
const PATTERNS: usize = 1056; // u8[16][16]: for each number of bytes, the indices that repeat these bytes in a vector
const STRIDES: usize = 1312; // u8[16]: for each number of bytes, its largest multiple up to 16

/** A round of decodeFast() loads two words of 8 bytes. The second is at most 7 bytes after the first. */
const FAST_INPUT: usize = 15;
/**
 * With `last`, how far after the input a round may start. Together with the bytes that it loads, this is less than
 * INPUT_MARGIN.
 */
const PAST_INPUT: usize = 8;
/** A round writes at most two literals, a match of 258 bytes, and 15 bytes that copyMatch() may add. */
const FAST_OUTPUT: usize = 275;

/** The slot's fields, during a call. The bits of `bits` from `bitCount` on are 0. */
let bits: u64 = 0;
let bitCount: u32 = 0;
let input: usize = 0;
let inputEnd: usize = 0;
let output: usize = 0;
let outputEnd: usize = 0;
let base: usize = 0;
let reach: usize = 0;
/** decodeFast() has given up, so the rest of this call goes step by step. */
let careful: bool = false;
let prepared: bool = false;

function prepare(): void {
  prepared = true;
  v128.store(PRECODE_ORDER, i8x16(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2));
  store<u32>(PRECODE_ORDER, 0x0f010e, 16);
  for (let size: usize = 1; size < 16; size++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(PATTERNS + (size << 4) + i, <u8>(i % size));
    store<u8>(STRIDES + size, <u8>(16 - (16 % size)));
  }
  prepareCodes();
}

/** Reads until there are at least 56 bits, or all that are left. Masks out bytes from beyond the end. */
function refill(): void {
  const read = min(<usize>(63 - bitCount) >> 3, inputEnd - input);
  const word = bits | (load<u64>(input) << bitCount);
  input += read;
  bitCount += <u32>read << 3;
  bits = word & (((<u64>1) << bitCount) - 1);
}

/** Takes `count` bits, which the caller has already read. */
// @ts-ignore: decorator
@inline
function take(count: u32): u32 {
  const taken = <u32>bits & ((1 << count) - 1);
  bits >>= <u64>count;
  bitCount -= count;
  return taken;
}

// @ts-ignore: decorator
@inline
function enter(slot: usize, mode: u32): i32 {
  store<u32>(slot, mode, MODE);
  return CONTINUE;
}

/** RFC 1951 §3.2.3. */
function readHeader(slot: usize): i32 {
  if (bitCount < 3) return INFLATE_NEEDS_INPUT;
  store<u32>(slot, take(1), FINAL);
  const type = take(2);
  if (type == 0) {
    take(bitCount & 7);
    return enter(slot, STORED_LENGTH);
  }
  if (type == 1) {
    store<u64>(slot, 0, BUILD);
    useFixedCodes();
    return enter(slot, CODES);
  }
  return type == 2 ? enter(slot, COUNTS) : INFLATE_ERROR_BLOCK_TYPE;
}

/** After a final block, the next block starts at a byte (RFC 7692 §7.2.3.4). */
function endBlock(slot: usize): i32 {
  if (load<u32>(slot, FINAL)) {
    take(bitCount & 7);
    const blocks = load<u32>(slot, FINAL_BLOCKS) + 1;
    store<u32>(slot, blocks, FINAL_BLOCKS);
    if (blocks > <u32>MAX_FINAL_BLOCKS) return INFLATE_ERROR_FINAL_BLOCKS;
  }
  return enter(slot, HEADER);
}

/** RFC 1951 §3.2.4. */
function readStoredLength(slot: usize): i32 {
  if (bitCount < 32) return INFLATE_NEEDS_INPUT;
  const length = take(16);
  if (take(16) != (length ^ 0xffff)) return INFLATE_ERROR_STORED_LENGTH;
  store<u32>(slot, length, LENGTH);
  return enter(slot, STORED);
}

function copyStored(slot: usize): i32 {
  let length = load<u32>(slot, LENGTH);
  for (; length && bitCount && output < outputEnd; length--) store<u8>(output++, <u8>take(8));
  // The rest has not been read yet, or does not fit.
  if (length) {
    const copied = min(<usize>length, min(inputEnd - input, outputEnd - output));
    memory.copy(output, input, copied);
    input += copied;
    output += copied;
    length -= <u32>copied;
  }
  store<u32>(slot, length, LENGTH);
  if (!length) return endBlock(slot);
  return output == outputEnd ? INFLATE_FULL : INFLATE_NEEDS_INPUT;
}

/** RFC 1951 §3.2.7. */
function readCounts(slot: usize): i32 {
  if (bitCount < 14) return INFLATE_NEEDS_INPUT;
  const literalCount = take(5) + 257;
  const distanceCount = take(5) + 1;
  if (literalCount > 286 || distanceCount > 30) return INFLATE_ERROR_COUNTS;
  store<u32>(slot, literalCount, LITERAL_COUNT);
  store<u32>(slot, distanceCount, DISTANCE_COUNT);
  store<u32>(slot, take(4) + 4, PRECODE_COUNT);
  store<u32>(slot, 0, INDEX);
  v128.store(slot, i8x16.splat(0), PRECODE_LENGTH);
  store<u32>(slot, 0, PRECODE_LENGTH + 16);
  return enter(slot, PRECODE_LENGTHS);
}

function readPrecodeLengths(slot: usize): i32 {
  const count = load<u32>(slot, PRECODE_COUNT);
  let index = load<u32>(slot, INDEX);
  for (; index < count; index++) {
    if (bitCount < 3) refill();
    if (bitCount < 3) break;
    store<u8>(slot + load<u8>(PRECODE_ORDER + index), <u8>take(3), PRECODE_LENGTH);
  }
  store<u32>(slot, index, INDEX);
  if (index < count) return INFLATE_NEEDS_INPUT;
  store<u32>(slot, 0, INDEX);
  return enter(slot, CODE_LENGTHS);
}

function readCodeLengths(slot: usize): i32 {
  // Other slots use this table, too. Building it is fast, so each call builds it again.
  if (!buildPrecode(slot + PRECODE_LENGTH)) return INFLATE_ERROR_CODE_LENGTHS;
  const total: usize = load<u32>(slot, LITERAL_COUNT) + load<u32>(slot, DISTANCE_COUNT);
  const start = slot + CODE_LENGTH;
  const end = start + total;
  let at = start + load<u32>(slot, INDEX);
  while (at < end) {
    if (bitCount < 14) refill();
    const entry = load<u32>(PRECODE + ((<usize>bits & 127) << 2));
    const codeBits = entry & 15;
    const symbol = entry >> 16;
    if (symbol < 16) {
      if (codeBits > bitCount) break;
      take(codeBits);
      store<u8>(at++, <u8>symbol);
      continue;
    }
    const extraBits: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (codeBits + extraBits > bitCount) break;
    take(codeBits);
    const repeated = take(extraBits) + (symbol == 18 ? 11 : 3);
    if (at + repeated > end || (symbol == 16 && at == start)) return INFLATE_ERROR_REPEAT;
    const vector = i8x16.splat(symbol == 16 ? load<i8>(at - 1) : 0);
    const next = at + repeated;
    for (; at < next; at += 16) v128.store(at, vector);
    at = next;
  }
  store<u32>(slot, <u32>(at - start), INDEX);
  if (at < end) return INFLATE_NEEDS_INPUT;
  if (!load<u8>(start, 256)) return INFLATE_ERROR_NO_END;
  const error = buildCodes(slot);
  return error ? error : enter(slot, CODES);
}

/** Builds and uses the tables for the slot's code lengths. @returns an error, or 0 */
function buildCodes(slot: usize): i32 {
  const lengths = slot + CODE_LENGTH;
  const literalCount = load<u32>(slot, LITERAL_COUNT);
  beginCodes();
  store<u64>(slot, builds, BUILD);
  if (!buildLiteralCodes(lengths, literalCount)) return INFLATE_ERROR_LITERAL_CODES;
  if (!buildDistanceCodes(lengths + literalCount, load<u32>(slot, DISTANCE_COUNT))) return INFLATE_ERROR_DISTANCE_CODES;
  useBuiltCodes();
  return 0;
}

/** Uses the codes of a block that started in another call. */
function resumeCodes(slot: usize): void {
  const build = load<u64>(slot, BUILD);
  if (!build) useFixedCodes();
  else if (build == builds) useBuiltCodes();
  else buildCodes(slot);
}

/** Returns the length or distance of an entry with its extra bits. Its code is next in `bits`. */
// @ts-ignore: decorator
@inline
function valueOf(entry: u32, bits: u64): u32 {
  return (entry >> 16) + ((<u32>bits & ((1 << entry) - 1)) >> (entry >> 8));
}

/** Copies a match, and up to 15 bytes more. If the distance is less than 16, the bytes repeat as a pattern. */
// @ts-ignore: decorator
@inline
function copyMatch(to: usize, distance: usize, end: usize): void {
  let from = to - distance;
  if (distance >= 16) {
    do {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    } while (to < end);
  } else {
    const pattern = i8x16.swizzle(v128.load(from), v128.load(PATTERNS + (distance << 4)));
    const stride = <usize>load<u8>(STRIDES + distance);
    do {
      v128.store(to, pattern);
      to += stride;
    } while (to < end);
  }
}

/**
 * Decodes rounds of up to three symbols, until the input is past `inputLimit` or the output past `outputLimit`. If it
 * runs out of bits or meets an error, it sets `careful`, and uses and writes nothing.
 */
function decodeFast(slot: usize, inputLimit: usize, outputLimit: usize): i32 {
  // In this function, the bits from `count` on may be set. They are the same bits that the next load sets again.
  let word = bits;
  let count = bitCount;
  let from = input;
  let to = output;
  const literalTable = literals;
  const distanceTable = distances;
  const literalIndex = literalMask;
  const distanceIndex = distanceMask;
  const lowest = base;
  const farthest = reach;
  let ended = false;
  careful = true;
  do {
    word |= load<u64>(from) << count;
    from += (63 - count) >> 3;
    count |= 56;
    let entry = load<u32>(literalTable + (<usize>(word & literalIndex) << 2));
    if (entry & LITERAL) {
      // 3 literals take at most 45 bits.
      word >>= <u64>entry;
      count -= entry & 63;
      store<u8>(to++, <u8>(entry >> 16));
      entry = load<u32>(literalTable + (<usize>(word & literalIndex) << 2));
      if (entry & LITERAL) {
        word >>= <u64>entry;
        count -= entry & 63;
        store<u8>(to++, <u8>(entry >> 16));
        entry = load<u32>(literalTable + (<usize>(word & literalIndex) << 2));
        if (entry & LITERAL) {
          word >>= <u64>entry;
          count -= entry & 63;
          store<u8>(to++, <u8>(entry >> 16));
          continue;
        }
      }
      word |= load<u64>(from) << count;
      from += (63 - count) >> 3;
      count |= 56;
    }
    if (entry & SPECIAL) {
      if (entry & SUBTABLE) {
        word >>= <u64>entry;
        count -= entry & 63;
        entry = subtableEntry(literalTable, entry, word);
        if (entry & LITERAL) {
          word >>= <u64>entry;
          count -= entry & 63;
          store<u8>(to++, <u8>(entry >> 16));
          continue;
        }
      }
      if (entry & SPECIAL) {
        if (!(entry & END_OF_BLOCK)) return CONTINUE;
        word >>= <u64>entry;
        count -= entry & 63;
        ended = true;
        break;
      }
    }
    // A match takes at most 48 bits.
    const length = valueOf(entry, word);
    word >>= <u64>entry;
    count -= entry & 63;
    entry = load<u32>(distanceTable + (<usize>(word & distanceIndex) << 2));
    if (entry & DISTANCE_SPECIAL) {
      if (entry & DISTANCE_INVALID) return CONTINUE;
      word >>= <u64>entry;
      count -= entry & 63;
      entry = subtableEntry(distanceTable, entry, word);
      if (entry & DISTANCE_SPECIAL) return CONTINUE;
    }
    const distance = <usize>valueOf(entry, word);
    word >>= <u64>entry;
    count -= entry & 63;
    if (distance > farthest || distance > to - lowest) return CONTINUE;
    const end = to + length;
    copyMatch(to, distance, end);
    to = end;
  } while (from <= inputLimit && to <= outputLimit);
  if (from > inputEnd) {
    const excess = <u32>(from - inputEnd) << 3;
    if (excess > count) return CONTINUE;
    count -= excess;
    from = inputEnd;
  }
  careful = false;
  bits = word & (((<u64>1) << count) - 1);
  bitCount = count;
  input = from;
  output = to;
  return ended ? endBlock(slot) : CONTINUE;
}

/** Decodes one symbol and, if it is a length, its distance. */
function decodeSymbol(slot: usize): i32 {
  let word = bits;
  let used: u32 = 0;
  let entry = load<u32>(literals + (<usize>(word & literalMask) << 2));
  if (entry & SUBTABLE && !(entry & LITERAL)) {
    used = entry & 63;
    word >>= <u64>used;
    entry = subtableEntry(literals, entry, word);
  }
  used += entry & 63;
  if (used > bitCount) return INFLATE_NEEDS_INPUT;
  if (entry & LITERAL) {
    if (output == outputEnd) return INFLATE_FULL;
    store<u8>(output++, <u8>(entry >> 16));
    take(used);
    return CONTINUE;
  }
  if (entry & SPECIAL) {
    if (!(entry & END_OF_BLOCK)) return INFLATE_ERROR_SYMBOL;
    take(used);
    return endBlock(slot);
  }
  const length = valueOf(entry, word);
  word >>= <u64>entry;
  entry = load<u32>(distances + (<usize>(word & distanceMask) << 2));
  if ((entry & (DISTANCE_SPECIAL | DISTANCE_INVALID)) == DISTANCE_SPECIAL) {
    used += entry & 63;
    word >>= <u64>entry;
    entry = subtableEntry(distances, entry, word);
  }
  used += entry & 63;
  if (used > bitCount) return INFLATE_NEEDS_INPUT;
  if (entry & DISTANCE_SPECIAL) return INFLATE_ERROR_SYMBOL;
  const distance = <usize>valueOf(entry, word);
  if (distance > reach || distance > output - base) return INFLATE_ERROR_DISTANCE;
  bits >>= <u64>used;
  bitCount -= used;
  store<u32>(slot, length, LENGTH);
  store<u32>(slot, <u32>distance, DISTANCE);
  return enter(slot, MATCH);
}

/** Copies byte by byte, as long as there is room. */
function continueMatch(slot: usize): i32 {
  const distance = <usize>load<u32>(slot, DISTANCE);
  // The caller may have moved the window, and kept too little of it.
  if (distance > output - base) return INFLATE_ERROR_DISTANCE;
  const length = load<u32>(slot, LENGTH);
  const copied = min(<usize>length, outputEnd - output);
  for (const end = output + copied; output < end; output++) store<u8>(output, load<u8>(output - distance));
  store<u32>(slot, length - <u32>copied, LENGTH);
  return copied < length ? INFLATE_FULL : enter(slot, CODES);
}

/** A sender may omit the empty block after a final one. Then only the tail is left, which is not a block. */
function endsAfterFinalBlock(slot: usize): bool {
  return load<u32>(slot, FINAL) != 0 && <usize>(bitCount >> 3) + (inputEnd - input) == TAIL_SIZE;
}

/** See memory.ts, and DeflateCore in src/deflate/core/core.ts. */
export function inflate(slot: usize, inEnd: usize, last: i32): i32 {
  if (!prepared) prepare();
  input = load<u32>(slot, INFLATE_IN);
  inputEnd = inEnd;
  output = load<u32>(slot, INFLATE_OUT);
  outputEnd = load<u32>(slot, INFLATE_OUT_END);
  base = load<u32>(slot, INFLATE_BASE);
  reach = load<u32>(slot, INFLATE_REACH);
  bits = load<u64>(slot, BITS);
  bitCount = load<u32>(slot, BIT_COUNT);
  const inputLimit = last ? inEnd + PAST_INPUT : inEnd - FAST_INPUT;
  const outputLimit = outputEnd - FAST_OUTPUT;
  careful = false;
  if (load<u32>(slot, MODE) >= CODES) resumeCodes(slot);

  let result: i32 = CONTINUE;
  do {
    refill();
    const mode = load<u32>(slot, MODE);
    if (mode == CODES) {
      if (!careful && input <= inputLimit && output <= outputLimit) result = decodeFast(slot, inputLimit, outputLimit);
      else result = decodeSymbol(slot);
    } else if (mode == HEADER) {
      if (last && endsAfterFinalBlock(slot)) {
        input = inEnd;
        bits = 0;
        bitCount = 0;
      }
      result = readHeader(slot);
    } else if (mode == STORED_LENGTH) result = readStoredLength(slot);
    else if (mode == STORED) result = copyStored(slot);
    else if (mode == COUNTS) result = readCounts(slot);
    else if (mode == PRECODE_LENGTHS) result = readPrecodeLengths(slot);
    else if (mode == CODE_LENGTHS) result = readCodeLengths(slot);
    else result = continueMatch(slot);
  } while (result == CONTINUE);

  if (last && result == INFLATE_NEEDS_INPUT) {
    result = load<u32>(slot, MODE) == HEADER && !bitCount ? INFLATE_DONE : INFLATE_ERROR_END;
  }
  store<u32>(slot, <u32>input, INFLATE_IN);
  store<u32>(slot, <u32>output, INFLATE_OUT);
  store<u64>(slot, bits, BITS);
  store<u32>(slot, bitCount, BIT_COUNT);
  return result;
}
