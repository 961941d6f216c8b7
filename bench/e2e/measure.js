// Runs rounds in which servers take turns. Each round begins with a different server.

import { startServer } from "./server.js";

/** @typedef {{ rounds: number, warmUp: number, duration: number, node: string }} Settings times in milliseconds */

/** @param {number[]} numbers */
export function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
}

/**
 * Runs one case on one server and returns the measurements. `answer` is the bytes of one answer, `cpuTime` the server's
 * seconds for it.
 */
async function once(name, client, one, { warmUp, duration, node }) {
  const { connections, size, inFlight, kind, tls, broadcast, rate, recordings } = one;
  const server = await startServer(name, { tls, broadcast, size, compressed: recordings !== undefined }, node);
  try {
    const before = performance.now();
    const cpuBefore = server.cpu();
    const load = { connections, size, inFlight, kind, tls, broadcast, rate, recordings, warmUp, duration };
    const found = await client(server.port, load);
    const { messages, seconds, cpu, latency, lateness } = found;
    const wall = (performance.now() - before) / 1000;
    const cpuUsed = server.cpu() - cpuBefore;
    return {
      rate: messages / seconds,
      loadShare: cpu / seconds,
      // Includes the start of the load, in which the server does less than during the measurement.
      serverShare: cpuUsed / wall,
      latency,
      lateness,
      ...(recordings && {
        answer: found.bytes / messages,
        cpuTime: cpuUsed / found.total,
        agreed: found.agreed,
        compared: found.compared,
      }),
    };
  } finally {
    await server.stop();
  }
}

/** @returns {Promise<Record<string, object[]>>} the results of `measureOnce`, by server */
async function inTurns(names, rounds, measureOnce) {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      found[name].push(await measureOnce(name));
    }
  }
  return found;
}

function mapValues(object, map) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

/** The median of each key over several objects. */
function medians(list) {
  return mapValues(list[0], (_, key) => median(list.map((each) => each[key])));
}

/**
 * The medians, and the smallest and largest rate.
 * @param {import("./cases.js").Case} one
 * @param {import("./client.js").Client} client
 * @param {readonly string[]} names the names of the servers
 * @param {Settings} settings
 */
export async function measure(one, client, names, settings) {
  const found = await inTurns(names, settings.rounds, (name) => once(name, client, one, settings));
  return mapValues(found, (list) => {
    const rates = list.map(({ rate }) => rate);
    return {
      rate: median(rates),
      least: Math.min(...rates),
      greatest: Math.max(...rates),
      loadShare: median(list.map(({ loadShare }) => loadShare)),
      serverShare: median(list.map(({ serverShare }) => serverShare)),
      ...(one.recordings && {
        answer: median(list.map(({ answer }) => answer)),
        cpuTime: Math.min(...list.map(({ cpuTime }) => cpuTime)),
        agreed: list[0].agreed,
        compared: list[0].compared,
      }),
    };
  });
}

/**
 * Measures latency at half of the rate that each server reached: the median of each percentile, and the largest value of all.
 * @param {import("./cases.js").Case} one
 * @param {import("./client.js").Client} client
 * @param {Record<string, { rate: number }>} measured the results of `measure`
 * @param {Settings} settings
 */
export async function measureLatency(one, client, measured, settings) {
  const rates = mapValues(measured, ({ rate }) => Math.round(rate / 2));
  const names = Object.keys(measured);
  const found = await inTurns(names, settings.rounds, (name) =>
    once(name, client, { ...one, rate: rates[name] }, settings),
  );
  return mapValues(found, (list, name) => ({
    rate: rates[name],
    ...medians(list.map(({ latency }) => latency)),
    max: Math.max(...list.map(({ latency }) => latency.max)),
    loadShare: median(list.map(({ loadShare }) => loadShare)),
    // `wsframe load` does not report lateness.
    ...(list[0].lateness && { late: medians(list.map(({ lateness }) => lateness)) }),
  }));
}
