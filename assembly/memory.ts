// The memory map of the core, and every number that its two sides share.
//
// Portable: the AssemblyScript core and src/core/ both import this file, so that an offset or a flag
// is written down once. All offsets and sizes are in bytes; all fields are little-endian.
//
//   STATE     what one call needs to know of a connection, and what it leaves of it
//   KEYS      masking-keys not used yet, for the encoder
//   UNITS     the same place, for the decoder: the lengths of texts
//   TABLE     records: what decode() found, or what encode() shall write
//   WINDOW    bytes in: a slice of a chunk to decode, or payloads to encode laid end to end
//   LANDING   a window that a transport may read into (FrameDecoder.reserve)
//   OUTPUT    bytes out: payloads unmasked and laid end to end, or serialized frames
//   SHARED    only in a large memory: a window that all sockets of a thread read into

/** 64 KiB pages of the core's memory: fixed, it never grows. */
export const MEMORY_PAGES = 4;
export const MEMORY_SIZE = 262144;
/** The same of a core with a SHARED window, for which OUTPUT is as large as that. */
export const LARGE_PAGES = 19;
export const LARGE_SIZE = 1245184;

// STATE, from address 0. ------------------------------------------------------------------------

/** u32: CONFIG_* bits. In. */
export const STATE_CONFIG = 0;
/** u32: MESSAGE_* bits, of the fragmented message that is open. In and out. */
export const STATE_MESSAGE = 4;
/** u32: where in a UTF-8 sequence the text stands, 0 at a character's boundary. In and out. */
export const STATE_UTF8 = 8;
/** u32: record flags of the frame whose payload is not complete, 0 if there is none. In and out. */
export const STATE_FRAME = 12;
/** u32: its masking-key, rotated so that its first byte is for the next payload byte. In and out. */
export const STATE_KEY = 16;
/** u32: of a Close's code, how many bytes have been read (low byte) and the first of them (next byte). In and out. */
export const STATE_CLOSE = 20;
/** f64: payload bytes of that frame that have not come yet. In and out. */
export const STATE_REMAINING = 24;
/** f64: the longest payload that a frame may have. In. */
export const STATE_MAX_PAYLOAD = 32;
/** u32: the address behind the last byte that was used. Out. */
export const STATE_CONSUMED = 40;
/** u32: ERROR_*, 0 for none. Out. */
export const STATE_ERROR = 44;
/** u32: the address of the byte with which the rule was broken. Out. */
export const STATE_ERROR_AT = 48;
/** u32: how many payload bytes a run of texts may have, if it has more than one. In, with CONFIG_STRINGS. */
export const STATE_SLACK = 52;

// CONFIG bits: the role, the RSV bits an extension owns (in place, as in a frame's first byte), and
// one bit for each check that is relaxed.

/** Frames must be masked: the role is server. */
export const CONFIG_SERVER = 1;
export const CONFIG_ALLOW_UNMASKED = 2;
export const CONFIG_ALLOW_MASKED = 4;
export const CONFIG_ALLOW_NON_MINIMAL_LENGTH = 8;
/** 0x10 to 0x40: RSV3, RSV2, RSV1. */
export const CONFIG_RSV = 112;
export const CONFIG_ALLOW_INVALID_UTF8 = 128;
export const CONFIG_ALLOW_INVALID_CLOSE = 256;
/** Lay the payloads end to end in OUTPUT instead of unmasking them where they are. */
export const CONFIG_COMPACT = 512;
/**
 * Whole text messages that follow one another are a run: one record with FLAG_TEXT, and the length of each string in
 * UNITS. Only with CONFIG_COMPACT.
 */
export const CONFIG_STRINGS = 1024;

// MESSAGE bits.

/** A fragmented message is open: a continuation must come, a new data frame must not. */
export const MESSAGE_OPEN = 1;
/** It is text that is checked for UTF-8. */
export const MESSAGE_TEXT = 2;
/** A Close has been read to its end: what follows is not frames. */
export const MESSAGE_CLOSED = 4;

// TABLE: 16 bytes a record. ---------------------------------------------------------------------

