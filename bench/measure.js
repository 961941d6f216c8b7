// Rounds of tinybench in which the peers take turns.

import { Bench } from "tinybench";

/**
 * @typedef {object} Subject one peer in one case
 * @property {() => void} run one iteration: what is timed
 * @property {() => void} [check] after each iteration, outside of the time; throws if it did not do its work
 *
 * @typedef {object} Timing
 * @property {number} rounds
 * @property {number} time milliseconds for each peer in each round
 * @property {number} warmupTime
 *
 * @typedef {object} Measured nanoseconds for one unit
 * @property {number} best of the rounds
 * @property {number} median of the rounds
 */

/**
 * Measures all peers of a case side by side.
 *
 * No garbage is collected by force between them: after some full collections V8 has forgotten the shape of the
 * options that ws's Sender makes anew for each message, and the Sender then takes ten times as long.
 * @param {Record<string, Subject>} subjects
 * @param {{ units: number, refresh?: () => void }} work units of one iteration, and what comes before each
 * @param {Timing} timing
 * @returns {Record<string, Measured>}
 */
export function measure(subjects, { units, refresh }, { rounds, time, warmupTime }) {
  const names = Object.keys(subjects);
  /** @type {Map<string, number[]>} */
  const found = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({
      time,
      iterations: 2,
      warmup: round === 0,
      warmupTime,
      warmupIterations: 2,
      throws: true,
    });
    // Each round begins with another peer.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      const { run, check } = subjects[name];
      // tinybench 6 reads its clock right around run(): neither hook is in the time. `async: false`, or it
      // would call run() once more to see what it returns, on chunks that nothing has refreshed.
      bench.add(name, run, { async: false, beforeEach: refresh, afterEach: check });
    }
    bench.runSync();
    for (const task of bench.tasks) {
      if (task.result.state !== "completed") throw new Error(`${task.name}: ${task.result.state}`);
      // The mean of the round, not its median: a collection of garbage is part of the price.
      found.get(task.name)?.push((task.result.latency.mean * 1e6) / units);
    }
  }
  return Object.fromEntries(names.map((name) => [name, summarize(found.get(name) ?? [])]));
}

/**
 * @param {readonly number[]} values
 * @returns {Measured}
 */
export function summarize(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { best: sorted[0], median: sorted[sorted.length >> 1] };
}

/** Counts what came out of one iteration, and throws if it is not what went in. */
export class Tally {
  frames = 0;
  /** Bytes of payloads, or code units of strings. */
  length = 0;

  /**
   * @param {number} frames
   * @param {number} length
   */
  expect(frames, length) {
    if (this.frames !== frames || this.length !== length) {
      throw new Error(`${this.frames} frames of ${this.length} in place of ${frames} of ${length}`);
    }
    this.frames = 0;
    this.length = 0;
  }
}
