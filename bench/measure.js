// Runs rounds of tinybench in which the peers take turns.

import { Bench } from "tinybench";

/**
 * @typedef {object} Subject one peer in one case
 * @property {() => void} run one iteration, which is timed
 * @property {() => void} [check] called after each iteration, not timed; throws if the iteration did not do its work
 *
 * @typedef {object} Timing
 * @property {number} rounds
 * @property {number} time milliseconds for each peer in each round
 * @property {number} warmupTime
 *
 * @typedef {object} Measured nanoseconds per unit
 * @property {number} best the best round
 * @property {number} median the median of the rounds
 */

/**
 * Measures all peers of a case.
 *
 * Garbage collection is never forced between them. After a few full collections, V8 loses the shape of the
 * options that ws's Sender creates for each message, and the Sender then takes ten times as long.
 * @param {Record<string, Subject>} subjects
 * @param {{ units: number, refresh?: () => void }} work the units of one iteration, and a function called before each iteration
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
    // Each round begins with a different peer.
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      const { run, check } = subjects[name];
      // tinybench 6 reads its clock right before and after run(), so neither hook is timed. Without `async: false`, it
      // would call run() once more to check its return value, on chunks that were not refreshed.
      bench.add(name, run, { async: false, beforeEach: refresh, afterEach: check });
    }
    bench.runSync();
    for (const task of bench.tasks) {
      if (task.result.state !== "completed") throw new Error(`${task.name}: ${task.result.state}`);
      // The mean of the round, not its median, because garbage collection is part of the cost.
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

/** Counts the output of one iteration, and throws if it differs from the input. */
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
      throw new Error(`${this.frames} frames of ${this.length} instead of ${frames} of ${length}`);
    }
    this.frames = 0;
    this.length = 0;
  }
}
