// Writes bits to OUTPUT, the lowest bit first (RFC 1951 §3.1.1).

import { OUTPUT } from "./memory";

/** The address of the next whole byte. */
export let output: usize = OUTPUT;
/** Bits that do not fill a byte yet, and their number: 0 to 7. */
export let pendingBits: u64 = 0;
export let pendingCount: u32 = 0;

/** Starts at OUTPUT, with the bits that an earlier call left. */
export function startWriter(bits: u64, count: u32): void {
  output = OUTPUT;
  pendingBits = bits;
  pendingCount = count;
}

/** Continues after bits that a loop wrote with its own registers. */
export function continueWriter(address: usize, bits: u64, count: u32): void {
  output = address;
  pendingBits = bits;
  pendingCount = count;
}

/** Writes up to 57 bits. May overwrite up to 8 bytes from `output` on. */
export function put(bits: u64, count: u32): void {
  const all = pendingBits | (bits << pendingCount);
  const total = pendingCount + count;
  store<u64>(output, all);
  output += total >> 3;
  pendingBits = all >> (total & 0x38);
  pendingCount = total & 7;
}

/** Fills the last byte with 0 bits. */
export function alignToByte(): void {
  put(0, -pendingCount & 7);
}

/** Writes bytes. Call alignToByte() first. */
export function putBytes(from: usize, length: usize): void {
  memory.copy(output, from, length);
  output += length;
}
