// Sizes of frames. Nothing else is in this file, so that bundlers inline the numbers.

/** The longest possible header. */
export const MAX_HEADER = 14;
/** The longest payload whose length fits the second byte, and the longest of a control frame. */
export const MAX_SHORT = 125;
/** Payloads from this length on bypass the core's window. Unmasked ones are passed by reference. */
export const LARGE = 4096;
/** The longest payload of one frame: 4 GiB - 1. */
export const MAX_PAYLOAD = 4294967295;
/** A string of n UTF-16 code units takes at most 3 n bytes in UTF-8. */
export const MAX_BYTES_PER_UNIT = 3;
