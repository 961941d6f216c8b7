// The frames of one direction: checked, counted, and masked anew on their way.

import { FrameDecoder, FrameEncoder, mask } from "wsframe";

/** One direction of a connection, as a filter for its bytes. `role` is what the proxy is for the one who sends. */
export class Direction {
  frames = 0;
  bytes = 0;
  #decoder;
  #encoder;
  /** The beginning of a header whose rest has not come: it goes out with its masking-key, or not at all. */
  #held = Buffer.alloc(0);
  #masked = false;
  /** What the payload that is passing is XORed with. */
  #change;
  /** How much of it has passed. */
  #passed = 0;
  #inFrame = false;
  /** Whether what was written ends inside a frame: nothing else may be written then. */
  #cut = false;
  #closed = false;

  constructor(role, hasExtensions) {
    // What RSV bits and payloads mean is up to the extensions, if the two ends have agreed on any.
    this.#decoder = new FrameDecoder({ role, rsv: hasExtensions ? 7 : 0, maxFrame: Infinity });
    this.#encoder = new FrameEncoder({ role: role === "server" ? "client" : "server" });
  }

  /**
   * What to write for a chunk that has come: the same frames, those that are masked with other masks. The chunk is changed.
   *
   * Masking is XOR, and so is the way from one masking-key to another: XOR the key with four random bytes, and it is a new
   * key; XOR the payload with the same bytes, and it is masked with that. So nothing is unmasked to be masked again, and what
   * is written is what has come, changed in one pass. (The decoder unmasks in its own memory what it checks, such as UTF-8.)
   *
   * @throws WebSocketError for a frame that breaks a rule
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
      // What the callback gets is unmasked, and borrowed. Only its length is of interest: it says which bytes have been read.
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
    this.#closed = this.#decoder.closed; // whatever follows a Close is nothing (RFC 6455 §5.5.1)
    this.#held = Buffer.from(this.#closed ? [] : bytes.subarray(done));
    this.#cut = this.#inFrame;
    this.bytes += done;
    return bytes.subarray(0, done);
  }

  /** A Close of our own after the frames that have passed; undefined where it would be inside one, or after another. */
  close(code, reason = "") {
    if (this.#closed || this.#cut) return undefined;
    this.#closed = true;
    this.#encoder.close(code, reason);
    return this.#encoder.take()[0];
  }
}

const random = new Uint8Array(4096);
let used = random.length;

/** Four random bytes, such as nobody can predict (RFC 6455 §5.3). */
function nextRandom() {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  return random.slice(used, (used += 4));
}
