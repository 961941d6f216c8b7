// Quickly generates streams of many short frames together with the expected result, so that no slow decoder has to run.

/** xorshift, which takes a tenth of the time of Random for many small decisions. */
export class Bits {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** 32 bits. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** A number from 0 up to, but not including, `count`. */
  below(count: number): number {
    return this.next() % count;
  }
}

const OPEN_ENDED = 0;
/** How a stream ends. */
const ENDINGS = ["as it is", "Close", "cut", "RSV", "opcode", "FIN", "mask", "length", "UTF-8"] as const;
export type Ending = (typeof ENDINGS)[number];

const LONGEST = 70_000;
/** The text from which payloads are taken, and the positions where its characters begin. */
const POOL = Buffer.from(
  `${"plain ASCII, as nearly all is: 0123456789 ".repeat(1800)}${"größe 漢字 😀 мир é ".repeat(2400)}`,
);
const ASCII_END = 1800 * 42;
const BOUNDARIES = Int32Array.from([...POOL.keys()].filter((at) => (POOL[at]! & 0xc0) !== 0x80));
const WIDE_FROM = BOUNDARIES.findIndex((at) => at >= ASCII_END);

export interface BulkStream {
  readonly server: boolean;
  /** The stream, and the same stream without masks. Both are views that are valid until the next stream is made. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly plain: Buffer;
  /** The number of complete frames. */
  readonly count: number;
  readonly firstBytes: Uint8Array;
  readonly keys: Int32Array;
  readonly payloadOffsets: Int32Array;
  readonly payloadLengths: Int32Array;
  readonly ending: Ending;
  readonly error: { readonly code: string; readonly byteOffset: number } | undefined;
}

const ROOM = 8 << 20;
const MOST_FRAMES = 20_000;
const bytes = new Uint8Array(ROOM);
const plain = Buffer.alloc(ROOM);
const firstBytes = new Uint8Array(MOST_FRAMES);
const keys = new Int32Array(MOST_FRAMES);
const payloadOffsets = new Int32Array(MOST_FRAMES);
const payloadLengths = new Int32Array(MOST_FRAMES);

/** A length from any length class, but usually short. */
function lengthFrom(bits: number): number {
  const kind = bits & 1023;
  const rest = bits >>> 10;
  if (kind < 900) return rest % 24;
  if (kind < 1000) return rest % 140;
  if (kind < 1022) return rest % 700;
  return kind === 1022 || rest & 31 ? rest % 3000 : 65530 + ((rest >>> 5) % 12);
}

