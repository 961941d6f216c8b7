// Finds earlier occurrences of the next bytes. The table has buckets of the eight latest positions whose next four
// bytes have the same hash. A position is the low half of the offset in the connection's stream, so it stays valid when
// the window moves. Comparing the bytes reveals stale positions.

import {
  DEFLATE_AT,
  DEFLATE_BASE,
  DEFLATE_BUCKET_SIZE,
  DEFLATE_LEVEL,
  DEFLATE_PRIVATE,
  DEFLATE_REACH,
  DEFLATE_TABLE,
  DEFLATE_TABLE_BITS,
} from "./memory";
import { HUFFMAN_END } from "./huffman";

/** u32: the stream position of the byte at DEFLATE_AT. */
const POSITION = DEFLATE_PRIVATE;
/** u32: how many bytes before DEFLATE_AT are not in the table yet, because their next bytes had not arrived. */
const UNINDEXED = DEFLATE_PRIVATE + 4;
/** The end of the matcher's fields in a slot. */
export const MATCHER_PRIVATE_END = DEFLATE_PRIVATE + 8;

/** The number of bytes that are hashed, and the minimum length of a match. */
export const MIN_MATCH: u32 = 4;
const MAX_MATCH: usize = 258;

/** u16 each: the positions that find() took from a bucket. */
const CANDIDATES: usize = (HUFFMAN_END + 15) & ~15;
export const MATCHER_END: usize = CANDIDATES + DEFLATE_BUCKET_SIZE;

// Effort, from the level. ---------------------------------------------------------------------------

/** How many positions of a bucket are tried: 2, 4 or 8. */
let ways: u32 = 0;
/** A match of this many bytes is good enough: the rest of the bucket is skipped. */
let nice: u32 = 0;
/** A shorter match is dropped for a better one that starts up to `looks` bytes later. */
export let lazy: u32 = 0;
export let looks: u32 = 0;
/** In a longer match, only every fourth byte is indexed. */
let dense: u32 = 0;

/** Each level compresses better than the previous one, on average, and takes longer. */
function setEffort(level: u32): void {
  ways = level < 2 ? 2 : level < 5 ? 4 : 8;
  nice = level < 4 || level == 5 ? 32 : level == 4 ? 64 : level < 8 ? 128 : 258;
  lazy = nice >> 1;
  looks = level < 3 ? 0 : level < 7 ? 1 : 2;
  dense = level < 2 ? 16 : level < 3 ? 32 : 258;
}

// The current slot. --------------------------------------------------------------------------------

let table: usize = 0;
let hashShift: u32 = 0;
let base: usize = 0;
let reach: usize = 0;
/** Add this to an address to get its position. */
let toPosition: u32 = 0;
let end: usize = 0;
/** The first byte that is not in the table. */
let unindexed: usize = 0;
/** Bytes from here on cannot be indexed, because too few bytes follow them. */
export let indexEnd: usize = 0;

function open(slot: usize, dataEnd: usize): void {
  table = slot + DEFLATE_TABLE;
  hashShift = 32 - load<u32>(slot, DEFLATE_TABLE_BITS);
  base = load<u32>(slot, DEFLATE_BASE);
  reach = load<u32>(slot, DEFLATE_REACH);
  toPosition = load<u32>(slot, POSITION) - load<u32>(slot, DEFLATE_AT);
  end = dataEnd;
  indexEnd = dataEnd - (MIN_MATCH - 1);
}

/** Empties the slot's table. */
export function clear(slot: usize): void {
  memory.fill(slot + DEFLATE_TABLE, 0, <usize>DEFLATE_BUCKET_SIZE << load<u32>(slot, DEFLATE_TABLE_BITS));
  store<u32>(slot, 0, UNINDEXED);
}

/** Empties the slot's table, and indexes the history between DEFLATE_BASE and DEFLATE_AT. */
export function reindex(slot: usize): void {
  clear(slot);
  const at: usize = load<u32>(slot, DEFLATE_AT);
  open(slot, at);
  unindexed = base;
  indexUpTo(at);
  store<u32>(slot, <u32>(at - unindexed), UNINDEXED);
}

/** Moves DEFLATE_AT to `to`, as if the bytes before it had been compressed. */
export function append(slot: usize, to: usize): void {
  const at: usize = load<u32>(slot, DEFLATE_AT);
  open(slot, to);
  unindexed = max(at - load<u32>(slot, UNINDEXED), base);
  indexUpTo(to);
  endMatcher(slot);
  store<u32>(slot, <u32>to, DEFLATE_AT);
}

/** Prepares for the segment from DEFLATE_AT to `segmentEnd`. */
export function startMatcher(slot: usize, segmentEnd: usize): void {
  open(slot, segmentEnd);
  setEffort(load<u32>(slot, DEFLATE_LEVEL));
  const at: usize = load<u32>(slot, DEFLATE_AT);
  unindexed = max(at - load<u32>(slot, UNINDEXED), base);
  indexUpTo(at);
}

/** Ends the segment. The next one starts there. */
export function endMatcher(slot: usize): void {
  store<u32>(slot, <u32>end + toPosition, POSITION);
  store<u32>(slot, <u32>(end - unindexed), UNINDEXED);
}

