// Masks payloads outside whole frames (RFC 6455 §5.3).

import { WINDOW, WINDOW_SIZE } from "../../assembly/memory.ts";
import { enginesFor, type Engines } from "../core/engines.ts";
import { asBytes, type Bytes } from "./bytes.ts";
import { keyNumber } from "./keys.ts";

/** Payloads of up to this many bytes are XORed here, because copying them to the core and back takes longer. */
export const SHORT = 96;

/** Writes `payload`, XORed with the key, to `target` from `at` on. Both may be the same memory. @internal */
export function maskInto(engines: Engines, payload: Uint8Array, key: number, target: Uint8Array, at: number): void {
  const core = engines.enter();
  try {
    for (let done = 0; done < payload.length; done += WINDOW_SIZE) {
      // WINDOW_SIZE is a multiple of four, so each slice begins with the first byte of the key.
      const slice = payload.subarray(done, done + WINDOW_SIZE);
      core.bytes.set(slice, WINDOW);
      core.mask(WINDOW, slice.length, key);
      target.set(core.bytes.subarray(WINDOW, WINDOW + slice.length), at + done);
    }
  } finally {
    engines.leave();
  }
}

/**
 * XORs bytes with a masking-key, in place (RFC 6455 §5.3). This masks bytes that are not masked, and unmasks bytes that
 * are. FrameDecoder and FrameEncoder do this for you; use mask() to forward frames or to build your own. To change from
 * one mask to another in one pass, use the XOR of the two keys.
 *
 * @param data a payload, or a part of one, in any form of bytes. It is changed in place, also in shared memory, and
 *   stays yours
 * @param maskKey four bytes
 * @param position offset of `data` in the payload, in bytes. Default 0
 * @throws TypeError if data is not bytes, or maskKey does not have four bytes
 * @throws RangeError if position is not a whole number, 0 or more
 */
export function mask(data: Bytes, maskKey: Bytes, position: number = 0): void {
  const bytes = asBytes(data);
  if (!Number.isSafeInteger(position) || position < 0)
    throw new RangeError("position must be a whole number, 0 or more");
  const key = keyNumber(maskKey);
  const turn = (position & 3) << 3;
  const turned = (key >>> turn) | (key << (32 - turn));
  if (bytes.length > SHORT) {
    maskInto(enginesFor(), bytes, turned, bytes, 0);
    return;
  }
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= turned >> ((i & 3) << 3);
}
