import { BIT_MASK } from "../../assembly/memory.ts";

/**
 * Writes the header of a frame (RFC 6455 §5.2), with the masking-key if there is one, to the front of `target`.
 * Returns its length.
 * @internal
 */
export function writeHeader(target: Uint8Array, first: number, length: number, key: number | undefined): number {
  let at = 2;
  let short = length;
  if (length >= 65536) {
    short = 127;
    at = 10;
    for (let i = 9, rest = length; i > 1; i--, rest = Math.floor(rest / 256)) target[i] = rest;
  } else if (length > 125) {
    short = 126;
    at = 4;
    target[2] = length >> 8;
    target[3] = length;
  }
  target[0] = first;
  target[1] = key === undefined ? short : short | BIT_MASK;
  if (key !== undefined) for (let shift = 0; shift < 32; shift += 8) target[at++] = key >>> shift;
  return at;
}
