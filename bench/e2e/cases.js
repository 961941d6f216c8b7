// The cases of bench:e2e, with the goals: how many times as fast as other servers wsframe should be.

/**
 * @typedef {object} Case
 * @property {string} group
 * @property {string} name
 * @property {"text" | "binary"} kind
 * @property {number} connections
 * @property {number} size of a message, in bytes
 * @property {number} inFlight messages on each connection; for a broadcast, turns
 * @property {boolean} [tls]
 * @property {number} [broadcast] messages to every connection in each turn of the event loop
 * @property {import("./recordings.js").Recordings} [recordings] the messages sent with permessage-deflate, of about
 * `size` bytes
 * @property {boolean} [timed] whether to measure latency at half the rate
 * @property {readonly string[]} ours servers made with wsframe: see servers/
 * @property {readonly string[]} peers servers for comparison
 * @property {Readonly<Record<string, number>>} goals goals for the first of ours, by peer name
 */

const SHAPES = [
  { size: 32, inFlight: 2000, connections: 8, goals: { ws: 120, bun: 2.6, uws: 0.85 } },
  { size: 128, inFlight: 500, connections: 8, goals: { ws: 50, bun: 1.5, uws: 0.65 } },
  { size: 32, inFlight: 1, connections: 50, goals: { ws: 1.6, bun: 0.9, uws: 0.77 } },
  { size: 32, inFlight: 1, connections: 500, goals: { ws: 1.5, bun: 0.85, uws: 0.7 } },
  { size: 1024, inFlight: 100, connections: 8, goals: { ws: 16, bun: 1.3, uws: 0.9 } },
  { size: 16_384, inFlight: 8, connections: 8, goals: { ws: 3, bun: 2.2, uws: 1.1 } },
  { size: 65_536, inFlight: 4, connections: 8, goals: { ws: 2.3, bun: 1.5, uws: 0.9 } },
  { size: 1_048_576, inFlight: 1, connections: 4, goals: {} },
];

const TLS_SHAPES = [
  { size: 1024, inFlight: 100, connections: 8, goals: { ws: 2.5, bun: 0.9 } },
  { size: 32, inFlight: 1, connections: 50, goals: { ws: 1.4, bun: 1 } },
];

/** The shapes for a runtime's own sockets, without wsframe/node. */
const RUNTIME_SHAPES = [
  { size: 32, inFlight: 2000, connections: 8 },
  { size: 32, inFlight: 1, connections: 50 },
  { size: 1024, inFlight: 100, connections: 8 },
  { size: 65_536, inFlight: 4, connections: 8 },
];

/** Shapes for wsframe/ws, with a handler written for ws. */
const DROP_IN_SHAPES = [
  { size: 32, inFlight: 2000, connections: 8, goals: { "ws-buffers": 30 } },
  { size: 32, inFlight: 1, connections: 50, goals: {} },
  { size: 1024, inFlight: 100, connections: 8, goals: {} },
  { size: 1024, inFlight: 1, connections: 50, goals: {} },
  { size: 16_384, inFlight: 8, connections: 8, goals: {} },
];

/** Messages with permessage-deflate. Each connection has its own. */
const COMPRESSED_SHAPES = [
  { corpus: "json1k", title: "1 KB of JSON", size: 1024, messages: 400, inFlight: 4, connections: 20 },
  { corpus: "json1k", title: "1 KB of JSON", size: 1024, messages: 400, inFlight: 1, connections: 50 },
  { corpus: "chat", title: "chat of 119 B", size: 119, messages: 1000, inFlight: 4, connections: 20 },
];

const BROADCASTS = [
  { broadcast: 1, name: "one per turn", goals: { ws: 1.25 } },
  { broadcast: 10, name: "ten per turn", goals: { ws: 9 } },
];

const NODE = { ours: ["wsframe"], peers: ["ws", "bun", "deno", "uws"] };

/**
 * The number of idle connections in one process, and the goals: how many times less heap and buffers each one should
 * take.
 */
export const IDLE = { connections: 10_000, servers: ["wsframe", "wsframe-ws", "ws"], goals: { ws: 1 } };

function sizeName(size) {
  if (size < 1024) return `${size} B`;
  return size < 1_048_576 ? `${size / 1024} KiB` : `${size / 1_048_576} MiB`;
}

/** @param {{ inFlight?: any, connections?: any }} shape */
function loadName({ inFlight, connections }) {
  const load = inFlight === 1 ? "one" : inFlight.toLocaleString("en");
  return `${load} in flight on ${connections}`;
}

/** Latency is measured if a message does not wait for others on its connection and many are answered per second. */
const forLatency = ({ size, inFlight }) => size < 1024 && inFlight === 1;

function echo(kind, shape) {
  return {
    group: `Echo of ${kind}`,
    name: `${sizeName(shape.size)} ${kind}, ${loadName(shape)}`,
    ...shape,
    ...NODE,
    kind,
    timed: kind === "text" && forLatency(shape),
  };
}

function overTls(shape) {
  return {
    group: "Echo of text over TLS",
    name: `TLS: ${sizeName(shape.size)} text, ${loadName(shape)}`,
    ...shape,
    ...NODE,
    kind: "text",
    tls: true,
    timed: forLatency(shape),
  };
}

function compressed({ corpus, title, messages, ...shape }) {
  return {
    group: "Echo of compressed text",
    name: `compressed: ${title}, ${loadName(shape)}`,
    ...shape,
    kind: "text",
    recordings: { corpus, streams: shape.connections, messages },
    ours: ["wsframe"],
    peers: ["ws", "bun", "bun:dedicated", "uws:shared", "uws:dedicated"],
    goals: {},
  };
}

function dropIn(kind, shape) {
  return {
    group: `Echo of ${kind} through wsframe/ws`,
    name: `wsframe/ws: ${kind} of ${sizeName(shape.size)}, ${loadName(shape)}`,
    ...shape,
    kind,
    ours: ["wsframe-ws"],
    peers: ["ws-buffers", "wsframe"],
    goals: kind === "text" ? shape.goals : {},
  };
}

function toAll({ broadcast, name, goals }) {
  return {
    group: "Broadcast of text",
    name: `broadcast: 100 B to 1,000, ${name}`,
    kind: "text",
    connections: 1000,
    size: 100,
    // There are enough requests in flight that the server never waits for the load.
    inFlight: 4,
    broadcast,
    ours: ["wsframe"],
    peers: ["ws", "ws-framed", "bun", "deno"],
    goals,
  };
}

function onRuntime(runtime, title) {
  return RUNTIME_SHAPES.map((shape) => ({
    group: `Echo of text on ${title}`,
    name: `on ${title}: ${sizeName(shape.size)} text, ${loadName(shape)}`,
    ...shape,
    kind: "text",
    ours: [`${runtime}-protocol`, `${runtime}-streams`],
    peers: [runtime],
    goals: {},
  }));
}

/** @type {readonly Case[]} */
export const CASES = [
  ...SHAPES.map((shape) => echo("text", shape)),
  ...SHAPES.map((shape) => echo("binary", shape)),
  ...TLS_SHAPES.map(overTls),
  ...COMPRESSED_SHAPES.map(compressed),
  ...DROP_IN_SHAPES.map((shape) => dropIn("text", shape)),
  ...DROP_IN_SHAPES.map((shape) => dropIn("binary", shape)),
  ...BROADCASTS.map(toAll),
  ...onRuntime("bun", "Bun"),
  ...onRuntime("deno", "Deno"),
];
