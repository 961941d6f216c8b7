// How much memory something keeps.

/** What is held after garbage has been collected, in bytes. Needs `--expose-gc`. */
export function held(): number {
  // Buffers are swept some time after a collection, at the next one at the latest.
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * The least that a few runs of `run` keep, in bytes. A leak shows in every run. Code that the engine compiles meanwhile, and what other
 * tests of the process leave, does not.
 */
export function leastKept(run: () => unknown, runs = 3): number {
  return Math.min(...Array.from({ length: runs }, () => keptBy(run)));
}

/** A function of its own: until it returns, its frame refers to what the run has made. */
function keptBy(run: () => unknown): number {
  const before = held();
  const kept = [run()];
  const growth = held() - before;
  kept.pop();
  return growth;
}
