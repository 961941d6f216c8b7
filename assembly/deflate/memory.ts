// The memory map of the second core, which compresses and inflates, and every number that its two sides share.
//
// Portable: assembly/deflate/ and src/deflate/core/ both import this file. All offsets and sizes are in bytes; all fields are
// little-endian.
//
//   TABLES    Huffman codes and what else serves one call
//   INPUT     compressed bytes to inflate
//   OUTPUT    compressed bytes that deflate() has made
//   INFLATE   slots, each with what inflating one connection's messages needs
//   DEFLATE   slots, each with what compressing one connection's messages needs

/** 64 KiB pages: fixed, the memory never grows. */
export const DEFLATE_PAGES = 202;

/** The farthest that a match may reach back (RFC 1951 §3.2.5). */
export const MAX_WINDOW = 32768;

// Regions. ---------------------------------------------------------------------------------------

/** Up to here inflate.ts has its tables, from here to INPUT huffman.ts and deflate.ts. */
export const DEFLATE_TABLES = 32768;
export const INPUT = 131072;
export const INPUT_SIZE = 65536;
export const OUTPUT = 197632;
export const OUTPUT_SIZE = 49152;
/** No call of deflate() may get more bytes: what it makes of them fits OUTPUT. */
export const MAX_SEGMENT = 32768;

// INFLATE: slots. ----------------------------------------------------------------------------------

export const INFLATE_SLOTS = 262144;
export const INFLATE_SLOT_SIZE = 67584;
export const INFLATE_SLOT_COUNT = 64;

// The state of a slot is its first INFLATE_STATE_SIZE bytes: 0 for a connection that has received nothing. It may be moved to
// another slot between calls, with the window.

/** u32: the address where the next input byte is. In and out. */
export const INFLATE_IN = 0;
/** u32: the address where the next output byte goes, in the slot's window. In and out. */
export const INFLATE_OUT = 4;
/** u32: the address that no output byte may reach. In. */
export const INFLATE_OUT_END = 8;
/** u32: the address of the first byte that matches may refer to. In. */
export const INFLATE_BASE = 12;
/** u32: how far matches may reach back: 256 to 32,768. In. */
export const INFLATE_REACH = 16;
/** From here on what inflate() keeps for itself: bits, mode, code lengths. To begin a message, fill it with 0. */
export const INFLATE_PRIVATE = 20;
export const INFLATE_STATE_SIZE = 640;
/** The window: history, and output after it. */
export const INFLATE_WINDOW = 1024;
export const INFLATE_WINDOW_SIZE = 65536;

// What inflate() returns; below 0 an error.

/** All input is used, and the message goes on. */
export const INFLATE_NEEDS_INPUT = 0;
/** Output has reached INFLATE_OUT_END, and there is more. */
export const INFLATE_FULL = 1;
/** The message is complete. Only with `last`. */
export const INFLATE_DONE = 2;

export const INFLATE_ERROR_BLOCK_TYPE = -1;
export const INFLATE_ERROR_STORED_LENGTH = -2;
export const INFLATE_ERROR_COUNTS = -3;
export const INFLATE_ERROR_CODE_LENGTHS = -4;
export const INFLATE_ERROR_REPEAT = -5;
export const INFLATE_ERROR_NO_END = -6;
export const INFLATE_ERROR_LITERAL_CODES = -7;
export const INFLATE_ERROR_DISTANCE_CODES = -8;
export const INFLATE_ERROR_SYMBOL = -9;
export const INFLATE_ERROR_DISTANCE = -10;
/** The input ends inside a block, or bits are left. */
export const INFLATE_ERROR_END = -11;
/** More than MAX_FINAL_BLOCKS blocks with BFINAL set, and the message goes on. */
export const INFLATE_ERROR_FINAL_BLOCKS = -12;

/** How many blocks with BFINAL set (RFC 7692 §7.2.3.4) a message may have. */
export const MAX_FINAL_BLOCKS = 64;

/** What a sync flush ends with, and a message leaves out (RFC 7692 §7.2.1): the bytes 00 00 ff ff. */
export const TAIL_SIZE = 4;
/** With `last`, this many bytes of 0 follow the tail, so that 8 bytes can be read at once. */
export const INPUT_MARGIN = 32;

// DEFLATE: slots. ----------------------------------------------------------------------------------

export const DEFLATE_SLOTS = 4587520;
/** No power of two, lest all slots compete for the same cache lines. 16 bytes after the window may be read, and are not used. */
export const DEFLATE_SLOT_SIZE = 132160;
export const DEFLATE_SLOT_COUNT = 65;

/** u32: the address of the next byte to compress, in the slot's window. In and out. */
export const DEFLATE_AT = 0;
/** u32: the address of the first byte that matches may refer to. In. */
export const DEFLATE_BASE = 4;
/** u32: how far matches may reach back: 1 to 32,768. In. */
export const DEFLATE_REACH = 8;
/** u32: 0 (stored) to 9 (slowest). In. */
export const DEFLATE_LEVEL = 12;
/** u32: the table has 2 to the power of this many buckets: DEFLATE_LEAST_BITS to DEFLATE_MOST_BITS. In. */
export const DEFLATE_TABLE_BITS = 16;
/** From here on what deflate() keeps for itself: the position in the stream, bits that do not fill a byte. 0 to begin with. */
export const DEFLATE_PRIVATE = 20;
export const DEFLATE_STATE_SIZE = 128;
/** The match table: buckets of 8 positions, as many as DEFLATE_TABLE_BITS says. An eighth of the bytes to be found is enough. */
export const DEFLATE_TABLE = 128;
export const DEFLATE_BUCKET_SIZE = 16;
export const DEFLATE_LEAST_BITS = 6;
export const DEFLATE_MOST_BITS = 12;
export const DEFLATE_TABLE_SIZE = 65536;
export const DEFLATE_WINDOW = 65728;
export const DEFLATE_WINDOW_SIZE = 65536;

// How deflate() ends.

/** The message goes on: bits that do not fill a byte stay in the slot. */
export const FLUSH_NONE = 0;
/** All bytes so far can be inflated: an empty stored block is added, the bytes 00 00 ff ff included. */
export const FLUSH_SYNC = 1;
/** The message ends (RFC 7692 §7.2.1): the same without these four bytes. */
export const FLUSH_END = 2;
