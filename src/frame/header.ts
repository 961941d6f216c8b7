import { BIT_MASK } from "../../assembly/memory.ts";

/**
 * Writes the header of a frame (RFC 6455 §5.2) to `target` at `from`, with the masking-key if there is one. Returns its
 * end.
 * @internal
 */
export function writeHeader(
  target: Uint8Array,
  from: number,
  first: number,
  length: number,
  key: number | undefined,
): number {
  let at = from + 2;
  let short = length;
  if (length >= 65536) {
    short = 127;
    at = from + 10;
    for (let i = 9, rest = length; i > 1; i--, rest = Math.floor(rest / 256)) target[from + i] = rest;
  } else if (length > 125) {
    short = 126;
    at = from + 4;
    target[from + 2] = length >> 8;
    target[from + 3] = length;
  }
  target[from] = first;
  target[from + 1] = key === undefined ? short : short | BIT_MASK;
  if (key !== undefined) for (let shift = 0; shift < 32; shift += 8) target[at++] = key >>> shift;
  return at;
}
