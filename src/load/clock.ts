import { performance } from "node:perf_hooks";
import { Worker } from "node:worker_threads";

/** The cells of the memory that both threads see: how many ticks there have been, whether one is on its way, the end. */
const TICKS = 0;
const ON_ITS_WAY = 1;
const STOPPED = 2;

/** The first tick is this many milliseconds from now: a thread takes a while to start. */
const LEAD = 50;

/** process.hrtime() is the same clock in all threads; performance.now() counts from the start of each. */
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
 * Calls at equal intervals, a tenth of a millisecond late: a thread waits, and wakes this one. Timers are a millisecond late,
 * which would be most of the latency of a server nearby.
 */
export class Clock {
  readonly #cells: Int32Array = new Int32Array(new SharedArrayBuffer(12));
  readonly #worker: Worker;
  /** The time of the first tick, as performance.now() has it. */
  readonly start: number;

  /**
   * @param interval in milliseconds
   * @param tick gets how many there have been: several at once if this thread was busy
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
