const LEAST_CAPACITY = 512;

/** The capacity, in bytes, for an array that holds `length` bytes and grows up to `most`. @internal */
export function grownCapacity(length: number, most: number): number {
  let capacity = LEAST_CAPACITY;
  while (capacity < length) capacity *= 2;
  return Math.max(length, Math.min(capacity, most));
}
