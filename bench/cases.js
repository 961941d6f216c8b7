// Every case of the benchmark, and the goals.

/** 6 KiB and 15.5 KiB. */
const WASM_GOAL = 6144;
const BUNDLE_GOAL = 15872;

/**
 * @typedef {object} Case
 * @property {string} group
 * @property {string} name
 * @property {string} unit
 * @property {string} kind which script does it, and how
 * @property {object} [options] of that
 * @property {number} [goal] as a ratio: how many times as fast as ws
 * @property {number} [limit] or as a number that wsframe should not exceed
 */

const DECODE_SERVER = "Decoding, role server (masked, chunks of 64 KiB)";
const DECODE_SINGLE = "Decoding, role server, one frame in each chunk";
const DECODE_CLIENT = "Decoding, role client (not masked, chunks of 64 KiB)";
const MESSAGES = "Messages in and out, each answered with the same (chunks of 64 KiB)";
const DEFLATE = "permessage-deflate with context takeover, each message answered with the same";
const ENCODE_SERVER = "Encoding, role server (not masked)";
const ENCODE_CLIENT = "Encoding, role client (masked)";

function decode(group, name, options, goal) {
  const role = group === DECODE_CLIENT ? "client" : "server";
  const single = group === DECODE_SINGLE;
  return { group, name, unit: "frame", kind: "decode", options: { role, single, ...options }, goal };
}

function encode(group, name, options, goal) {
  const role = group === ENCODE_CLIENT ? "client" : "server";
  return { group, name, unit: "frame", kind: "encode", options: { role, ...options }, goal };
}

function echo(name, options, goal) {
  return {
    group: MESSAGES,
    name,
    unit: "message",
    kind: "echo",
    options: { role: "server", how: "sink", ...options },
    goal,
  };
}

const text = { type: "text", length: 32 };
const binary = { type: "binary", length: 32 };
const nonAscii = { type: "text", length: 32, nonAscii: true };

