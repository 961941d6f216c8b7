// How long the event loop of a server is held up by large compressed messages, and how long a short message waits meanwhile.

import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/**
 * How many connections have one message of 1 MiB in flight, at which rate short ones come on another, in messages a second, and
 * the greatest delay of wsframe's event loop that is aimed at, at the 99th percentile, in milliseconds.
 */
export const LOOP = { name: "event loop", connections: 50, rate: 100, servers: ["wsframe", "ws"], limit: 5 };

/** 8 streams are enough: they are far longer than anything that remembers them. */
/** @type {import("./recordings.js").Recordings} */
const RECORDINGS = { corpus: "json1m", streams: 8, messages: 2 };

/**
 * @param {string} name "wsframe" or "ws"
 * @param {import("./client.js").Client} client load.c
 * @param {import("./measure.js").Settings} settings
 * @returns {Promise<object>} in milliseconds: `delay` of the event loop, `latency` of the short messages; and `rate`, large messages a second
 */
export async function measureLoop(name, client, { duration, warmUp, node }) {
  const script = fileURLToPath(new URL("./loop-server.js", import.meta.url));
  const server = fork(script, [name], { execPath: node });
  try {
    const [port] = await once(server, "message");
    const { connections, rate } = LOOP;
    const large = { connections, size: 0, inFlight: 1, recordings: RECORDINGS, warmUp: 2 * warmUp, duration };
    // The files are there before the clock runs.
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
