// The cases of bench:socket-io, with the goals: how many times as much of the server's processor time ws should take.

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {"echo" | "broadcast" | "memory"} work
 * @property {number} connections
 * @property {number} [size] length of the text in a message, in bytes
 * @property {number} [messages] for an echo, on all connections together; for a broadcast, to each connection
 * @property {number} [warmUp] messages before the measurement
 * @property {number} [perTurn] broadcasts in each turn of the event loop
 * @property {number} goal
 */

/** @type {readonly Case[]} */
export const CASES = [
  {
    name: "echo: 32 B with acknowledgement, one in flight on 50",
    work: "echo",
    connections: 50,
    size: 32,
    messages: 60_000,
    warmUp: 20_000,
    goal: 1.15,
  },
  {
    name: "broadcast: 100 B to 1,000, one per turn",
    work: "broadcast",
    connections: 1000,
    size: 100,
    messages: 200,
    warmUp: 60,
    perTurn: 1,
    goal: 1.15,
  },
  {
    name: "broadcast: 100 B to 1,000, ten per turn",
    work: "broadcast",
    connections: 1000,
    size: 100,
    messages: 200,
    warmUp: 60,
    perTurn: 10,
    goal: 3,
  },
  { name: "memory: an idle connection, of 1,000", work: "memory", connections: 1000, goal: 1 },
];

/** A small version of a case, to check that it runs. */
export const inLittle = (one) => ({
  ...one,
  connections: Math.min(one.connections, 20),
  ...(one.messages && { messages: 100, warmUp: 20 }),
});

/** The broadcast event and its text. Message i contains letter i. */
export const BROADCAST = "all";
export const textOf = (size, i) => String.fromCharCode(97 + (i % 26)).repeat(size);
