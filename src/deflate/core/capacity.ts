const LEAST_CAPACITY = 512;

/** How large an array to make for something that is `length` long and grows up to `most`, in bytes. @internal */
export function grownCapacity(length: number, most: number): number {
  let capacity = LEAST_CAPACITY;
  while (capacity < length) capacity *= 2;
  return Math.max(length, Math.min(capacity, most));
}