export const RECORD_SIZE = 16;
export const MAX_RECORDS = 2048;

/** u32: FLAG_* bits. */
export const RECORD_FLAGS = 0;
/** u32: address of the payload bytes of this record. */
export const RECORD_PAYLOAD = 4;
/** u32: how many payload bytes this record has. */
export const RECORD_LENGTH = 8;
/** u32: with FLAG_TEXT, the address behind the lengths of its messages in UNITS. */
export const RECORD_UNITS_END = 12;
/** u32: without FLAG_TEXT, where in the window the payload bytes stood. */
export const RECORD_FROM = 12;

/** The frame's first byte: FIN, RSV1 to RSV3, opcode. */
export const FLAG_FIRST_BYTE = 255;
/** Length of the header, 2 to 14, from this bit on. */
export const FLAG_HEADER_SHIFT = 8;
export const FLAG_HEADER_MASK = 15;
export const FLAG_MASKED = 4096;
/** The frame starts with this record: its header stands before the payload. */
export const FLAG_START = 8192;
/** The frame ends with this record. */
export const FLAG_END = 16384;
/** A run of text messages, each in one frame, whole and checked. */
export const FLAG_TEXT = 32768;
/** With FLAG_TEXT: not all of it is ASCII. */
export const FLAG_WIDE = 65536;
/**
 * A message of at most 125 bytes, none above 0x7f, in one frame as the role has them, whole. A hint: the portable core does
 * not give it.
 */
export const FLAG_ASCII = 131072;

// Records that encode() reads are one u32: the length in the low 16 bits, the frame's first byte above it, and these.

export const ENCODE_LENGTH = 65535;
export const ENCODE_FIRST_BYTE_SHIFT = 16;
/** The length is in UTF-16 code units of the UTF-8 in WINDOW, not in bytes. */
export const ENCODE_UNITS = 16777216;

// Regions. ---------------------------------------------------------------------------------------

export const KEYS = 128;
/** u32 for each text: its length in UTF-16 code units. */
export const UNITS = 128;
export const MAX_UNITS = 2048;
export const TABLE = 8320;
// On the left of each window 64 bytes are free, for a header that was cut by the end of the chunk before.
export const WINDOW_SIZE = 65536;
export const WINDOW = 41216;
export const LANDING = 106880;
export const OUTPUT = 172544;
/** What is left of the memory but for 64 bytes, so that a vector that starts inside ends inside. */
export const OUTPUT_SIZE = 89536;
export const SHARED = 696960;
export const SHARED_SIZE = 524288;

// Errors, as numbers: src/frame/errors.ts gives each its code, close code and rule. -----------------

export const ERROR_RSV_2_3 = 1;
export const ERROR_RSV_1 = 2;
export const ERROR_OPCODE = 3;
export const ERROR_CONTINUATION = 4;
export const ERROR_NOT_CONTINUATION = 5;
export const ERROR_FIN = 6;
export const ERROR_CONTROL_LENGTH = 7;
export const ERROR_CLOSE_LENGTH = 8;
export const ERROR_EXPECTED_MASK = 9;
export const ERROR_UNEXPECTED_MASK = 10;
export const ERROR_LENGTH_SIGN = 11;
export const ERROR_LENGTH_UNSAFE = 12;
export const ERROR_LENGTH_NOT_MINIMAL = 13;
export const ERROR_MAX_PAYLOAD = 14;
export const ERROR_UTF8 = 15;
export const ERROR_CLOSE_CODE = 16;

// The first byte of a frame, and opcodes (RFC 6455 §5.2). ------------------------------------------

export const BIT_FIN = 128;
export const BITS_RSV = 112;
export const BIT_RSV1 = 64;
export const BITS_OPCODE = 15;
/** Opcodes from 8 on are control frames. */
export const BIT_CONTROL = 8;
export const OPCODE_CONTINUATION = 0;
export const OPCODE_TEXT = 1;
export const OPCODE_BINARY = 2;
export const OPCODE_CLOSE = 8;
export const OPCODE_PONG = 10;
/** The second byte: MASK. */
export const BIT_MASK = 128;
