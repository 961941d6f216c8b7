// The memory map of the core, and every number that its two sides share.
//
// Portable: the AssemblyScript core and src/core/ both import this file, so each offset and flag is defined once. All
// offsets and sizes are in bytes; all fields are little-endian.
//
//   STATE     the state of a connection, before and after a call
//   KEYS      unused masking-keys, for the encoder
//   UNITS     the same place, for the decoder: the lengths of texts
//   TABLE     records: the result of decode(), or the frames that encode() should write
//   WINDOW    input: a slice of a chunk to decode, or payloads to encode, end to end
//   LANDING   a window that a transport may read into (FrameDecoder.reserve)
//   OUTPUT    output: unmasked payloads, end to end, or serialized frames
//   SHARED    only in a large memory: a window that all sockets of a thread read into

/** 64 KiB pages of the core's memory. Its size is fixed as soon as there are views of it. */
export const MEMORY_PAGES = 4;
export const MEMORY_SIZE = 262144;
/** The pages of a core with a SHARED window. Its OUTPUT is as large as SHARED. */
export const LARGE_PAGES = 19;
export const LARGE_SIZE = 1245184;

// STATE, from address 0. ------------------------------------------------------------------------

/** u32: CONFIG_* bits. In. */
export const STATE_CONFIG = 0;
/** u32: MESSAGE_* bits of the open fragmented message. In and out. */
export const STATE_MESSAGE = 4;
/** u32: the position in a UTF-8 sequence, 0 between characters. In and out. */
export const STATE_UTF8 = 8;
/** u32: record flags of the frame whose payload is incomplete, or 0. In and out. */
export const STATE_FRAME = 12;
/** u32: its masking-key, rotated so that the first byte is for the next payload byte. In and out. */
export const STATE_KEY = 16;
/** u32: how many bytes of a Close's code have been read (low byte), and the first of them (next byte). In and out. */
export const STATE_CLOSE = 20;
/** f64: payload bytes of the incomplete frame that have not arrived yet. In and out. */
export const STATE_REMAINING = 24;
/** f64: the longest payload that a frame may have. In. */
export const STATE_MAX_PAYLOAD = 32;
/** u32: the address after the last byte that was used. Out. */
export const STATE_CONSUMED = 40;
/** u32: ERROR_*, or 0. Out. */
export const STATE_ERROR = 44;
/** u32: the address of the faulty byte. Out. */
export const STATE_ERROR_AT = 48;
/** u32: how many payload bytes a run of several texts may have. In, with CONFIG_STRINGS. */
export const STATE_SLACK = 52;

// CONFIG bits: the role, the RSV bits that an extension owns (in place, as in a frame's first byte), and one bit for
// each check that is relaxed.

/** The role is server, so frames must be masked. */
export const CONFIG_SERVER = 1;
export const CONFIG_ALLOW_UNMASKED = 2;
export const CONFIG_ALLOW_MASKED = 4;
export const CONFIG_ALLOW_NON_MINIMAL_LENGTH = 8;
/** 0x10 to 0x40: RSV3, RSV2, RSV1. */
export const CONFIG_RSV = 112;
export const CONFIG_ALLOW_INVALID_UTF8 = 128;
export const CONFIG_ALLOW_INVALID_CLOSE = 256;
/** Put the payloads in OUTPUT, end to end, instead of unmasking them in place. */
export const CONFIG_COMPACT = 512;
/**
 * Consecutive whole text messages are a run: one record with FLAG_TEXT, and the length of each string in UNITS. Only
 * with CONFIG_COMPACT.
 */
export const CONFIG_STRINGS = 1024;

// MESSAGE bits.

/** A fragmented message is open: a continuation is required, a new data frame forbidden. */
export const MESSAGE_OPEN = 1;
/** The open message is text, and checked for UTF-8. */
export const MESSAGE_TEXT = 2;
/** A Close has been read completely. Later bytes are not frames. */
export const MESSAGE_CLOSED = 4;

// TABLE: 16 bytes per record. -------------------------------------------------------------------

export const RECORD_SIZE = 16;
export const MAX_RECORDS = 2048;

/** u32: FLAG_* bits. */
export const RECORD_FLAGS = 0;
/** u32: address of the record's payload bytes. */
export const RECORD_PAYLOAD = 4;
/** u32: number of payload bytes. */
export const RECORD_LENGTH = 8;
/** u32: with FLAG_TEXT, the address after the lengths of its messages in UNITS. */
export const RECORD_UNITS_END = 12;
/** u32: without FLAG_TEXT, the address of the payload bytes in the window, before they were moved. */
export const RECORD_FROM = 12;

/** The frame's first byte: FIN, RSV1 to RSV3, opcode. */
export const FLAG_FIRST_BYTE = 255;
/** Length of the header, 2 to 14, starting at this bit. */
export const FLAG_HEADER_SHIFT = 8;
export const FLAG_HEADER_MASK = 15;
export const FLAG_MASKED = 4096;
/** The frame starts with this record: its header is before the payload. */
export const FLAG_START = 8192;
/** The frame ends with this record. */
export const FLAG_END = 16384;
/** A run of text messages, each in one frame, whole and checked. */
export const FLAG_TEXT = 32768;
/** With FLAG_TEXT: some of it is not ASCII. */
export const FLAG_WIDE = 65536;
/**
 * A whole message of at most 125 bytes, all below 0x80, in one frame that is masked as the role requires. This is a
 * hint: the portable core does not set it.
 */
export const FLAG_ASCII = 131072;

// Records that encode() reads are one u32: the length in the low 16 bits, the frame's first byte above it, and these.

export const ENCODE_LENGTH = 65535;
export const ENCODE_FIRST_BYTE_SHIFT = 16;
/** The length is in UTF-16 code units of the UTF-8 in WINDOW, not in bytes. */
export const ENCODE_UNITS = 16777216;

// Regions. ---------------------------------------------------------------------------------------

export const KEYS = 128;
/** u32 per text: its length in UTF-16 code units. */
export const UNITS = 128;
export const MAX_UNITS = 2048;
export const TABLE = 8320;
// 64 bytes before each window are free, for a header that was cut by the end of the previous chunk.
export const WINDOW_SIZE = 65536;
export const WINDOW = 41216;
export const LANDING = 106880;
export const OUTPUT = 172544;
/** The rest of the memory except 64 bytes, so that a vector that starts inside also ends inside. */
export const OUTPUT_SIZE = 89536;
export const SHARED = 696960;
export const SHARED_SIZE = 524288;

// Error numbers. src/frame/errors.ts gives each one its code, close code and rule. ------------------

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
