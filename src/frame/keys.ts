import { assertBytes, type MaskKeySource } from "./options.ts";

/** How many masking-keys one call of getRandomValues makes. */
const POOL_KEYS = 2048;

let pool: Uint32Array<ArrayBuffer> | undefined;
let used = POOL_KEYS;

/** The next key of the thread's pool. Each is used once, then wiped: a later key must not be guessed from memory. */
function pooledKey(): number {
  pool ??= new Uint32Array(POOL_KEYS);
  if (used === POOL_KEYS) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const key = pool[used]!;
  pool[used++] = 0;
  return key;
}

/** The little-endian number that the core works with. @throws TypeError @internal */
export function keyNumber(key: Uint8Array): number {
  assertBytes(key, "maskKey");
  if (key.length !== 4) throw new TypeError("maskKey must have four bytes");
  return (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) >>> 0;
}

/** The key of the next frame. @throws TypeError @internal */
export function nextKey(source: MaskKeySource | undefined): number {
  if (source === undefined) return pooledKey();
  if (typeof source !== "function") return keyNumber(source);
  const key = new Uint8Array(4);
  return keyNumber(source(key) ?? key);
}
