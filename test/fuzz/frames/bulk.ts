// Runs many short frames through one way of decoding or encoding, and compares the result as cheaply as possible, so
// that 10^9 frames are practical.

import { FrameDecoder, FrameEncoder, type FrameHeader, type FrameSink, WebSocketError } from "../../../src/index.ts";
import type { BulkCase } from "./case.ts";
import { Bits, type BulkStream, makeBulkStream } from "./bulk-stream.ts";

export const WAYS = ["push", "strings", "commit", "decode", "encode"] as const;

/** The longest chunk of a stream. */
const CHUNKS = [Infinity, 65_536, 65_536, 20_000, 5000, 1400, 1400, 300, 300, 30] as const;
const MOST_COMPARED_IN_JS = 64;

class Mismatch extends Error {}

/** Compares the decoded frames with the generator's expectation. */
class Checker implements FrameSink {
  readonly #stream: BulkStream;
  readonly #scratch = Buffer.allocUnsafe(1 << 17);
  index = 0;
  #at = 0;
  #left = 0;
  #open = false;

  constructor(stream: BulkStream) {
    this.#stream = stream;
  }

  #fail(what: string): never {
    throw new Mismatch(`frame ${this.index} of ${this.#stream.count}: ${what}`);
  }

  header(header: FrameHeader): void {
    const { index } = this;
    const stream = this.#stream;
    if (this.#open) this.#fail("a header in a payload");
    this.#open = true;
    const first = (header.fin ? 0x80 : 0) | (header.rsv << 4) | header.opcode;
    // The last frame may be incomplete.
    if (index < stream.count) {
      if (first !== stream.firstBytes[index]) this.#fail(`first byte ${first}, not ${stream.firstBytes[index]}`);
      if (header.payloadLength !== stream.payloadLengths[index]) this.#fail(`length ${header.payloadLength}`);
      if (header.payloadOffset !== stream.payloadOffsets[index]) this.#fail(`offset ${header.payloadOffset}`);
      if ((index & 15) === 0) this.#key(header.maskKey);
    }
    this.#at = stream.payloadOffsets[index]!;
    this.#left = header.payloadLength;
  }

  #key(key: Uint8Array | undefined): void {
    const stream = this.#stream;
    if (!stream.server) {
      if (key !== undefined) this.#fail("an unexpected masking-key");
      return;
    }
    const wanted = stream.keys[this.index]!;
    if (key === undefined || (key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24)) !== wanted)
      this.#fail("a different masking-key");
  }

  payload(window: Uint8Array, start: number, end: number): void {
    if (!this.#open || end <= start || end - start > this.#left) this.#fail(`a piece of ${end - start} bytes`);
    if (this.index < this.#stream.count) this.#same(window, start, end, this.#at);
    this.#at += end - start;
    this.#left -= end - start;
  }

  end(): void {
    if (!this.#open || this.#left !== 0) this.#fail(`an end with ${this.#left} bytes left`);
    this.#open = false;
    this.index++;
  }

  text(text: string): void {
    this.#whole(0x81);
    const length = this.#stream.payloadLengths[this.index]!;
    const at = this.#stream.payloadOffsets[this.index]!;
    const { plain } = this.#stream;
    // ASCII has as many characters as bytes. Other text is encoded again.
    let same = text.length === length;
    for (let i = 0; same && i < length; i++) same = text.charCodeAt(i) === plain[at + i];
    if (!same) {
      const written = this.#scratch.write(text);
      if (written !== length) this.#fail(`a text of ${written} bytes, not ${length}`);
      this.#same(this.#scratch, 0, written, at);
    }
    this.index++;
  }

  binary(window: Uint8Array, start: number, end: number): void {
    this.#whole(0x82);
    if (end - start !== this.#stream.payloadLengths[this.index]) this.#fail(`${end - start} bytes`);
    this.#same(window, start, end, this.#stream.payloadOffsets[this.index]!);
    this.index++;
  }

  #whole(first: number): void {
    if (this.#open || this.#stream.firstBytes[this.index] !== first) this.#fail("an unexpected message");
  }

  #same(window: Uint8Array, start: number, end: number, at: number): void {
    const { plain } = this.#stream;
    if (end - start > MOST_COMPARED_IN_JS) {
      if (plain.compare(window, start, end, at, at + end - start) !== 0) this.#fail("different bytes");
      return;
    }
    for (let i = start; i < end; i++)
      if (window[i] !== plain[at + i - start]) this.#fail(`a different byte at ${i - start}`);
  }
}

/** @returns the finding, if any */
export function runBulk({ seed, frames, way, core }: BulkCase): { units: number; finding: string | undefined } {
  const stream = makeBulkStream(seed, frames);
  try {
    if (way === "encode") encode(stream, core);
    else decode(stream, new Bits(seed ^ 0x0c4d), way, core);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    return { units: stream.count, finding: `${core} ${way}: ${error.message}` };
  }
  return { units: stream.count, finding: undefined };
}

function decode(stream: BulkStream, bits: Bits, way: BulkCase["way"], core: BulkCase["core"]): void {
  const decoder = new FrameDecoder({ role: stream.server ? "server" : "client", core });
  const checker = new Checker(stream);
  // Without these two methods, everything goes through the other methods.
  const pieces: FrameSink = {
    header: (header) => checker.header(header),
    payload: (window, start, end) => checker.payload(window, start, end),
    end: () => checker.end(),
  };
  const sink = way === "strings" ? checker : pieces;
  const longest = CHUNKS[bits.below(CHUNKS.length)]!;
  const { bytes, count } = stream;
  let index = 0;
  const compareFrames = (found: ReturnType<FrameDecoder["decode"]>): void => {
    for (const frame of found) {
      checker.header(frame as unknown as FrameHeader);
      const { payload } = frame;
      if (payload.length > 0) checker.payload(payload, 0, payload.length);
      checker.end();
    }
  };
  let error: WebSocketError | undefined;
  try {
    while (index < bytes.length) {
      const length = Math.min(bytes.length - index, longest === Infinity ? Infinity : 1 + bits.below(longest));
      const chunk = bytes.subarray(index, index + length);
      index += length;
      if (way === "decode") compareFrames(decoder.decode(chunk));
      else if (way !== "commit") decoder.push(chunk, sink);
      else commit(decoder, chunk, sink);
    }
  } catch (thrown) {
    if (!(thrown instanceof WebSocketError)) throw thrown;
    error = thrown;
    if (way === "decode") compareFrames([...thrown.frames]);
  }
  if (error?.code !== stream.error?.code || error?.byteOffset !== stream.error?.byteOffset) {
    throw new Mismatch(
      `at the end (${stream.ending}): ${error?.code} at ${error?.byteOffset}, not ${stream.error?.code} at ${stream.error?.byteOffset}`,
    );
  }
  if (checker.index !== count) throw new Mismatch(`${checker.index} of ${count} frames received`);
  if (decoder.closed !== (stream.ending === "Close")) throw new Mismatch(`closed: ${decoder.closed}`);
}

function commit(decoder: FrameDecoder, chunk: Uint8Array, sink: FrameSink): void {
  for (let at = 0; at < chunk.length;) {
    const landing = decoder.reserve();
    const part = chunk.subarray(at, at + landing.length);
    landing.set(part);
    decoder.commit(part.length, sink);
    at += part.length;
  }
}

/** Encodes the same frames with the same keys, which must give the same bytes. */
function encode(stream: BulkStream, core: BulkCase["core"]): void {
  const { server, bytes, plain, count, firstBytes, keys, payloadOffsets, payloadLengths } = stream;
  const key = Buffer.alloc(4);
  let index = 0;
  const maskKey = (): Uint8Array<ArrayBuffer> => {
    key.writeInt32LE(keys[index]!);
    return key;
  };
  const encoder = new FrameEncoder({ role: server ? "client" : "server", core, maskKey });
  let compared = 0;
  const compare = (parts: readonly Uint8Array[]): void => {
    for (const part of parts) {
      if (Buffer.compare(part, bytes.subarray(compared, compared + part.length)) !== 0) {
        let at = 0;
        while (part[at] === bytes[compared + at]) at++;
        throw new Mismatch(`byte ${compared + at} of the encoded stream`);
      }
      compared += part.length;
    }
  };
  for (; index < count; index++) {
    const first = firstBytes[index]!;
    const at = payloadOffsets[index]!;
    const length = payloadLengths[index]!;
    if (first === 0x81) encoder.text(plain.toString("utf8", at, at + length));
    else if (first === 0x82) encoder.binary(plain.subarray(at, at + length));
    else encoder.frame({ opcode: first & 15, fin: first >= 0x80, payload: plain.subarray(at, at + length) });
    if ((index & 511) === 511) compare(encoder.take());
  }
  compare(encoder.take());
  const end = count === 0 ? 0 : payloadOffsets[count - 1]! + payloadLengths[count - 1]!;
  if (compared !== end) throw new Mismatch(`${compared} of ${end} bytes received`);
}
