// The parts of shrinking that most targets share.

/** Tells whether a smaller candidate still fails. */
export type Fails<T> = (candidate: T) => Promise<boolean>;

/**
 * The shortest list found for which `fails` is still true. It leaves out ranges, first halves and finally single items
 * (Zeller's ddmin).
 */
export async function shrinkList<T>(items: readonly T[], fails: Fails<readonly T[]>): Promise<readonly T[]> {
  let left = items;
  for (let size = Math.ceil(left.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length;) {
      const without = [...left.slice(0, at), ...left.slice(at + size)];
      if (await fails(without)) left = without;
      else at += size;
    }
  }
  return left;
}

/** The shortest bytes found, like shrinkList(). */
export async function shrinkBytes(bytes: Uint8Array, fails: Fails<Uint8Array>): Promise<Uint8Array> {
  return Uint8Array.from(await shrinkList([...bytes], (left) => fails(Uint8Array.from(left))));
}

/** The smallest integer from 0 on found for which `fails` is still true, given that it is true for `value`. */
export async function shrinkNumber(value: number, fails: Fails<number>): Promise<number> {
  let least = 0;
  let known = value;
  while (least < known) {
    const middle = Math.floor((least + known) / 2);
    if (await fails(middle)) known = middle;
    else least = middle + 1;
  }
  return known;
}

/** Leaves out the properties that are not needed for the failure. */
export async function shrinkOptions<T extends object>(options: T, fails: Fails<T>): Promise<T> {
  let left = options;
  for (const key of Object.keys(options)) {
    const without = { ...left };
    Reflect.deleteProperty(without, key);
    if (await fails(without)) left = without;
  }
  return left;
}
