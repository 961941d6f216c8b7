// One direction of the proxy: checks, counts and remasks its frames.

import { FrameDecoder, FrameEncoder, mask } from "wsframe";

/** A filter for the bytes of one direction. `role` is the role of the proxy toward the sender. */
export class Direction {
  frames = 0;
  bytes = 0;
  #decoder;
  #encoder;
  /** The start of an incomplete header, held back because its masking-key must change. */
  #held = Buffer.alloc(0);
  #masked = false;
  /** The four bytes that the current payload is XORed with. */
  #change;
  /** How many bytes of the current payload have passed. */
  #passed = 0;
  #inFrame = false;
  /** Whether the written bytes end inside a frame. Then no other frame may be written. */
  #cut = false;
  #closed = false;

  constructor(role, hasExtensions) {
    // If the two ends have agreed on extensions, any RSV bit may be set.
    this.#decoder = new FrameDecoder({ role, rsv: hasExtensions ? 7 : 0, maxFrame: Infinity });
    this.#encoder = new FrameEncoder({ role: role === "server" ? "client" : "server" });
  }

  /**
   * Returns the bytes to write for a received chunk: the same frames, with new masking-keys if they are masked. Changes the chunk
   * in place.
   *
   * Masking is XOR. If you XOR the key with four random bytes, you get a new key. If you XOR the payload with the same bytes, it is
   * masked with the new key. So the payload does not have to be unmasked first, and one pass is enough. (To check UTF-8, the
   * decoder unmasks a copy in its own memory.)
   *
   * @throws WebSocketError if a frame breaks a rule
   */
  push(chunk) {
    if (this.#closed) return chunk.subarray(0, 0);
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    const start = this.#decoder.bytesDecoded - this.#held.length;
    let done = 0;
    this.#decoder.push(chunk, {
      header: ({ masked, payloadOffset }) => {
        this.frames++;
        this.#inFrame = true;
        this.#masked = masked;
        this.#passed = 0;
        done = payloadOffset - start;
        if (masked) mask(bytes.subarray(done - 4, done), (this.#change = nextRandom()));
      },
      // The window is unmasked and borrowed. Only its length matters here: it tells how many bytes have been read.
      payload: (_window, from, to) => {
        const end = done + to - from;
        if (this.#masked) mask(bytes.subarray(done, end), this.#change, this.#passed);
        this.#passed += to - from;
        done = end;
      },
      end: () => {
        this.#inFrame = false;
      },
    });
    this.#closed = this.#decoder.closed; // bytes after a Close are ignored (RFC 6455 §5.5.1)
    this.#held = Buffer.from(this.#closed ? [] : bytes.subarray(done));
    this.#cut = this.#inFrame;
    this.bytes += done;
    return bytes.subarray(0, done);
  }

  /** Returns our own Close, or undefined if it would be inside a frame or after another Close. */
  close(code, reason = "") {
    if (this.#closed || this.#cut) return undefined;
    this.#closed = true;
    this.#encoder.close(code, reason);
    return this.#encoder.take()[0];
  }
}

const random = new Uint8Array(4096);
let used = random.length;

/** Returns four unpredictable random bytes (RFC 6455 §5.3). */
function nextRandom() {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  return random.slice(used, (used += 4));
}
