// Decodes a recorded stream in the page while it is read: the HTTP head, if there is one, then frame by frame.

import { FrameDecoder, RequestParser, ResponseParser } from "wsframe";

/** How many bytes of a payload are kept. */
const SHOWN = 64;

/**
 * Decodes what one side of a connection has sent, as recorded by a proxy or a packet capture. Uses constant memory for streams
 * and frames of any length.
 *
 * @param stream a ReadableStream of bytes: `file.stream()`, or the body of a Response
 * @param onFrame called for each frame, with its fields and the first bytes of its payload
 * @returns the sender, the first line of the HTTP head, the number of decoded bytes of frames, and the error if there was one
 */
export async function decode(stream, onFrame) {
  const reader = stream.getReader();
  /** @type {{ from?: "client" | "server", head?: string, bytes: number, error?: Error }} */
  const result = { from: undefined, head: undefined, bytes: 0, error: undefined };
  let decoder;
  try {
    let { head, length = 0, rest } = await readHead(reader);
    // Only clients mask. Without a head, the first frame tells the sender.
    const fromClient = head === undefined ? (rest[1] & 0x80) !== 0 : !head.startsWith("HTTP/");
    result.head = head;
    result.from = fromClient ? "client" : "server";
    // RSV bits belong to extensions. The file may not tell which were agreed on, so allow all.
    decoder = new FrameDecoder({ role: fromClient ? "server" : "client", rsv: 7, maxFrame: Infinity });
    const sink = new Collector(length, onFrame);
    for (; rest !== undefined; rest = (await reader.read()).value) decoder.push(rest, sink);
  } catch (error) {
    result.error = error; // a WebSocketError or HandshakeError with the broken rule, or an error from reading the file
    reader.cancel().catch(() => {});
  }
  result.bytes = decoder?.bytesDecoded ?? 0;
  return result;
}

/** A sink for a decoder. Collects the fields and the first bytes of a frame, and passes it on when it is complete. */
class Collector {
  #headLength;
  #onFrame;
  #frame;
  #kept;

  constructor(headLength, onFrame) {
    this.#headLength = headLength;
    this.#onFrame = onFrame;
  }

  header({ opcode, fin, rsv, masked, headerOffset, payloadLength: length }) {
    // The header is valid only until this returns, and so is `window` below. Copy everything that you keep.
    const offset = this.#headLength + headerOffset;
    this.#frame = { opcode, fin, rsv, masked, offset, length, start: new Uint8Array(Math.min(length, SHOWN)) };
    this.#kept = 0;
  }

  payload(window, from, to) {
    const { start } = this.#frame;
    const part = window.subarray(from, Math.min(to, from + start.length - this.#kept));
    start.set(part, this.#kept);
    this.#kept += part.length;
  }

  end() {
    this.#onFrame(this.#frame);
  }
}

/** Reads the HTTP head, if there is one. Returns its first line, its length, and the bytes after it. */
async function readHead(reader) {
  let rest = await read(reader);
  while (rest.length < 2) {
    const more = await read(reader);
    if (more.length === 0) return { rest };
    rest = new Uint8Array([...rest, ...more]);
  }
  // No frame starts with one of these letters: as a first byte, "G" has a reserved opcode, and "H" is a fragmented Close.
  const letter = String.fromCharCode(rest[0]);
  if (letter !== "G" && letter !== "H") return { rest };
  const parser = letter === "G" ? new RequestParser() : new ResponseParser();
  for (;;) {
    const found = parser.push(rest);
    if (found && "request" in found) {
      const { method, url, length } = found.request;
      return { head: `${method} ${url}`, length, rest: found.rest };
    }
    if (found) {
      const { httpVersion, status, length } = found.response;
      return { head: `HTTP/${httpVersion} ${status}`, length, rest: found.rest };
    }
    rest = await read(reader);
    if (rest.length === 0) throw new Error("The file ends inside the HTTP head");
  }
}

/** Returns the next chunk, or an empty one at the end. */
async function read(reader) {
  const { value } = await reader.read();
  return value ?? new Uint8Array(0);
}
