// Measures how much memory is kept.

/** The memory in use after garbage collection, in bytes. Needs `--expose-gc`. */
export function held(): number {
  // Buffers are freed some time after a collection, but no later than at the next one.
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * The least memory that one of a few runs of `run` keeps, in bytes. A leak shows in every run. Compiled code, and leftovers of other tests in the process, do not.
 */
export function leastKept(run: () => unknown, runs = 3): number {
  return Math.min(...Array.from({ length: runs }, () => keptBy(run)));
}

/** A separate function, because its frame refers to the objects of the run until it returns. */
function keptBy(run: () => unknown): number {
  const before = held();
  const kept = [run()];
  const growth = held() - before;
  kept.pop();
  return growth;
}
