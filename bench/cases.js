// All cases of the benchmark and their goals.

/** 6 KiB for core.wasm, and 15.5 KiB for the bundle. */
const WASM_GOAL = 6144;
const BUNDLE_GOAL = 15872;
/** 1.3 times the time of zlib in C. */
const INFLATE_GOAL = 0.77;
/** 40 KiB, or 24 KiB if the peer's window is 8 KiB. */
const IDLE_DEFLATE_GOAL = 40960;
const IDLE_SMALL_WINDOW_GOAL = 24576;

/**
 * @typedef {object} Case
 * @property {string} group
 * @property {string} name
 * @property {string} unit
 * @property {string} kind the script that measures it
 * @property {object} [options] the options of that script
 * @property {string} [figure] which of its results to use. Cases of one kind with the same options share a run
 * @property {readonly string[]} [peers] the measured peers; goals apply to the first. Default PEERS
 * @property {string} [base] the peer that the ratio refers to. Default "ws"
 * @property {number} [goal] a ratio: how many times as fast as ws
 * @property {number} [limit] a number that wsframe should not exceed
 */

const DECODE_SERVER = "Decoding, role server (masked, chunks of 64 KiB)";
const DECODE_SINGLE = "Decoding, role server, one frame in each chunk";
const DECODE_CLIENT = "Decoding, role client (not masked, chunks of 64 KiB)";
const MESSAGES = "Echo (chunks of 64 KiB)";
const DEFLATE = "Echo with permessage-deflate and context takeover";
const CODEC = "Compressing alone, on 20 live streams in turn, compared with zlib in C at the same ratio";
const DEFLATE_CPU = "The same, CPU time of all threads";
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

/** The number of messages on each connection, before the first round and in each round. */
const DEFLATE_TIMING = {
  json675: {
    1: { rounds: 8, warmUp: 1000, count: 500 },
    20: { rounds: 8, warmUp: 100, count: 40 },
    600: { rounds: 8, warmUp: 48, count: 6 },
  },
  chat: { 1: { rounds: 8, warmUp: 1000, count: 800 }, 20: { rounds: 8, warmUp: 300, count: 50 } },
  json4k: { 1: { rounds: 8, warmUp: 500, count: 100 }, 20: { rounds: 8, warmUp: 40, count: 20 } },
};

function compressed(title, corpus, connections, goal, figure = "wall") {
  const on = connections === 1 ? "one connection" : `${connections} connections`;
  return {
    group: figure === "cpu" ? DEFLATE_CPU : DEFLATE,
    name: `compressed ${title}, ${on}${figure === "cpu" ? ", CPU time" : ""}`,
    unit: "message",
    kind: "deflate",
    options: { corpus, connections, timing: DEFLATE_TIMING[corpus][connections] },
    figure,
    goal,
  };
}

const CODEC_TIMING = {
  json675: { streams: 20, count: 160, warmUp: 60, rounds: 8 },
  chat: { streams: 20, count: 550, warmUp: 300, rounds: 8 },
  json4k: { streams: 20, count: 36, warmUp: 12, rounds: 8 },
};

/** A codec without connections and frames. */
function codec(figure, title, corpus, goal) {
  return {
    group: CODEC,
    name: `${figure} ${title}`,
    unit: "message",
    kind: "codec",
    options: { corpus, timing: CODEC_TIMING[corpus] },
    figure,
    peers: ["core", "session", "zlib in C"],
    base: "zlib in C",
    goal,
  };
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

function deflateMemory(state, { windowBits }, limit) {
  const window = windowBits === undefined ? "" : `, ${2 ** windowBits / 1024} KiB window`;
  return {
    group: "Footprint",
    name: `memory, ${state} compressed connection${window}`,
    unit: "bytes",
    kind: "deflateMemory",
    options: { state, windowBits },
    figure: "held",
    limit,
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

  compressed("JSON 675 B", "json675", 1, 20),
  compressed("JSON 675 B", "json675", 20, 4),
  compressed("JSON 675 B", "json675", 600, 2),
  compressed("chat 119 B", "chat", 1, 25),
  compressed("chat 119 B", "chat", 20, 6),
  compressed("JSON 4 KB", "json4k", 1, 5),
  compressed("JSON 4 KB", "json4k", 20, 1.4),

  compressed("JSON 675 B", "json675", 1, 5, "cpu"),
  compressed("JSON 675 B", "json675", 20, 5, "cpu"),
  compressed("JSON 675 B", "json675", 600, 5, "cpu"),

  codec("inflate", "JSON 675 B", "json675", INFLATE_GOAL),
  codec("deflate", "JSON 675 B", "json675", 1),
  codec("inflate", "chat 119 B", "chat", INFLATE_GOAL),
  codec("deflate", "chat 119 B", "chat", 1),
  codec("inflate", "JSON 4 KB", "json4k", INFLATE_GOAL),
  codec("deflate", "JSON 4 KB", "json4k", 1),

  { group: "Footprint", name: "import to the first frame", unit: "start", kind: "start", limit: 5e6 },
  {
    group: "Footprint",
    name: "memory of an idle decoder and encoder",
    unit: "bytes",
    kind: "memory",
    limit: 300,
  },
  {
    group: "Footprint",
    name: "memory of an idle Protocol",
    unit: "bytes",
    kind: "protocolMemory",
    limit: 500,
  },
  deflateMemory("idle", { windowBits: undefined }, IDLE_DEFLATE_GOAL),
  deflateMemory("idle", { windowBits: 13 }, IDLE_SMALL_WINDOW_GOAL),
  deflateMemory("active", { windowBits: undefined }),
  deflateMemory("active", { windowBits: 13 }),
  { group: "Footprint", name: "size of core.wasm", unit: "bytes", kind: "wasm", limit: WASM_GOAL },
  {
    group: "Footprint",
    name: "size of decoder and encoder, bundled, gzip -9",
    unit: "bytes",
    kind: "bundle",
    limit: BUNDLE_GOAL,
  },
];
