/** A line of the processor's cache, in bytes. */
const LINE: usize = 64;

/**
 * Has the processor fetch what lies between two addresses into its cache, one line after the other. A codec that finds a window
 * and a table in main memory would fetch the same lines one by one, in no order, and wait for each.
 * @returns a number that means nothing: without it nothing would be read
 */
export function warm(from: usize, to: usize): u32 {
  let sum: u32 = 0;
  for (let p = from; p < to; p += LINE) sum += load<u32>(p);
  return sum;
}
