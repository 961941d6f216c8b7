/** Size of a cache line, in bytes. */
const LINE: usize = 64;

/**
 * Makes the processor fetch the bytes between two addresses into its cache, line by line. Otherwise, a codec whose
 * window and table are in main memory would fetch the same lines in random order, and wait for each.
 * @returns a meaningless number, so that the loads are not optimized away
 */
export function warm(from: usize, to: usize): u32 {
  let sum: u32 = 0;
  for (let p = from; p < to; p += LINE) sum += load<u32>(p);
  return sum;
}
