// Writes bits to OUTPUT, the lowest first (RFC 1951 §3.1.1).

import { OUTPUT } from "./memory";

/** Where the next whole byte goes. */
export let output: usize = OUTPUT;
/** Bits that do not fill a byte yet, and how many: 0 to 7. */
export let pendingBits: u64 = 0;
export let pendingCount: u32 = 0;

/** Starts over at OUTPUT, after bits that an earlier call has left. */
export function startWriter(bits: u64, count: u32): void {
  output = OUTPUT;
  pendingBits = bits;
  pendingCount = count;
}

/** Goes on after bits that a loop has written with registers of its own. */
export function continueWriter(address: usize, bits: u64, count: u32): void {
  output = address;
  pendingBits = bits;
  pendingCount = count;
}

/** Writes up to 57 bits. Up to 8 bytes from `output` on are overwritten. */
export function put(bits: u64, count: u32): void {
  const all = pendingBits | (bits << pendingCount);
  const total = pendingCount + count;
  store<u64>(output, all);
  output += total >> 3;
  pendingBits = all >> (total & 0x38);
  pendingCount = total & 7;
}

/** Fills the last byte up with 0. */
export function alignToByte(): void {
  put(0, -pendingCount & 7);
}

/** Writes bytes; only after alignToByte(). */
export function putBytes(from: usize, length: usize): void {
  memory.copy(output, from, length);
  output += length;
}
