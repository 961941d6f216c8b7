import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";

/** Cells of the memory that both threads share: the number of ticks, whether a message is on its way, and whether to stop. */
const TICKS = 0;
const ON_ITS_WAY = 1;
const STOPPED = 2;

/** Delay of the first tick in milliseconds, because a thread takes a while to start. */
const LEAD = 50;

/** Uses process.hrtime(), which is the same clock in all threads. performance.now() counts from the start of its thread. */
const source = `
const { parentPort, workerData } = require("node:worker_threads");
const { cells, start, interval } = workerData;
const now = () => Number(process.hrtime.bigint()) / 1e6;
for (let tick = 0; ; ) {
  const left = start + tick * interval - now();
  if (left > 0) Atomics.wait(cells, ${STOPPED}, 0, left);
  if (Atomics.load(cells, ${STOPPED}) !== 0) break;
  const past = Math.floor((now() - start) / interval) + 1;
  if (past <= tick) continue;
  Atomics.store(cells, ${TICKS}, (tick = past));
  if (Atomics.exchange(cells, ${ON_ITS_WAY}, 1) === 0) parentPort.postMessage(undefined);
}`;

/**
 * Calls a function at equal intervals, about a tenth of a millisecond late: a second thread waits, and wakes this one. Timers
 * are up to a millisecond late, which would be most of the latency of a nearby server.
 */
export class Clock {
  readonly #cells: Int32Array = new Int32Array(new SharedArrayBuffer(12));
  readonly #worker: Worker;
  /** The time of the first tick, on the clock of performance.now(). */
  readonly start: number;

  /**
   * @param interval in milliseconds
   * @param tick called with the number of ticks so far. If this thread was busy, one call covers several ticks
   */
  constructor(interval: number, tick: (ticks: number) => void) {
    this.start = performance.now() + LEAD;
    const start = Number(process.hrtime.bigint()) / 1e6 + LEAD;
    const workerData = { cells: this.#cells, start, interval };
    this.#worker = new Worker(source, { eval: true, workerData, execArgv: [] });
    this.#worker.on("message", () => {
      Atomics.store(this.#cells, ON_ITS_WAY, 0);
      tick(Atomics.load(this.#cells, TICKS));
    });
  }

  stop(): void {
    Atomics.store(this.#cells, STOPPED, 1);
    Atomics.notify(this.#cells, STOPPED);
    this.#worker.removeAllListeners("message");
  }
}
