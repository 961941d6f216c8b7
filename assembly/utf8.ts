// UTF-8 validation (RFC 3629, RFC 6455 §8.1), resumable at any byte.
//
// Between calls, the position inside a character is one u32. It is 0 between characters. Otherwise it holds how many
// bytes are still missing (bits 0 and 1), and the least and greatest value of the next byte (bits 8 to 15, 16 to 23).
// Whole vectors are checked with the lookup method of Keiser and Lemire ("Validating UTF-8 in less than one instruction
// per byte", 2021). The rest, and the exact place of an error, is checked byte by byte.

/** Not a state: the byte is not allowed here. */
const INVALID: u32 = 0xffffffff;
const CONTINUATION: u32 = 0xbf8000;

/** After validate() returned false: the address of the first byte that cannot be part of a character. */
export let invalidAt: usize = 0;
/** After validate() returned true: the state after the last byte. */
export let utf8State: u32 = 0;

function step(state: u32, byte: u32): u32 {
  if (state == 0) {
    if (byte < 0x80) return 0;
    if (byte - 0xc2 < 0x1e) return CONTINUATION | 1;
    if (byte - 0xe0 < 0x10) {
      if (byte == 0xe0) return 0xbfa000 | 2;
      return (byte == 0xed ? 0x9f8000 : CONTINUATION) | 2;
    }
    if (byte - 0xf0 < 5) {
      if (byte == 0xf0) return 0xbf9000 | 3;
      return (byte == 0xf4 ? 0x8f8000 : CONTINUATION) | 3;
    }
    return INVALID;
  }
  if (byte < ((state >> 8) & 0xff) || byte > state >> 16) return INVALID;
  const left = (state & 3) - 1;
  return left ? CONTINUATION | left : 0;
}

// The possible errors of a pair of bytes. There is a table for each of three nibbles, with the errors that the nibble
// allows. An error that all three nibbles allow has occurred.
const TOO_SHORT: i8 = 1;
const TOO_LONG: i8 = 2;
const OVERLONG_3: i8 = 4;
const TOO_LARGE: i8 = 8;
const SURROGATE: i8 = 16;
const OVERLONG_2: i8 = 32;
const TOO_LARGE_1000: i8 = 64;
const OVERLONG_4: i8 = 64;
const TWO_CONTINUATIONS: i8 = -128;
const ANY_LOW: i8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

/** Errors of a vector, given the previous vector. Any byte that is not 0 is an error. */
// @ts-ignore: decorator
@inline
function vectorErrors(input: v128, before: v128): v128 {
  // prettier-ignore
  const firstHigh = i8x16(
    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
    TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
  // prettier-ignore
  const firstLow = i8x16(
    ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, ANY_LOW | OVERLONG_2, ANY_LOW, ANY_LOW, ANY_LOW | TOO_LARGE,
    ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
    ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
    ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000,
    ANY_LOW | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
    ANY_LOW | TOO_LARGE | TOO_LARGE_1000, ANY_LOW | TOO_LARGE | TOO_LARGE_1000);
  // prettier-ignore
  const secondHigh = i8x16(
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
  const nibble = i8x16.splat(15);
  const one = i8x16.shuffle(before, input, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  const two = i8x16.shuffle(before, input, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const three = i8x16.shuffle(before, input, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
  const pair = v128.and(
    v128.and(i8x16.swizzle(firstHigh, i8x16.shr_u(one, 4)), i8x16.swizzle(firstLow, v128.and(one, nibble))),
    i8x16.swizzle(secondHigh, i8x16.shr_u(input, 4)),
  );
  // Two bytes after a byte of 0xe0 or more, and three bytes after one of 0xf0 or more, there must be a continuation.
  const must = v128.or(
    i8x16.sub_sat_u(two, i8x16.splat(<i8>0x60)),
    i8x16.sub_sat_u(three, i8x16.splat(<i8>0x70)),
  );
  return v128.xor(v128.and(must, i8x16.splat(<i8>0x80)), pair);
}

/** Length of a character in bytes, from its first byte. */
// @ts-ignore: decorator
@inline
function characterLength(first: u32): usize {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/**
 * Returns the start of the character that crosses `end`, or `end` if there is none. Looks no further back than `start`.
 */
function boundaryBefore(start: usize, end: usize): usize {
  for (let back: usize = 1; back <= 3 && end - start >= back; back++) {
    const byte: u32 = load<u8>(end - back);
    if ((byte & 0xc0) != 0x80) {
      return characterLength(byte) > back ? end - back : end;
    }
  }
  return end;
}

/**
 * Continues validation with the bytes from `address` to `end`, in the given state.
 * @returns true with utf8State, or false with invalidAt
 */
export function validate(address: usize, end: usize, state: u32): bool {
  let p = address;
  while (state && p < end) {
    state = step(state, load<u8>(p));
    if (state == INVALID) {
      invalidAt = p;
      return false;
    }
    p++;
  }
  if (p + 16 <= end) {
    const start = p;
    let before = i32x4.splat(0);
    for (; p + 16 <= end; p += 16) {
      const input = v128.load(p);
      if (!i8x16.bitmask(v128.or(input, before))) continue;
      if (v128.any_true(vectorErrors(input, before))) break;
      before = input;
    }
    p = boundaryBefore(start, p);
  }
  for (; p < end; p++) {
    state = step(state, load<u8>(p));
    if (state == INVALID) {
      invalidAt = p;
      return false;
    }
  }
  utf8State = state;
  return true;
}

/**
 * Length of a vector of valid UTF-8 in UTF-16 code units: counts the first bytes of characters, and those beyond the
 * BMP twice.
 */
// @ts-ignore: decorator
@inline
function vectorUnits(input: v128): i32 {
  const firsts = i8x16.bitmask(i8x16.gt_s(input, i8x16.splat(-65)));
  const wide = i8x16.bitmask(i8x16.ge_u(input, i8x16.splat(<i8>0xf0)));
  return popcnt(firsts) + popcnt(wide);
}

/** Length of the valid UTF-8 from `address` to `end`, in UTF-16 code units. */
export function utf16Length(address: usize, end: usize): i32 {
  let units: i32 = 0;
  let p = address;
  for (; p + 16 <= end; p += 16) units += vectorUnits(v128.load(p));
  for (; p < end; p++) {
    const byte: u32 = load<u8>(p);
    units += i32((byte & 0xc0) != 0x80) + i32(byte >= 0xf0);
  }
  return units;
}

/**
 * Returns the address after the first `units` UTF-16 code units of the valid UTF-8 at `address`. Any bytes may follow
 * them, up to `end`.
 */
export function skipUtf16(address: usize, end: usize, units: i32): usize {
  let p = address;
  while (p + 16 <= end) {
    const inVector = vectorUnits(v128.load(p));
    // If the vector has fewer units than are left, it is inside the text. Otherwise it may reach past the text.
    if (inVector >= units) break;
    units -= inVector;
    p += 16;
  }
  const boundary = boundaryBefore(address, p);
  if (boundary < p) units += 1 + i32(load<u8>(boundary) >= 0xf0);
  p = boundary;
  while (units > 0) {
    const byte: u32 = load<u8>(p);
    p += characterLength(byte);
    units -= 1 + i32(byte >= 0xf0);
  }
  return p;
}
