// Streams of frames, texts and chunks for the measurements, with the same bytes in every run.

/** A small pseudo-random number generator, so that all runs measure the same bytes. */
export class Random {
  #state;

  /** @param {number} seed not 0 */
  constructor(seed = 0x2545f491) {
    this.#state = seed;
  }

  /** 0 to 2^32 - 1. */
  next() {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** @param {number} limit */
  below(limit) {
    return this.next() % limit;
  }

  /** @param {number} length */
  bytes(length) {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let i = 0; i < length; i++) bytes[i] = this.next() >>> 11;
    return bytes;
  }
}

const PRINTABLE = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.:{}"-_';
/** Characters of two, three and four bytes in UTF-8, with some ASCII. */
const MANY_SCRIPTS = [..."éüñøßçАБВГДежзийклмнопΑΒΓαβγδ日本語中文字漢한국어אבגدرس€→✓ ,.012🙂🚀"];

/**
 * The bytes of a text of `length` ASCII characters.
 * @param {Random} random
 * @param {number} length
 */
export function asciiBytes(random, length) {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < length; i++) bytes[i] = PRINTABLE.charCodeAt(random.below(PRINTABLE.length));
  return bytes;
}

/**
 * The bytes of a text of `length` characters of many scripts.
 * @param {Random} random
 * @param {number} length
 */
export function nonAsciiBytes(random, length) {
  let text = "";
  for (let i = 0; i < length; i++) text += MANY_SCRIPTS[random.below(MANY_SCRIPTS.length)];
  return Buffer.from(text);
}

/**
 * One frame, written without any of the compared libraries.
 * @param {number} opcode
 * @param {Buffer} payload
 * @param {Buffer | undefined} key masks the payload
 */
export function frame(opcode, payload, key) {
  const { length } = payload;
  const short = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const start = short + (key ? 4 : 0);
  const bytes = Buffer.allocUnsafeSlow(start + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = (key ? 0x80 : 0) | (short === 2 ? length : short === 4 ? 126 : 127);
  if (short === 4) bytes.writeUInt16BE(length, 2);
  if (short === 10) bytes.writeBigUInt64BE(BigInt(length), 2);
  if (key) key.copy(bytes, short);
  for (let i = 0; i < length; i++) bytes[start + i] = payload[i] ^ (key ? key[i & 3] : 0);
  return bytes;
}

/**
 * Flat, separate strings, like those that come from outside.
 * @param {readonly Buffer[]} payloads
 */
export function flatStrings(payloads) {
  return payloads.map((payload) => payload.toString());
}

/** Chunks to decode that can be restored, because decoders that unmask in place change them. */
export class Chunks {
  /** @type {Buffer[]} */
  buffers = [];
  /** @type {Buffer[]} */
  #masters = [];

  /** @param {readonly Buffer[]} masters each becomes one chunk */
  constructor(masters) {
    for (const master of masters) {
      this.#masters.push(master);
      this.buffers.push(Buffer.from(master.buffer.slice(master.byteOffset, master.byteOffset + master.length)));
    }
  }

  /**
   * @param {Buffer} stream
   * @param {number} size
   */
  static cut(stream, size) {
    const masters = [];
    for (let at = 0; at < stream.length; at += size) masters.push(stream.subarray(at, at + size));
    return new Chunks(masters);
  }

  refresh() {
    for (let i = 0; i < this.buffers.length; i++) this.buffers[i].set(this.#masters[i]);
  }
}
