import { BIT_MASK } from "../../assembly/memory.ts";

// Numbers here and not where they are used: what is imported becomes a literal in the bundle.

/** The longest header there is. */
export const MAX_HEADER = 14;
/** The longest payload whose length stands in the second byte, and of a control frame. */
export const MAX_SHORT = 125;
/** Payloads from this length on go their own way, past the core's window: by reference if they are not masked. */
export const LARGE = 4096;
/** The longest payload that is sent in one frame: 4 GiB - 1. */
export const MAX_PAYLOAD = 4294967295;
/** A string of n UTF-16 code units has at most 3 n bytes in UTF-8. */
export const MAX_BYTES_PER_UNIT = 3;

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
