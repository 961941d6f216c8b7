// Recorded client messages with permessage-deflate, and a check of their echoes. zlib makes and reads them, not one of
// the compared libraries.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { texts } from "./corpora.js";
import { frame } from "./data.js";

export const WINDOW = 32768;
const RSV1 = 0x40;
/** The end of every message, which is not sent (RFC 7692 §7.2.1). */
export const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const SYNC = { finishFlush: constants.Z_SYNC_FLUSH };

const zlibWith = (dictionary) => (dictionary.length === 0 ? SYNC : { ...SYNC, dictionary });

/**
 * A message compressed by zlib at level 6, without the tail that every message has.
 * @param {Buffer} context the preceding data, up to one window
 * @param {Buffer} message
 */
export function deflateAfter(context, message, windowBits = 15) {
  return deflateRawSync(message, { level: 6, windowBits, ...zlibWith(context) }).subarray(0, -TAIL.length);
}

/**
 * Inflates a compressed message without its tail.
 * @param {Buffer} context the preceding data, up to one window
 * @param {Uint8Array} payload
 */
export function inflateAfter(context, payload) {
  return inflateRawSync(Buffer.concat([payload, TAIL]), zlibWith(context));
}

/** A client's frame with a compressed text. */
export function compressedFrame(payload, key) {
  const bytes = frame(1, payload, key);
  bytes[0] |= RSV1;
  return bytes;
}

/** The messages of one connection, compressed by zlib at level 6 with a full window as context. */
export class Recorded {
  /** @type {Buffer[]} */
  messages;
  /** @type {Buffer[]} without the tail that every message has */
  payloads = [];
  #connection;
  #plain;
  /** The position of each message in `#plain`. */
  #offsets = [];

  /**
   * @param {import("./corpora.js").Corpus} corpus
   * @param {number} count
   * @param {number} connection
   * @param {number} [windowBits] the client's window, as a power of two
   */
  constructor(corpus, count, connection, windowBits = 15) {
    this.messages = texts(corpus, count, connection);
    this.#connection = connection;
    this.#plain = Buffer.concat(this.messages);
    let offset = 0;
    for (const [i, message] of this.messages.entries()) {
      this.#offsets.push(offset);
      offset += message.length;
      this.payloads.push(deflateAfter(this.contextOf(i, 2 ** windowBits), message, windowBits));
    }
  }

  /** The data before a message, up to one window. */
  contextOf(index, window = WINDOW) {
    const offset = this.#offsets[index];
    return this.#plain.subarray(Math.max(0, offset - window), offset);
  }

  /** A client's frame for each message, in separate memory, because servers unmask in place. */
  frames() {
    return this.payloads.map((payload, i) =>
      compressedFrame(payload, Buffer.from([i, this.#connection, i * 7 + 1, 0xa5])),
    );
  }

  /** The uncompressed length of messages in bytes. */
  length(from, to) {
    return this.messages.slice(from, to).reduce((sum, { length }) => sum + length, 0);
  }
}

/** Reads the answers of one server on one connection. */
export class Answers {
  #messages;
  #next = 0;
  /** The data that the server has compressed, up to one window. */
  #context = Buffer.alloc(0);

  /** @param {readonly Buffer[]} messages the expected answers */
  constructor(messages) {
    this.#messages = messages;
  }

  /**
   * @param {Buffer} answer a frame
   * @returns {number} the bytes of its payload
   * @throws if it is not the next message
   */
  verify(answer) {
    const index = this.#next++;
    const message = this.#messages[index];
    const { compressed, payload } = readFrame(answer);
    let data = payload;
    if (compressed) {
      data = inflateAfter(this.#context, payload);
      this.#context = Buffer.concat([this.#context, message]).subarray(-WINDOW);
    }
    if (!data.equals(message)) throw new Error(`The answer to message ${index} differs from the message`);
    return payload.length;
  }
}

/** The single frame in some bytes, which is not masked. */
function readFrame(bytes) {
  const short = bytes[1] & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const head = bytes[0] & ~RSV1;
  if (head !== 0x81 || bytes.length !== start + length) throw new Error("The answer is not one frame with a text");
  return { compressed: (bytes[0] & RSV1) !== 0, payload: bytes.subarray(start) };
}
