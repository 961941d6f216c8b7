// Measures decoding: chunks in, messages out.

import { Buffer } from "node:buffer";
import { asciiBytes, Chunks, flatStrings, frame, nonAsciiBytes, Random } from "./data.js";
import { Tally } from "./measure.js";
import { driverDecoder, wsDecoder, wsframe } from "./peers.js";

const { FrameDecoder, Opcode } = wsframe;
const CHUNK = 65536;
const STREAM = 1 << 20;
/**
 * With one frame in each chunk, there is an object for each frame. Fewer frames keep them in the cache, as in real use.
 */
const SMALL_CHUNKS = 4096;

/**
 * @typedef {object} DecodeOptions
 * @property {"server" | "client"} role
 * @property {"text" | "binary"} type
 * @property {number} length of a payload, in bytes or, for text, in characters
 * @property {"strings" | "streamed" | "frames" | "frameText"} how the form in which wsframe delivers payloads
 * @property {boolean} [nonAscii]
 * @property {boolean} [single] one frame in each chunk
 * @property {boolean} [slow] collects in buffers of Buffer.allocUnsafeSlow
 * @property {number} [textSlack]
 */

/**
 * A case of decoding.
 * @param {DecodeOptions} options
 * @param {number} scale the fraction of the data to use, up to 1
 */
export function decodingCase(options, scale) {
  const { payloads, chunks } = input(options, scale);
  const asText = options.type === "text";
  const expected = asText ? flatStrings(payloads) : payloads;
  const length = expected.reduce((sum, payload) => sum + payload.length, 0);
  /** @type {Record<string, import("./measure.js").Subject>} */
  const subjects = {};
  for (const [name, make] of Object.entries(decoders(options))) {
    verify(name, make, chunks, expected);
    const tally = new Tally();
    const decode = make(tally, undefined);
    subjects[name] = {
      run() {
        for (const chunk of chunks.buffers) decode(chunk);
      },
      check: () => tally.expect(payloads.length, length),
    };
  }
  return { subjects, units: payloads.length, refresh: () => chunks.refresh() };
}

/** @param {DecodeOptions} options */
function input({ role, type, length, nonAscii, single }, scale) {
  const random = new Random();
  const frames = [];
  const payloads = [];
  for (let size = 0; size < STREAM * scale;) {
    const payload =
      type === "binary" ? random.bytes(length) : nonAscii ? nonAsciiBytes(random, length) : asciiBytes(random, length);
    const key = role === "server" ? random.bytes(4) : undefined;
    const bytes = frame(type === "text" ? Opcode.Text : Opcode.Binary, payload, key);
    payloads.push(payload);
    frames.push(bytes);
    size += bytes.length;
    if (single && frames.length >= SMALL_CHUNKS) break;
  }
  const chunks = single ? new Chunks(frames) : Chunks.cut(Buffer.concat(frames), CHUNK);
  return { payloads, chunks };
}

/**
 * Makes the decoder of each peer, from a Tally and a list that collects decoded data for checks. Each decoder does only the work on a message that any user would have to do.
 * @param {DecodeOptions} options
 */
function decoders({ role, type, how, slow, textSlack }) {
  const asText = type === "text";
  return {
    /** @param {Tally} tally @param {(string | Uint8Array)[] | undefined} kept */
    wsframe(tally, kept) {
      const decoder = new FrameDecoder({
        role,
        ...(slow ? { allocate: Buffer.allocUnsafeSlow } : {}),
        ...(textSlack === undefined ? {} : { textSlack }),
      });
      if (how === "frames") {
        return (chunk) => {
          for (const frame of decoder.decode(chunk)) {
            const { payload } = frame;
            tally.frames++;
            tally.length += payload.length;
            if (kept !== undefined) kept.push(payload);
          }
        };
      }
      if (how === "frameText") {
        return (chunk) => {
          for (const frame of decoder.decode(chunk)) {
            const { text } = frame;
            tally.frames++;
            tally.length += text.length;
            if (kept !== undefined) kept.push(text);
          }
        };
      }
      /** Pieces of the message, kept only for checks. @type {Uint8Array[]} */
      const pieces = [];
      // One literal for both uses, because push() would otherwise see two kinds of sinks during the check.
      const streamSink = {
        header(header) {
          // ws also reports whether a message is binary, so this reads the opcode.
          if (header.opcode !== Opcode.Binary) throw new Error(`opcode ${header.opcode}`);
          tally.frames++;
        },
        payload(window, start, end) {
          tally.length += end - start;
          if (kept !== undefined) pieces.push(window.slice(start, end));
        },
        end() {
          if (kept !== undefined) kept.push(Buffer.concat(pieces.splice(0)));
        },
      };
      const stringSink = {
        text(text) {
          tally.frames++;
          tally.length += text.length;
          if (kept !== undefined) kept.push(text);
        },
        // A message that spans two chunks arrives in pieces.
        header() {},
        payload(window, start, end) {
          pieces.push(window.slice(start, end));
        },
        end() {
          stringSink.text(Buffer.concat(pieces).toString());
          pieces.length = 0;
        },
      };
      return how === "strings"
        ? (chunk) => decoder.push(chunk, stringSink)
        : (chunk) => decoder.push(chunk, streamSink);
    },
    ws(tally, kept) {
      return wsDecoder(role, (data, isBinary) => {
        const message = isBinary ? data : data.toString();
        tally.frames++;
        tally.length += message.length;
        if (kept !== undefined) kept.push(message);
      });
    },
    "websocket-driver"(tally, kept) {
      return driverDecoder(role, (message) => {
        if (asText !== (typeof message === "string")) throw new Error("text or binary");
        tally.frames++;
        tally.length += message.length;
        if (kept !== undefined) kept.push(message);
      });
    },
  };
}

/** Checks every message once, byte for byte. */
function verify(name, make, chunks, expected) {
  chunks.refresh();
  const kept = [];
  const decode = make(new Tally(), kept);
  for (const chunk of chunks.buffers) decode(chunk);
  const same = (message, i) =>
    typeof message === "string" ? message === expected[i] : Buffer.compare(message, expected[i]) === 0;
  if (kept.length !== expected.length || !kept.every(same)) throw new Error(`${name} decodes incorrectly`);
}
