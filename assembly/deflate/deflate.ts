// Compresses segments of a connection's messages to blocks (RFC 1951, RFC 7692 §7.2.1).

import { addLiterals, addMatch, putBlock, putStored, SYMBOLS, SYMBOLS_FULL } from "./block";
import {
  endMatcher,
  find,
  indexEnd,
  indexMatch,
  lazy,
  looks,
  matchDistance,
  matchLength,
  MATCHER_PRIVATE_END,
  MIN_MATCH,
  startMatcher,
} from "./matcher";
import { DEFLATE_AT, DEFLATE_LEVEL, FLUSH_END, FLUSH_NONE } from "./memory";
import { alignToByte, output, pendingBits, pendingCount, put, startWriter } from "./writer";

/**
 * The bits saved by one more byte in a match. A literal takes more, but preferring near matches is better on all
 * corpora.
 */
const BYTE_GAIN: u32 = 3;
/** How many bits a match must gain if it starts two bytes later. */
const LITERAL_LOSS: u32 = 5;
/**
 * After 2^6 literals in a row, look up every second byte; after twice as many, every third. Random bytes then take a
 * quarter of the time.
 */
const SKIP_SHIFT = 6;

/** u32 each: the bits that do not fill a byte, and their number. */
const PENDING_BITS = MATCHER_PRIVATE_END;
const PENDING_COUNT = MATCHER_PRIVATE_END + 4;

/**
 * Compresses the bytes between DEFLATE_AT and `end` in the slot's window, at most MAX_SEGMENT, and moves DEFLATE_AT
 * there.
 * @returns the end of the result in OUTPUT
 */
export function deflate(slot: usize, end: usize, flush: i32): usize {
  startWriter(load<u32>(slot, PENDING_BITS), load<u32>(slot, PENDING_COUNT));
  const at: usize = load<u32>(slot, DEFLATE_AT);
  if (at < end) {
    if (load<u32>(slot, DEFLATE_LEVEL)) {
      startMatcher(slot, end);
      compress(at, end);
      endMatcher(slot);
    } else {
      putStored(at, end);
    }
    store<u32>(slot, <u32>end, DEFLATE_AT);
  }
  if (flush != FLUSH_NONE) {
    // An empty stored block.
    put(0, 3);
    alignToByte();
    if (flush != FLUSH_END) put(0xffff0000, 32);
  }
  store<u32>(slot, <u32>pendingBits, PENDING_BITS);
  store<u32>(slot, pendingCount, PENDING_COUNT);
  return output;
}

function compress(at: usize, end: usize): void {
  let from = at;
  let symbols = SYMBOLS;
  let p = at;
  /** The end of the last match. */
  let literals = at;
  while (p < end) {
    if (symbols >= SYMBOLS_FULL) {
      putBlock(symbols, from, p);
      symbols = SYMBOLS;
      from = p;
    }
    let match: u32 = p < indexEnd ? find(p, MIN_MATCH - 1) : 0;
    if (!match) {
      const next = min(p + 1 + ((p - literals) >> SKIP_SHIFT), end);
      symbols = addLiterals(symbols, p, next);
      p = next;
      continue;
    }
    let ahead: u32 = 1;
    while (ahead <= looks && matchLength(match) < lazy && p + ahead < indexEnd) {
      const next = find(p + ahead, matchLength(match));
      if (gain(next) > gain(match) + (ahead - 1) * LITERAL_LOSS) {
        symbols = addLiterals(symbols, p, p + ahead);
        p += ahead;
        match = next;
        ahead = 1;
      } else {
        ahead++;
      }
    }
    const length = matchLength(match);
    symbols = addMatch(symbols, length, matchDistance(match));
    p += length;
    indexMatch(length, p);
    literals = p;
  }
  putBlock(symbols, from, end);
}

/** A score to compare matches: roughly the bits that a match saves. Lowest for 0, which means no match. */
// @ts-ignore: decorator
@inline
function gain(match: u32): u32 {
  return matchLength(match) * BYTE_GAIN + clz<u32>(matchDistance(match));
}
