// The cases of bench:e2e, and the goals: ratios to ws, and to Bun's server.

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {"text" | "binary"} kind
 * @property {number} connections
 * @property {number} size of a message, in bytes
 * @property {number} inFlight messages on each connection
 * @property {{ ws?: number, bun?: number }} goals
 */

const SHAPES = [
  { size: 32, inFlight: 2000, connections: 8, goals: { ws: 120, bun: 2.6 } },
  { size: 128, inFlight: 500, connections: 8, goals: { ws: 50, bun: 1.5 } },
  { size: 32, inFlight: 1, connections: 50, goals: { ws: 1.6, bun: 0.9 } },
  { size: 32, inFlight: 1, connections: 500, goals: { ws: 1.5, bun: 0.85 } },
  { size: 1024, inFlight: 100, connections: 8, goals: { ws: 16, bun: 1.3 } },
  { size: 16_384, inFlight: 8, connections: 8, goals: { ws: 3, bun: 2.2 } },
  { size: 65_536, inFlight: 4, connections: 8, goals: { ws: 2.3, bun: 1.5 } },
  { size: 1_048_576, inFlight: 1, connections: 4, goals: {} },
];

function sizeName(size) {
  if (size < 1024) return `${size} B`;
  return size < 1_048_576 ? `${size / 1024} KiB` : `${size / 1_048_576} MiB`;
}

/** @type {readonly Case[]} */
export const CASES = ["text", "binary"].flatMap((kind) =>
  SHAPES.map((shape) => {
    const { size, inFlight, connections } = shape;
    const load = inFlight === 1 ? "one" : inFlight.toLocaleString("en");
    return { ...shape, kind, name: `${sizeName(size)} ${kind}, ${load} in flight on ${connections}` };
  }),
);