/** @type {readonly Case[]} */
export const CASES = [
  decode(DECODE_SERVER, "text 32 B, strings", { ...text, how: "strings" }, 20),
  decode(DECODE_SERVER, "text 32 B, strings, textSlack 0", { ...text, how: "strings", textSlack: 0 }),
  decode(DECODE_SERVER, "decode() and frame.text, 32 B", { ...text, how: "frameText" }, 10),
  decode(DECODE_SERVER, "binary 32 B, streamed", { ...binary, how: "streamed" }, 30),
  decode(DECODE_SERVER, "binary 32 B, frames", { ...binary, how: "frames" }),
  decode(DECODE_SERVER, "binary 1 KiB, frames", { ...binary, length: 1024, how: "frames" }, 2),
  decode(
    DECODE_SERVER,
    "binary 64 KiB, frames, allocUnsafeSlow",
    { ...binary, length: 65536, how: "frames", slow: true },
    1,
  ),
  decode(DECODE_SERVER, "binary 64 KiB, frames", { ...binary, length: 65536, how: "frames" }, 1),
  decode(
    DECODE_SERVER,
    "binary 1 MiB, frames, allocUnsafeSlow",
    { ...binary, length: 1 << 20, how: "frames", slow: true },
    1,
  ),
  decode(DECODE_SERVER, "binary 1 MiB, frames", { ...binary, length: 1 << 20, how: "frames" }, 1),
  decode(DECODE_SERVER, "text 32 characters, not ASCII, strings", { ...nonAscii, how: "strings" }),
  decode(DECODE_SERVER, "text 32 characters, not ASCII, frame.text", { ...nonAscii, how: "frameText" }),

  decode(DECODE_SINGLE, "binary 32 B alone, frames", { ...binary, how: "frames" }, 1.5),
  decode(DECODE_SINGLE, "binary 64 KiB alone, frames", { ...binary, length: 65536, how: "frames" }),
  decode(DECODE_SINGLE, "binary 1 MiB alone, frames", { ...binary, length: 1 << 20, how: "frames" }),
  decode(DECODE_SINGLE, "binary 32 B alone, streamed", { ...binary, how: "streamed" }, 1.5),
  decode(DECODE_SINGLE, "text 32 B alone, strings", { ...text, how: "strings" }),

  decode(DECODE_CLIENT, "text 32 B unmasked, strings", { ...text, how: "strings" }),
  decode(DECODE_CLIENT, "binary 32 B unmasked, streamed", { ...binary, how: "streamed" }),
  decode(DECODE_CLIENT, "binary 64 KiB unmasked, frames, allocUnsafeSlow", {
    ...binary,
    length: 65536,
    how: "frames",
    slow: true,
  }),

  encode(ENCODE_SERVER, "encode text 32 B, take() every 1000", { ...text, batch: 1000 }, 3),
  encode(ENCODE_SERVER, "encode text 32 B, take() every 100", { ...text, batch: 100 }, 3),
  encode(ENCODE_SERVER, "encode text 32 B, take() every 1", { ...text, batch: 1 }, 1),
  encode(ENCODE_SERVER, "encode text 32 B, every 100, ws's strings made bytes", { ...text, batch: 100, writing: true }),
  encode(ENCODE_SERVER, "encode binary 1 KiB, take() every 100", { ...binary, length: 1024, batch: 100 }),
  encode(ENCODE_SERVER, "encode binary 64 KiB, by reference", { ...binary, length: 65536, batch: 1 }),
  {
    group: ENCODE_SERVER,
    name: "encode a PreparedMessage of 128 B for 1000",
    unit: "message",
    kind: "prepared",
    options: { length: 128 },
  },

  encode(ENCODE_CLIENT, "encode text 32 B masked, take() every 1000", { ...text, batch: 1000 }, 6),
  encode(ENCODE_CLIENT, "encode text 32 B masked, take() every 100", { ...text, batch: 100 }, 6),
  encode(ENCODE_CLIENT, "encode text 32 B masked, take() every 1", { ...text, batch: 1 }, 1),
  encode(ENCODE_CLIENT, "encode binary 1 KiB masked, take() every 100", { ...binary, length: 1024, batch: 100 }),

  echo("echo text 32 B, push()", { length: 32, writing: true }, 20),
  echo("echo text 32 B, push() and takeInto()", { length: 32, how: "into", writing: true }, 20),
  echo("echo text 32 B, receive()", { length: 32, how: "events", writing: true }, 20),
  echo("echo text 32 B, push(), ws's strings left strings", { length: 32 }),
  echo("echo text 32 B, push(), role client", { role: "client", length: 32, writing: true }),
  echo("echo text 5 B, push()", { length: 5, writing: true }),
  echo("echo text 128 B, push()", { length: 128, writing: true }),
  echo("echo text 32 B, one message in each chunk, push()", { length: 32, writing: true, single: true }),

  {
    group: DEFLATE,
    name: "compressed JSON 1 KB, one connection",
    unit: "message",
    kind: "deflate",
    options: { connections: 1 },
    goal: 1.5,
  },
  {
    group: DEFLATE,
    name: "compressed JSON 1 KB, 20 connections at once",
    unit: "message",
    kind: "deflate",
    options: { connections: 20 },
  },

  { group: "Cost of having it", name: "import to the first frame", unit: "start", kind: "start", limit: 5e6 },
  {
    group: "Cost of having it",
    name: "memory of an idle decoder and encoder",
    unit: "bytes",
    kind: "memory",
    limit: 300,
  },
  {
    group: "Cost of having it",
    name: "memory of an idle Protocol",
    unit: "bytes",
    kind: "protocolMemory",
    limit: 500,
  },
  {
    group: "Cost of having it",
    name: "memory of an idle compressed connection",
    unit: "bytes",
    kind: "deflateMemory",
    goal: 4,
  },
  { group: "Cost of having it", name: "size of core.wasm", unit: "bytes", kind: "wasm", limit: WASM_GOAL },
  {
    group: "Cost of having it",
    name: "size of decoder and encoder, bundled, gzip -9",
    unit: "bytes",
    kind: "bundle",
    limit: BUNDLE_GOAL,
  },
];
