// Numbers of what is written. In a file with nothing else: only then is what imports them bundled with literals.

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
