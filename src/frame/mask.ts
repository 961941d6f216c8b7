// Masking alone, for what is no whole frame (RFC 6455 §5.3).

import { WINDOW, WINDOW_SIZE } from "../../assembly/memory.ts";
import { enginesFor, type Engines } from "../core/engines.ts";
import { asBytes, type Bytes } from "./bytes.ts";
import { keyNumber } from "./keys.ts";

/** Up to this many bytes are XORed here: to copy them to the core and back takes longer. */
export const SHORT = 96;

/** Writes `payload`, XORed with the key, to `target` from `at` on. They may be the same. @internal */
export function maskInto(engines: Engines, payload: Uint8Array, key: number, target: Uint8Array, at: number): void {
  const core = engines.enter();
  try {
    for (let done = 0; done < payload.length; done += WINDOW_SIZE) {
      // WINDOW_SIZE is a multiple of four: each slice begins with the key's first byte.
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
 * XORs bytes with a masking-key, in place: masks what is not masked, and unmasks what is (RFC 6455 §5.3). FrameDecoder and
 * FrameEncoder do it themselves; use this to forward frames or to make your own. With the XOR of two keys, one pass takes a
 * payload from one mask to the other.
 *
 * @param data a payload, or a piece of one, in any form of bytes; yours before and after. Shared memory is changed in place
 *   too
 * @param maskKey four bytes
 * @param position how many bytes of the payload come before these. Default 0
 * @throws TypeError for data that is not bytes, and for a key that does not have four
 * @throws RangeError for a position that is not a whole number, 0 or more
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
