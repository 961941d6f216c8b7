// Memory for payloads.

/** Shorter copies are not worth it. */
const LEAST_LENT = 4096;
/** How much memory is kept for the next copies, in bytes, for a thread. */
const MOST_KEPT = 4194304;

/** Buffers that nobody uses, by the logarithm of their sizes. */
const kept: ArrayBuffer[][] = [];
let keptBytes = 0;

/** Memory that is not zeroed: write to all of it before anybody sees it. Not a Buffer, since messages are none. @internal */
export function allocateUnsafe(length: number): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}

/** Whether lend() has memory for so many bytes that may be used again: fresh memory costs more than the copy. @internal */
export function isLent(length: number): boolean {
  return length >= LEAST_LENT && length <= MOST_KEPT / 4;
}

/** A copy in memory that is used again once giveBack() has it. @internal */
export function lend(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = bytes;
  const free = kept[classOf(length)]?.pop();
  if (free !== undefined) keptBytes -= free.byteLength;
  const copy = new Uint8Array(free ?? allocateUnsafe(2 ** classOf(length)).buffer, 0, length);
  copy.set(bytes);
  return copy;
}

/** @internal */
export function giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
  if (keptBytes + buffer.byteLength > MOST_KEPT) return;
  keptBytes += buffer.byteLength;
  (kept[classOf(buffer.byteLength)] ??= []).push(buffer);
}

function classOf(length: number): number {
  return 32 - Math.clz32(length - 1);
}