export function makeBulkStream(seed: number, frames: number): BulkStream {
  const bits = new Bits(seed);
  const server = bits.below(2) === 0;
  const maskBit = server ? 0x80 : 0;
  const wide = bits.below(4) === 0;
  const ending = ENDINGS[bits.below(2) === 0 ? OPEN_ENDED : bits.below(ENDINGS.length)]!;
  let at = 0;
  let count = 0;
  /** The position of the open message in POOL, or -1 if no message is open. */
  let textAt = -1;
  let binaryOpen = false;

  const header = (first: number, length: number): void => {
    firstBytes[count] = first;
    payloadLengths[count] = length;
    bytes[at] = first;
    if (length < 126) {
      bytes[at + 1] = maskBit | length;
      at += 2;
    } else if (length < 65536) {
      bytes[at + 1] = maskBit | 126;
      bytes[at + 2] = length >> 8;
      bytes[at + 3] = length & 255;
      at += 4;
    } else {
      bytes[at + 1] = maskBit | 127;
      bytes.fill(0, at + 2, at + 6);
      bytes[at + 6] = length >> 24;
      bytes[at + 7] = (length >> 16) & 255;
      bytes[at + 8] = (length >> 8) & 255;
      bytes[at + 9] = length & 255;
      at += 10;
    }
    if (server) {
      // The key is sometimes 0, so nothing is masked.
      const key = bits.next() | 0;
      const used = (key & 63) === 0 ? 0 : key;
      keys[count] = used;
      bytes[at] = used;
      bytes[at + 1] = used >> 8;
      bytes[at + 2] = used >> 16;
      bytes[at + 3] = used >> 24;
      at += 4;
    }
    payloadOffsets[count] = at;
  };
  /** Writes a payload from POOL, which completes the frame. */
  const payload = (from: number, length: number): void => {
    const key = server ? keys[count]! : 0;
    if (length > 200) {
      plain.set(POOL.subarray(from, from + length), at);
      for (let i = 0; i < length; i++) bytes[at + i] = POOL[from + i]! ^ (key >>> ((i & 3) << 3));
    } else {
      for (let i = 0; i < length; i++) {
        const byte = POOL[from + i]!;
        plain[at + i] = byte;
        bytes[at + i] = byte ^ (key >>> ((i & 3) << 3));
      }
    }
    at += length;
    count++;
  };
  const boundary = (): number =>
    wide ? BOUNDARIES[WIDE_FROM + bits.below(BOUNDARIES.length - WIDE_FROM)]! : bits.below(ASCII_END);

  const isFull = (): boolean => count >= frames || at >= ROOM - 2 * LONGEST;
  while (!isFull()) {
    const roll = bits.next();
    const kind = roll & 127;
    if (kind < 8) {
      const length = (roll >>> 7) % 126;
      header(0x80 | (kind & 1 ? 9 : 10), length);
      payload(0, length);
    } else if (textAt >= 0 || binaryOpen) {
      let length = Math.min(lengthFrom(bits.next()), POOL.length - Math.max(textAt, 0));
      const ends = kind < 64 || textAt + length >= POOL.length - 4;
      if (textAt >= 0 && ends)
        while (textAt + length < POOL.length && (POOL[textAt + length]! & 0xc0) === 0x80) length++;
      header(ends ? 0x80 : 0, length);
      payload(Math.max(textAt, 0), length);
      if (textAt >= 0) textAt += length;
      if (ends) {
        textAt = -1;
        binaryOpen = false;
      }
    } else {
      const binary = kind < 40;
      const fin = kind & 7 ? 0x80 : 0;
      const from = binary ? (roll >>> 7) % (POOL.length - LONGEST) : boundary();
      let length = Math.min(lengthFrom(bits.next()), POOL.length - from);
      if (!binary && fin) while (from + length < POOL.length && (POOL[from + length]! & 0xc0) === 0x80) length++;
      header(fin | (binary ? 2 : 1), length);
      payload(from, length);
      if (!fin && binary) binaryOpen = true;
      else if (!fin) textAt = from + length;
    }
  }

  const start = at;
  let error: BulkStream["error"];
  const failed = (code: string, byteOffset: number): void => {
    error = { code, byteOffset };
  };
  const isOpen = textAt >= 0 || binaryOpen;
  if (ending === "Close") {
    header(0x88, 0);
    payload(0, 0);
    // Bytes after a Close are ignored.
    for (const end = at + bits.below(40); at < end; at++) bytes[at] = bits.next();
  } else if (ending === "cut") {
    header(0x82 & (isOpen ? 0x80 : 0xff), 100);
    at = start + 1 + bits.below(at - start);
  } else if (ending === "RSV") {
    const rsv = 1 + bits.below(7);
    header(0x89 | (rsv << 4), 3);
    failed(rsv & 3 ? "WS_ERR_UNEXPECTED_RSV_2_3" : "WS_ERR_UNEXPECTED_RSV_1", start);
  } else if (ending === "opcode") {
    header(0x80 | (isOpen ? 1 + bits.below(7) : [0, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15][bits.below(11)]!), 3);
    failed("WS_ERR_INVALID_OPCODE", start);
  } else if (ending === "FIN") {
    header(8 + bits.below(3), 3);
    failed("WS_ERR_EXPECTED_FIN", start);
  } else if (ending === "mask") {
    header(0x89, 3);
    bytes[start + 1]! ^= 0x80;
    failed(server ? "WS_ERR_EXPECTED_MASK" : "WS_ERR_UNEXPECTED_MASK", start + 1);
  } else if (ending === "length") {
    const control = bits.below(2) === 0;
    header(control ? 0x88 + bits.below(3) : isOpen ? 0x80 : 0x82, 200);
    if (!control) {
      bytes[start + 2] = 0;
      bytes[start + 3] = bits.below(126);
    }
    failed(control ? "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH" : "WS_ERR_NON_MINIMAL_LENGTH", start + (control ? 1 : 3));
  } else if (ending === "UTF-8" && !isOpen) {
    header(0x81, 40);
    const wrong = bits.below(40);
    const key = server ? keys[count]! : 0;
    for (let i = 0; i < 40; i++) bytes[at + i] = (i === wrong ? 0xff : 0x61) ^ (key >>> ((i & 3) << 3));
    failed("WS_ERR_INVALID_UTF8", at + wrong);
    at += 40;
  }
  return {
    server,
    bytes: bytes.subarray(0, at),
    plain,
    count,
    firstBytes,
    keys,
    payloadOffsets,
    payloadLengths,
    ending,
    error,
  };
}
