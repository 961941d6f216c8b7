// Measures how long large compressed messages block a server's event loop, and how long a short message waits
// meanwhile.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/**
 * The number of connections with one message of 1 MiB in flight, the rate of short messages on another connection (per
 * second), and the goal for the event-loop delay of wsframe at the 99th percentile, in milliseconds.
 */
export const LOOP = { name: "event loop", connections: 50, rate: 100, servers: ["wsframe", "ws"], limit: 5 };

/** 8 streams are enough, because they are much longer than any history that predictors keep. */
/** @type {import("./recordings.js").Recordings} */
const RECORDINGS = { corpus: "json1m", streams: 8, messages: 2 };

/**
 * @param {string} name "wsframe" or "ws"
 * @param {import("./client.js").Client} client load.c
 * @param {import("./measure.js").Settings} settings
 * @returns {Promise<object>} in milliseconds: `delay` of the event loop, `latency` of the short messages; and `rate`, large messages per second
 */
export async function measureLoop(name, client, { duration, warmUp, node }) {
  const script = fileURLToPath(new URL("./loop-server.js", import.meta.url));
  const server = fork(script, [name], { execPath: node });
  try {
    const [port] = await once(server, "message");
    const { connections, rate } = LOOP;
    const large = { connections, size: 0, inFlight: 1, recordings: RECORDINGS, warmUp: 2 * warmUp, duration };
    // Writes the files before the measurement starts.
    await client(port, { ...large, connections: 1, warmUp: 0, duration: 10 });
    const running = client(port, large);
    await setTimeout(2 * warmUp);
    server.send("begin");
    const short = { connections: 1, size: 32, inFlight: 1, rate, warmUp: 0, duration: duration / 2 };
    const { latency } = await client(port, short);
    server.send("end");
    const [delay] = await once(server, "message");
    const { messages, seconds } = await running;
    return { delay, latency, rate: messages / seconds };
  } finally {
    server.kill("SIGKILL");
  }
}
