import { asBytes, type Bytes } from "./bytes.ts";
import type { MaskKeySource } from "./options.ts";

/** How many masking-keys one call of getRandomValues creates. */
const POOL_KEYS = 2048;
const RULE = "maskKey must have four bytes";

let pool: Int32Array<ArrayBuffer> | undefined;
let used = POOL_KEYS;

/** Returns the thread's pool of keys. The next `count` keys start at `used`. */
function poolWith(count: number): Int32Array {
  pool ??= new Int32Array(POOL_KEYS);
  if (used + count > POOL_KEYS) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return pool;
}

/**
 * Moves `count` keys, at most POOL_KEYS, from the thread's pool to `target`. Each key is used once.
 * @internal
 */
export function takeKeys(target: Int32Array, at: number, count: number): void {
  const keys = poolWith(count);
  target.set(keys.subarray(used, used + count), at);
  used += count;
}

/** Returns the key of the next frame. @throws TypeError @internal */
export function nextKey(source: MaskKeySource | undefined): number {
  if (source === undefined) return poolWith(1)[used++]!;
  if (typeof source !== "function") return keyNumber(source);
  const key = new Uint8Array(4);
  return keyNumber(source(key) ?? key);
}

/** Converts a masking-key to the core's little-endian number. @throws TypeError @internal */
export function keyNumber(maskKey: Bytes): number {
  const key = asBytes(maskKey, RULE);
  if (key.length !== 4) throw new TypeError(RULE);
  return (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0;
}
