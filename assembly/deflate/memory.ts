// The memory map of the second core, which deflates and inflates, and every number that its two sides share.
//
// Portable: assembly/deflate/ and src/deflate/core/ both import this file. All offsets and sizes are in bytes; all
// fields are little-endian.
//
//   TABLES    Huffman codes, and other tables for a single call
//   INPUT     compressed bytes to inflate
//   OUTPUT    compressed bytes from deflate()
//   INFLATE   slots, each with the state and window to inflate the messages of a connection
//   DEFLATE   slots, each with the state and window to compress the messages of a connection

/** 64 KiB pages of the memory, which never grows. */
export const DEFLATE_PAGES = 202;

/** The maximum distance of a match (RFC 1951 §3.2.5). */
export const MAX_WINDOW = 32768;

// Regions. ---------------------------------------------------------------------------------------

/** inflate.ts has its tables before this address. huffman.ts and deflate.ts have theirs from here to INPUT. */
export const DEFLATE_TABLES = 32768;
export const INPUT = 131072;
export const INPUT_SIZE = 65536;
export const OUTPUT = 197632;
export const OUTPUT_SIZE = 49152;
/** The maximum input of one call of deflate(), so that its result fits OUTPUT. */
export const MAX_SEGMENT = 32768;

// INFLATE: slots. ----------------------------------------------------------------------------------

export const INFLATE_SLOTS = 262144;
export const INFLATE_SLOT_SIZE = 67584;
export const INFLATE_SLOT_COUNT = 64;

// The first INFLATE_STATE_SIZE bytes of a slot are its state: all 0 for a connection that has received nothing. Between
// calls, state and window may be moved to another slot.

/** u32: the address of the next input byte. In and out. */
export const INFLATE_IN = 0;
/** u32: the address of the next output byte, in the slot's window. In and out. */
export const INFLATE_OUT = 4;
/** u32: the address at which output must stop. In. */
export const INFLATE_OUT_END = 8;
/** u32: the address of the first byte that matches may refer to. In. */
export const INFLATE_BASE = 12;
/** u32: the maximum distance of a match: 256 to 32,768. In. */
export const INFLATE_REACH = 16;
/** Private fields of inflate() start here: bits, mode, code lengths. Fill them with 0 to start a message. */
export const INFLATE_PRIVATE = 20;
export const INFLATE_STATE_SIZE = 640;
/** The window: history, followed by output. */
export const INFLATE_WINDOW = 1024;
export const INFLATE_WINDOW_SIZE = 65536;

// Results of inflate(). Negative ones are errors.

/** All input has been used, and the message continues. */
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
/** The input ends inside a block, or bits are left over. */
export const INFLATE_ERROR_END = -11;
/** More than MAX_FINAL_BLOCKS blocks with BFINAL set, and the message continues. */
export const INFLATE_ERROR_FINAL_BLOCKS = -12;

/** The maximum number of blocks with BFINAL set (RFC 7692 §7.2.3.4) in a message. */
export const MAX_FINAL_BLOCKS = 64;

/** The end of a sync flush, which a message omits (RFC 7692 §7.2.1): the bytes 00 00 ff ff. */
export const TAIL_SIZE = 4;
/** With `last`, this many zero bytes follow the tail, so that 8 bytes can be read at once. */
export const INPUT_MARGIN = 32;

// DEFLATE: slots. ----------------------------------------------------------------------------------

export const DEFLATE_SLOTS = 4587520;
/**
 * Not a power of two, so that slots do not compete for the same cache lines. 16 bytes after the window may be read, but
 * are not used.
 */
export const DEFLATE_SLOT_SIZE = 132160;
export const DEFLATE_SLOT_COUNT = 65;

/** u32: the address of the next byte to compress, in the slot's window. In and out. */
export const DEFLATE_AT = 0;
/** u32: the address of the first byte that matches may refer to. In. */
export const DEFLATE_BASE = 4;
/** u32: the maximum distance of a match: 1 to 32,768. In. */
export const DEFLATE_REACH = 8;
/** u32: 0 (stored) to 9 (slowest). In. */
export const DEFLATE_LEVEL = 12;
/** u32: the table has 2 to the power of this many buckets: DEFLATE_LEAST_BITS to DEFLATE_MOST_BITS. In. */
export const DEFLATE_TABLE_BITS = 16;
/** Private fields of deflate() start here: the position in the stream, bits that do not fill a byte. Initially 0. */
export const DEFLATE_PRIVATE = 20;
export const DEFLATE_STATE_SIZE = 128;
/**
 * The match table: buckets of 8 positions, as many as DEFLATE_TABLE_BITS says. One bucket per eight bytes of history is
 * enough.
 */
export const DEFLATE_TABLE = 128;
export const DEFLATE_BUCKET_SIZE = 16;
export const DEFLATE_LEAST_BITS = 6;
export const DEFLATE_MOST_BITS = 12;
export const DEFLATE_TABLE_SIZE = 65536;
export const DEFLATE_WINDOW = 65728;
export const DEFLATE_WINDOW_SIZE = 65536;

// How deflate() ends.

/** The message continues: bits that do not fill a byte stay in the slot. */
export const FLUSH_NONE = 0;
/** All bytes so far can be inflated: adds an empty stored block, including the bytes 00 00 ff ff. */
export const FLUSH_SYNC = 1;
/** The message ends (RFC 7692 §7.2.1): the same without these four bytes. */
export const FLUSH_END = 2;
