// The buffers that FrameDecoder.reserve() lends. One of them is in the core's memory. While a decoder holds it, others
// get a buffer outside and pay for a copy.

import { LANDING, WINDOW_SIZE } from "../../assembly/memory.ts";
import type { Engines } from "../core/engines.ts";

interface Borrower {
  /** Created once, because a WeakRef keeps its target alive until the running task ends. */
  readonly ref: WeakRef<object>;
  buffer: Uint8Array<ArrayBuffer> | undefined;
}

/** The holder of the landing of each engine. Weak, so that a decoder that is dropped without commit() returns it. */
const holders: WeakMap<Engines, WeakRef<object>> = /* @__PURE__ */ new WeakMap();
const borrowers: WeakMap<object, Borrower> = /* @__PURE__ */ new WeakMap();

/** @internal */
export function leaseLanding(owner: object, engines: Engines): Uint8Array<ArrayBuffer> {
  let borrower = borrowers.get(owner);
  if (borrower === undefined) {
    borrower = { ref: new WeakRef(owner), buffer: undefined };
    borrowers.set(owner, borrower);
  }
  if (borrower.buffer === undefined) {
    if (holders.get(engines)?.deref() === undefined) {
      holders.set(engines, borrower.ref);
      borrower.buffer = engines.first().bytes.subarray(LANDING, LANDING + WINDOW_SIZE);
    } else {
      borrower.buffer = new Uint8Array(WINDOW_SIZE);
    }
  }
  return borrower.buffer;
}

/**
 * Returns the filled part of the buffer.
 * @throws RangeError
 * @internal
 */
export function filledLanding(owner: object, length: number): Uint8Array<ArrayBuffer> {
  const buffer = borrowers.get(owner)?.buffer;
  if (buffer === undefined) throw new RangeError("Call reserve() first");
  if (!Number.isInteger(length) || length < 0 || length > buffer.length) {
    throw new RangeError(`length must be a whole number from 0 to ${buffer.length}`);
  }
  return buffer.subarray(0, length);
}

/** Takes the buffer back. @internal */
export function returnLanding(owner: object, engines: Engines): void {
  const borrower = borrowers.get(owner);
  if (borrower === undefined) return;
  borrower.buffer = undefined;
  if (holders.get(engines) === borrower.ref) holders.delete(engines);
}
