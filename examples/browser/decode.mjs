// A recorded stream, decoded in the page as it is read: its HTTP head, if it has one, then frame by frame.

import { FrameDecoder, RequestParser, ResponseParser } from "wsframe";

/** How many bytes of a payload are kept to be shown. */
const SHOWN = 64;

/**
 * Decodes what one side of a connection has sent, as a proxy or a capture of packets has recorded it. A stream of any length,
 * and with frames of any length, passes in constant memory.
 *
 * @param stream a ReadableStream of bytes: `file.stream()`, or the body of a Response
 * @param onFrame called for each frame, with its fields and the first bytes of its payload
 * @returns who has sent it, the first line of its HTTP head, how many bytes of frames were decoded, and the error that was in the way
 */
export async function decode(stream, onFrame) {
  const reader = stream.getReader();
  /** @type {{ from?: "client" | "server", head?: string, bytes: number, error?: Error }} */
  const result = { from: undefined, head: undefined, bytes: 0, error: undefined };
  let decoder;
  try {
    let { head, length = 0, rest } = await readHead(reader);
    // Only clients mask: where there is no head, the first frame tells.
    const fromClient = head === undefined ? (rest[1] & 0x80) !== 0 : !head.startsWith("HTTP/");
    result.head = head;
    result.from = fromClient ? "client" : "server";
    // RSV bits belong to extensions, and which were agreed on may not be in the file: all are let through.
    decoder = new FrameDecoder({ role: fromClient ? "server" : "client", rsv: 7, maxFrame: Infinity });
    const sink = new Collector(length, onFrame);
    for (; rest !== undefined; rest = (await reader.read()).value) decoder.push(rest, sink);
  } catch (error) {
    result.error = error; // a WebSocketError or HandshakeError: it names the rule that was broken; or the file failed
    reader.cancel().catch(() => {});
  }
  result.bytes = decoder?.bytesDecoded ?? 0;
  return result;
}

/** What a decoder pushes frames into: gathers the fields and the beginning of each, and hands it on when it is complete. */
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
    // What `header` says holds until this returns, and so does what `window` has below: what is kept is copied.
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

/** The first line of the HTTP head, if there is one, and the bytes after it that have been read. */
async function readHead(reader) {
  let rest = await read(reader);
  while (rest.length < 2) {
    const more = await read(reader);
    if (more.length === 0) return { rest };
    rest = new Uint8Array([...rest, ...more]);
  }
  // No frame begins with either letter: as a first byte, "G" has an opcode that is reserved, "H" is a Close in fragments.
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

/** The next chunk; an empty one at the end. */
async function read(reader) {
  const { value } = await reader.read();
  return value ?? new Uint8Array(0);
}