// Matches. -----------------------------------------------------------------------------------------

// A match is a number: its length from bit 16 on, plus 2^16 minus its distance. The greater of two matches is the
// longer one or, if they are equally long, the nearer one.

// @ts-ignore: decorator
@inline
export function matchLength(match: u32): u32 {
  return match >> 16;
}

// @ts-ignore: decorator
@inline
export function matchDistance(match: u32): u32 {
  return 0x10000 - (match & 0xffff);
}

// @ts-ignore: decorator
@inline
function bucketOf(bytes: u32): usize {
  return table + (<usize>((bytes * 0x9e3779b1) >> hashShift) << 4);
}

/** Inserts the position of `p` at the front of its bucket. The last position drops out. */
// @ts-ignore: decorator
@inline
function insert(bucket: usize, entries: v128, p: usize): void {
  const position = i16x8.splat(<i16>(<u32>p + toPosition));
  v128.store(bucket, i8x16.shuffle(entries, position, 16, 17, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
}

function indexUpTo(to: usize): void {
  const stop = min(to, indexEnd);
  let p = unindexed;
  for (; p < stop; p++) {
    const bucket = bucketOf(load<u32>(p));
    insert(bucket, v128.load(bucket), p);
  }
  unindexed = p;
}

/** Indexes the rest of a match that ends at `to`. */
export function indexMatch(length: u32, to: usize): void {
  if (length <= dense) {
    indexUpTo(to);
    return;
  }
  const stop = min(to, indexEnd);
  for (let p = unindexed; p < stop; p += 4) {
    const bucket = bucketOf(load<u32>(p));
    insert(bucket, v128.load(bucket), p);
  }
  unindexed = max(unindexed, stop);
}

/**
 * Returns the greater of `best` and the match of a candidate with the next 16 bytes. A bit in `stop` means that the
 * byte must not match.
 */
// @ts-ignore: decorator
@inline
function probe(p: usize, bytes: v128, stop: u32, offset: u32, best: u32): u32 {
  const same = i8x16.bitmask(i8x16.eq(bytes, v128.load(p - 0x10000 + offset)));
  return max(best, (ctz<u32>(~same | stop) << 16) | offset);
}

/**
 * Indexes `p`, which is before indexEnd, and finds its best match.
 * @returns the match, or 0 if none is longer than `length`, which is at least MIN_MATCH - 1
 */
// @ts-ignore: decorator
@inline
export function find(p: usize, length: u32): u32 {
  const bytes = v128.load(p);
  const bucket = bucketOf(load<u32>(p));
  const entries = v128.load(bucket);
  insert(bucket, entries, p);
  unindexed = p + 1;
  const farthest = min(reach, p - base);
  if (!farthest) return 0;

  // Replace distances out of reach with 1, which is always in reach, so that every candidate is valid. This avoids a
  // branch that the processor would mispredict half of the time.
  const offsets = i16x8.sub(entries, i16x8.splat(<i16>(<u32>p + toPosition)));
  const candidates = v128.or(offsets, i16x8.lt_u(offsets, i16x8.splat(<i16>-<i32>farthest)));
  // Bytes from `end` on count as different, because the choice must not depend on them.
  const left = end - p;
  const stop: u32 = ~0 << min<u32>(<u32>left, 16);
  let best: u32 = 0;
  best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 0), best);
  best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 1), best);
  if (ways > 2) {
    best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 2), best);
    best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 3), best);
  }
  if (ways > 4) {
    best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 4), best);
    best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 5), best);
    best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 6), best);
    best = probe(p, bytes, stop, <u32>i16x8.extract_lane_u(candidates, 7), best);
  }
  if (matchLength(best) == 16) {
    v128.store(CANDIDATES, candidates);
    best = longest(p, bytes, max(length, 15));
  }
  return matchLength(best) > length ? best : 0;
}

/** Returns the best of CANDIDATES that is longer than `length`, which is at least 15; or 0. */
function longest(p: usize, bytes: v128, length: u32): u32 {
  const most = min(end - p, MAX_MATCH);
  let best: u32 = 0;
  if (length >= <u32>most) return 0;
  for (let way: u32 = 0; way < ways; way++) {
    const offset: u32 = load<u16>(CANDIDATES + (way << 1));
    const q = p - 0x10000 + offset;
    // A longer match must also agree in these bytes.
    if (load<u32>(q + length - 3) != load<u32>(p + length - 3) || !i8x16.all_true(i8x16.eq(bytes, v128.load(q)))) continue;
    const matched = <u32>min(matchFrom(p, q, most), most);
    if (matched <= length) continue;
    length = matched;
    best = (matched << 16) | offset;
    if (matched >= nice || matched == <u32>most) break;
  }
  return best;
}

/**
 * Returns how many bytes at `p` and `q` are equal. The caller knows that at least 16 are. The result may exceed `most`.
 */
// @ts-ignore: decorator
@inline
function matchFrom(p: usize, q: usize, most: usize): usize {
  for (let i: usize = 16; i < most; i += 8) {
    const difference = load<u64>(p + i) ^ load<u64>(q + i);
    if (difference) return i + <usize>(ctz<u64>(difference) >> 3);
  }
  return most;
}
